"""Single images of different zoom: when they are taken to be equally large, and what the plan sees then."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from SemiSegLogic.engine.data.volumes import load_volume
from SemiSegLogic.engine.planning.facts import CaseFacts
from SemiSegLogic.engine.planning.frames import common_frame, framed
from SemiSegLogic.engine.planning.plan import Plan, frame_side
from SemiSegLogic.engine.planning.planner import make_plan
from SemiSegLogic.geometry import Grid, Shape, SliceIndex
from Testing.support.engine import CPU

PIXELS = (0.1, 0.2, 0.4, 0.8)  # mm: pictures of 400 x 250 pixels are squares of 31.6 to 253 mm
ACROSS = SliceIndex(0, 0)


def _case(pixel: float, side: float, shape: Shape = (1, 250, 400), value: int = 1) -> CaseFacts:
    """A picture with a structure of ``side`` mm."""
    box = max(1, round(side / pixel))
    return CaseFacts(Grid(shape, (1.0, pixel, pixel)), (ACROSS,), (1, box, box), {value: side})


ZOOMED = [_case(pixel, 100 * pixel) for pixel in PIXELS]
OF_ONE_SIZE = [_case(pixel, 20.0) for pixel in PIXELS]


def test_the_side_of_a_picture_is_that_of_a_square_as_large_whichever_axis_has_one_slice() -> None:
    assert frame_side(Grid((1, 250, 400), (7.0, 0.2, 0.4))) == pytest.approx((50 * 160) ** 0.5)
    assert frame_side(Grid((250, 400, 1), (0.2, 0.4, 7.0)), 2) == pytest.approx((50 * 160) ** 0.5)
    assert frame_side(Grid((30, 250, 400), (7.0, 0.2, 0.4))) == pytest.approx((50 * 160) ** 0.5)  # a stack's slice


def test_structures_that_fill_their_pictures_alike_give_a_common_frame_and_those_of_one_size_in_mm_none() -> None:
    sides = [(250 * 400) ** 0.5 * pixel for pixel in PIXELS]
    assert common_frame(ZOOMED) == pytest.approx(np.median(sides))
    assert common_frame(OF_ONE_SIZE) is None


def test_each_structure_is_compared_with_itself() -> None:
    """Head and heart differ; within each, what counts is whether it grows with its picture."""
    heart = [_case(pixel, 10 * pixel, value=2) for pixel in PIXELS]
    both = [dataclasses.replace(a, sides={**a.sides, **b.sides}) for a, b in zip(ZOOMED, heart, strict=True)]
    assert common_frame(both) == common_frame(ZOOMED)


@pytest.mark.parametrize(
    "cases",
    [
        [*ZOOMED[:2], *(CaseFacts(Grid((1, 250, 400), (1.0, pixel, pixel))) for pixel in PIXELS)],
        [_case(pixel, 100 * pixel) for pixel in (0.2, 0.21, 0.22, 0.23)],
        [*ZOOMED, _case(0.2, 20.0, (40, 250, 400))],
        [*ZOOMED, CaseFacts(Grid((1, 1, 400), (1.0, 1.0, 1.0)))],
        [CaseFacts(Grid((1, 250, 400), (1.0, pixel, pixel))) for pixel in PIXELS],
    ],
    ids=["drawn in two", "hardly different", "a volume among them", "a line", "nothing drawn"],
)
def test_without_evidence_pictures_stay_as_large_as_they_are(cases: list[CaseFacts]) -> None:
    assert common_frame(cases) is None


def test_a_plan_with_a_common_frame_shows_the_network_structures_of_one_size() -> None:
    plan = make_plan(ZOOMED, ["head"], CPU)
    seen = {100 / plan.scale(plan.taken_spacing(case.grid))[1] for case in ZOOMED}
    assert max(seen) == pytest.approx(min(seen))
    plain = make_plan(OF_ONE_SIZE, ["head"], CPU)
    assert plain.frame is None
    assert [plain.taken_spacing(case.grid) for case in OF_ONE_SIZE] == [case.grid.spacing for case in OF_ONE_SIZE]


def test_a_case_taken_for_another_size_keeps_its_voxels_and_its_slice_distance() -> None:
    taken = framed(ZOOMED[0], 2 * frame_side(ZOOMED[0].grid))
    assert taken.grid == Grid((1, 250, 400), (1.0, 0.2, 0.2))
    assert (taken.slices, taken.extent, taken.sides) == ((ACROSS,), (1, 100, 100), {1: pytest.approx(20.0)})


@pytest.mark.parametrize("shape", [(1, 250, 400), (250, 1, 400), (250, 400, 1)])
def test_pictures_of_any_axis_are_read_at_the_size_they_are_taken_for(shape: Shape) -> None:
    across = SliceIndex(shape.index(1), 0)
    cases = [
        CaseFacts(Grid(shape, (pixel, pixel, pixel)), (across,), shape, {1: 100 * pixel}) for pixel in PIXELS
    ]
    plan = make_plan(cases, ["head"], CPU)
    assert plan.frame is not None
    volumes = [load_volume("v", np.zeros(shape, np.float32), case.grid, plan, torch.device("cpu")) for case in cases]
    assert len({plan.scale(volume.spacing)[1:] for volume in volumes}) == 1
    assert len({tuple(volume.image.shape) for volume in volumes}) == 1


def test_a_model_of_before_takes_pictures_as_large_as_they_are() -> None:
    state = dataclasses.asdict(Plan(2, 0, (1.0, 0.5, 0.5), (1, 64, 64)))
    del state["frame"]
    assert Plan(**state).frame is None
