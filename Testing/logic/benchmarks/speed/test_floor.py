"""How fast a device can be: arithmetic and bytes, by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F

from Testing.benchmarks.speed import floor
from Testing.benchmarks.speed.floor import Amount, Speeds, amount_of, measure_device

HOST = torch.device("cpu")


def test_arithmetic_and_bytes_of_a_convolution_by_hand() -> None:
    image, kernel = torch.ones(1, 2, 4, 4, 4), torch.ones(3, 2, 1, 1, 1)
    amount = amount_of(lambda: F.relu(F.conv3d(image, kernel)))
    assert amount.flops == 2 * 64 * 2 * 3
    assert amount.bytes == 4 * (2 * 64 + 6 + 3 * 64)
    assert amount.traffic == amount.bytes + 4 * 2 * 3 * 64


def test_the_floor_is_the_longer_of_arithmetic_and_memory() -> None:
    device = Speeds({"float32": 100.0}, 10.0)
    assert Amount(400, 20, 0).floor(device, "float32") == 4.0
    assert Amount(400, 20, 0).bound(device, "float32") == "arithmetic"
    assert Amount(100, 20, 0).floor(device, "float32") == 2.0
    assert Amount(100, 20, 0).bound(device, "float32") == "memory"


def test_a_device_is_measured() -> None:
    can = measure_device(HOST, 64)
    assert can.flops.keys() == {"float32", "bfloat16"}
    assert all(value > 1e6 for value in (*can.flops.values(), can.bytes))


def test_peaks_are_those_of_random_numbers_in_the_arithmetic_of_convolutions(monkeypatch: pytest.MonkeyPatch) -> None:
    products, before, state = [], torch.backends.cuda.matmul.allow_tf32, torch.get_rng_state()

    def best(work: Callable[[], torch.Tensor], device: torch.device) -> float:
        products.append((work().float().std(), torch.backends.cuda.matmul.allow_tf32))
        return 1.0

    monkeypatch.setattr(floor, "best", best)
    measure_device(HOST, 64)
    assert [tf32 for _, tf32 in products] == [True, True, before]
    assert all(spread > 1 for spread, _ in products[:2])
    assert torch.backends.cuda.matmul.allow_tf32 is before
    assert torch.equal(torch.get_rng_state(), state)
