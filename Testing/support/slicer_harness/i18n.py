"""A stand-in for ``slicer.i18n``, which looks a text up under the name of the file whose code asks for it.

Nothing is translated here. But every text that is asked for is kept with its file: what does not stand there whole, in
a ``_("...")`` that the translators' tool can read, would be English in every language (``out_of_reach``).
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

from Testing.translations import MODULE, texts

_asked: set[tuple[str, str]] = set()


def tr(text: str) -> str:
    """The same text."""
    if not isinstance(text, str):
        raise TypeError(f"A text is wanted, not {text!r}.")
    _asked.add((sys._getframe(1).f_code.co_filename, text))
    return text


def translate(_context: str, text: str) -> str:
    """The same text, which the application or another module translates under ``_context``."""
    if not isinstance(text, str):
        raise TypeError(f"A text is wanted, not {text!r}.")
    return text


def out_of_reach() -> list[str]:
    """Texts that were asked for since the last time and that no translation could hold, with their files."""
    asked = sorted(_asked.copy())
    _asked.clear()
    return [f"{file}: {text!r}" for file, text in asked if text not in _texts_of(file)]


@cache
def _texts_of(file: str) -> frozenset[str]:
    path = Path(file)
    return frozenset(text for _line, text in texts(path)) if path.is_relative_to(MODULE) else frozenset()
