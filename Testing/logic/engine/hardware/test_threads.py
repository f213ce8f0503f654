"""Threads: half or all, tried while training, and all of them given back."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from SemiSegLogic.engine.data.volumes import Classes
from SemiSegLogic.engine.hardware.device import Device
from SemiSegLogic.engine.hardware.threads import FIRST_TRIAL, LATER_TRIALS, Threads
from SemiSegLogic.engine.nets import build
from SemiSegLogic.engine.prediction.predict import Predictor
from SemiSegLogic.methods.base import Task
from Testing.support.engine import CPU, plan_of, volume_of
from Testing.support.volumes import picture


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


@pytest.mark.usefixtures("four")
def test_each_call_of_what_is_timed_is_a_step() -> None:
    with Threads(active=True) as threads:
        seen = [threads.timed(lambda given: (given, torch.get_num_threads()))(n) for n in range(FIRST_TRIAL + 2)]
    assert seen == [*((n, 2) for n in range(FIRST_TRIAL + 1)), (FIRST_TRIAL + 1, 4)]


class _Counting(nn.Module):
    """Notes how many threads there are whenever it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.threads = list[int]()

    def forward(self, image: Tensor) -> Tensor:
        self.threads.append(torch.get_num_threads())
        return torch.cat([-image, image], 1)


@pytest.mark.usefixtures("four")
@pytest.mark.parametrize("half", [True, False])
def test_a_prediction_tries_both_where_that_changes_no_digit_and_gives_them_back(half: bool) -> None:
    small = Device(torch.device("cpu"), half=half, memory=1)
    network, volume = _Counting(), volume_of(picture((60, 20, 18)))
    predictor = Predictor(network, plan_of((8, 8, 8), (2.0, 1.5, 1.5)), small)
    slabs = list[int]()
    for _ in predictor.parts(volume):
        slabs.append(torch.get_num_threads())
    assert set(network.threads) == ({2, 4} if half else {4})  # in float32 the network's last digit would change
    assert slabs[0] == 2
    assert torch.get_num_threads() == 4


def test_the_maps_of_a_prediction_are_the_same_with_any_number_of_threads() -> None:
    before, found = torch.get_num_threads(), []
    network = build("fast", Task(1, 3, 3, (16, 16, 16), "fast", (0.8, 0.1, 0.1))).eval()
    for count in (1, 4):
        torch.set_num_threads(count)
        predictor = Predictor(network, plan_of((16, 16, 16), (2.0, 1.5, 1.5)), Device(CPU.torch, True, 8 << 30))
        found.append(predictor.predict(volume_of(picture((60, 40, 38))), Classes([1, 2])))
    torch.set_num_threads(before)
    for name in ("label", "uncertainty", "second"):
        assert np.array_equal(*(getattr(one, name) for one in found))
