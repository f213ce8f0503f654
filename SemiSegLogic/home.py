"""The home folder of the person at this computer, who may have none: in a container a user without a name may run a
program, and no HOME be set.
"""

from __future__ import annotations

from pathlib import Path

from .errors import SemiSegError


class NoHomeError(SemiSegError):
    """Nobody knows where the home folder is; the message says what to do."""


def home() -> Path:
    """The home folder. Raises NoHomeError."""
    return expanded(Path("~"))


def expanded(path: Path) -> Path:
    """``path`` with the home folder in the place of its ``~``. Raises NoHomeError."""
    try:
        return path.expanduser()
    except RuntimeError as error:
        text = ("This computer does not say where the home folder is. Set the variable HOME to a folder that you may "
                "write to, and start again.")
        raise NoHomeError(text) from error
