"""Before a training: what would spoil it, in words. Each fault is made, and a sound study has none."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from SemiSegLogic.geometry import Grid, SliceIndex
from Testing.support.clinician import ball, noise


@pytest.fixture
def check(slicer: Any) -> Any:
    from SemiSegLib.training.preflight import check

    return check


def drawn(study: Any, number: int = 0, slices: tuple[int, ...] = (5, 6, 7), only: int = 0) -> Any:
    case = study.cases[number]
    label = ball(case.grid.shape).astype(np.uint8)
    if only:
        label[label != only] = 0
    case.set_slices(label, [SliceIndex(0, k) for k in slices], "ann")
    return case


def told(findings: list[Any], level: str) -> list[str]:
    return [finding.text for finding in findings if finding.level == level]


def test_a_sound_study_gets_no_warning_and_its_memory_told(check: Any, study: Any) -> None:
    drawn(study), drawn(study, 1)
    found = check(study)
    assert told(found, "stop") == told(found, "warning") == []
    assert "GB of memory" in " ".join(told(found, "good"))


def test_nothing_drawn_nothing_but_background_and_no_structures_each_stop(check: Any, study: Any) -> None:
    assert "No slice is done yet" in told(check(study), "stop")[0]
    case = study.cases[0]
    case.set_slices(np.zeros(case.grid.shape, np.uint8), [SliceIndex(0, 0)], "ann")
    assert "Nothing is drawn" in told(check(study), "stop")[0]
    for value in (1, 2):
        study.remove_structure(value)
    assert "no structures" in told(check(study), "stop")[0]


def test_a_structure_that_is_absent_or_in_one_case_only_is_named(check: Any, study: Any) -> None:
    drawn(study, only=1), drawn(study, 1, only=1)
    assert any("core is not drawn anywhere" in text for text in told(check(study), "warning"))
    drawn(study, 1)
    assert any("core is drawn in scan1 only" in text for text in told(check(study), "warning"))


def test_a_structure_in_few_cases_is_told_with_what_the_others_teach(check: Any, study: Any) -> None:
    for number in range(8):
        if number >= len(study.cases):
            study.add_case(study.cases[0].image_path, name=f"scan{number}", duplicates=True)
        drawn(study, number, only=0 if number < 2 else 1)
    sentences = [text for text in told(check(study), "warning") if "core" in text]
    assert sentences == ["core is drawn in scan0, scan1 only. On slices done in other cases it counts as not there. "
                         "Draw it wherever it can be seen; otherwise the model learns to leave it out."]
    drawn(study, 2)
    assert not any("core" in text for text in told(check(study), "warning"))


def test_of_a_hundred_structures_it_is_told_in_two_sentences_which_are_missing(check: Any, study: Any) -> None:
    from SemiSegLogic.study import Study

    many = Study.create(study.folder.parent / "many", structures=[f"structure {n} {'x' * 80}" for n in range(1, 101)])
    for number in range(3):
        case = many.add_case(study.cases[number].image_path)
        label = np.zeros(case.grid.shape, np.uint8)
        label[6, :10, :20] = 1 + np.arange(20) + 20 * number
        case.set_slices(label, [SliceIndex(0, 6)], "ann")
    missing, single = (text for text in told(check(many), "warning") if "structure" in text and "Slices" not in text)
    assert missing.startswith("Not drawn anywhere, so the model cannot learn them (40): ")
    assert missing.endswith("and 37 more.")
    assert single.startswith("Drawn in few cases (60): structure 1 ")
    assert max(len(missing), len(single)) < 600


def test_a_slip_of_the_hand_is_told_of_as_one(check: Any, study: Any) -> None:
    """Of a single voxel it was said that it should be drawn in a second case."""
    case = drawn(study, only=1)
    drawn(study, 1, only=1)
    label = case.labels()
    label[5, 0, 0] = 2
    case.set_slices(label, [SliceIndex(0, 5)], "ann")
    (text,) = told(check(study), "warning")
    assert text.startswith("Very little is drawn of core (voxels: 1, in scan0): too little to learn from.")
    label[5, 0, :6] = 2
    case.set_slices(label, [SliceIndex(0, 5)], "ann")
    (text,) = told(check(study), "warning")
    assert "core is drawn in scan0 only" in text


def test_slices_that_show_nothing_tell_nothing_of_quality(check: Any, study: Any) -> None:
    case = drawn(study, slices=(5, 6))
    case.set_slices(np.zeros(case.grid.shape, np.uint8), [SliceIndex(0, 0), SliceIndex(0, 11)], "ann")
    drawn(study, 1, slices=(6,))
    (text,) = told(check(study), "warning")
    assert text.startswith("Slices done that show a structure: 3. With so few")
    drawn(study, 1, slices=(5,))
    assert told(check(study), "warning") == []


def test_a_study_of_one_case_is_told(check: Any, study: Any) -> None:
    drawn(study)
    for case in study.cases[1:]:
        study.remove_case(case.id)
    assert any("one case" in text for text in told(check(study), "warning"))


def test_an_empty_slice_between_drawn_ones_is_asked_about(check: Any, study: Any) -> None:
    case = drawn(study)
    drawn(study, 1)
    case.set_slices(np.zeros(case.grid.shape, np.uint8), [SliceIndex(0, 6)], "ann")
    warnings = told(check(study), "warning")
    assert any("marked 'nothing here' that lie between two slices with a structure: 7." in text for text in warnings)


def test_slices_across_thick_ones_are_named_by_their_view(check: Any, tmp_path: Path) -> None:
    """In which case, and that nothing is learned from them, was only told by the run, once it had begun."""
    from SemiSegLogic.study import Study, write_image

    thick, grid = Study.create(tmp_path / "thick", structures=["ball"]), Grid((12, 32, 36), (9.0, 1.0, 1.0))
    for name in ("one", "two"):
        write_image(tmp_path / f"{name}.nrrd", noise(grid.shape, len(thick.cases)), grid)
        case = thick.add_case(tmp_path / f"{name}.nrrd")
        case.set_slices((ball(case.grid.shape) == 1).astype(np.uint8), [SliceIndex(2, 17), SliceIndex(1, 15)], "ann")
    (text,) = told(check(thick), "stop")
    assert "lie across them: one (coronal 16, sagittal 18), two (coronal 16, sagittal 18)" in text
    assert text.endswith("Draw on slices such as axial 7.")


def test_the_same_image_drawn_in_two_ways_is_a_contradiction(check: Any, study: Any) -> None:
    drawn(study), drawn(study, 1)
    twin = study.add_case(study.cases[0].image_path, name="twin", duplicates=True)
    label = ball(twin.grid.shape).astype(np.uint8)
    twin.set_slices(label, [SliceIndex(0, 6)], "ann")
    assert told(check(study), "warning") == []
    label[6, 0, 0] = 2
    twin.set_slices(label, [SliceIndex(0, 6)], "ann")
    assert any("scan0 and twin are the same image" in text for text in told(check(study), "warning"))


def test_annotators_who_contradict_each_other_are_told_as_the_command_line_tells_it(check: Any, study: Any) -> None:
    from SemiSegLib.training.preflight import SENTENCES
    from SemiSegLogic import preflight
    from SemiSegLogic.study.contradictions import contradictions

    case = drawn(study, slices=(5, 7))
    drawn(study, 1)
    nothing = np.zeros(case.grid.shape, np.uint8)
    case.set_slices(nothing, [SliceIndex(0, 6)], "Bob")
    case.set_slices(nothing, [SliceIndex(2, 18)], "Bob")
    assert [found.kind for found in contradictions(study.cases)] == ["others", "crossing"]
    told_of = told(check(study), "warning")
    assert any("that Bob marked 'nothing here'" in text and "sides: 7." in text for text in told_of)
    assert any("(ann), sagittal 19 (Bob) disagree along the line" in text for text in told_of)
    assert SENTENCES == preflight.SENTENCES


def test_an_odd_voxel_size_is_told_but_another_orientation_is_none(check: Any, study: Any, tmp_path: Path) -> None:
    from SemiSegLogic.study import write_image

    drawn(study), drawn(study, 1)
    turned = Grid((32, 12, 36), (1.0, 2.0, 1.0), (0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0))
    write_image(tmp_path / "turned.nrrd", noise(turned.shape, 8), turned)
    study.add_case(tmp_path / "turned.nrrd")
    assert told(check(study), "warning") == []
    write_image(tmp_path / "odd.nrrd", noise((12, 32, 36), 9), Grid((12, 32, 36), (9.0, 1.0, 1.0)))
    study.add_case(tmp_path / "odd.nrrd")
    assert [text for text in told(check(study), "warning") if "The voxels of odd have another size" in text]


def test_an_image_that_has_gone_and_labels_that_are_damaged_stop(check: Any, study: Any) -> None:
    case = drawn(study)
    image = study.cases[1].image_path
    image.rename(image.with_name("elsewhere"))
    assert any("The image of scan1 is missing" in text for text in told(check(study), "stop"))
    image.with_name("elsewhere").rename(image)
    (case.folder / "labels.seg.nrrd").write_bytes(b"NRRD0004\nbroken")
    assert any("labels" in text for text in told(check(study), "stop"))


def test_too_little_disk_stops_and_too_little_memory_warns(
    check: Any, study: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn(study), drawn(study, 1)
    with monkeypatch.context() as full:
        full.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=1e8))
        assert any("0.1 GB are free" in text for text in told(check(study), "stop"))
    for told_free in (8 << 30, None):  # a system may not tell
        monkeypatch.setattr("SemiSegLogic.preflight.computer.available_memory", lambda told_free=told_free: told_free)
        assert told(check(study), "warning") == []
    # of 16 GB that other programs hold
    monkeypatch.setattr("SemiSegLogic.preflight.computer.available_memory", lambda: 700 << 20)
    assert any(text.endswith("Close other programs.") for text in told(check(study), "warning"))


def test_a_method_that_takes_more_memory_is_told_before_it_starts(
    check: Any, study: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the method, 1.2 GB were said; medl with many patches took ten times the step of the usual methods."""
    drawn(study), drawn(study, 1)
    monkeypatch.setattr("SemiSegLogic.preflight.computer.available_memory", lambda: 1 << 30)
    assert told(check(study), "warning") == []
    few, many = (check(study, method="medl", settings={"batch": batch}) for batch in (2, 32))
    assert any("method or settings that need less memory" in text for text in told(few, "warning"))
    size = [float(text.split("about ")[1].split(" GB")[0]) for found in (few, many) for text in told(found, "warning")]
    assert size[0] < 1.5 < 5 < size[1]
