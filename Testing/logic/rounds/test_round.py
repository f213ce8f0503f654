"""A round that is on its way: found again, told of new labels, asked where to look."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from SemiSegLogic.geometry import SliceIndex, gap_between
from SemiSegLogic.job import JobError
from SemiSegLogic.rounds import AddedLaterError, Round, jobs_folder
from SemiSegLogic.study import StudyError, write_image
from Testing.support.blobs import BlobStudy, add_volume, spread
from Testing.support.rounds import begin


def test_what_to_look_at_next_leaves_out_what_was_drawn_since(blobs: BlobStudy, jobs: Path) -> None:
    this, case = begin(blobs.study, jobs), blobs.cases[2]
    this.job.put_ranking([
        {"case": "c003", "axis": 0, "index": 5, "score": 9.0, "reason": "border"},
        {"case": "c003", "axis": 1, "index": 5, "score": 8.0, "reason": "border"},
        {"case": "c009", "axis": 1, "index": 5, "score": 8.0, "reason": "no such case"},
    ])
    case.set_slices(blobs.truth[case.id], [SliceIndex(0, 5)], "ann")
    assert [(item.case, item.place) for item in this.next_slices()] == [("volume2", SliceIndex(1, 5))]


def test_what_to_look_at_next_leaves_out_what_is_hardly_to_be_told_from_a_slice_drawn_since(
    blobs: BlobStudy, jobs: Path
) -> None:
    """The ranking keeps a distance from what was judged when it was made; so does what is shown of it."""
    this, case = begin(blobs.study, jobs), blobs.cases[2]
    gap = gap_between(case.grid.spacing[0], case.grid.shape[0])
    drawn, ranked = 8, (8 - gap, 8 + gap, 8 + gap + 1)
    this.job.put_ranking([{"case": "c003", "axis": axis, "index": index, "score": 1.0, "reason": "border"}
                          for index in ranked for axis in (0, 1)])
    case.set_slices(blobs.truth[case.id], [SliceIndex(0, drawn)], "ann")
    along = [item.place.index for item in this.next_slices() if item.place.axis == 0]
    across = [item.place.index for item in this.next_slices() if item.place.axis == 1]
    assert (along, across) == ([8 + gap + 1], list(ranked))


def test_another_image_of_the_same_id_has_no_part_in_the_round(
    blobs: BlobStudy, jobs: Path, tmp_path: Path
) -> None:
    """Its case was removed, and its folder deleted by hand: the id is free again."""
    this, old = begin(blobs.study, jobs), blobs.study.case("volume2")
    assert this.covers_study()
    this.job.put_ranking([{"case": "c003", "axis": 0, "index": old.grid.shape[0] - 1, "score": 9.0, "reason": "end"}])
    assert len(this.next_slices()) == 1
    write_image(tmp_path / "volume2.nrrd", old.image()[:9], replace(old.grid, shape=(9, *old.grid.shape[1:])))
    blobs.study.remove_case("volume2")
    shutil.rmtree(blobs.study.folder / "removed")
    new = blobs.study.add_case(tmp_path / "volume2.nrrd")
    assert new.id == "volume2"
    assert this.next_slices() == []
    assert not this.covers_study()
    with pytest.raises(StudyError, match="was added later"):
        this.add_labels(new)


def test_labels_can_be_added_to_a_job_and_only_of_its_cases(blobs: BlobStudy, jobs: Path, tmp_path: Path) -> None:
    this, case = begin(blobs.study, jobs), blobs.cases[2]
    case.set_slices(blobs.truth[case.id], spread(blobs.truth[case.id], 2), "ann")
    assert this.add_labels(case) == 1
    (added,) = this.job.newest_labels()
    assert (added.case, added.slices) == ("c003", tuple(case.places))
    new, _ = add_volume(blobs.study, tmp_path, 7)
    with pytest.raises(AddedLaterError, match=r"Case volume7 is not part .* was added later"):
        this.add_labels(new)
    value = blobs.study.add_structure("late").value
    case.set_slices(np.full(case.grid.shape, value, np.uint8), [SliceIndex(0, 1)], "ann")
    with pytest.raises(AddedLaterError, match=r"structure in case volume2 .* was added later"):
        this.add_labels(case)
    assert len(this.job.newest_labels()) == 1


def told(this: Round) -> list[str]:
    """The cases of which the job has been told since it was begun, in order."""
    return [item.case for item in this.job.newest_labels()]


def test_a_run_catches_up_with_what_was_drawn_since_and_with_nothing_twice(
    blobs: BlobStudy, jobs: Path, tmp_path: Path
) -> None:
    this, case = begin(blobs.study, jobs), blobs.cases[2]
    assert (this.catch_up(), told(this)) == ({}, []), "it was begun with all there was"
    blobs.study.case(case.id).set_slices(blobs.truth[case.id], [SliceIndex(0, 7)], "colleague")
    again = Round.latest(blobs.study, jobs)  # as another window, or Slicer opened anew, sees it
    assert again is not None
    assert (again.catch_up(), told(this)) == ({}, ["c003"])
    assert (this.catch_up(), again.catch_up(), len(this.job.added_labels())) == ({}, {}, 1)
    case.unmark([SliceIndex(0, 7)], "ann")
    this.add_labels(case)
    assert (this.catch_up(), len(this.job.added_labels())) == ({}, 2)
    assert this.job.newest_labels()[0].slices == ()
    this.job.told_path.write_text("no list", "utf-8")
    assert this.catch_up() == {}
    assert {item.case: item.slices for item in this.job.newest_labels()} == {
        name: tuple(blobs.study.case(known).places) for name, known in this.cases.items()
        if blobs.study.case(known).version}, "what is not known to be told is told once more"


def test_what_a_run_cannot_be_told_of_holds_up_nothing_else(blobs: BlobStudy, jobs: Path, tmp_path: Path) -> None:
    this = begin(blobs.study, jobs)
    for case in blobs.cases[:3]:
        case.set_slices(blobs.truth[case.id], [SliceIndex(0, 7)], "ann")
    late = blobs.study.add_structure("late").value
    blobs.cases[0].set_slices(np.full(blobs.cases[0].grid.shape, late, np.uint8), [SliceIndex(0, 1)], "ann")
    (blobs.cases[1].folder / "labels.seg.nrrd").write_bytes(b"NRRD0004\ncut off")
    new, truth = add_volume(blobs.study, tmp_path, 7)
    assert new.id not in this.catch_up(), "nothing is drawn in it"
    new.set_slices(truth, [SliceIndex(0, 7)], "ann")
    untold = this.catch_up()
    assert {case: type(error).__name__ for case, error in untold.items()} == {
        "volume1": "DamagedLabelsError", new.id: "AddedLaterError"}
    assert told(this) == ["c003"]
    assert this.job.told["c001"] == blobs.cases[0].version, "its late structure was told of before, and is for good"
    blobs.cases[1].restore(blobs.cases[1].versions()[0].name, "ann")
    assert list(this.catch_up()) == [new.id]
    assert told(this) == ["c003", "c002"]


def test_a_tampered_label_is_refused_with_its_value(blobs: BlobStudy, jobs: Path) -> None:
    this, case = begin(blobs.study, jobs), blobs.cases[0]
    strange = {place: np.where(plane == 1, np.uint8(9), plane) for place, plane in case.planes().items()}
    with pytest.raises(JobError, match=r"holds the label values \[9\]; the job knows \[0, 1, 2\]"):
        this.job.add_labels("c001", strange)


def test_the_newest_round_is_found_again(blobs: BlobStudy, jobs: Path) -> None:
    assert Round.latest(blobs.study, jobs) is None
    begin(blobs.study, jobs)
    second = begin(blobs.study, jobs)
    found = Round.latest(blobs.study, jobs)
    assert found is not None
    assert (found.id, found.job.spec()) == (second.id, second.job.spec())
    assert (found.model, found.card()) == (None, {})


def test_the_jobs_folder_can_be_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEMISEG_JOBS", str(tmp_path / "here"))
    assert jobs_folder() == tmp_path / "here"
    monkeypatch.delenv("SEMISEG_JOBS")
    assert jobs_folder().parts[-2:] == (".semiseg", "jobs")
