"""When a live run shows which case."""

from __future__ import annotations

import itertools

from SemiSegLogic.runner.live.agenda import OTHERS_SHARE, SHOW_AFTER_S, Agenda


def shows(agenda: Agenda, until: float, step: float = 0.5, took: float = 0.0, since: float = 0.0) -> list[tuple]:
    """(second, case) of everything shown by a run that looks every ``step`` seconds."""
    found, now = [], since
    while now <= until:
        case = agenda.due(now)
        if case is not None:
            agenda.shown(case, now, took)
            found.append((now, case))
        now += step
    return found


def test_the_open_case_is_shown_again_and_again_after_news_and_then_left_alone() -> None:
    agenda = Agenda(["a"], 0.0)
    agenda.open("a")
    assert shows(agenda, 1.0) == [(0.0, "a")], "a case that comes on screen is shown at once"
    agenda.news(1.0)
    assert [second for second, _ in shows(agenda, 200.0, since=1.0)] == [1.0 + after for after in SHOW_AFTER_S]
    assert agenda.settled(200.0)
    assert not agenda.settled(30.0)


def test_a_quick_hand_does_not_put_the_first_show_off_for_ever() -> None:
    agenda = Agenda(["a"], 0.0)
    agenda.open("a")
    agenda.due(0.0)
    agenda.shown("a", 0.0, 0.0)
    seen = []
    for tenth in range(200):  # news every second for twenty seconds
        now = tenth / 10
        if tenth % 10 == 0:
            agenda.news(now)
        if agenda.due(now) == "a":
            agenda.shown("a", now, 0.0)
            seen.append(now)
    gaps = [b - a for a, b in itertools.pairwise(seen)]
    assert max(gaps) <= SHOW_AFTER_S[0] + 1.1
    assert len(seen) >= 5


def test_the_others_follow_in_turn_and_take_no_more_than_their_share() -> None:
    agenda = Agenda(["a", "b", "c", "d"], 0.0)
    agenda.open("a")
    agenda.news(0.0)
    seen = shows(agenda, 40.0, took=1.0)
    first = seen.index((SHOW_AFTER_S[0], "a"))
    others = [(second, case) for second, case in seen[first:] if case != "a"]
    assert [case for _, case in others] == ["b", "c", "d"], "each once, for nothing is new since"
    gaps = [b - a for (a, _), (b, _) in itertools.pairwise(others)]
    assert min(gaps) >= 1.0 / OTHERS_SHARE - 1.0


def test_after_news_those_shown_longest_ago_come_first() -> None:
    agenda = Agenda(["a", "b", "c"], 0.0)
    agenda.open("a")
    agenda.news(0.0)
    agenda.shown("a", 3.0, 0.1)
    agenda.shown("b", 3.1, 0.1)
    agenda.news(4.0)
    agenda.shown("a", 7.0, 0.1)
    assert agenda.due(7.5) == "c"


def test_without_a_case_on_screen_the_others_are_shown_all_the_same() -> None:
    agenda = Agenda(["a", "b"], 0.0)
    agenda.news(0.0)
    assert [case for _, case in shows(agenda, 70.0)] == ["a", "b"]
    assert agenda.settled(70.0)
