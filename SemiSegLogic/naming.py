"""When two names are one for people, and how they count."""

from __future__ import annotations

import unicodedata


def same_signs(name: str) -> str:
    """``name`` with one sign for "ä", where file names of a Mac have two that look the same."""
    return unicodedata.normalize("NFC", name)


def folded(name: str) -> str:
    """``name`` in the same signs, without capitals and spaces around it."""
    return same_signs(same_signs(name).strip().casefold())


def counted(number: int, what: str) -> str:
    """``1 slice``, ``2 slices``."""
    return f"{number} {what}{'s' * (number != 1)}"
