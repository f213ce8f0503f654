"""Tables in Markdown."""

from SemiSegLogic.markdown import table


def test_a_table_is_its_head_a_rule_and_its_rows() -> None:
    lines = list(table(["a", "b"], [(1, "x"), ("2 mm", None)]))
    assert lines == ["| a | b |", "|---|---|", "| 1 | x |", "| 2 mm | None |"]


def test_what_would_end_a_cell_or_a_row_stays_within_it() -> None:
    *_, line = table(["structure", "Dice"], [("left | right\natrium", 0.5)])
    assert line == "| left \\| right atrium | 0.5 |"
