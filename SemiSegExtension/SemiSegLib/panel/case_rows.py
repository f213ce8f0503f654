"""How a case is seen in the list of cases: a row of words and signs, and what the list is ordered by."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..words import _
from .parts import AMBER, BLUE, GREEN, GREY, PURPLE, RED

if TYPE_CHECKING:
    from SemiSegLogic.study import CaseRow

WHOLE = "whole"
"""In place of the status of a case in which people judged every slice, and nobody accepted anything."""
STATUS = {
    "none": ("○", _("none"), GREY),
    "slices drawn": ("◐", _("slices drawn"), AMBER),
    "suggested": ("✦", _("suggested"), PURPLE),
    "corrected": ("✎", _("corrected"), BLUE),
    WHOLE: ("●", _("fully drawn"), GREEN),
    "accepted": ("✔", _("accepted"), GREEN),
    "damaged": ("✖", _("damaged"), RED),
}
"""A sign, how it is called, and a colour."""
FLAGS = {
    "good": (_("probably good"), GREEN),
    "look": (_("look here"), AMBER),
    "unknown": (_("too few labels"), GREY),
}
NEXT, CASE, STATE, SLICES, SURE = range(5)
"""The columns."""
ORDERS = (CASE, NEXT, STATE, SURE, SLICES)


class Cell(NamedTuple):
    """A cell of the table; ``colour`` "": the usual one."""

    text: str
    tip: str
    colour: str = ""


class Row(NamedTuple):
    """A row of the table, and whose it is."""

    case: str
    cells: tuple[Cell, ...]


NO_ROW = Row("", ())


def row_of(item: CaseRow, star: bool, roomy: bool) -> Row:
    """How a case is seen in the table."""
    sign, state, colour = STATUS[state_of(item)]
    known, told = quality(item), (state, item.problem or state, colour)
    slices = str(item.drawn + item.empty) if item.drawn + item.empty else ""
    return Row(item.id, (
        Cell("★" if star else "", _("Worth a look next") if star else ""),
        Cell(item.name, "\n".join(filter(None, (item.name, item.problem)))),
        Cell(f"{sign} {state}" if roomy else sign, item.problem or state, colour),
        Cell(slices, _("Slices done")),
        Cell(*(known if roomy or known[0] else told)),
    ))  # fmt: skip


def titles(roomy: bool) -> list[str]:
    """In a narrow panel names have the room: a status is a sign there, in words only where no suggestion is judged."""
    if roomy:
        return ["", _("Case"), _("Status"), _("Slices"), _("Suggestion")]
    return ["", _("Case"), "", _("Slices"), _("Status")]


def state_of(item: CaseRow) -> str:
    """How far the work on a case is, as the table says it."""
    return WHOLE if item.whole and item.status != "accepted" else item.status


def quality(item: CaseRow) -> tuple[str, str, str]:
    """What is known of a suggestion: words for the table, an explanation, a colour ("": the usual one)."""
    told, number = [item.flag_words], ""
    flag, colour = FLAGS.get(item.flag, ("", ""))
    if item.doubt is not None:
        told.append(_("The model is {share:.0%} sure of its suggestion.").format(share=1 - item.doubt))
        number = "" if flag else _("{share:.0%} sure").format(share=1 - item.doubt)
    if item.agreement is not None:
        told.append(_(
            "Agreement with the slices you have done since: {share:.0%} (Dice)."
        ).format(share=item.agreement))
        number = _("{share:.0%} right").format(share=item.agreement)
    if item.problem and item.suggestion:
        return _("origin not known"), item.problem, AMBER
    return number or flag, " ".join(part for part in told if part), colour


def order_key(item: CaseRow, column: int, place: int) -> tuple[object, ...]:
    """What a column is ordered by; the least sure comes first, a case without a number last. ``place`` among the cases
    that are worth a look.
    """
    number = item.agreement if item.agreement is not None else None if item.doubt is None else 1 - item.doubt
    first: dict[int, object] = {
        NEXT: place,
        STATE: list(STATUS).index(state_of(item)),
        SLICES: -(item.drawn + item.empty),
        SURE: 2.0 if number is None else number,
    }
    return first.get(column, 0), item.name.casefold()
