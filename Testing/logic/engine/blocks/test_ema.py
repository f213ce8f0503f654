"""Averaged networks."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from SemiSegLogic.engine.blocks.ema import copy_of, ema_update, warm_decay


def _net(seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Conv3d(1, 2, 1), nn.BatchNorm3d(2))
    net(torch.randn(2, 1, 2, 2, 2) + seed)
    return net


def test_a_copy_is_frozen_in_evaluation_mode_and_apart_from_the_original() -> None:
    net = _net(1)
    copied = copy_of(net)
    assert not copied.training
    assert not any(p.requires_grad for p in copied.parameters())
    assert all(p.requires_grad for p in net.parameters())
    before = copied.state_dict()["0.weight"].clone()
    with torch.no_grad():
        net[0].weight.add_(1)
    assert torch.equal(copied.state_dict()["0.weight"], before)


@pytest.mark.parametrize("decay", [0.0, 0.3, 1.0])
def test_parameters_and_statistics_are_averaged_and_counters_copied(decay: float) -> None:
    teacher, student = copy_of(_net(1)), _net(2)
    student(torch.randn(2, 1, 2, 2, 2))
    old = {key: value.clone() for key, value in teacher.state_dict().items()}
    ema_update(teacher, student, decay)
    for key, value in teacher.state_dict().items():
        theirs = student.state_dict()[key]
        expected = decay * old[key] + (1 - decay) * theirs if value.is_floating_point() else theirs
        assert torch.allclose(value, expected, atol=1e-6), key
    assert int(teacher.state_dict()["1.num_batches_tracked"]) == 2
    assert "1.running_mean" in old
    assert all(p.requires_grad for p in student.parameters())


def test_networks_that_do_not_match_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        ema_update(copy_of(_net(1)), nn.Sequential(nn.Conv3d(1, 2, 1)), 0.5)


@pytest.mark.parametrize(("step", "expected"), [(0, 0.0), (1, 0.5), (3, 0.75), (9, 0.9), (1000, 0.97)])
def test_early_averages_forget_the_start(step: int, expected: float) -> None:
    assert warm_decay(0.97, step) == pytest.approx(expected)


def test_the_warm_average_is_the_plain_mean_of_the_first_weights() -> None:
    values, teacher, student = [2.0, 4.0, 9.0], nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
    for step, value in enumerate(values):
        nn.init.constant_(student.weight, value)
        ema_update(teacher, student, warm_decay(0.99, step))
    assert float(teacher.weight.detach()) == pytest.approx(5.0)
