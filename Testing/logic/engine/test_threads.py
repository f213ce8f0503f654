"""Threads: half or all, tried while training, and all of them given back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from SemiSegLogic.engine.threads import FIRST_TRIAL, LATER_TRIALS, Threads


@pytest.fixture
def four() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


def _to_the_decision(threads: Threads, half: float, full: float) -> None:
    for _ in range(FIRST_TRIAL):
        threads.took(1.0)
    assert torch.get_num_threads() == 2
    threads.took(half)
    assert torch.get_num_threads() == 4
    threads.took(full)


@pytest.mark.usefixtures("four")
@pytest.mark.parametrize(("half", "full", "taken"), [(1.0, 0.6, 4), (1.0, 1.1, 4), (1.0, 1.3, 2), (1.0, 20.0, 2)])
def test_all_threads_are_taken_unless_half_of_them_are_clearly_faster(half: float, full: float, taken: int) -> None:
    with Threads(active=True) as threads:
        assert torch.get_num_threads() == 2
        _to_the_decision(threads, half, full)
        assert torch.get_num_threads() == taken


@pytest.mark.usefixtures("four")
def test_what_lost_clearly_is_tried_less_often() -> None:
    for full, pause in ((1.2, LATER_TRIALS), (5.0, 2 * LATER_TRIALS)):
        with Threads(active=True) as threads:
            _to_the_decision(threads, 1.0, full)
            for _ in range(pause):
                assert torch.get_num_threads() == 2
                threads.took(1.0)
            threads.took(1.0)  # the step with half of them, then all are tried again
            assert torch.get_num_threads() == 4


@pytest.mark.usefixtures("four")
def test_the_next_leg_starts_from_all_threads_again() -> None:
    for _ in range(3):
        with Threads(active=True) as threads:
            assert torch.get_num_threads() == 2
            threads.took(1.0)
        assert torch.get_num_threads() == 4
    with pytest.raises(ValueError, match="broken"), Threads(active=True):
        raise ValueError("broken")
    assert torch.get_num_threads() == 4


@pytest.mark.usefixtures("four")
def test_an_inactive_one_touches_nothing() -> None:
    with Threads(active=False) as threads:
        for _ in range(10):
            threads.took(1.0)
            assert torch.get_num_threads() == 4
