"""The pictures: slices the right way up, in millimetres, with what was drawn, suggested and doubted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from SemiSegLogic.geometry import Grid, SliceIndex
from SemiSegLogic.report import CaseView, contact_sheet, learning_curve
from SemiSegLogic.report.curves import changes, series, smoothed
from SemiSegLogic.report.planes import best_slice, common_view, middle, plane, reach, window
from SemiSegLogic.sample import STRUCTURES, make_phantom, spread_slices

LPS = Grid((3, 4, 5), (2.0, 1.0, 0.5))
RAS = Grid((3, 4, 5), (2.0, 1.0, 0.5), direction=(-1, 0, 0, 0, -1, 0, 0, 0, 1))


def view(index: int, drawn: bool = False) -> CaseView:
    """A phantom as a case: drawn on three slices, or with a made-up suggestion."""
    phantom = make_phantom(0, index)
    if drawn:
        places = tuple(spread_slices(phantom.label, 3))
        return CaseView(f"phantom {index}", phantom.image, phantom.grid, label=phantom.label, slices=places)
    suggestion = np.roll(phantom.label, 1, axis=0)
    doubt = ((suggestion != phantom.label) * 255).astype(np.uint8)
    return CaseView(
        f"phantom {index}", phantom.image, phantom.grid, suggestion=suggestion, expert=phantom.label, uncertainty=doubt,
        caption="Dice 0.80",
    )


def pixels(path: Path) -> np.ndarray:
    """(rows, columns, channels) uint8."""
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


def near(image: np.ndarray, color: tuple[float, float, float]) -> int:
    """How many pixels have about this colour."""
    return int((np.abs(image[..., :3] - np.array(color) * 255.0).max(-1) < 12).sum())


# --- planes ----------------------------------------------------------------------------------------------------


def test_axial_slices_show_anterior_at_the_top_and_the_patients_left_at_the_right() -> None:
    array = np.zeros(LPS.shape)
    array[1, 0, 4] = 1  # LPS: j runs to posterior, i to the left
    shown = plane(array, LPS, SliceIndex(0, 1))
    assert np.argwhere(shown.pixels).tolist() == [[3, 4]]  # top row (row 0 is the bottom), right column
    assert shown.size == (1.0, 0.5)
    assert shown.extent == (0.0, 2.5, 0.0, 4.0)


def test_a_flipped_grid_is_shown_the_same_way_up() -> None:
    array = np.zeros(RAS.shape)
    array[1, 3, 0] = 1  # the same place in the patient: anterior, left
    assert np.argwhere(plane(array, RAS, SliceIndex(0, 1)).pixels).tolist() == [[3, 4]]


def test_coronal_and_sagittal_slices_show_superior_at_the_top() -> None:
    array = np.zeros(LPS.shape)
    array[2, 1, 3] = 1
    assert np.argwhere(plane(array, LPS, SliceIndex(1, 1)).pixels).tolist() == [[2, 3]]
    assert np.argwhere(plane(array, LPS, SliceIndex(2, 3)).pixels).tolist() == [[2, 1]]


def test_the_slice_that_shows_both_structures_is_preferred_to_a_larger_one_of_one() -> None:
    label = np.zeros((4, 30, 30), np.uint8)
    label[1, 5:16, 5:16] = 1
    label[2, 5:12, 5:12] = 1
    label[2, 15:22, 5:12] = 2
    case = CaseView("x", label, Grid(label.shape), expert=label)
    assert best_slice(case, (1, 2), 0) == SliceIndex(0, 2)
    assert common_view([case], (1, 2)) == 0


def test_tiles_stay_inside_the_image_where_it_is_large_enough() -> None:
    label = np.zeros((1, 40, 40), np.uint8)
    label[0, 0:4, 36:40] = 1
    shown = plane(label, Grid(label.shape), SliceIndex(0, 0))
    assert reach(shown) == 4
    assert middle(shown, half=10) == (30.0, 30.0)
    assert middle(shown, half=25) == (20.0, 20.0)


def test_a_window_shows_the_greys_of_tissue_though_a_scanner_padded_what_it_did_not_see() -> None:
    image = np.random.default_rng(0).uniform(-1000, 1000, (8, 20, 20))
    image[:, :3] = -32768
    black, white = window(image)
    assert black > -4000
    assert 900 < white <= 1000


def test_a_window_exists_for_a_constant_image() -> None:
    low, high = window(np.full((3, 3, 3), 7))
    assert low < high


# --- the contact sheet -----------------------------------------------------------------------------------------


def test_a_contact_sheet_shows_the_structures_in_their_colours(tmp_path: Path) -> None:
    path = tmp_path / "sheet.png"
    contact_sheet(
        path, [view(1, drawn=True), view(2, drawn=True)], [view(3), view(4), view(5)], STRUCTURES, title="A title",
        below="one line", footer="a footer",
    )
    image = pixels(path)
    assert image.shape[1] > 1800
    assert min(near(image, item.color) for item in STRUCTURES) > 1500


@pytest.mark.parametrize(("annotated", "untouched"), [(1, 0), (0, 1), (0, 0), (9, 9)])
def test_a_contact_sheet_takes_any_number_of_cases(annotated: int, untouched: int, tmp_path: Path) -> None:
    drawn, rest = [view(1, drawn=True)] * annotated, [view(2)] * untouched
    contact_sheet(tmp_path / "sheet.png", drawn, rest, STRUCTURES, title="t", below="b")
    rows = (1 if annotated else 0) + (3 if untouched else 0)
    assert (pixels(tmp_path / "sheet.png").shape[0] > 250 * rows) == (rows > 0) or rows == 0


def test_a_case_without_expert_or_uncertainty_is_shown_all_the_same(tmp_path: Path) -> None:
    phantom = make_phantom(0, 1)
    bare = CaseView("bare", phantom.image, phantom.grid)
    only_suggestion = CaseView("suggested", phantom.image, phantom.grid, suggestion=phantom.label)
    contact_sheet(tmp_path / "sheet.png", [], [bare, only_suggestion], STRUCTURES, title="t", below="b")
    assert (tmp_path / "sheet.png").stat().st_size > 10_000


def test_a_2d_study_is_shown(tmp_path: Path) -> None:
    image = np.random.default_rng(0).normal(size=(1, 50, 60))
    label = np.zeros(image.shape, np.uint8)
    label[0, 20:30, 20:40] = 1
    case = CaseView("flat", image, Grid((1, 50, 60)), suggestion=label, expert=label)
    contact_sheet(tmp_path / "sheet.png", [], [case], STRUCTURES, title="t", below="b")
    assert near(pixels(tmp_path / "sheet.png"), STRUCTURES[0].color) > 50


# --- the learning curve ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mark", ["beside", "apart"])
def test_a_model_trained_at_the_same_time_or_only_to_measure_is_another_line(mark: str) -> None:
    points = [{"seconds": 5.0, "held_out_dice": 0.8}, {"seconds": 2.0, "held_out_dice": 0.1, mark: True},
              {"seconds": 9.0, "held_out_dice": 0.2, mark: True}]
    assert [axis.tolist() for axis in series(points, "held_out_dice")] == [[5.0], [0.8]]


def test_a_series_is_what_is_there_and_finite_in_order_of_time() -> None:
    points = [
        {"seconds": 2.0, "losses": {"ce": 0.2, "dice": 0.3}},
        {"seconds": 1.0, "losses": {"ce": 1.0}, "held_out_dice": None},
        {"seconds": 3.0, "losses": None}, {"losses": {"ce": 4.0}},
        {"seconds": 4, "held_out_dice": 0.7, "losses": {"ce": float("nan")}},
    ]
    seconds, values = series(points, "losses")
    assert (seconds.tolist(), values.tolist()) == ([1.0, 2.0], [1.0, 0.5])
    assert series(points, "held_out_dice")[1].tolist() == [0.7]
    assert series([], "losses")[0].shape == (0,)


def test_the_moments_at_which_another_leg_begins_are_found() -> None:
    points = [{"seconds": s, "leg": leg} for s, leg in [(1, "baseline"), (9, "baseline"), (11, "mean teacher")]]
    assert changes(points) == [(11.0, "mean teacher")]
    assert changes([{"seconds": 1.0}]) == []


def test_smoothing_removes_a_single_spike() -> None:
    assert smoothed(np.array([1.0, 1, 9, 1, 1]), 3).tolist() == [1, 1, 1, 1, 1]


@pytest.mark.parametrize("count", [0, 1, 200])
def test_a_learning_curve_is_drawn_from_any_number_of_points(count: int, tmp_path: Path) -> None:
    points = [{"seconds": n / 2, "losses": {"ce": 1 / (n + 1)}, "held_out_dice": n / 200} for n in range(count)]
    learning_curve(tmp_path / "c.png", points, [(5.0, "first suggestion")], title="t", below="b")
    assert pixels(tmp_path / "c.png").shape[:2] == (780, 1260)
