"""Label values keep their meaning for the life of a study."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from SemiSegLogic.geometry import SliceIndex
from SemiSegLogic.study import Case, Structure, Structures, Study, StudyError
from Testing.support.volumes import two_blobs


def test_a_value_is_never_given_twice(study: Study) -> None:
    third = study.add_structure("tail")
    study.remove_structure(third.value)
    assert study.add_structure("tail").value == 4
    assert Study.open(study.folder).structures.names == {"anterior": 1, "posterior": 2, "tail": 4}


def test_a_rename_keeps_the_value_and_what_is_drawn(study: Study, case: Case) -> None:
    case.set_slices(two_blobs(), [SliceIndex(0, 2)], "ann")
    before = case.labels()
    study.change_structure(1, name="head", color=(0.0, 1.0, 0.5))
    assert study.structures.of_value(1) == Structure(1, "head", (0.0, 1.0, 0.5))
    assert np.array_equal(case.labels(), before)


def test_a_structure_that_is_drawn_cannot_be_removed(study: Study, case: Case) -> None:
    case.set_slices(two_blobs(), [SliceIndex(0, 2)], "ann")
    with pytest.raises(StudyError, match="'anterior' is drawn in ann"):
        study.remove_structure(1)
    case.set_slices(np.zeros(case.grid.shape, np.uint8), [SliceIndex(0, 2)], "ann")
    study.remove_structure(1)
    assert study.structures.names == {"posterior": 2}


@pytest.mark.parametrize(("value", "name", "color", "words"), [
    (0, "a", (0, 0, 0), "must lie in 1..254"),
    (255, "a", (0, 0, 0), "255 means not judged"),
    (1.5, "a", (0, 0, 0), "must lie in"),
    (True, "a", (0, 0, 0), "must lie in"),
    (1, "", (0, 0, 0), "printable"),
    (1, " a", (0, 0, 0), "no space at either end"),
    (1, "a\nb", (0, 0, 0), "printable"),
    (1, "7", (0, 0, 0), "name in words"),
    (1, "a", (0, 0, 2), "red, green, blue"),
])
def test_an_impossible_structure_is_refused(value: int, name: str, color: tuple, words: str) -> None:
    with pytest.raises(StudyError, match=words):
        Structure(value, name, color)


@pytest.mark.parametrize(("items", "words"), [
    (["a", "A"], "name 'a'"), ([Structure(1, "a"), Structure(1, "b")], "value '1'"),
])
def test_two_structures_cannot_share_a_name_or_a_value(items: list, words: str) -> None:
    with pytest.raises(StudyError, match=words):
        Structures.of(items)


def test_structures_by_name_take_the_next_free_values() -> None:
    assert Structures.of([Structure(3, "a"), "b", "c"]).names == {"a": 3, "b": 4, "c": 5}


def test_the_values_run_out_with_a_clear_error() -> None:
    full = Structures.of([Structure(254, "last")])
    with pytest.raises(StudyError, match="all 254 label values"):
        full.add("one more")


def test_new_structures_get_colours_that_differ(tmp_path: Path) -> None:
    study = Study.create(tmp_path / "s", structures=[f"structure {letter}" for letter in "abcdefghij"])
    assert len({item.color for item in study.structures}) == 10
