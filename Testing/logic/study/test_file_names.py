"""Names that are not UTF-8, as in zips packed on an older Windows: refused in words, for ITK ends the process."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from SemiSegLogic.geometry import SliceIndex
from SemiSegLogic.study import ImageError, Study, read_image, write_image
from SemiSegLogic.study.formats.volumes import read_series
from Testing.support.stand_ins.dicom import write_series
from Testing.support.volumes import SHAPE, grid_of, picture

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has such names")
ODD, SHOWN = os.fsdecode(b"J\xfcrgen"), "J\N{REPLACEMENT CHARACTER}rgen"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    write_image(tmp_path / "a.nrrd", picture(), grid_of("upright"))
    return tmp_path / "a.nrrd"


def test_an_image_with_such_a_name_is_refused_with_its_name(tmp_path: Path, image: Path) -> None:
    (tmp_path / ODD).mkdir()
    for path in (tmp_path / f"{ODD}.nrrd", tmp_path / ODD / "a.nrrd"):
        shutil.copyfile(image, path)
        with pytest.raises(ImageError, match=f"{SHOWN}.* cannot be read or written.* Rename it"):
            read_image(path)
    study = Study.create(tmp_path / "study", structures=["Liver"])
    with pytest.raises(ImageError, match=SHOWN):
        study.add_case(tmp_path / f"{ODD}.nrrd")
    assert not study.cases


def test_nothing_is_written_under_such_a_name(tmp_path: Path) -> None:
    (tmp_path / ODD).mkdir()
    with pytest.raises(ImageError, match=SHOWN):
        write_image(tmp_path / ODD / "a.nrrd", picture(), grid_of("upright"))
    assert not list((tmp_path / ODD).iterdir())


def test_a_slice_with_such_a_name_is_named_before_its_series_is_read(tmp_path: Path) -> None:
    files = write_series(tmp_path / "series", picture(dtype="int16"), grid_of("upright"), "1.2.3.4")
    files[1] = files[1].rename(files[1].with_name(f"{ODD}.dcm"))
    for read in (lambda: read_image(tmp_path / "series"), lambda: read_series(files)):
        with pytest.raises(ImageError, match=SHOWN):
            read()


def test_a_study_in_such_a_folder_says_so_instead_of_ending_the_process(tmp_path: Path, image: Path) -> None:
    study = Study.create(tmp_path / ODD / "study", structures=["Liver"])
    with pytest.raises(ImageError, match=SHOWN):
        study.add_case(image)
    case = study.add_case(image, copy=False)
    with pytest.raises(ImageError, match=SHOWN):
        case.set_slices(np.ones(SHAPE, np.uint8), [SliceIndex(0, 1)], "doctor")
