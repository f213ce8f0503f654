# Nothing is packed in a test; what would be packed is what is installed.
