"""Suggestions can be thrown away at any time and never touch what people drew."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from SemiSegLogic.geometry import SliceIndex
from SemiSegLogic.study import Case, LabelError, Study, StudyError
from Testing.support.volumes import SHAPE, two_blobs

K1, K2 = SliceIndex(0, 1), SliceIndex(0, 2)
ALL_TWO = np.full(SHAPE, 2, np.uint8)
SURE = np.zeros(SHAPE, np.uint8)


def test_a_suggestion_keeps_the_persons_own_slices(case: Case) -> None:
    case.set_slices(two_blobs(), [K2], "ann")
    case.put_suggestion(ALL_TWO, SURE, {"run": "r1"})
    assert np.array_equal(case.suggestion()[2], two_blobs()[2])
    assert (case.suggestion()[[0, 1, 3, 4]] == 2).all()
    case.set_slices(two_blobs(), [K1], "ann")  # drawn after the suggestion came
    assert np.array_equal(case.suggestion()[1:3], two_blobs()[1:3])
    assert np.array_equal(case.labels()[1:3], two_blobs()[1:3])


def test_a_suggestion_never_touches_labels_or_history(case: Case) -> None:
    case.set_slices(two_blobs(), [K2], "ann")
    files = [case.folder / "labels.seg.nrrd", *(case.folder / "history").iterdir()]
    before = [path.read_bytes() for path in files]
    case.put_suggestion(ALL_TWO, SURE, {"run": "r1"})
    case.discard_suggestion()
    assert [path.read_bytes() for path in files] == before
    assert not list(case.folder.glob("suggestion*"))


@pytest.mark.parametrize(("given", "kept"), [
    (np.full(SHAPE, 200, np.uint8), 200), (np.full(SHAPE, 0.5, np.float32), 128), (np.ones(SHAPE), 255),
])
def test_uncertainty_is_kept_as_bytes(case: Case, given: np.ndarray, kept: int) -> None:
    case.put_suggestion(ALL_TWO, given, {})
    assert case.uncertainty().dtype == np.uint8
    assert (case.uncertainty() == kept).all()


def test_provenance_says_where_it_came_from(case: Case) -> None:
    case.put_suggestion(ALL_TWO, SURE, {"run": "20260101-mean_teacher", "labels_used": 3})
    assert case.provenance()["run"] == "20260101-mean_teacher"
    assert case.provenance()["time"]


@pytest.mark.parametrize(("label", "uncertainty", "words"), [
    (ALL_TWO[:3], SURE, "the suggestion is uint8 of shape"),
    (ALL_TWO.astype("int64"), SURE, "the suggestion is int64"),
    (np.full(SHAPE, 9, np.uint8), SURE, "holds the value 9; structures are: 1 anterior"),
    (np.full(SHAPE, 255, np.uint8), SURE, "holds the value 255"),
    (ALL_TWO, SURE[:3], "its shape is"),
    (ALL_TWO, np.full(SHAPE, 1.5), "must lie in 0..1"),
    (ALL_TWO, np.full(SHAPE, np.nan), "must lie in 0..1"),
])
def test_a_suggestion_that_does_not_fit_is_refused_and_the_old_one_stays(
        case: Case, label: np.ndarray, uncertainty: np.ndarray, words: str) -> None:
    case.put_suggestion(two_blobs(), SURE, {"run": "old"})
    with pytest.raises(LabelError, match=words):
        case.put_suggestion(label, uncertainty, {"run": "new"})
    assert np.array_equal(case.suggestion(), two_blobs())
    assert case.provenance()["run"] == "old"


def test_without_a_suggestion_the_error_says_what_to_do(case: Case) -> None:
    for ask in (case.suggestion, case.uncertainty, case.provenance, case.result):
        with pytest.raises(StudyError, match=r"no suggestion yet. Train"):
            ask()


def test_accepting_makes_every_slice_judged_and_can_be_undone(case: Case) -> None:
    case.set_slices(two_blobs(), [K2], "ann")
    case.put_suggestion(ALL_TWO, SURE, {"run": "r1"})
    case.accept("bob")
    expected = ALL_TWO.copy()
    expected[2] = two_blobs()[2]
    assert np.array_equal(case.labels(), expected)
    assert {one.index: one.author for one in case.annotated} == {0: "bob", 1: "bob", 2: "ann", 3: "bob", 4: "bob"}
    assert case.status == "accepted"
    case.restore(case.versions()[1].name, "bob")
    assert case.places == [K2]
    assert case.status == "corrected"


def test_a_new_suggestion_does_not_change_an_accepted_case(case: Case) -> None:
    case.put_suggestion(two_blobs(), SURE, {})
    case.accept("ann")
    case.put_suggestion(ALL_TWO, SURE, {})
    assert case.status == "accepted"
    assert np.array_equal(case.result(), two_blobs())
    assert np.array_equal(case.suggestion(), two_blobs())


def test_labels_on_every_slice_need_no_suggestion(case: Case) -> None:
    case.set_slices(two_blobs(), [SliceIndex(2, index) for index in range(7)], "ann")
    assert case.judged_whole
    assert np.array_equal(case.result(), two_blobs())


def test_writing_that_was_cut_off_leaves_no_suggestion_and_an_honest_status(case: Case) -> None:
    case.set_slices(two_blobs(), [K2], "ann")
    case.put_suggestion(ALL_TWO, SURE, {})
    case._suggestion.provenance_path.unlink()
    assert not case.has_suggestion
    assert case.status == "slices drawn"


def test_a_suggestion_of_a_removed_structure_is_refused(study: Study, case: Case) -> None:
    case.put_suggestion(ALL_TWO, SURE, {})
    study.remove_structure(2)
    with pytest.raises(LabelError, match=r"holds the value 2.*reject the suggestion"):
        case.suggestion()


def test_a_damaged_suggestion_is_named(case: Case) -> None:
    case.put_suggestion(ALL_TWO, SURE, {})
    for name in ("suggestion.seg.nrrd", "uncertainty.nrrd"):
        (case.folder / name).write_bytes(b"NRRD")
    with pytest.raises(LabelError, match=r"suggestion.seg.nrrd"):
        case.suggestion()
    with pytest.raises(StudyError, match=r"uncertainty.nrrd"):
        case.uncertainty()
    case.put_suggestion(ALL_TWO, SURE, {})
    sitk.WriteImage(sitk.Image(2, 2, 2, sitk.sitkUInt8), str(case.folder / "uncertainty.nrrd"))
    with pytest.raises(StudyError, match="another program changed it"):
        case.uncertainty()


@pytest.mark.parametrize("content", ["{", "", "[]", "3"])
def test_a_damaged_provenance_is_told_stops_no_drawing_and_the_next_suggestion_replaces_it(
    study: Study, case: Case, content: str
) -> None:
    case.put_suggestion(ALL_TWO, SURE, {"run": "r1"})
    (case.folder / "provenance.json").write_text(content)
    with pytest.raises(LabelError, match=r"provenance\.json is damaged.*Train again, or reject the suggestion"):
        case.provenance()
    assert "provenance.json is damaged" in study.status()[0].problem
    case.set_slices(two_blobs(), [K2], "ann")
    case.put_suggestion(two_blobs(), SURE, {"run": "r2"})
    assert case.provenance()["run"] == "r2"
    assert study.status()[0].suggestion


@pytest.mark.parametrize("content", ["{", "", "[]", "3"])
def test_a_damaged_provenance_is_begun_anew_beside_its_copy_and_the_mask_stays(
    study: Study, case: Case, content: str
) -> None:
    case.set_slices(two_blobs(), [K2], "ann")
    case.put_suggestion(ALL_TWO, SURE, {"run": "r1"})
    before = case.suggestion()
    (case.folder / "provenance.json").write_text(content)
    (said,) = Study.repair(study.folder)
    assert "provenance.damaged.json" in said
    assert (case.folder / "provenance.damaged.json").read_text() == content
    assert np.array_equal(case.suggestion(), before)
    assert (case.provenance()["run"], case.provenance()["judged"]) == ("", [[K2.axis, K2.index]])
    row = study.status()[0]
    assert (row.status, row.suggestion, row.problem) == ("suggested", True, "")
    assert Study.repair(study.folder) == []
    assert case.agreement is None, "what was judged before the suggestion came says nothing of it"


def test_a_provenance_that_is_sound_is_left_alone_and_needs_no_lock(study: Study, case: Case) -> None:
    case.put_suggestion(ALL_TWO, SURE, {"run": "r1"})
    with Study.open(study.folder).case(case.id).writing():
        assert case.mend_provenance() is None
    assert case.provenance()["run"] == "r1"


def test_a_provenance_that_cannot_be_read_just_now_is_not_taken_for_damaged(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    case.put_suggestion(ALL_TWO, SURE, {"run": "r1"})
    case._suggestion._told.forget()
    with monkeypatch.context() as away:
        away.setattr("pathlib.Path.read_bytes", lambda _path: (_ for _ in ()).throw(OSError(5, "Input/output error")))
        assert case.mend_provenance() is None
    assert case.provenance()["run"] == "r1"


def test_a_case_with_a_damaged_provenance_is_listed_with_what_is_known_of_it(study: Study, case: Case) -> None:
    case.set_slices(two_blobs(), [K2], "ann")
    case.put_suggestion(ALL_TWO, SURE, {"run": "r1"})
    (case.folder / "provenance.json").write_text("{")
    row = study.status()[0]
    assert (row.name, row.status, row.drawn, row.suggestion) == (case.name, "suggested", 1, True)


def test_a_damaged_provenance_can_be_rejected(study: Study, case: Case) -> None:
    case.put_suggestion(ALL_TWO, SURE, {"run": "r1"})
    (case.folder / "provenance.json").write_text("{")
    case.discard_suggestion()
    assert study.status()[0].status == "none"


def test_a_damaged_suggestion_says_that_it_can_be_rejected(case: Case) -> None:
    case.put_suggestion(ALL_TWO, SURE, {"run": "r1"})
    (case.folder / "suggestion.seg.nrrd").write_text("NRRD")
    with pytest.raises(LabelError, match="Train again, or reject the suggestion; what people drew"):
        case.suggestion()
