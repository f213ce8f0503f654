"""The trial for studies whose slices are too few for a contest: equal time, the same slices, no test case."""

from __future__ import annotations

import pytest
import torch

from Testing.benchmarks.few_slices import undecided
from Testing.benchmarks.few_slices.undecided import Row, run, table
from Testing.benchmarks.runner.definitions.datasets import Collection
from Testing.support.made_up_set import MadeUp


@pytest.mark.parametrize("method", undecided.METHODS)
def test_both_methods_have_all_of_the_time(method: str, blobs: MadeUp, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    about, given = blobs.protocol(), []
    monkeypatch.setattr(undecided, "protocol", lambda name: about)
    monkeypatch.setattr(undecided, "SECONDS", 0.4)
    monkeypatch.setitem(undecided.TRIALS, "blobs", ("blobs", "3x2", 2))
    budget = undecided.Budget
    monkeypatch.setattr(undecided, "Budget", lambda seconds: given.append(seconds) or budget(seconds))
    row = run("blobs", method, 0, Collection(about.data, blobs.data))
    assert (row.trial, row.method, row.seed) == ("blobs", method, 0)
    assert 0 <= row.worst <= row.dice <= 1
    assert row.steps > 0
    assert row.carried
    assert sum(given) == pytest.approx(0.4)
    assert len(given) == (1 if method == "supervised" else 2)


def test_the_table_pairs_the_seeds_that_both_were_run_with() -> None:
    name = next(iter(undecided.TRIALS))
    rows = [Row(name, "supervised", 0, 0.70, 0.5, 400), Row(name, "mean_teacher", 0, 0.75, 0.6, 300),
            Row(name, "supervised", 1, 0.80, 0.7, 400), Row(name, "mean_teacher", 1, 0.79, 0.6, 300),
            Row(name, "supervised", 2, 0.10, 0.1, 400), Row(name, "supervised", 0, 0.8, 0.7, 200, True),
            Row(name, "mean_teacher", 0, 0.7, 0.6, 100, True)]  # fmt: skip
    assert table(rows).splitlines()[2:] == [
        f"| {name} | carried | 0.800 | 0.700 | -0.100 | 0.700, 0.600 | 200, 100 |",
        f"| {name} | as drawn | 0.750 | 0.770 | +0.050, -0.010 | 0.600, 0.600 | 400, 300 |"]
