"""Markdown tables whose cells may hold anything, such as names that people gave."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence


def table(head: Sequence[object], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The lines of a table with columns as in ``head``, which may be empty texts."""
    yield row(head)
    yield "|" + "---|" * len(head)
    yield from map(row, rows)


def row(cells: Iterable[object]) -> str:
    """One line; a bar or a line break within a cell stays within it."""
    return "| " + " | ".join(" ".join(str(cell).replace("|", "\\|").split()) for cell in cells) + " |"
