"""A program that dies between any two changes of the disk leaves a study as it was before, or as it is after; and the
next one goes on.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from SemiSegLogic.geometry import SliceIndex
from SemiSegLogic.study import Case, Study, StudyError, export_case
from Testing.support.killing import changes_of, killed_before
from Testing.support.volumes import SHAPE, two_blobs

NOBODY = 2**22 + 1
"""A process that cannot exist: process numbers end before."""
OTHER = np.where(two_blobs() == 1, np.uint8(2), two_blobs()[:, ::-1])


def set_slices(study: Study) -> None:
    study.case("ann").set_slices(OTHER, [SliceIndex(0, 2), SliceIndex(1, 4)], "ann")


def take_back(study: Study) -> None:
    study.case("ann").unmark([SliceIndex(0, 2)], "ann")


def restore(study: Study) -> None:
    study.case("ann").restore(study.case("ann").versions()[-1].name, "ann")


def suggest(study: Study) -> None:
    study.case("ann").put_suggestion(OTHER, np.zeros(SHAPE, np.uint8), {"run": "second"})


def accept(study: Study) -> None:
    study.case("ann").accept("ann")


def export(study: Study) -> None:
    export_case(study.case("ann"), study.exports, ["nii.gz"])


def rename(study: Study) -> None:
    study.case("ann").rename("another name")


def rename_structure(study: Study) -> None:
    study.change_structure(1, name="front")


WORK = [set_slices, take_back, restore, suggest, accept, export, rename, rename_structure]


@pytest.mark.parametrize("work", WORK, ids=[work.__name__ for work in WORK])
def test_a_study_survives_a_death_before_any_change_of_the_disk(
    case: Case, study: Study, tmp_path: Path, work: Callable[[Study], None]
) -> None:
    case.set_slices(two_blobs(), [SliceIndex(0, 1), SliceIndex(2, 3)], "ann")
    case.set_slices(two_blobs(), [SliceIndex(0, 2)], "bob")
    case.put_suggestion(two_blobs(), np.zeros(SHAPE, np.uint8), {"run": "first"})
    export(study)
    whole, place = study.folder.rename(tmp_path / "whole"), study.folder
    shutil.copytree(whole, place)
    before = _told(place)
    changes = changes_of(lambda: work(Study.open(place)))
    after = _told(place)
    for number in range(1, changes + 1):
        shutil.rmtree(place)
        shutil.copytree(whole, place)
        killed_before(number, lambda: work(Study.open(place)), place)
        _bury(place)
        left = _told(place)
        assert left["drawn"] in (before["drawn"], after["drawn"]), number
        assert left["names"] in (before["names"], after["names"]), number
        assert left["suggestion"] in (None, before["suggestion"], after["suggestion"]), number
        if left["suggestion"] is None:
            suggest(Study.open(place))  # as the run, which still has it, does
        work(Study.open(place))
        again = _told(place)
        assert {**again, "exports": 0} == {**after, "exports": 0, "suggestion": again["suggestion"]}, number
        if work is export:
            assert again["exports"] == after["exports"], number


def test_a_volume_comes_in_whole_or_not_at_all(study: Study, image_file: Callable[..., Path]) -> None:
    image, place = image_file(), study.folder
    whole = shutil.copytree(place, place.with_name("whole"))
    changes = changes_of(lambda: study.add_case(image))
    for number in range(1, changes + 1):
        shutil.rmtree(place)
        shutil.copytree(whole, place)
        killed_before(number, lambda: Study.open(place).add_case(image), place)
        _bury(place)
        there = Study.open(place)
        if not there.cases:
            there.add_case(image)
        (case,) = there.cases
        assert (case.id, case.image().shape) == ("ann", SHAPE)
        assert not case.labels().any()


def _told(folder: Path) -> dict[str, object]:
    """All that a person would see of a study with one case."""
    study = Study.open(folder)
    (case,) = study.cases
    drawn = (case.labels().tobytes(), [(item.place, item.state, item.author) for item in case.annotated])
    try:
        suggestion = case.suggestion().tobytes()
    except StudyError:
        suggestion = None
    return {"drawn": drawn, "suggestion": suggestion, "names": (case.name, study.structures),
            "exports": [path.name for path in sorted(study.exports.glob("[!.]*"))]}


def _bury(folder: Path) -> None:
    """The process that is said to hold a lock is dead."""
    for path in folder.rglob("lock.json"):
        path.write_text(json.dumps({**json.loads(path.read_text()), "pid": NOBODY}))
