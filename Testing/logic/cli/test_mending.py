"""Every remedy that a study's message names can be had from the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from SemiSegLogic.study import Study, write_image
from Testing.support.blobs import BlobStudy

Said = Callable[..., str]


def test_a_cut_record_is_repaired_and_the_study_goes_on(blobs: BlobStudy, says: Said) -> None:
    record = blobs.cases[1].folder / "case.json"
    record.write_bytes(record.read_bytes()[:40])
    assert "semiseg study repair" in says("export", blobs.study.folder, code=1)
    assert f"{record} was damaged and has been replaced with its copy" in says("study", "repair", blobs.study.folder)
    assert "needs no repair" in says("study", "repair", blobs.study.folder)
    assert "damaged" not in says("study", "status", blobs.study.folder)


def test_a_record_that_cannot_be_repaired_is_told_after_all_others_are(blobs: BlobStudy, says: Said) -> None:
    (blobs.cases[0].folder / "case.json").write_text("{")
    (blobs.cases[0].folder / "case.backup.json").write_text("{")
    (blobs.cases[1].folder / "case.json").write_text("{")
    assert "volume0/case.json and its copy are both damaged" in says("study", "repair", blobs.study.folder, code=1)
    rows = {row.id: row.problem for row in blobs.study.status()}
    assert rows["volume0"]
    assert not rows["volume1"]


def test_what_is_no_study_is_not_repaired(tmp_path: Path, says: Said) -> None:
    assert "is not a study" in says("study", "repair", tmp_path / "nowhere", code=1)


def test_an_image_that_was_moved_is_found_again_and_another_one_is_refused(tmp_path: Path, says: Said) -> None:
    image = np.random.default_rng(0).integers(0, 99, (5, 6, 7)).astype("int16")
    from SemiSegLogic.geometry import Grid

    write_image(tmp_path / "scan.nrrd", image, Grid(image.shape))
    write_image(tmp_path / "other.nrrd", image[::-1], Grid(image.shape))
    study = Study.create(tmp_path / "mine", structures=["a"])
    case = study.add_case(tmp_path / "scan.nrrd", copy=False)
    (tmp_path / "scan.nrrd").rename(tmp_path / "moved.nrrd")
    refused = says("study", "relocate", study.folder, "scan", tmp_path / "other.nrrd", code=1)
    assert "has changed since case" in refused
    assert "moved.nrrd, and is the same" in says("study", "relocate", study.folder, "scan", tmp_path / "moved.nrrd")
    assert np.array_equal(case.image(), image)


def test_a_case_is_accepted_rejected_and_removed(blobs: BlobStudy, semiseg: Callable[..., Any]) -> None:
    first, second, third = blobs.cases
    for case in blobs.cases:
        case.put_suggestion(np.ones(case.grid.shape, np.uint8), np.zeros(case.grid.shape, np.uint8), {"run": "r"})
    drawn = second.labels()
    semiseg("study", "accept", blobs.study.folder, first.id)
    semiseg("study", "reject", blobs.study.folder, second.id)
    (told,) = semiseg("study", "remove", blobs.study.folder, third.id)
    assert [(row.id, row.status) for row in blobs.study.status()] == [
        (first.id, "accepted"), (second.id, "slices drawn" if drawn.any() else "none")]
    assert np.array_equal(second.labels(), drawn)
    Path(told["folder"]).rename(blobs.study.folder / "cases" / third.id)
    assert third.id in [case.id for case in blobs.study.cases]


@pytest.mark.parametrize("command", ["versions", "accept", "reject", "remove"])
def test_a_case_that_is_not_there_is_named(blobs: BlobStudy, says: Said, command: str) -> None:
    assert "has no case 'nobody'" in says("study", command, blobs.study.folder, "nobody", code=1)


def test_a_version_that_is_not_there_is_named(blobs: BlobStudy, says: Said) -> None:
    told = says("study", "restore", blobs.study.folder, "volume0", "nothing", code=1)
    assert "holds no version 'nothing'. The newest good version is '" in told
