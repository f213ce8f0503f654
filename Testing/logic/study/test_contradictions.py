"""Contradicting annotators, found on hand-made labels, and none where people agree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from SemiSegLogic.geometry import Grid, SliceIndex
from SemiSegLogic.study import Case, Study, write_image
from SemiSegLogic.study.contradictions import contradictions

SHAPE = (10, 12, 14)
BOX = (slice(2, 8), slice(3, 9), slice(4, 11))
"""The structure: whole in k 2..7, j 3..8, i 4..10."""


@pytest.fixture
def case(tmp_path: Path) -> Case:
    study = Study.create(tmp_path / "study", structures=["liver", "lesion"])
    image = np.random.default_rng(0).integers(0, 99, SHAPE, np.int16)
    write_image(tmp_path / "scan.nrrd", image, Grid(SHAPE))
    return study.add_case(tmp_path / "scan.nrrd")


def box(value: int = 1) -> NDArray[np.uint8]:
    label = np.zeros(SHAPE, np.uint8)
    label[BOX] = value
    return label


EMPTY = np.zeros(SHAPE, np.uint8)


def judge(case: Case, axis: int, indices: tuple[int, ...], label: NDArray[np.uint8], author: str = "Ann") -> None:
    case.set_slices(label, [SliceIndex(axis, index) for index in indices], author)


def told(*cases: Case) -> list[tuple[str, Any]]:
    """Kind and slices, (axis, index), of what is found."""
    return [(found.kind, [(item.axis, item.index) for item in found.slices]) for found in contradictions(cases)]


def test_people_who_agree_contradict_nobody(case: Case) -> None:
    for axis, index, author in ((0, 5, "Ann"), (1, 6, "Bob"), (2, 7, "Cem")):
        judge(case, axis, (index,), box(), author)
    judge(case, 0, (0, 9), EMPTY, "Bob")
    assert told(case) == []


def test_an_empty_slice_right_between_drawn_ones_is_asked_about_whoever_judged_it(case: Case) -> None:
    judge(case, 0, (3, 5), box())
    judge(case, 0, (4,), EMPTY)
    assert told(case) == [("gap", [(0, 4)])]


def test_empty_slices_of_another_person_inside_a_structure_are_told_with_the_name(case: Case) -> None:
    judge(case, 0, (3, 6), box())
    judge(case, 0, (4, 5), EMPTY, "Bob")
    (found,) = contradictions([case])
    assert found.words() == (
        "Slices of scan that Bob marked 'nothing here', although other people drew a structure on both sides: "
        "k = 4, k = 5. Agree on one reading."
    )


@pytest.mark.parametrize(("first", "last", "why"), [
    (3, None, "the end of a structure is no contradiction"), (2, 9, "too far away to know"),
])  # fmt: skip
def test_another_persons_empty_slice_beside_or_far_from_a_structure_is_nothing(
    case: Case, first: int, last: int | None, why: str
) -> None:
    label = box()
    label[9] = label[7]
    judge(case, 0, (first,) if last is None else (first, last), label)
    judge(case, 0, (5,), EMPTY, "Bob")
    assert told(case) == [], why


def test_structures_at_different_places_on_both_sides_leave_room_for_an_empty_slice(case: Case) -> None:
    label = EMPTY.copy()
    label[3, 1:3, 1:3], label[6, 8:10, 9:12] = 1, 1
    judge(case, 0, (3, 6), label)
    judge(case, 0, (5,), EMPTY, "Bob")
    assert told(case) == []


@pytest.mark.parametrize("theirs", [EMPTY, box(2)])
def test_crossing_slices_that_show_different_things_are_told_with_who_drew_them(
    case: Case, theirs: NDArray[np.uint8]
) -> None:
    judge(case, 0, (5,), box(), "Ann")
    judge(case, 2, (7,), theirs, "Bob")
    (found,) = contradictions([case])
    assert found.kind == "crossing"
    assert "slices k = 5 (Ann), i = 7 (Bob) disagree along the line where they cross" in found.words()


def test_an_empty_slice_that_was_drawn_across_is_seen_though_it_is_no_longer_empty(case: Case) -> None:
    judge(case, 0, (5,), EMPTY, "Ann")
    judge(case, 2, (7,), box(), "Bob")
    assert [item.state for item in case.annotated] == ["drawn", "drawn"]
    assert told(case) == [("crossing", [(0, 5), (2, 7)])]


def test_a_block_of_slices_across_another_is_seen_past_its_own_width(case: Case) -> None:
    judge(case, 0, (5,), box(), "Ann")
    judge(case, 2, (6, 7, 8), EMPTY, "Bob")
    ((kind, slices),) = told(case)
    assert (kind, slices[0]) == ("crossing", (0, 5))


def test_outlines_that_differ_by_a_voxel_are_no_contradiction(case: Case) -> None:
    judge(case, 0, (5,), box(), "Ann")
    judge(case, 2, (7,), np.roll(box(), 1, axis=1), "Bob")
    assert told(case) == []


def test_a_volume_judged_whole_leaves_nothing_beside_a_crossing_slice_to_compare_with(case: Case) -> None:
    judge(case, 0, tuple(range(10)), box(), "Ann")
    judge(case, 2, (7,), EMPTY, "Bob")
    assert told(case) == []


def test_labels_are_read_only_where_slices_could_contradict_each_other(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge(case, 0, (3, 5, 9), box())
    monkeypatch.setattr(Case, "labels", lambda _self: pytest.fail("read for nothing"))
    assert told(case) == []
