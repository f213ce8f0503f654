"""A finding, and how it is put into words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ..errors import SemiSegError
from ..geometry import AXIS_NAMES, SliceIndex
from ..study import Case
from ..study.contradictions import Contradiction
from .sentences import SENTENCES

LEVELS = ("stop", "warning", "good")
NAMED = 3
"""Of a list, the others are counted."""


@dataclass(frozen=True)
class Saying:
    """A sentence of that ``kind``, or a part of one: its gaps are filled with ``values``, which are text, numbers,
    places, errors, other sayings, contradictions, or lists of these.
    """

    kind: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding(Saying):
    """``level``: "stop" (cannot start), "warning" or "good"."""

    level: str = "warning"

    def words(self, tongue: Tongue | None = None) -> str:
        """A sentence or two."""
        return (tongue or ENGLISH).told(self)


@dataclass(frozen=True)
class Place:
    """A slice of a case, to be named."""

    case: Case
    place: SliceIndex


@dataclass(frozen=True)
class Tongue:
    """``sentences`` by kind, and how a slice is ``called``: of that case, with its view or without where that is the
    same for all that are named together; ``error`` puts one into words, with what to do about it.
    """

    sentences: Mapping[str, str]
    called: Callable[[Case, SliceIndex, bool], str]
    error: Callable[[SemiSegError], str]

    def told(self, value: Any) -> Any:
        """In words; numbers stay, for the sentence says how many digits they have."""
        if isinstance(value, Saying):
            values = {name: self.told(item) for name, item in value.values.items()}
            return self.sentences[value.kind].format(**values)
        if isinstance(value, Contradiction):
            return self._contradiction(value)
        if isinstance(value, Place):
            return self.called(value.case, value.place, True)
        if isinstance(value, SemiSegError):
            return self.error(value)
        return self._some([self.told(item) for item in value]) if isinstance(value, list | tuple) else value

    def _some(self, words: Sequence[str]) -> str:
        """The first few, and how many more there are."""
        rest = [self.sentences["more"].format(n=len(words) - NAMED)] if len(words) > NAMED else []
        return ", ".join(words[:NAMED]) + "".join(f" {more}" for more in rest)

    def _contradiction(self, found: Contradiction) -> str:
        views = len({item.axis for item in found.slices}) > 1
        called = partial(self.called, found.case)
        return found.words(lambda item: called(item.place, views), self.sentences)


def _as_on_the_command_line(_case: Case, place: SliceIndex, _view: bool) -> str:
    return f"{AXIS_NAMES[place.axis]} = {place.index}"


ENGLISH = Tongue(SENTENCES, _as_on_the_command_line, lambda error: error.whole)
"""As the command line says it."""
