"""What every method promises, checked on tiny batches: resume, arithmetic, batches without a judged voxel."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor

from SemiSegLogic.geometry import IGNORE
from SemiSegLogic.methods.base import Method, Patches, Step, Task

from .tiny_fit import Blobs, blobs, patches, sparse, train_step


def made_batches(method: Method, task: Task, step: Step, seed: int = 0) -> tuple[Patches, Patches]:
    """Labelled (every third slice judged) and unlabelled patches as ``need`` asks for them."""
    torch.manual_seed(seed)
    need = method.need(step)
    image, truth = blobs(need.labelled + need.unlabelled, task.patch, task.classes)
    n, nothing = need.labelled, torch.full_like(truth, IGNORE)
    return patches(image[:n], sparse(truth[:n]), need.shape), patches(image[n:], nothing[n:], need.shape)


def check_resume(make: Callable[[], Method], task: Task, phase: str) -> None:
    """A method restored from ``state_dict()`` and the generator takes the very same next step."""
    torch.manual_seed(1)
    data, one = Blobs(task), make()
    optimisers = one.optimisers(phase)
    for index in range(2):
        train_step(one, optimisers, data, Step(phase, index, 10))
    kept = copy.deepcopy((one.state_dict(), [o.state_dict() for o in optimisers])), torch.get_rng_state()
    first = train_step(one, optimisers, data, Step(phase, 2, 10))
    two = make()
    fresh = two.optimisers(phase)
    two.load_state_dict(kept[0][0])
    for optimiser, state in zip(fresh, kept[0][1], strict=True):
        optimiser.load_state_dict(state)
    torch.set_rng_state(kept[1])
    second = train_step(two, fresh, data, Step(phase, 2, 10))
    assert {k: v.item() for k, v in first.items()} == {k: v.item() for k, v in second.items()}
    mine, theirs = one.state_dict(), two.state_dict()
    assert [key for key in mine if not torch.equal(mine[key], theirs[key])] == []


def check_bfloat16(method: Method, task: Task, step: Step) -> None:
    """Under autocast every loss is float32, finite, and sends finite gradients."""
    labelled, unlabelled = made_batches(method, task, step)
    method.train()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        losses = method.losses(labelled, unlabelled, step)
    assert {name: value.dtype for name, value in losses.items()} == dict.fromkeys(losses, torch.float32)
    _backward(losses, method)


def check_nothing_judged(method: Method, task: Task, step: Step) -> dict[str, Tensor]:
    """Without a judged voxel every loss and gradient is finite; gives the losses for closer looks."""
    labelled, unlabelled = made_batches(method, task, step)
    blank = torch.full_like(labelled.label, IGNORE)
    method.train()
    losses = method.losses(Patches(labelled.image, blank, labelled.position, labelled.volume), unlabelled, step)
    _backward(losses, method)
    return losses


def _backward(losses: dict[str, Tensor], method: Method) -> None:
    assert all(bool(value.isfinite()) for value in losses.values()), losses
    torch.stack(list(losses.values())).sum().backward()
    broken = [name for name, p in method.named_parameters() if p.grad is not None and not p.grad.isfinite().all()]
    assert broken == []
