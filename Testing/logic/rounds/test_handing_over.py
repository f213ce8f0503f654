"""From the study to a job: what is handed over, and what is left where nothing could be."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from SemiSegLogic.files import read_json
from SemiSegLogic.geometry import Planes, SliceIndex
from SemiSegLogic.job import JobFolder
from SemiSegLogic.rounds import Round
from SemiSegLogic.study import Case, ImageError, StudyError
from Testing.support.blobs import BlobStudy, label_files, make_study, tiny
from Testing.support.rounds import begin
from Testing.support.volumes import label_of


def test_a_job_knows_neither_names_nor_paths(blobs: BlobStudy, jobs: Path) -> None:
    this = begin(blobs.study, jobs)
    told = this.job.spec_path.read_text()
    assert "volume" not in told
    assert str(blobs.study.folder) not in told
    assert this.cases == {"c001": "volume0", "c002": "volume1", "c003": "volume2"}


def test_a_job_holds_what_was_drawn_and_nothing_else(blobs: BlobStudy, jobs: Path) -> None:
    this = begin(blobs.study, jobs, open_case="volume1")
    spec = this.job.spec()
    for entry, case in zip(spec.cases, blobs.cases, strict=True):
        assert np.array_equal(this.job.image(entry.image), case.image())
        assert entry.slices == tuple(case.places)
        if entry.label:
            assert np.array_equal(label_of(this.job.label(entry.label), case.grid.shape), case.sparse_labels())
            assert sum(plane.size for plane in this.job.label(entry.label).values()) < 0.3 * case.image().size
    assert spec.open_case == "c002"
    assert [item.name for item in spec.structures] == ["core", "cap"]


def test_slices_judged_while_a_case_is_handed_over_keep_no_run_from_beginning(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Learning while drawing begins when a slice is marked as done, and the next one often comes just then."""
    case, plain = blobs.cases[0], Case.planes
    judged, more = case.places, SliceIndex(1, 3)

    def meanwhile(asked: Case) -> Planes:
        if asked.id == case.id:
            asked.set_slices(blobs.truth[case.id], [more], "ann")
        return plain(asked)

    monkeypatch.setattr(Case, "planes", meanwhile)
    this = begin(blobs.study, jobs)
    entry = this.job.spec().cases[0]
    assert entry.slices == (*judged, more)
    assert np.array_equal(label_of(this.job.label(entry.label), case.grid.shape), case.sparse_labels())


def test_images_are_linked_from_earlier_jobs_not_read_again(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = begin(blobs.study, jobs)
    monkeypatch.setattr(type(blobs.cases[0]), "image", lambda case: pytest.fail("the image was read"))
    second = begin(blobs.study, jobs)
    name = f"{blobs.cases[0].digest}.npy"
    assert os.path.samefile(first.job.inputs / name, second.job.inputs / name)


@pytest.mark.parametrize("harm", ["truncated", "other bytes", "other bytes at the same time"])
def test_a_damaged_image_of_an_earlier_job_is_not_handed_on(blobs: BlobStudy, jobs: Path, harm: str) -> None:
    first = begin(blobs.study, jobs)
    path = first.job.inputs / f"{blobs.cases[0].digest}.npy"
    content, found = bytearray(path.read_bytes()), path.stat()
    content[-10] ^= 255
    path.write_bytes(content[:-7] if harm == "truncated" else content)
    if harm.endswith("time"):  # as a failing disk would
        os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
        path.with_suffix(".seal").unlink()
    second = begin(blobs.study, jobs)
    assert np.array_equal(second.job.image(blobs.cases[0].digest), blobs.cases[0].image())
    assert not os.path.samefile(path, second.job.inputs / path.name)


def test_a_whole_image_without_its_seal_is_read_through_and_handed_on(blobs: BlobStudy, jobs: Path) -> None:
    first = begin(blobs.study, jobs)
    path = first.job.inputs / f"{blobs.cases[0].digest}.npy"
    path.with_suffix(".seal").unlink()
    second = begin(blobs.study, jobs)
    assert os.path.samefile(path, second.job.inputs / path.name)
    assert path.with_suffix(".seal").exists() is False
    assert (second.job.inputs / path.name).with_suffix(".seal").exists()


def test_without_an_annotated_slice_nothing_begins(tmp_path: Path, jobs: Path) -> None:
    study = make_study(tmp_path, annotated=0).study
    with pytest.raises(StudyError, match=r"No slice is done in .*Draw"):
        begin(study, jobs)
    assert study.runs == []


def test_a_study_without_structures_says_so(tmp_path: Path, jobs: Path) -> None:
    study = make_study(tmp_path, annotated=0).study
    study.cases[0].set_slices(np.zeros(study.cases[0].grid.shape, np.uint8), [SliceIndex(0, 3)], "ann")
    study.remove_structure(1)
    study.remove_structure(2)
    with pytest.raises(StudyError, match="no structures"):
        begin(study, jobs)


def test_a_round_that_cannot_begin_leaves_nothing_behind(blobs: BlobStudy, jobs: Path) -> None:
    blobs.cases[2].image_path.unlink()
    with pytest.raises(ImageError, match=r"image of case 'volume2' is missing: .*image.nrrd"):
        begin(blobs.study, jobs)
    assert blobs.study.runs == []
    assert list(jobs.iterdir()) == []


def test_an_image_that_moved_between_rounds_is_named_and_can_be_shown_again(blobs: BlobStudy, jobs: Path) -> None:
    begin(blobs.study, jobs)
    before, path = label_files(blobs.study), blobs.cases[1].image_path
    elsewhere = path.with_name("elsewhere.nrrd")
    path.rename(elsewhere)
    with pytest.raises(ImageError, match="Put it back"):
        begin(blobs.study, jobs)
    blobs.cases[1].relocate(elsewhere)
    assert begin(blobs.study, jobs).job.submitted
    assert label_files(blobs.study) == before


def test_two_cases_of_the_same_content_are_two_cases(blobs: BlobStudy, jobs: Path, tmp_path: Path) -> None:
    twin = blobs.study.add_case(tmp_path / "volume0.nrrd", name="twin", duplicates=True)
    this = begin(blobs.study, jobs)
    cases = {this.cases[case.id]: case for case in this.job.spec().cases}
    assert cases[twin.id].image == cases["volume0"].image
    assert cases[twin.id].label is None
    assert cases["volume0"].label is not None


def test_which_case_is_which_is_told_only_once_the_job_is_complete(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    this = begin(blobs.study, jobs)
    assert read_json(this.folder / "cases.json") == this.cases

    def full(self: JobFolder, spec: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(JobFolder, "submit", full)
    with pytest.raises(OSError, match="No space left"):
        begin(blobs.study, jobs, tiny())
    latest = Round.latest(blobs.study, jobs)
    assert latest is not None
    assert latest.id == this.id


def test_a_model_is_applied_to_one_case_alone_when_only_that_is_asked_for(
    blobs: BlobStudy, jobs: Path, tmp_path: Path
) -> None:
    weights = tmp_path / "model.pt"
    with zipfile.ZipFile(weights, "w") as packed:  # as a model looks from afar
        packed.writestr("data", b"weights")
    one = Round.apply(blobs.study, weights, jobs=jobs, open_case="volume1", only="volume1")
    assert one.cases == {"c001": "volume1"}
    assert one.job.spec().open_case == "c001"
    assert len(Round.apply(blobs.study, weights, jobs=jobs).cases) == 3
    with pytest.raises(StudyError, match="no case 'volume9'"):
        Round.apply(blobs.study, weights, jobs=jobs, only="volume9")
