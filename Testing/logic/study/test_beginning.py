"""First slices of a study on disk: images are read once, damaged ones are passed over, large studies are sampled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from SemiSegLogic.geometry import SliceIndex
from SemiSegLogic.study import Case, Study
from SemiSegLogic.study import beginning as beginnings
from SemiSegLogic.study.beginning import Beginning


@pytest.fixture
def filled(study: Study, image_file: Callable[..., Path]) -> Study:
    """Five cases."""
    for number in range(5):
        study.add_case(image_file(f"scan{number}.nrrd", seed=number))
    return study


def _all_read(study: Study) -> Beginning:
    beginning = Beginning(study)
    while beginning.look_at_more():
        pass
    return beginning


def test_every_case_gets_a_slice_before_any_gets_two(filled: Study) -> None:
    found = _all_read(filled).slices(5)
    assert {item.case for item in found} == {case.id for case in filled.cases}


def test_an_image_is_read_once(filled: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, read = Case.image, []
    monkeypatch.setattr(Case, "image", lambda case: (read.append(case.id), plain(case))[1])
    beginning = _all_read(filled)
    first = beginning.slices()
    case = filled.case(first[0].case)
    case.set_slices(np.zeros(case.grid.shape, np.uint8), [first[0].place], "Ann")
    assert not beginning.look_at_more()
    later = beginning.slices()
    assert sorted(read) == sorted(item.id for item in filled.cases)
    assert later[0].case != first[0].case
    assert (first[0].case, first[0].place) not in [(item.case, item.place) for item in later]


def test_a_case_that_cannot_be_read_is_passed_over(filled: Study) -> None:
    broken, damaged = filled.cases[0], filled.cases[1]
    broken.image_path.write_bytes(b"no image")
    for record in damaged.folder.glob("case.json*"):
        record.write_text("{")
    found = {item.case for item in _all_read(Study.open(filled.folder)).slices()}
    assert found == {case.id for case in filled.cases[2:]}


def test_of_a_large_study_only_some_images_are_read_drawn_ones_among_them(
    filled: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beginnings, "MOST_READ", 3)
    drawn = filled.cases[4]
    drawn.set_slices(np.zeros(drawn.grid.shape, np.uint8), [SliceIndex(0, 1)], "Ann")
    assert {item.case for item in _all_read(filled).slices()} == {filled.cases[n].id for n in (0, 2, 4)}


def test_a_study_without_cases_has_no_first_slice(study: Study) -> None:
    beginning = Beginning(study)
    assert not beginning.look_at_more()
    assert beginning.slices() == []


def test_the_first_images_give_a_slice_before_all_are_read(filled: Study) -> None:
    beginning = Beginning(filled)
    assert beginning.slices() == []
    assert beginning.look_at_more(2)
    assert {item.case for item in beginning.slices()} == {filled.cases[0].id, filled.cases[1].id}
