"""What a label costs, measured at a small size."""

from __future__ import annotations

from dataclasses import replace

import pytest

from SemiSegLogic.geometry import SliceIndex
from SemiSegLogic.study import all_slices
from Testing.benchmarks.memory import labels
from Testing.benchmarks.memory.labels import KINDS, Kind, measure

SHAPE = (20, 24, 16)
SPARSE = Kind("sparse", SHAPE, (SliceIndex(1, 9), SliceIndex(1, 12)), (8, 8, 8), held_out=1)


def test_a_label_costs_the_room_of_its_slices_and_before_that_of_the_volume_twice() -> None:
    cost = measure(SPARSE, 1)
    assert cost.kept_mb == pytest.approx(2 * 20 * 16 / 1e6)
    assert cost.array_mb == pytest.approx(2 * 20 * 24 * 16 / 1e6)
    assert measure(replace(SPARSE, slices=tuple(all_slices(SHAPE, 0)), held_out=0), 1).kept_mb == cost.array_mb / 2


def test_two_sides_that_differ_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels, "sample_dense", lambda array, view, shape, slices, out: out.fill_(7))
    with pytest.raises(ValueError, match="sparse"):
        measure(SPARSE, 1)


def test_the_sets_of_the_table_are_those_of_its_names() -> None:
    assert [len(kind.slices) for kind in KINDS] == [88, 88, 3, 9, 3, 36]
