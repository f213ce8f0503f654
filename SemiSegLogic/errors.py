"""The base of all errors that are meant for people."""


class SemiSegError(Exception):
    """For the person at the screen: the message names the file, the value and the remedy. ``in_terminal`` is what to do
    there about it, for the command line alone: the panel has buttons.
    """

    def __init__(self, text: str = "", in_terminal: str = "") -> None:
        super().__init__(text)
        self.in_terminal = in_terminal

    @property
    def whole(self) -> str:
        """The message, with what to do in a terminal."""
        return f"{self} {self.in_terminal}".rstrip()
