"""Which slice comes next: hand-made profiles, reproducible chance, distances, turns, studies with nothing in them."""

from __future__ import annotations

import numpy as np
import pytest

from SemiSegLogic.engine.selection import STRATEGIES, Candidate, Profile, drawing_axis, next_slices, seed_of
from SemiSegLogic.engine.selection.suggest import PER_CASE
from SemiSegLogic.geometry import Grid, SliceIndex

NAMES = {1: "liver", 2: "tumour"}
SLICES = 40


def make(
    case: str = "c001", doubt: dict[int, float] | None = None, judged: tuple[int, ...] = (), spacing: float = 1.0,
    ends: tuple[int, int] = (8, 32), tumour: dict[int, float] | None = None, changed: dict[int, float] | None = None,
) -> Profile:
    """A case of SLICES slices along k: structure 1 of 100 voxels from ``ends[0]`` to ``ends[1]``, tumour nowhere.
    ``doubt`` voxels of full doubt about structure 1, ``tumour`` about structure 2.
    """
    area, lines = np.zeros((2, SLICES)), np.zeros((3, SLICES))
    area[0, ends[0] : ends[1] + 1] = 100
    for row, given in zip(lines, (doubt, tumour, changed), strict=True):
        for index, value in (given or {}).items():
            row[index] = value
    grid = Grid((SLICES, 5, 5), (spacing, 1.0, 1.0))
    return Profile(case, 0, grid, (1, 2), area, 2 * lines[0] + 2 * lines[1], lines[:2], lines[2], judged)


def _indices(found: list[Candidate]) -> list[int]:
    return [item.place.index for item in found]


def test_the_most_doubtful_slices_come_first() -> None:
    found = next_slices([make(doubt={12: 3, 20: 9, 28: 5})], NAMES, "entropy")
    assert _indices(found) == [20, 28, 12]
    assert [item.score for item in found] == [18, 10, 6]


def test_most_changed_slices_come_first_where_rounds_disagree() -> None:
    assert _indices(next_slices([make(changed={12: 3, 20: 9, 28: 5})], NAMES, "disagreement")) == [20, 28, 12]


@pytest.mark.parametrize("strategy", list(STRATEGIES))
@pytest.mark.parametrize(("spacing", "gap"), [(1.0, 4), (2.0, 2), (10.0, 1)])
def test_no_suggestion_is_judged_or_near_a_judged_slice_or_another_one(strategy: str, spacing: float, gap: int) -> None:
    doubt = dict.fromkeys(range(SLICES), 1.0)
    item = make(doubt=doubt, judged=(10, 27), spacing=spacing, changed=doubt)
    found = _indices(next_slices([item], NAMES, strategy, seed=3))
    assert found
    for number, index in enumerate(found):
        assert all(abs(index - other) > gap for other in (10, 27, *found[:number]))


@pytest.mark.parametrize("strategy", list(STRATEGIES))
def test_every_case_has_its_turn_before_the_second_of_any(strategy: str) -> None:
    cases = [make(name, dict.fromkeys(range(10, 30), weight)) for name, weight in (("a", 9.0), ("b", 1.0), ("c", 4.0))]
    found = [item.case for item in next_slices(cases, NAMES, strategy, seed=1)]
    assert len(found) == PER_CASE * 3
    assert all(sorted(found[turn : turn + 3]) == ["a", "b", "c"] for turn in (0, 3, 6))


@pytest.mark.parametrize("strategy", list(STRATEGIES))
def test_the_same_seed_gives_the_same_list(strategy: str) -> None:
    cases = [make(f"c{n}", level := dict.fromkeys(range(9, 31), 1.0 + n), changed=level) for n in range(6)]
    first, again, other = (next_slices(cases, NAMES, strategy, seed) for seed in (5, 5, 6))
    assert first == again
    assert (first == other) == (strategy in ("entropy", "disagreement"))


def test_a_seed_is_the_same_on_every_computer() -> None:
    assert seed_of("a", 1) == 4120264786
    assert len({seed_of(run, turn) for run in ("a", "b") for turn in range(9)}) == 18


def test_doubt_at_the_border_of_the_volume_does_not_win() -> None:
    """The organ is made to run on to the first slice, where the model doubts most: as after very few labels."""
    doubt = {0: 40.0, 1: 30.0, 20: 25.0}
    found = next_slices([make(doubt=doubt, ends=(0, 32))], NAMES, "entropy")
    assert found[0].place.index == 20


