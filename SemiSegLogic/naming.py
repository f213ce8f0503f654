"""When two names are one for people, and how they count."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence


def same_signs(name: str) -> str:
    """``name`` with one sign for "ä", where file names of a Mac have two that look the same."""
    return unicodedata.normalize("NFC", name)


def folded(name: str) -> str:
    """``name`` in the same signs, without capitals and spaces around it."""
    return same_signs(same_signs(name).strip().casefold())


def as_name(text: str, most: int = 100) -> str:
    """``text`` as a name that people can read and a study takes: a login name may hold signs that are none, where it is
    not written in UTF-8. "unknown" where nothing is left of it.
    """
    return "".join(sign if sign.isprintable() else "_" for sign in text).strip()[:most].strip() or "unknown"


def counted(number: int, what: str) -> str:
    """``1 slice``, ``2 slices``."""
    return f"{number} {what}{'s' * (number != 1)}"


def listed(names: Sequence[str], most: int | None = None) -> str:
    """``a``, ``a and b``, ``a, b and c``; of more than ``most`` (None: name all) so many, as ``a, b and 5 others``."""
    shown = list(names)
    if most is not None and len(shown) > most:
        shown[most:] = [counted(len(shown) - most, "other")]
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)


def enumerated(words: Sequence[str], most: int = 10) -> str:
    """``a, b, c``; of more than ``most`` the first, and how many others: a study may have a hundred structures."""
    rest = f" and {counted(len(words) - most, 'other')}" if len(words) > most else ""
    return ", ".join(words[:most]) + rest
