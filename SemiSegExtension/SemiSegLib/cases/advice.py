"""What most likely makes suggestions better: from what is drawn in a study, not from the suggestion itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..words import _

if TYPE_CHECKING:
    from SemiSegLogic.study import CaseRow

WELL, ENOUGH_SLICES, ENOUGH_CASES, MOST = 0.8, 5, 3, 2
"""An agreement (Dice) that needs no advice; slices that show a structure, and cases with some, for a good start; how
much is advised at a time."""


def advice(rows: Sequence[CaseRow], case: str) -> list[str]:
    """What to do about the suggestion of a case, the most useful first; [] when it needs nothing."""
    row = next((item for item in rows if item.id == case), None)
    if row is None or row.finished or not row.suggestion or _good(row):
        return []
    found = [text for text in (_here(row), _few(rows), _in_few_cases(rows), _no_end(rows)) if text]
    return found[:MOST] or [_("Correct another slice where the suggestion is wrong, then train again, for longer.")]


def _good(row: CaseRow) -> bool:
    return row.agreement >= WELL if row.agreement is not None else row.flag == "good"


def _here(row: CaseRow) -> str:
    """The case itself."""
    if row.done:
        return ""
    return _("Correct a slice or two of this case where the suggestion is wrong, then train again.")


def _few(rows: Sequence[CaseRow]) -> str:
    drawn = sum(row.drawn for row in rows)
    if drawn >= ENOUGH_SLICES:
        return ""
    return _("Slices done that show a structure: {n}. Five or more are a good start.").format(n=drawn)


def _in_few_cases(rows: Sequence[CaseRow]) -> str:
    cases = sum(bool(row.drawn) for row in rows)
    if cases >= min(ENOUGH_CASES, len(rows)):
        return ""
    text = _("Cases with something drawn: {n} of {all}. Draw on one or two that look different.")
    return text.format(n=cases, all=len(rows))


def _no_end(rows: Sequence[CaseRow]) -> str:
    if any(row.empty for row in rows):
        return ""
    return _("No slice is marked 'Nothing here' yet. Mark one just outside each end of a structure.")
