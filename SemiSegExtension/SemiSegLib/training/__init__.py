"""Runs, from the checks before one to its end: where they are, what they are told, what is said of them."""
