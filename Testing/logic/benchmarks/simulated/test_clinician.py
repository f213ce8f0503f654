"""The simulated clinician's parts: what a correction costs, how a volume is filled, when a goal is reached."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from SemiSegLogic.geometry import Grid, SliceIndex
from Testing.benchmarks.simulated.arms import every_nth, filled
from Testing.benchmarks.simulated.clinician import Row
from Testing.benchmarks.simulated.pool import Pool, Trained
from Testing.benchmarks.simulated.report import goal, needed, table
from Testing.benchmarks.simulated.sets import Example
from Testing.support.annotator import LOOK_S, Effort, judge, outline, pace


def _square(size: int = 4, value: int = 1) -> np.ndarray:
    label = np.zeros((3, 10, 10), np.uint8)
    label[1, 2 : 2 + size, 2 : 2 + size] = value
    return label


def test_the_outline_of_a_square_is_its_rim() -> None:
    assert outline(_square()[1]).sum() == 12
    two = _square()[1]
    two[2:6, 4:6] = 2  # where two structures touch, both have an outline
    assert outline(two).sum() == 16


def test_drawing_a_slice_costs_its_outline_and_a_right_suggestion_only_a_look() -> None:
    truth, place = _square(), SliceIndex(0, 1)
    assert judge(truth, None, place, 2.0) == Effort(1, 16, LOOK_S + 24)
    assert judge(truth, truth, place, 2.0) == Effort(1, 0, LOOK_S)
    assert judge(truth, None, SliceIndex(0, 0), 2.0) == Effort(1, 0, LOOK_S)


def test_a_correction_costs_the_stretch_that_is_wrong() -> None:
    """A square whose last column is missing: its outline there, and the suggestion's beside it, is done anew."""
    truth, shown = _square(), _square()
    shown[1, 2:6, 5] = 0
    effort = judge(truth, shown, SliceIndex(0, 1), 1.0)
    assert (effort.slices, effort.voxels) == (1, 4)
    assert effort.seconds - LOOK_S == 8  # columns 4 and 5 of the four rows
    wrong_value = judge(truth, _square(value=2), SliceIndex(0, 1), 1.0)
    assert (wrong_value.voxels, wrong_value.seconds - LOOK_S) == (16, 12)


def test_a_suggestion_in_the_wrong_place_is_cleared_and_drawn_anew() -> None:
    truth, shown = _square(), np.roll(_square(), 5, axis=2)
    assert judge(truth, shown, SliceIndex(0, 1), 1.0) == judge(truth, None, SliceIndex(0, 1), 1.0)


def test_a_whole_organ_takes_half_an_hour() -> None:
    organs = [np.repeat(_square(4)[1:2], n, 0) for n in (3, 5)]
    assert pace(organs, 0) * 12 * 4 == pytest.approx(1800)


def test_every_nth_slice_holds_both_ends_and_no_gap_is_wider() -> None:
    truth = np.zeros((30, 4, 4), np.uint8)
    truth[5:23] = 1
    found = [place.index for place in every_nth(truth, 0, 4)]
    assert (found[0], found[-1]) == (5, 22)
    assert max(np.diff(found)) <= 4
    assert len(found) == 6


def test_filling_keeps_drawn_slices_and_interpolates_shapes_between_them() -> None:
    truth = np.zeros((9, 21, 21), np.uint8)
    y, x = np.mgrid[-10:11, -10:11]
    for k in range(1, 8):
        truth[k] = (x**2 + y**2 <= (2 + k) ** 2).astype(np.uint8)  # a cone
    places = [SliceIndex(0, k) for k in (1, 4, 7)]
    label = filled(truth, places)
    for place in places:
        assert np.array_equal(label[place.index], truth[place.index])
    assert not label[[0, 8]].any()
    overlap = 2 * (label & truth).sum() / (label.sum() + truth.sum())
    assert overlap > 0.98


def test_filling_keeps_structures_apart_and_lets_one_end_half_way() -> None:
    truth = np.zeros((5, 12, 12), np.uint8)
    truth[:, 2:6, 2:10], truth[0, 6:10, 2:10] = 1, 2
    label = filled(truth, [SliceIndex(0, 0), SliceIndex(0, 4)])
    assert set(np.unique(label[4])) == {0, 1}
    assert (label[1] == 2).any()
    assert not (label[3] == 2).any()


def _row(number: int, slices: int, dice: float, arm: str = "a", seed: int = 0) -> Row:
    both = (dice, dice)
    return Row("h", arm, "supervised", seed, number, slices, 10 * slices, slices / 2, both, both, False, 1, 1.0)


def test_what_is_needed_for_the_goal_lies_between_two_rounds() -> None:
    run = [_row(0, 8, 0.6), _row(1, 16, 0.8), _row(2, 24, 0.7), _row(3, 32, 0.9)]
    assert needed(run, 0.7, lambda row: row.slices) == pytest.approx(12)
    assert needed(run, 0.5, lambda row: row.slices) == 8
    assert needed(run, 0.95, lambda row: row.slices) == float("inf")


def test_the_goal_is_a_share_of_the_dice_with_all_labels_and_misses_are_told() -> None:
    rows = [_row(0, 99, 1.0, "all labels"), _row(0, 8, 0.96), _row(0, 8, 0.5, seed=1), _row(0, 8, 0.5, "b")]
    assert goal(rows) == pytest.approx(0.95)
    lines = table(rows).splitlines()
    assert "8, 1 of 2 seeds not" in lines[2]
    assert "not reached" in lines[3]
    with pytest.raises(ValueError, match="all labels"):
        goal(rows[1:])


def _examples(count: int) -> list[Example]:
    """Volumes with an organ too wide to be seen at once at their own spacing."""
    truth = np.zeros((24, 160, 160), np.uint8)
    truth[8:16, 40:120, 40:120] = 1
    chance = np.random.default_rng(0)
    images = [(100 * truth + chance.normal(0, 9, truth.shape)).astype(np.float32) for _ in range(count)]
    return [Example(f"c{n}", image, Grid(truth.shape), truth) for n, image in enumerate(images)]


def test_a_pool_is_planned_anew_with_what_is_drawn_and_sees_as_a_model_was_trained() -> None:
    torch.set_num_threads(1)
    pool = Pool(_examples(3), _examples(2), {1: "organ"})
    before = pool.plan
    pool.put("c0", [SliceIndex(0, 9), SliceIndex(0, 12)], pool.cases["c0"].truth)
    pool.put("c1", [SliceIndex(0, 14)], pool.cases["c1"].truth)
    torch.manual_seed(0)
    model = pool.train("supervised", 3)
    assert model.plan == pool.plan != before
    assert all(volume.slices == tuple(pool.judged[name]) for name, volume in pool.volumes.items())
    other = Trained(model.method, before, (1,))
    assert len(pool.dice(other)) == 1
    assert pool.plan == before
    maps = pool.maps(model, "c0")
    assert pool.plan == model.plan
    assert np.array_equal(maps.label[9], pool.cases["c0"].truth[9])  # as drawn
