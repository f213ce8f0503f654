"""The watch over numbers: at once on a processor, some steps late on a device that is behind."""

from __future__ import annotations

import pytest
import torch

from SemiSegLogic.engine.training.watch import Watch

HOST = torch.device("cpu")
GOOD, BAD = torch.tensor(1.0), torch.tensor(float("nan"))


def _heard(watch: Watch, steps: str) -> list[bool]:
    heard = []
    for step in steps:
        watch.note(BAD if step == "x" else GOOD)
        heard.append(watch.broken())
    return heard


def test_a_processor_is_not_behind() -> None:
    assert _heard(Watch(HOST), "..x.") == [False, False, True, False]


@pytest.mark.parametrize("lag", [1, 2, 4])
def test_a_bad_step_is_heard_of_as_late_as_the_lag(lag: int) -> None:
    heard = _heard(Watch(HOST, lag), "..x" + "." * 9)
    assert heard.index(True) == 2 + lag
    assert sum(heard) == 1


def test_asked_for_all_it_does_not_wait_for_the_lag() -> None:
    watch = Watch(HOST, 4)
    _heard(watch, "..x")
    assert watch.broken(all_of_them=True)
    assert not watch.broken(all_of_them=True)


def test_what_was_undone_is_forgotten() -> None:
    watch = Watch(HOST, 4)
    _heard(watch, "xx")
    watch.forget()
    assert not any(_heard(watch, "." * 8))


def test_an_infinite_number_is_no_number_either() -> None:
    watch = Watch(HOST)
    watch.note(torch.tensor(float("inf")))
    assert watch.broken()