def test_doubt_where_there_is_no_structure_does_not_win() -> None:
    """Far outside of the organ a dot was found, and much doubt about it."""
    item = make(doubt={36: 50.0, 20: 5.0}, ends=(8, 24))
    item.area[0, 36] = 1
    assert next_slices([item], NAMES, "entropy")[0].place.index == 20


def test_two_choices_in_three_look_at_one_structure_each_in_its_turn() -> None:
    """Late, when there is no chance left: liver's doubt, tumour's, all doubt, liver's, ..."""
    cases = [
        make(f"c{n}", {20: 2.0 ** (9 - n)}, tuple(range(8)), tumour={12: 1 + 0.2 * n}) for n in range(6)
    ]  # 48 judged slices
    found = next_slices(cases, NAMES, "clasp_pe", count=6)
    assert [(item.case, item.place.index) for item in found] == [
        ("c0", 20), ("c5", 12), ("c1", 20), ("c2", 20), ("c4", 12), ("c3", 20),
    ]  # fmt: skip


def test_early_on_chance_spreads_the_choice_and_later_doubt_decides() -> None:
    def firsts(judged: tuple[int, ...]) -> set[int]:
        items = [make(doubt={n: 5.0 + n for n in range(10, 31)}, judged=judged)]
        return {next_slices(items, NAMES, "clasp_pe", seed, 1)[0].place.index for seed in range(30)}

    assert len(firsts(())) > 8
    assert firsts((0, 1, 2, 3) * 10) <= {29, 30}


def test_strided_goes_to_new_cases_first_and_then_far_from_what_is_judged() -> None:
    found = next_slices([make("a", judged=(10,)), make("b")], NAMES, "strided", seed=2, count=2)
    assert [item.case for item in found] == ["b", "a"]
    assert all(abs(item.place.index - 10) > 8 for item in found if item.case == "a")


def test_the_axis_of_most_slices_is_the_drawing_axis() -> None:
    assert drawing_axis([SliceIndex(2, 1), SliceIndex(0, 1), SliceIndex(2, 7)]) == 2
    assert drawing_axis([], default=1) == 1


# --- degenerate studies ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", list(STRATEGIES))
def test_a_model_that_is_sure_of_everything_is_still_checked(strategy: str) -> None:
    found = next_slices([make(judged=(20,))], NAMES, strategy)
    assert found
    if strategy != "random":
        assert all(4 <= item.place.index <= 36 for item in found)  # at the organ
    assert all("no slice near here is done" in item.reason for item in found)


@pytest.mark.parametrize("strategy", list(STRATEGIES))
def test_where_all_slices_are_judged_nothing_is_suggested(strategy: str) -> None:
    everything = make(doubt=dict.fromkeys(range(SLICES), 1.0), judged=tuple(range(SLICES)))
    assert next_slices([everything], NAMES, strategy) == []
    assert next_slices([], NAMES, strategy) == []
    (only,) = next_slices([everything, make("b", {20: 1.0})], NAMES, strategy, count=1)
    assert only.case == "b"


@pytest.mark.parametrize("strategy", list(STRATEGIES))
def test_a_structure_that_is_nowhere_does_not_stop_the_others(strategy: str) -> None:
    assert len(next_slices([make(doubt={20: 4.0})], NAMES, strategy)) >= 1


def test_where_no_structure_was_found_the_reason_says_so() -> None:
    item = make(doubt={20: 4.0})
    item.area[:] = 0
    assert next_slices([item], NAMES, "entropy")[0].reason == (
        "No structure was found: the model is unsure whether there is one."
    )


def test_annotators_who_contradict_each_other_are_asked_between_their_structures() -> None:
    """Half drew liver where the others drew tumour: the model hesitates between the two, in every case."""
    cases = [make(f"c{n}", {20: 9.0, 14: 3.0}, tumour={20: 8.5}) for n in range(4)]
    for item in cases:
        item.doubt[20] = 17.5  # hardly any of it belongs to the background
    found = next_slices(cases, NAMES, "entropy", count=4)
    assert {item.case for item in found} == {"c0", "c1", "c2", "c3"}
    assert {item.reason for item in found} == {"Middle part of liver: the model is unsure between liver and tumour."}
