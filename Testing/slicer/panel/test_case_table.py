"""The list of cases of a study that has hundreds: filled a part at a beat, and what is clicked is what is seen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from Testing.support.clinician import settle

MANY = 250
BY_NAME, BY_SLICES = 0, 4


@pytest.fixture
def many(panel: Any, study: Any) -> Any:
    """The panel with a list of MANY cases; the last ones by name have most slices done."""
    panel.controller.open_study(study.folder)
    settle(panel)
    first = panel.controller.rows[0]
    panel.controller.rows = [replace(first, id=f"c{n:03d}", name=f"scan {n:03d}", drawn=n) for n in range(MANY)]
    panel.controller.tell("cases")
    return panel


def names_seen(panel: Any) -> list[str]:
    """In the table, from top to bottom; "" of a row that is not filled yet."""
    table = panel.cases.table.real
    cells = [table.item(row, 1) for row in range(table.rowCount())]
    return [cell.text() if cell is not None else "" for cell in cells]


def test_the_first_rows_are_there_at_once_and_the_others_at_the_next_beats(many: Any) -> None:
    from SemiSegLib.panel.cases import ROWS_A_BEAT

    wanted = [f"scan {n:03d}" for n in range(MANY)]
    assert names_seen(many) == wanted[:ROWS_A_BEAT] + [""] * (MANY - ROWS_A_BEAT)
    many.tick()
    assert names_seen(many) == wanted[: 2 * ROWS_A_BEAT] + [""] * (MANY - 2 * ROWS_A_BEAT)
    many.tick()
    assert names_seen(many) == wanted


def test_what_is_clicked_is_what_is_seen_while_another_order_comes_row_by_row(many: Any) -> None:
    while "" in names_seen(many):
        many.tick()
    many.cases.order.currentIndex = BY_SLICES
    seen = []
    for _beat in range(4):
        seen.append(names_seen(many))
        assert [f"scan {case[1:]}" for case in many.cases.ids] == seen[-1]
        many.tick()
    assert seen[0][0] == "scan 249", "the first rows at once"
    assert seen[0][-1] == "scan 249", "the last not yet"
    assert seen[-1] == [f"scan {n:03d}" for n in reversed(range(MANY))]


def test_the_rows_in_view_come_first(many: Any) -> None:
    while "" in names_seen(many):
        many.tick()
    many.root.show()
    many.cases.table.real.scrollToItem(many.cases.table.real.item(MANY - 1, 1))
    assert many.cases.table.real.rowAt(0) > MANY // 2
    many.cases.order.currentIndex = BY_SLICES
    assert names_seen(many)[-1] == "scan 000"


def test_one_case_that_changed_leaves_the_cells_of_the_others_alone(many: Any) -> None:
    while "" in names_seen(many):
        many.tick()
    table, rows = many.cases.table.real, many.controller.rows
    before = [[table.item(row, column) for column in range(5)] for row in range(MANY)]
    many.controller.rows = [*rows[:200], replace(rows[200], drawn=1), *rows[201:]]
    many.controller.tell("cases")
    assert table.item(200, 3).text() == "1"
    same = [[table.item(row, column) is before[row][column] for column in range(5)] for row in range(MANY)]
    assert [row for row in range(MANY) if not all(same[row])] == [200]
    assert same[200] == [True, True, True, False, True]
