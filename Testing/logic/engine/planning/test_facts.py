"""What is drawn in a case: its box, and the side of each structure."""

from __future__ import annotations

import math

import numpy as np
import pytest

from SemiSegLogic.engine.planning.facts import CaseFacts
from SemiSegLogic.geometry import IGNORE, Grid, SliceIndex

GRID = Grid((10, 20, 30), (4.0, 0.5, 2.0))
AXIAL, SAGITTAL = SliceIndex(0, 3), SliceIndex(2, 12)


def test_the_box_and_the_sides_of_what_was_drawn_on_crossing_slices() -> None:
    axial, sagittal = np.zeros((20, 30), np.uint8), np.full((10, 20), IGNORE, np.uint8)
    axial[5:9, 10:14] = 1  # 4 x 4 voxels of 0.5 x 2 mm: 16 mm2
    axial[0, 0] = 2
    sagittal[3:6, 5:14] = 1  # 3 x 9 voxels of 4 x 0.5 mm: 54 mm2
    facts = CaseFacts.of(GRID, {AXIAL: axial, SAGITTAL: sagittal})
    assert facts.slices == (AXIAL, SAGITTAL)
    assert facts.extent == (3, 14, 14)  # k 3..5, j 0..13, i 0..13
    assert facts.sides == pytest.approx({1: math.sqrt(54), 2: 1.0})


def test_slices_that_show_nothing_are_judged_and_have_no_box() -> None:
    empty, undecided = np.zeros((20, 30), np.uint8), np.full((10, 20), IGNORE, np.uint8)
    assert CaseFacts.of(GRID, {AXIAL: empty, SAGITTAL: undecided}) == CaseFacts(GRID, (AXIAL, SAGITTAL))
    assert CaseFacts.of(GRID, {}) == CaseFacts(GRID)
