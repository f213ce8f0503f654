"""Which slice to look at next: hand-made maps, words that hold for every grid, maps with nothing in them."""

from __future__ import annotations

import numpy as np
import pytest

from SemiSegLogic.engine.selection import PER_CASE, Candidate, CaseMaps, candidates, drawing_axis, rank
from SemiSegLogic.geometry import Grid, SliceIndex
from Testing.support.engine import MIRRORED_TURN
from Testing.support.volumes import COLUMNS

SHAPE = (30, 20, 22)
NAMES = {1: "liver", 2: "tumour"}


def _maps(
    doubt: dict[int, float],
    slices: tuple[SliceIndex, ...] = (),
    axis: int = 0,
    grid: Grid | None = None,
    ends: tuple[int, int] = (5, 25),
) -> CaseMaps:
    """A box of structure 1 from ``ends[0]`` to ``ends[1]`` along ``axis``; 4 voxels doubted per slice of ``doubt``."""
    label, unsure = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)
    inside = [slice(6, 14)] * 3
    inside[axis] = slice(ends[0], ends[1] + 1)
    label[tuple(inside)] = 1
    for index, value in doubt.items():
        spot = [slice(8, 10)] * 3
        spot[axis] = slice(index, index + 1)
        unsure[tuple(spot)] = round(255 * value)
    return CaseMaps("c001", label, unsure, grid or Grid(SHAPE), slices)


def _indices(found: list[Candidate]) -> list[int]:
    return [item.place.index for item in found]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_most_doubtful_slices_come_first(axis: int) -> None:
    found = candidates(_maps({7: 0.5, 12: 1.0, 17: 0.8}, axis=axis, ends=(5, 18)), axis, NAMES)
    assert _indices(found) == [12, 17, 7]
    assert [item.score for item in found] == pytest.approx([4.0, 3.2, 2.0], abs=0.02)
    assert all(item.case == "c001" and item.place.axis == axis for item in found)


@pytest.mark.parametrize(("spacing", "gap"), [(1.0, 4), (2.0, 2), (10.0, 1)])
def test_neither_judged_slices_nor_their_neighbours_are_suggested(spacing: float, gap: int) -> None:
    doubt = dict.fromkeys(range(5, 26), 1.0)
    grid = Grid(SHAPE, (spacing, 1.0, 1.0))
    found = candidates(_maps(doubt, (SliceIndex(0, 8), SliceIndex(0, 20), SliceIndex(1, 9)), grid=grid), 0, NAMES)
    assert len(found) == (2 if gap == 4 else PER_CASE)
    assert all(abs(index - judged) > gap for index in _indices(found) for judged in (8, 20))
    assert all(abs(a - b) > gap for n, a in enumerate(_indices(found)) for b in _indices(found)[:n])


def test_doubt_far_from_every_structure_does_not_count() -> None:
    maps = _maps({10: 0.3})
    maps.uncertainty[20, 18:, 18:] = 255
    assert _indices(candidates(maps, 0, NAMES)) == [10]


@pytest.mark.parametrize(
    "maps",
    [
        _maps({}),
        _maps(dict.fromkeys(range(30), 1.0), tuple(SliceIndex(0, n) for n in range(30))),
        CaseMaps("c", np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8), Grid(SHAPE), ()),
        CaseMaps("c", np.ones((1, 5, 5), np.uint8), np.full((1, 5, 5), 9, np.uint8), Grid((1, 5, 5)),
                 (SliceIndex(0, 0),)),
    ],
    ids=["certain", "all judged", "nothing at all", "one judged slice"],
)  # fmt: skip
def test_where_nothing_is_left_to_ask_nothing_is_suggested(maps: CaseMaps) -> None:
    assert candidates(maps, 0, NAMES) == []


def test_without_any_structure_doubt_still_counts_and_is_said_so() -> None:
    unsure = np.zeros(SHAPE, np.uint8)
    unsure[11, 3:6, 3:6] = 200
    (only,) = candidates(CaseMaps("c", np.zeros(SHAPE, np.uint8), unsure, Grid(SHAPE), ()), 0, NAMES)
    assert only.place == SliceIndex(0, 11)
    assert only.reason == "No structure was found: the model is unsure whether a structure begins here."


def test_a_single_image_has_no_upper_end() -> None:
    maps = CaseMaps("c", np.ones((1, 5, 5), np.uint8), np.full((1, 5, 5), 200, np.uint8), Grid((1, 5, 5)), ())
    (only,) = candidates(maps, 0, NAMES)
    assert only.reason == "In this image: the model is unsure about the border of liver."


def test_reasons_name_the_structures_in_doubt() -> None:
    maps = _maps({15: 1.0})
    maps.label[15, 8, 8] = 2
    (only,) = candidates(maps, 0, NAMES)
    assert only.reason == "Middle part: the model is unsure between liver and tumour."
    (only,) = candidates(_maps({15: 0.2}), 0, NAMES)  # not one voxel in real doubt: the slice's own structure
    assert only.reason == "Middle part: the model is unsure about the border of liver."


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("kind", [*COLUMNS, "turned"])
def test_the_words_for_the_ends_hold_in_the_patient(kind: str, axis: int) -> None:
    direction = MIRRORED_TURN if kind == "turned" else tuple(COLUMNS[kind].ravel().tolist())
    grid = Grid(SHAPE, direction=direction)
    ends = (4, 17)
    maps = _maps({4: 1.0}, axis=axis, grid=grid, ends=ends)
    (only,) = candidates(maps, axis, NAMES)
    step = np.zeros((2, 3))
    step[:, axis] = ends
    to_the_end = -np.diff(grid.to_patient(step), axis=0)[0]  # from the middle towards the slice, LPS mm
    canonical = grid.orientation().sources.index(axis)
    along = to_the_end[2 - canonical]
    word = {0: ("Lower", "Upper"), 1: ("Front", "Back"), 2: ("Right", "Left")}[canonical][int(along > 0)]
    assert only.reason.startswith(f"{word} end:")


def test_slices_beyond_the_structure_are_said_to_be() -> None:
    found = candidates(_maps({3: 1.0, 27: 0.9}), 0, NAMES)
    assert [item.reason.split(":")[0] for item in found] == [
        "Beyond the lower end of what was found", "Beyond the upper end of what was found",
    ]  # fmt: skip


def test_every_case_has_its_turn_before_the_second_best_of_any() -> None:
    def item(case: str, score: float) -> Candidate:
        return Candidate(case, SliceIndex(0, 1), score, "")

    ranked = rank([[item("a", 9), item("a", 8)], [], [item("b", 3)], [item("c", 5), item("c", 2), item("c", 1)]])
    assert [(one.case, one.score) for one in ranked] == [("a", 9), ("c", 5), ("b", 3), ("a", 8), ("c", 2), ("c", 1)]
    assert rank([]) == []


def test_the_axis_of_most_slices_is_the_drawing_axis() -> None:
    assert drawing_axis([SliceIndex(2, 1), SliceIndex(0, 1), SliceIndex(2, 7)]) == 2
    assert drawing_axis([], default=1) == 1
