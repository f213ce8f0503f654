"""The list of cases: one line each, from the records alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import SemiSegError
from ..geometry import SliceIndex
from .case import Case
from .errors import LabelError


@dataclass(frozen=True)
class CaseRow:
    """A line of the list of cases. ``problem`` says what is wrong with a case that cannot be read (its ``status`` is
    "damaged" then), or with the record of its suggestion.

    ``doubt`` (0..1) is the model's own, near the structures; ``agreement`` (Dice, 0..1) compares its suggestion with
    the slices that people judged since; ``flag`` is what the run says of it ("good", "look", "unknown" or ""),
    ``flag_words`` its sentence; ``whole``: people judged every slice; ``done`` the slices that they judged;
    ``in_terminal`` what to do there about the problem.
    """

    id: str
    name: str
    status: str
    shape: tuple[int, ...]
    drawn: int
    empty: int
    suggestion: bool
    writer: str
    problem: str = ""
    doubt: float | None = None
    agreement: float | None = None
    flag: str = ""
    flag_words: str = ""
    whole: bool = False
    done: frozenset[SliceIndex] = frozenset()
    in_terminal: str = ""

    @property
    def finished(self) -> bool:
        """Whether people stand behind every slice: drawn, or accepted."""
        return self.whole or self.status == "accepted"


def row_of(case: Case) -> CaseRow:
    """The line of a case; a damaged one is a line that says so."""
    try:
        slices, (told, problem) = case.annotated, _provenance(case)
        flag = found if isinstance(found := told.get("flag"), dict) else {}
        drawn = sum(item.state == "drawn" for item in slices)
        return CaseRow(case.id, case.name, case.status, case.grid.shape, drawn, len(slices) - drawn,
                       case.has_suggestion, str(case.writer or ""), str(problem), _number(told.get("doubt")),
                       case.agreement, str(flag.get("state", "")), str(flag.get("words", "")), case.judged_whole,
                       frozenset(item.place for item in slices), problem.in_terminal)
    except SemiSegError as error:
        return CaseRow(case.id, case.id, "damaged", (), 0, 0, False, "", str(error), in_terminal=error.in_terminal)


def _provenance(case: Case) -> tuple[dict[str, Any], LabelError]:
    """What is told of the suggestion, and what is wrong with that, if anything is."""
    try:
        return case.provenance() if case.has_suggestion else {}, LabelError()
    except LabelError as error:
        return {}, error


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None
