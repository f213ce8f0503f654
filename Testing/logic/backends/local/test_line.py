"""Whose turn is next."""

from __future__ import annotations

from pathlib import Path

import pytest

from SemiSegLogic.backends.local.line import TURNS, Turns, Waiting


def waiting(names: str, start: int = 0) -> list[Waiting]:
    """Jobs called "a1", "b1", ... of the people "a", "b", ... in the order in which they came."""
    return [Waiting(float(start + place), name, name[0]) for place, name in enumerate(names.split())]


def line(turns: Turns, jobs: list[Waiting]) -> str:
    return " ".join(one.name for one in turns.line(jobs))


def test_one_person_waits_in_the_order_in_which_their_jobs_came() -> None:
    assert line(Turns(), waiting("a2 a1 a3")) == "a2 a1 a3"


def test_nobody_waits_for_all_jobs_of_another() -> None:
    jobs = waiting("a1 a2 a3 a4 b1 b2 c1")
    turns = Turns().after(jobs[0])
    assert line(turns, jobs) == "a1 b1 c1 a2 b2 a3 a4"
    assert line(turns, jobs[1:]) == "b1 c1 a2 b2 a3 a4", "a1 is done: it is still not a's turn"
    turns = turns.after(jobs[4])
    assert line(turns, [*jobs[1:4], *jobs[5:]]) == "c1 a2 b2 a3 a4"


def test_who_comes_new_goes_before_those_who_had_a_turn_and_after_those_who_had_none() -> None:
    turns = Turns("a1", 0.0, {"a": 7, "b": 6})
    assert line(turns, waiting("a1 a2 b1 c1 d1")) == "a1 c1 d1 b1 a2"


def test_what_is_resumed_comes_behind_its_owners_others() -> None:
    jobs = waiting("a1 a2 b1")
    turns = Turns().after(jobs[0])
    assert line(turns, [*jobs[1:], Waiting(9.0, "a1", "a")]) == "b1 a2 a1"


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"job": 1}', '{"job": "a", "order": 1, "last": {"a": null}}',
                                     '{"job": "a", "order": 1, "last": []}'])
def test_where_the_turns_cannot_be_read_the_line_goes_on(tmp_path: Path, content: str) -> None:
    assert Turns.read(tmp_path) == Turns()
    (tmp_path / TURNS).write_text(content)
    assert Turns.read(tmp_path) == Turns()


def test_turns_are_kept(tmp_path: Path) -> None:
    turns = Turns().after(waiting("a1", 1764000000)[0])
    turns.write(tmp_path)
    assert Turns.read(tmp_path) == turns
