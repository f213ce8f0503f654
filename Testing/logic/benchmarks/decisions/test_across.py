"""The table of second rounds that are drawn across the first."""

from __future__ import annotations

from Testing.benchmarks.decisions import across


def test_second_rounds_across_the_first_are_shown_step_by_step() -> None:
    rows = [across.Row("atrium", across.TURNED, seed, 0.5, [0.4, 0.6, 0.7 + seed / 10]) for seed in (1, 0)]
    rows.append(across.Row("atrium", across.NOTHING, 0, 0.5, [0.0, 0.1, 0.6]))
    assert across.table(rows).splitlines()[2:] == [
        "| atrium | from nothing | 0.500 | 0.000 | 0.100 | 0.600 | 0.600 |",
        "| atrium | from its model, turned | 0.500 | 0.400 | 0.600 | 0.750 | 0.700, 0.800 |"]
