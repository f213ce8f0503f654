"""How sure a model is and what changed between two suggestions, against slow oracles and hand-made tables."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import binary_dilation

from SemiSegLogic.files import FileError
from SemiSegLogic.geometry import SliceIndex
from SemiSegLogic.study import suggestions
from SemiSegLogic.study.comparison import NEAR_VOXELS, agreement, change, mean_doubt
from SemiSegLogic.study.values import counts_of, values_of

CUBE = np.ones((2 * NEAR_VOXELS + 1,) * 3, bool)


@pytest.mark.parametrize("seed", range(6))
def test_doubt_is_the_mean_near_the_structures_as_a_dilation_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    label = (rng.random((9, 17, 14)) < 0.003).astype(np.uint8) * 2
    doubt = rng.integers(0, 256, label.shape, dtype=np.uint8)
    near = binary_dilation(label > 0, CUBE) if label.any() else np.ones(label.shape, bool)
    assert mean_doubt(label, doubt) == pytest.approx(doubt[near].mean() / 255)


def test_doubt_without_any_structure_is_that_of_the_whole_volume() -> None:
    assert mean_doubt(np.zeros((2, 3, 4), np.uint8), np.full((2, 3, 4), 51, np.uint8)) == pytest.approx(0.2)


def test_a_change_tells_voxels_and_dice_of_every_structure() -> None:
    before, after = np.zeros((1, 1, 8), np.uint8), np.zeros((1, 1, 8), np.uint8)
    before[0, 0, :4], after[0, 0, 2:4], after[0, 0, 6:] = 1, 1, 3
    assert change(before, after) == {
        "1": {"before": 4, "after": 2, "dice": 0.6667}, "3": {"before": 0, "after": 2, "dice": 0.0}
    }


@pytest.mark.parametrize("seed", range(4))
def test_a_change_of_any_structures_is_as_counting_each_by_itself_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, other = (rng.choice(np.array([0, 0, 3, 40, 254], np.uint8), (5, 6, 7)) for _ in range(2))
    other[one == 3] = 0
    found = change(one, other)
    assert list(found) == ["3", "40", "254"]
    for value, item in ((int(text), item) for text, item in found.items()):
        sizes = [int((array == value).sum()) for array in (one, other)]
        dice = 2 * int(((one == value) & (other == value)).sum()) / sum(sizes)
        assert item == {"before": sizes[0], "after": sizes[1], "dice": pytest.approx(dice, abs=1e-4)}


def test_a_change_of_a_hundred_structures_is_found_in_hardly_more_time_than_one_of_two() -> None:
    def seconds(values: int) -> float:
        label = np.random.default_rng(0).integers(0, values + 1, (20, 256, 256)).astype(np.uint8)
        begun = time.process_time()
        change(label, label[::-1])
        return time.process_time() - begun

    few, many = (min(seconds(values) for _ in range(3)) for values in (2, 100))
    assert many < 5 * few


def test_agreement_looks_at_these_slices_only_and_a_wrong_structure_is_no_agreement() -> None:
    one, other = np.zeros((3, 2, 2), np.uint8), np.zeros((3, 2, 2), np.uint8)
    one[0], other[0] = 1, [[1, 1], [1, 2]]
    one[2] = 1
    assert agreement(one, other, [SliceIndex(0, 0)]) == pytest.approx(2 * 3 / 8)
    assert agreement(one, other, [SliceIndex(0, 1)]) == 1.0
    assert agreement(one, other, []) is None


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 5, 7), (8, 8, 8), (2, 3, 1)])
def test_values_are_found_wherever_they_lie(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        array = np.where(rng.random(shape) < 0.8, 0, rng.integers(0, 256, shape)).astype(np.uint8)
        assert values_of(array) == np.unique(array).tolist()
        assert values_of(array.T) == np.unique(array).tolist()
        assert counts_of(array).tolist() == np.bincount(array.ravel(), minlength=256).tolist()
    assert values_of(np.array([3, -1], np.int16)) == [-1, 3]


def propose(case: Any, run: str, size: int) -> np.ndarray:
    label = np.zeros(case.grid.shape, np.uint8)
    label[:, :size, :size] = 1
    case.put_suggestion(label, label * 51, {"run": run, "method": "mean_teacher"})
    return label


def test_the_label_of_the_run_before_is_kept_and_one_only(case: Any) -> None:
    first = propose(case, "a", 2)
    assert case.earlier_suggestion() is None
    propose(case, "a", 3)
    assert case.earlier_suggestion() is None, "an intermediate result of the same run is no round"
    second = propose(case, "b", 4)
    assert np.array_equal(case.earlier_suggestion()[:, :3, :3], np.ones_like(second[:, :3, :3]))
    assert case.provenance()["change"]["1"]["after"] == int(second.sum())
    propose(case, "b", 5)
    assert int(case.earlier_suggestion().sum()) == 9 * case.grid.shape[0], "still the last of run a"
    propose(case, "c", 2)
    assert int(case.earlier_suggestion().sum()) == 25 * case.grid.shape[0], "now the last of run b"
    assert len(list(case.folder.glob("suggestion*"))) == 2
    assert np.array_equal(case.suggestion(), first)
    case.discard_suggestion()
    assert case.earlier_suggestion() is None
    assert not list(case.folder.glob("suggestion*"))


def test_a_broken_earlier_label_does_not_stop_the_next_suggestion(case: Any) -> None:
    propose(case, "a", 2)
    case._suggestion.label_path.write_bytes(b"broken")
    label = propose(case, "b", 3)
    assert np.array_equal(case.suggestion(), label)
    assert "change" not in case.provenance()


def test_a_full_disk_keeps_the_suggestion_that_was_there(case: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    label = propose(case, "a", 2)

    def full(*_: Any) -> None:
        raise FileError("the disk is full")

    monkeypatch.setattr(suggestions, "write_image", full)
    with pytest.raises(FileError, match="full"):
        propose(case, "b", 3)
    assert np.array_equal(case.suggestion(), label)
    assert case.provenance()["run"] == "a"


def test_the_list_of_cases_tells_doubt_then_agreement_of_what_was_corrected(study: Any, case: Any) -> None:
    shape = case.grid.shape
    drawn = np.zeros(shape, np.uint8)
    case.set_slices(drawn, [SliceIndex(0, 0)], "ann")
    label = propose(case, "a", 2)
    row = next(row for row in study.status() if row.id == case.id)
    assert (row.doubt, row.agreement) == (pytest.approx(case.provenance()["doubt"]), None)
    drawn[1, 0, 0] = 1
    case.set_slices(drawn, [SliceIndex(0, 1)], "ann")
    row = next(row for row in study.status() if row.id == case.id)
    assert label[1].sum() == 4
    assert row.agreement == pytest.approx(2 * 1 / (1 + 4)), "slice 0 was judged before: it says nothing"
    propose(case, "b", 3)
    assert next(row for row in study.status() if row.id == case.id).agreement is None
