"""What is taken into a study, and under which id."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from SemiSegLogic.geometry import Grid
from SemiSegLogic.study import (
    DuplicateError,
    ImageError,
    Structure,
    Study,
    write_image,
    write_labelmap,
    write_seg_nrrd,
)
from Testing.support.volumes import grid_of, picture


@pytest.mark.parametrize(("change", "words"), [
    ({"spacing": (1.0, 1.0, 1e-30)}, r"a spacing of 1, 1, 1e-30 mm"),
    ({"spacing": (1.0, 1e6, 1.0)}, r"a spacing of 1, 1e\+06, 1 mm"),
    ({"origin": (0.0, 1e12, 0.0)}, r"an origin at 0, 1e\+12, 0 mm"),
])
def test_an_image_that_no_job_would_take_is_refused_before_anybody_draws_on_it(
    study: Study, tmp_path: Path, change: dict[str, tuple[float, float, float]], words: str
) -> None:
    write_image(tmp_path / "a.nrrd", picture(), replace(grid_of("upright"), **change))  # type: ignore[arg-type]
    with pytest.raises(ImageError, match=rf"a\.nrrd says that it has {words}.*Correct it"):
        study.add_case(tmp_path / "a.nrrd")
    assert study.cases == []
    assert list((study.folder / "cases").iterdir()) == []


@pytest.mark.parametrize(("called", "first", "second"), [
    ("mri", "mri", "mri-2"),
    (" a/b: c\td. ", "a/b: c-d.", "a/b: c-d.-2"),
    ("x" * 200, "x" * 90, "x" * 90 + "-2"),
    ("", "case", "case-2"),
])
def test_a_volume_of_another_program_comes_under_its_name_and_another_of_that_name_with_a_number(
    study: Study, called: str, first: str, second: str
) -> None:
    grid = grid_of("upright")
    made = study.add_volume(picture(), grid, called)
    assert (made.name, study.add_volume(picture() + 1, grid, called.upper()).name.lower()) == (first, second)
    assert np.array_equal(made.image(), picture())
    assert made.grid == grid
    with pytest.raises(DuplicateError, match=r"^The volume 'again' holds the same voxels as case"):
        study.add_volume(picture(), grid, "again")


def test_a_colour_volume_that_is_grey_comes_with_one_value_per_voxel(study: Study) -> None:
    grey, opaque = picture().astype(np.uint8), np.full((*picture().shape, 1), 255, np.uint8)
    shown = np.concatenate([np.repeat(grey[..., None], 3, axis=-1), opaque], axis=-1)
    assert np.array_equal(study.add_volume(shown, grid_of("upright"), "ultrasound").image(), grey)
    shown[0, 0, 0, 1] += 1
    with pytest.raises(ImageError, match=r"^The volume 'Doppler' has 4 values.*module Vector to Scalar Volume"):
        study.add_volume(shown, grid_of("upright"), "Doppler")


def test_what_is_no_scan_is_told_by_the_name_of_its_volume_and_leaves_nothing_behind(study: Study) -> None:
    upright, hole = grid_of("upright"), picture().astype(np.float32)
    hole[0, 0, 0] = np.nan
    wrong: list[tuple[np.ndarray, Grid, str]] = [
        (hole, upright, "'T1 map' contains NaN or infinity \\(1 of"),
        (np.zeros_like(hole), upright, "'T1 map' holds the value 0.0 on all of"),
        (picture(), replace(upright, spacing=(1.0, 1.0, 1e-30)), "'T1 map' has a spacing of 1, 1, 1e-30 mm.*Volumes"),
    ]
    for array, grid, words in wrong:
        with pytest.raises(ImageError, match=f"^The volume {words}"):
            study.add_volume(array, grid, "T1 map")
    assert study.cases == []
    assert list((study.folder / "cases").iterdir()) == []


def test_a_segmentation_among_the_images_of_a_folder_becomes_no_case(study: Study, tmp_path: Path) -> None:
    """Who marks all files of a folder takes the masks along; a model would learn from them as from a scan."""
    label, grid = (picture() > 100).astype(np.uint8), grid_of("upright")
    for name, write in (("a.seg.nrrd", write_seg_nrrd), ("b.nrrd", write_seg_nrrd), ("c.nrrd", write_labelmap)):
        path = tmp_path / name
        write(path, label, grid, [Structure(1, "liver")])
        with pytest.raises(ImageError, match=rf"^{path} is a segmentation, not an image.*Import mask"):
            study.add_case(path)
    assert study.cases == []
    write_labelmap(tmp_path / "two greys.nrrd", label, grid, [])
    assert study.add_case(tmp_path / "two greys.nrrd").name == "two greys"
