"""Voxels of a patch against slow loops: trilinear values, nearest labels, thinned volumes, only the box seen."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor

from SemiSegLogic.engine.data.framing import View
from SemiSegLogic.engine.data.greys import slabs
from SemiSegLogic.engine.data.resampling import sample_image, sample_label
from SemiSegLogic.engine.data.slice_label import SliceLabel
from SemiSegLogic.engine.data.staging import Staging
from SemiSegLogic.engine.planning.plan import thinned_shape
from SemiSegLogic.geometry import IGNORE, Orientation, SliceIndex
from Testing.support.engine import coordinates_of
from Testing.support.plain.dense_label import kept

SIZE = (9, 14, 11)
SHAPE = (5, 6, 4)


def _turn(axis: int | None, angle: float = 0.3) -> np.ndarray:
    """A turn about ``axis`` (None: about all), stretched and mirrored."""
    matrix = np.diag([1.3, -0.8, 1.1])
    for about in range(3) if axis is None else (axis,):
        a, b = (other for other in range(3) if other != about)
        plane = np.eye(3)
        plane[a, a] = plane[b, b] = np.cos(angle)
        plane[a, b], plane[b, a] = -np.sin(angle), np.sin(angle)
        matrix = matrix @ plane
    return matrix


VIEWS = {
    **{f"about {axis}": View(_turn(axis), np.array([4.2, 6.6, 5.1])) for axis in (0, 1, 2, None)},
    "straight": View(np.eye(3), np.array([4.0, 5.5, 4.5])),
    "over the border": View(_turn(1), np.array([0.3, 13.0, -2.0])),
    "turned over the border": View(_turn(None), np.array([8.7, 0.4, 12.0])),
    "outside": View(_turn(0), np.array([60.0, 50.0, 70.0])),
    "turned outside": View(_turn(None), np.array([-60.0, 50.0, 70.0])),
}


@pytest.fixture(params=list(VIEWS))
def view(request: pytest.FixtureRequest) -> View:
    return VIEWS[request.param]


def _trilinear(image: Tensor, place: list[float]) -> float:
    """One value by the book, the border repeated."""
    point = [min(max(c, 0.0), n - 1.0) for c, n in zip(place, image.shape, strict=True)]
    low = [min(int(c), max(n - 2, 0)) for c, n in zip(point, image.shape, strict=True)]
    total = 0.0
    for corner in product((0, 1), repeat=3):
        share = float(np.prod([c - b if one else 1 - (c - b) for c, b, one in zip(point, low, corner, strict=True)]))
        d, h, w = (min(b + one, n - 1) for b, one, n in zip(low, corner, image.shape, strict=True))
        total += share * float(image[d, h, w])
    return total


def _nearest(label: Tensor, place: list[float]) -> int:
    index = [round(c) for c in place]
    inside = all(0 <= c < n for c, n in zip(index, label.shape, strict=True))
    return int(label[tuple(index)]) if inside else IGNORE


@pytest.mark.parametrize("size", [SIZE, (1, 14, 11), (9, 1, 11)])
def test_images_agree_with_a_trilinear_loop_and_repeat_the_border(view: View, size: tuple[int, int, int]) -> None:
    image = torch.randn(size, generator=torch.Generator().manual_seed(0)).half()
    got = sample_image(image, view, SHAPE)
    assert got.shape == SHAPE
    points = coordinates_of(view, SHAPE)
    for place in np.ndindex(SHAPE):
        assert float(got[place]) == pytest.approx(_trilinear(image, points[place].tolist()), abs=2e-3)


@pytest.mark.parametrize("size", [SIZE, (1, 14, 11)])
def test_labels_agree_with_a_loop(view: View, size: tuple[int, int, int]) -> None:
    drawn = np.random.default_rng(0).integers(0, 3, size).astype(np.uint8)
    label, out = torch.from_numpy(drawn), torch.empty(SHAPE, dtype=torch.int64)
    everything = [SliceIndex(axis, index) for axis in range(3) for index in range(size[axis])]
    sample_label(kept(drawn, everything), view, SHAPE, out)
    points = coordinates_of(view, SHAPE)
    for place in np.ndindex(SHAPE):
        assert int(out[place]) == _nearest(label, points[place].tolist())
    sample_label(None, view, SHAPE, out)
    assert bool((out == IGNORE).all())


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_planes_that_nobody_judged_are_not_looked_at(axis: int) -> None:
    view, index = VIEWS[f"about {axis}"], (4, 7, 5)[axis]
    label = kept(np.ones(SIZE, np.uint8), [SliceIndex(axis, index)])
    out, planes = torch.empty(SHAPE, dtype=torch.int64), []

    class Counted(SliceLabel):
        def at(self, near: Sequence[Tensor]) -> Tensor:
            planes.append(near[axis].numel())
            return super().at(near)

    sample_label(Counted(label.shape, label.stacks), view, SHAPE, out)
    assert planes == [int((out == 1).movedim(axis, 0).flatten(1).any(1).sum())]
    assert planes[0] < SHAPE[axis]


@pytest.mark.parametrize("thin", [(1, 1, 1), (2, 3, 2), (1, 2, 4)])
@pytest.mark.parametrize("turn", [Orientation(), Orientation((2, 0, 1), (True, False, True))])
def test_a_thinned_volume_holds_the_mean_of_its_voxels(thin: tuple[int, int, int], turn: Orientation) -> None:
    image = np.random.default_rng(0).normal(size=(7, 9, 10))
    kept = np.concatenate(list(slabs(image, turn, thin)))
    whole = np.concatenate(list(slabs(image, turn))).astype(np.float64)
    assert kept.shape == thinned_shape(whole.shape, thin)
    for place in np.ndindex(kept.shape):
        index = [np.minimum(np.arange(p * f, p * f + f), n - 1) for p, f, n in zip(place, thin, whole.shape,
                                                                                 strict=True)]
        assert float(kept[place]) == pytest.approx(whole[np.ix_(*index)].mean(), abs=3e-3)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_thinning_moves_nothing(axis: int, view: View) -> None:
    size, thin = (24, 24, 24), (2, 3, 2)
    line = torch.arange(24.0).reshape([-1 if a == axis else 1 for a in range(3)]).expand(size)
    parts = line.reshape(12, 2, 8, 3, 12, 2).mean((1, 3, 5))
    inside = View(view.matrix, np.full(3, 11.5))
    got = sample_image(parts, inside.thinned(thin), SHAPE)
    assert torch.allclose(got, coordinates_of(inside, SHAPE)[..., axis], atol=1e-3)


def test_only_the_box_that_is_seen_is_fetched(view: View) -> None:
    fetched: list[int] = []

    def fetch(part: Tensor) -> Tensor:
        fetched.append(part.numel())
        return part.float()

    sample_image(torch.zeros(300, 300, 300, dtype=torch.float16), view, SHAPE, fetch)
    assert sum(fetched) <= 12**3


def test_what_is_already_there_is_not_staged() -> None:
    part = torch.randn(3, 4).half()
    assert torch.equal(Staging(torch.device("cpu")).fetch(part), part.float())
