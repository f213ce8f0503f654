"""What would go wrong with a training, said before it starts: on the screen and by the command line, by one page."""

from __future__ import annotations

from .checking import check
from .finding import ENGLISH, LEVELS, Finding, Tongue
from .sentences import SENTENCES

__all__ = ["ENGLISH", "LEVELS", "SENTENCES", "Finding", "Tongue", "check"]
