"""The base of all errors that are meant for people."""


class SemiSegError(Exception):
    """For the person at the screen: the message names the file, the value and the remedy."""
