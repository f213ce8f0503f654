"""The same as the product does, written slowly and simply: what its fast ways are compared with."""
