"""The remote gateway arrives in a later version; nothing of it is here yet."""
