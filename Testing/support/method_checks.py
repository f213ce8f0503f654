"""What every method must survive: a restart, bfloat16, a batch that nobody judged."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor

from SemiSegLogic.geometry import IGNORE
from SemiSegLogic.methods.base import Method, Patches, Step, Task

from .tiny_fit import Blobs, train_step


def batch(task: Task, count: int, volumes: int = 3, judged: bool = True, seed: int = 0) -> Patches:
    """``count`` random patches spread over ``volumes`` volumes and all positions; every third slice judged, or none."""
    made = torch.Generator().manual_seed(seed)
    label = torch.randint(0, task.classes, (count, *task.patch), generator=made)
    if not judged:
        label.fill_(IGNORE)
    elif task.dims == 3:
        label[:, [d for d in range(task.patch[0]) if d % 3]] = IGNORE
    image = torch.randn(count, task.channels, *task.patch, generator=made)
    return Patches(image, label, torch.rand(count, 3, generator=made), torch.arange(count) % volumes)


def losses_of(method: Method, step: Step, seed: int = 0, judged: bool = True) -> dict[str, Tensor]:
    """The losses of ``step`` on random patches, drawn and computed from ``seed``."""
    need, task = method.need(step), method.task
    assert isinstance(task, Task)
    labelled = batch(task, need.labelled, judged=judged, seed=seed)
    unlabelled = batch(task, need.unlabelled, judged=False, seed=seed + 1)
    torch.manual_seed(seed)
    return method.losses(labelled, unlabelled, step)


def total(losses: dict[str, Tensor]) -> Tensor:
    """What the trainer calls backward on."""
    return torch.stack([value.float() for value in losses.values()]).sum()


def assert_resumes_bit_identically(build: Callable[[], Method], task: Task, phase: str) -> None:
    """Two steps in a row equal one step, a restart from ``state_dict`` and the optimisers' states, and one more."""
    torch.manual_seed(0)
    first, data = build(), Blobs(task)
    optimisers = first.optimisers(phase)
    train_step(first, optimisers, data, Step(phase, 0, 4))
    saved = copy.deepcopy([first.state_dict(), [o.state_dict() for o in optimisers], torch.get_rng_state()])
    expected = train_step(first, optimisers, data, Step(phase, 1, 4))
    torch.manual_seed(99)
    second = build()
    second.load_state_dict(saved[0])
    again = second.optimisers(phase)
    for optimiser, state in zip(again, saved[1], strict=True):
        optimiser.load_state_dict(state)
    torch.set_rng_state(saved[2])
    found = train_step(second, again, data, Step(phase, 1, 4))
    assert {k: v.item() for k, v in found.items()} == {k: v.item() for k, v in expected.items()}
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name


def assert_float32_losses_under_bfloat16(method: Method, step: Step) -> None:
    """Under autocast every loss is a finite float32 scalar with finite gradients."""
    with torch.autocast("cpu", torch.bfloat16):
        losses = losses_of(method, step)
    for name, value in losses.items():
        assert value.dtype == torch.float32, name
        assert value.dim() == 0, name
        assert bool(value.isfinite()), name
    assert_finite_gradients(method, losses)


def assert_unjudged_batch_is_harmless(method: Method, step: Step) -> None:
    """A batch in which nobody judged a voxel gives finite losses and finite gradients."""
    losses = losses_of(method, step, judged=False)
    assert all(bool(value.isfinite()) for value in losses.values()), losses
    assert_finite_gradients(method, losses)


def assert_finite_gradients(method: Method, losses: dict[str, Tensor]) -> None:
    """Backward from the sum leaves no NaN."""
    if total(losses).requires_grad:
        total(losses).backward()
    for name, weight in method.named_parameters():
        assert weight.grad is None or bool(weight.grad.isfinite().all()), name
