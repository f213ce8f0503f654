"""The trial with structures that few scans show: what is drawn in it, what its ways draw, what it counts."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from SemiSegLogic.geometry import Grid, SliceIndex
from Testing.benchmarks.decisions import rare
from Testing.benchmarks.decisions.rare import (
    RARE,
    SAMPLERS,
    Row,
    Trial,
    cut_off,
    learn,
    places,
    structures,
    table,
    ways,
)
from Testing.benchmarks.runner.definitions.datasets import CaseData
from Testing.support.engine import plan_of, volume_of

SHAPE = (16, 24, 24)


def _scan(name: str, trial: Trial) -> CaseData:
    label = np.zeros(SHAPE, np.uint8)
    label[2:14, 6:18, 6:18] = 1
    image = np.random.default_rng(0).normal(100 * label, 20).astype(np.float32)
    return CaseData(name, image, structures(label, trial), Grid(SHAPE))


def test_the_upper_third_is_rare_and_the_rest_is_quartered() -> None:
    label = _scan("a", Trial("atrium", 4)).label
    assert (label[10:14, 6:18, 6:18] == RARE).all()
    assert sorted(np.unique(label[2:10]).tolist()) == [0, 2, 3, 4, 5]
    assert [int((label == value).sum()) for value in (2, 3, 4, 5)] == [8 * 36] * 4
    whole = _scan("a", Trial("atrium", 4, quarters=False)).label
    assert np.array_equal(whole > 0, label > 0)
    assert sorted(np.unique(whole).tolist()) == [0, 1, 2]


def test_one_scan_shows_it_and_no_slice_of_the_others_reaches_it() -> None:
    label = _scan("a", Trial("atrium", 4)).label
    for number in range(4):
        drawn = places(label, 0, number)
        shown = [place for place in drawn if (label[place.index] == RARE).any()]
        assert shown == ([SliceIndex(0, 12)] if number == 0 else [])
        assert len(drawn) - len(shown) == rare.SLICES


def test_a_scan_is_cut_off_where_the_rare_structure_begins() -> None:
    scan = _scan("a", Trial("atrium", 4))
    rest = cut_off(scan, 0)
    assert rest.image.shape == rest.label.shape == rest.grid.shape == (10, 24, 24)
    assert RARE not in rest.label
    assert np.array_equal(rest.image, scan.image[:10])


def test_each_way_repeats_what_it_says() -> None:
    label = np.zeros((3, 8, 8), np.uint8)
    label[1, :2] = 1
    both = label.copy()
    both[1, 2:4] = 2
    volumes = [volume_of(both, both, (SliceIndex(0, 1),))] + [volume_of(label, label, (SliceIndex(0, 1),))] * 8
    found = {way: kind(volumes, plan_of((2, 4, 4))).repeats(range(9)) for way, kind in SAMPLERS.items()}
    assert [len(one.volumes) for one in found.values()] == [9, 11, 11]
    assert [one.repeated([1, 2]) for one in found.values()] == [[1, 2], [1, 2], [1, 2, 2, 2]]


@pytest.mark.parametrize("way", SAMPLERS)
def test_a_trial_learns_and_counts_what_is_taken_for_rare_where_it_is_not(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.set_num_threads(1)
    monkeypatch.setattr(rare, "STEPS", 2)
    trial = Trial("atrium", 4, absent=True, patch=(8, 16, 16))
    scans = [_scan(f"c{number}", trial) for number in range(5)]
    learned = learn(trial, scans[:4], SAMPLERS[way], 0)
    found = learned.looked_at(scans[4], trial.axis)
    assert len(found) == 6
    assert all(0 <= score <= 1 for score in found[:5])
    monkeypatch.setattr(rare.Learned, "label", lambda _, case: np.full(case.label.shape, RARE, np.uint8))
    assert learned.looked_at(scans[4], trial.axis)[-1] == pytest.approx(10 * 24 * 24 / (4 * 12 * 12))


def test_the_table_gives_means_and_what_is_gained_seed_by_seed() -> None:
    name = next(iter(rare.TRIALS))
    rows = [Row(name, "once each", 0, 0.1, 0.8, 0.0, 50.0), Row(name, "once each", 1, 0.2, 0.7, 0.0, 50.0),
            Row(name, "volumes and structures", 0, 0.4, 0.79, 0.02, 50.0),
            Row(name, "volumes and structures", 1, 0.6, 0.71, 0.04, 50.0)]
    assert table(rows).splitlines()[2:] == [
        f"| {name} | once each | 0.150 | 0.750 | 0.000 |  |  | 50 |",
        f"| {name} | volumes and structures | 0.500 | 0.750 | 0.030 | +0.300, +0.400 | -0.010, +0.010 | 50 |"]
    assert [len(ways(one)) for one, trial in rare.TRIALS.items()] == [
        2 if trial.patch is None else 3 for trial in rare.TRIALS.values()]
