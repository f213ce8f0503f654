"""The reason of a suggestion: true in the patient whatever way the volume lies, and true of the maps."""

from __future__ import annotations

import numpy as np
import pytest

from SemiSegLogic.engine.selection import CaseMaps, next_slices, profile
from SemiSegLogic.engine.selection.words import reason
from SemiSegLogic.geometry import Grid
from Testing.support.engine import MIRRORED_TURN
from Testing.support.volumes import COLUMNS

SHAPE = (30, 20, 22)
NAMES = {1: "liver", 2: "tumour"}


def _reason(doubt: dict[int, float], axis: int = 0, grid: Grid | None = None, ends: tuple[int, int] = (5, 25),
            tumour: bool = False) -> str:
    """For the most doubtful slice. Structure 1 is a box from ``ends[0]`` to ``ends[1]`` along ``axis``; 4 voxels are in
    doubt in each slice of ``doubt``, and if ``tumour`` may be that instead.
    """
    label, unsure = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)
    inside = [slice(6, 14)] * 3
    inside[axis] = slice(ends[0], ends[1] + 1)
    label[tuple(inside)] = 1
    for index, value in doubt.items():
        spot = [slice(8, 10)] * 3
        spot[axis] = slice(index, index + 1)
        unsure[tuple(spot)] = round(255 * value)
    second = np.full(SHAPE, 2 if tumour else 0, np.uint8)
    item = profile(CaseMaps("c001", label, unsure, grid or Grid(SHAPE), (), second), axis, (1, 2))
    return reason(item, next_slices([item], NAMES, "entropy")[0].place.index, NAMES, doubted=True)


def test_reasons_name_the_place_in_the_structure_and_what_it_may_be_instead() -> None:
    assert _reason({15: 1.0}, tumour=True) == "Middle part of liver: the model is unsure between liver and tumour."
    assert _reason({15: 1.0}) == "Middle part of liver: the model is unsure about the border of liver."
    assert _reason({15: 0.1}) == "Middle part of liver: the model is unsure about the border of liver."


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("kind", [*COLUMNS, "turned"])
def test_the_words_for_the_ends_hold_in_the_patient(kind: str, axis: int) -> None:
    direction = MIRRORED_TURN if kind == "turned" else tuple(COLUMNS[kind].ravel().tolist())
    grid = Grid(SHAPE, direction=direction)
    ends = (4, 17)
    step = np.zeros((2, 3))
    step[:, axis] = ends
    to_the_end = -np.diff(grid.to_patient(step), axis=0)[0]  # from the middle towards the slice, LPS mm
    canonical = grid.orientation().sources.index(axis)
    along = to_the_end[2 - canonical]
    word = {0: ("Lower", "Upper"), 1: ("Front", "Back"), 2: ("Right", "Left")}[canonical][int(along > 0)]
    assert _reason({4: 1.0}, axis, grid, ends).startswith(f"{word} end of liver:")


def test_slices_beyond_the_structure_are_said_to_be() -> None:
    assert _reason({3: 1.0}).startswith("Beyond the lower end of liver:")
    assert _reason({27: 1.0}).startswith("Beyond the upper end of liver:")


def test_a_single_image_has_no_upper_end() -> None:
    maps = CaseMaps("c", np.ones((1, 5, 5), np.uint8), np.full((1, 5, 5), 200, np.uint8), Grid((1, 5, 5)), ())
    (only,) = next_slices([profile(maps, 0, (1,))], NAMES, "entropy")
    assert only.reason == "In this image: the model is unsure about the border of liver."


def test_a_structure_that_was_renamed_away_is_still_called_something() -> None:
    maps = CaseMaps("c", np.ones((9, 5, 5), np.uint8), np.full((9, 5, 5), 200, np.uint8), Grid((9, 5, 5)), ())
    assert "a structure" in next_slices([profile(maps, 0, (1,))], {}, "entropy")[0].reason
