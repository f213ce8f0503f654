"""Slices to draw before any model exists: where the body is, which case differs, heights that vary, nothing twice."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray

from SemiSegLogic.geometry import Grid, SliceIndex
from SemiSegLogic.study import AnnotatedSlice
from SemiSegLogic.study.first_slices import FirstSlice, Judged, Overview, drawing_axes, first_slices, overview
from Testing.support.engine import MIRRORED_TURN

SHAPE = (60, 24, 26)
GRID = Grid(SHAPE)


def _body(first: int = 20, last: int = 49, axis: int = 0, grey: float = 300) -> NDArray[np.int16]:
    """A bright block in dark noise, on slices ``first`` to ``last`` along ``axis``."""
    image = np.random.default_rng(1).normal(0, 10, SHAPE).astype(np.int16)
    inside = [slice(4, 20)] * 3
    inside[axis] = slice(first, last + 1)
    image[tuple(inside)] += np.int16(grey)
    return image


def _view(seed: int, kind: int = 0) -> Overview:
    """All 60 slices of an image of one of several kinds, which differ a little within their kind."""
    features = np.zeros(8)
    features[kind] = 1.0
    return Overview(0, 0, 59, features + np.random.default_rng(seed).normal(0, 0.01, 8))


def _drawn(index: int, state: str = "drawn", axis: int = 0) -> AnnotatedSlice:
    return AnnotatedSlice(axis, index, state, "Ann", "2026-01-01T00:00:00+00:00")  # type: ignore[arg-type]


def _first(views: dict[str, Overview], judged: Judged | None = None, count: int = 12) -> list[FirstSlice]:
    return first_slices(views, dict.fromkeys(views, GRID), judged or {}, count)


@pytest.mark.parametrize(("axis", "last"), [(0, 49), (1, 22), (2, 22)])
def test_the_body_is_found_along_every_axis(axis: int, last: int) -> None:
    view = overview(_body(8, last, axis), axis)
    assert (view.axis, view.first, view.last) == (axis, 8, last)


@pytest.mark.parametrize("padding", [-2000, -3024, -32768])
def test_the_body_is_found_where_a_scanner_pads_what_it_did_not_see(padding: int) -> None:
    image = _body(grey=1040) - np.int16(1000)  # air and soft tissue
    image[:, :3], image[:, -3:] = padding, padding
    view = overview(image, 0)
    assert (view.first, view.last) == (20, 49)


@pytest.mark.parametrize("image", [np.zeros(SHAPE, np.uint8), np.full(SHAPE, np.float32(7)), _body(0, 59)])
def test_an_image_without_a_dark_border_or_any_contrast_counts_from_end_to_end(image: NDArray[np.generic]) -> None:
    view = overview(image, 0)
    assert (view.first, view.last) == (0, 59)
    assert np.isfinite(view.features).all()


def test_images_of_a_kind_have_features_closer_than_others() -> None:
    same, alike, other = (overview(image, 0).features for image in (_body(), _body(21, 50), _body(5, 10)))
    assert np.linalg.norm(same - alike) < np.linalg.norm(same - other) / 3


def test_a_thousand_times_brighter_image_has_the_same_features() -> None:
    image = _body().astype(np.float32)
    assert overview(image * 1000 - 7, 0).features == pytest.approx(overview(image, 0).features)


def test_every_kind_of_image_comes_before_a_second_of_any() -> None:
    views = {f"c{kind}{n}": _view(10 * kind + n, kind) for kind in range(4) for n in range(5)}
    assert {item.case[:2] for item in _first(views, count=4)} == {"c0", "c1", "c2", "c3"}


def test_cases_that_look_least_like_the_drawn_ones_come_first_and_drawn_ones_last() -> None:
    views = {"a": _view(1, 0), "b": _view(2, 0), "c": _view(3, 1)}
    found = [item.case for item in _first(views, {"a": [_drawn(30)]}, 3)]
    assert found == ["c", "b", "a"]


def test_heights_are_spread_over_the_middle_part_and_differ_from_case_to_case() -> None:
    views = {f"c{n}": _view(n) for n in range(6)}
    found = _first(views, count=18)
    assert Counter(item.case for item in found) == dict.fromkeys(views, 3)
    heights = np.array([item.place.index for item in found]) / 59
    assert 0.2 < heights.min() < 0.35
    assert 0.65 < heights.max() < 0.8
    assert len({item.place.index for item in found}) >= 12
    assert max(np.diff(np.sort(heights[:6]))) < 0.2
    assert found[0].place in (SliceIndex(0, 29), SliceIndex(0, 30))
    for case in views:
        own = sorted(item.place.index for item in found if item.case == case)
        assert min(np.diff(own)) > 4


def test_after_a_drawn_slice_the_organ_is_looked_for_at_its_height_in_the_other_cases() -> None:
    views = {"a": _view(1), "b": Overview(0, 20, 49, _view(2).features)}
    found = _first(views, {"a": [_drawn(40), _drawn(44), _drawn(3, "empty"), _drawn(5, axis=1)]})
    assert found[0].case == "b"
    assert 40 / 59 - 0.125 <= (found[0].place.index - 20) / 29 <= 44 / 59 + 0.125


def test_one_drawn_slice_after_the_other_spreads_over_the_organ_and_stops_where_it_was_found_to_end() -> None:
    """An organ from 0.3 to 0.62 of each of twelve volumes, drawn as suggested, one slice after the other."""
    views = {f"c{n:02d}": _view(n) for n in range(12)}
    judged: dict[str, list[AnnotatedSlice]] = {}
    for _ in range(12):
        item = _first(views, judged, 1)[0]
        inside = 0.3 <= item.place.index / 59 <= 0.62
        judged.setdefault(item.case, []).append(_drawn(item.place.index, "drawn" if inside else "empty"))
    heights = sorted(item.index / 59 for items in judged.values() for item in items if item.state == "drawn")
    assert len(judged) == 12
    assert len(heights) >= 9
    assert heights[0] < 0.38
    assert heights[-1] > 0.54
    assert max(np.diff(heights)) < 0.12


def test_no_slice_lies_near_a_judged_one_or_another_one() -> None:
    views = {"a": _view(1)}
    judged = {"a": [_drawn(n) for n in (30, 20, 41)]}
    places = [item.place.index for item in _first(views, judged)]
    assert places
    assert all(abs(index - other) > 4 for n, index in enumerate(places) for other in [30, 20, 41, *places[:n]])


def test_where_everything_is_judged_or_there_is_no_case_nothing_is_left() -> None:
    assert _first({"a": _view(1)}, {"a": [_drawn(n) for n in range(60)]}) == []
    assert first_slices({}, {}, {}) == []


def test_the_list_is_the_same_every_time_and_says_why() -> None:
    views = {f"c{n}": _view(n) for n in range(4)}
    assert _first(views) == _first(dict(reversed(views.items())))
    reasons = [item.reason for item in _first(views)]
    assert reasons[0].startswith("The image most like all others")
    assert len(set(reasons)) == 3


def test_slices_are_drawn_in_the_patients_direction_most_were_drawn_in() -> None:
    turned = Grid((20, 30, 40), (1.0, 1.0, 1.0), direction=MIRRORED_TURN)
    grids = {"a": GRID, "b": turned, "flat": Grid((1, 30, 30)), "thick": Grid((20, 30, 30), (1.0, 4.0, 1.0))}
    assert drawing_axes(grids, {}) == {"a": 0, "b": 0, "flat": 0, "thick": 1}
    judged = {"a": [_drawn(3, axis=1), _drawn(4, axis=1), _drawn(4, axis=2)]}
    source = turned.orientation().sources[GRID.orientation().sources.index(1)]
    assert drawing_axes(grids, judged) == {"a": 1, "b": source, "flat": 0, "thick": 1}
