"""Teach a method on made blobs with a few judged slices, in seconds: does it learn at all?

The loop is the trainer's in miniature: need, draw, losses, one backward, step, after_step.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from SemiSegLogic.geometry import IGNORE
from SemiSegLogic.methods.base import Method, Need, Optimiser, Patches, Step, Task


def blob_task(dims: int = 3, classes: int = 2, network: str = "fast") -> Task:
    """A task of one channel on patches of (8,16,16) voxels, or (1,32,32) for slices."""
    patch = (8, 16, 16) if dims == 3 else (1, 32, 32)
    return Task(1, classes, dims, patch, network, (0.8, *[0.2 / (classes - 1)] * (classes - 1)))


def blobs(count: int, shape: tuple[int, int, int], classes: int = 2) -> tuple[Tensor, Tensor]:
    """``count`` noisy images (count,1,D,H,W), one ellipsoid per class in its own grey, and the truth (count,D,H,W)."""
    axes = [torch.linspace(-1, 1, n) if n > 1 else torch.zeros(1) for n in shape]
    grid = torch.stack(torch.meshgrid(*axes, indexing="ij"))
    truth = torch.zeros(count, *shape, dtype=torch.int64)
    for value in range(1, classes):
        centre = torch.rand(count, 3, 1, 1, 1) * 0.8 - 0.4
        radius = torch.rand(count, 3, 1, 1, 1) * 0.2 + 0.45
        truth[(((grid - centre) / radius) ** 2).sum(1) < 1] = value
    image = 2.0 * truth.float().unsqueeze(1) / (classes - 1) - 0.5 + 0.3 * torch.randn(count, 1, *shape)
    return image, truth


def sparse(truth: Tensor, every: int = 3) -> Tensor:
    """``truth`` judged on every third slice along depth only; slices (D = 1) stay judged."""
    label = torch.full_like(truth, IGNORE)
    start = 1 if truth.shape[1] > every else 0
    label[:, start::every] = truth[:, start::every]
    return label


def patches(image: Tensor, label: Tensor, shape: tuple[int, int, int] | None = None) -> Patches:
    """A batch of these, resized (nearest) to ``shape`` if a method wants another one."""
    count = len(image)
    if shape is not None and tuple(image.shape[2:]) != tuple(shape):
        image = F.interpolate(image, size=shape, mode="nearest")
        label = F.interpolate(label[:, None].float(), size=shape, mode="nearest")[:, 0].long()
    return Patches(image, label, torch.full((count, 3), 0.5), torch.arange(count))


class Blobs:
    """Four partly judged volumes, eight unjudged ones, four kept aside."""

    def __init__(self, task: Task):
        self.task = task
        self.image, self.truth = blobs(16, task.patch, task.classes)

    def labelled(self, need: Need) -> Patches:
        """``need.labelled`` draws, with replacement, from the judged volumes."""
        pick = torch.randint(0, 4, (need.labelled,))
        return patches(self.image[pick], sparse(self.truth[pick]), need.shape)

    def unlabelled(self, need: Need) -> Patches:
        """``need.unlabelled`` draws of volumes that nobody judged."""
        pick = torch.randint(4, 12, (need.unlabelled,))
        return patches(self.image[pick], torch.full_like(self.truth[pick], IGNORE), need.shape)

    def dice(self, method: Method) -> float:
        """Mean foreground Dice on the volumes kept aside."""
        method.eval()
        guess, truth = method.probabilities(self.image[12:]).argmax(1), self.truth[12:]
        scores = []
        for value in range(1, self.task.classes):
            both = ((guess == value) & (truth == value)).sum()
            scores.append(2 * both / ((guess == value).sum() + (truth == value).sum()).clamp_min(1))
        return float(torch.stack(scores).mean())


def fit(method: Method, task: Task, steps: int = 60, seed: int = 0) -> float:
    """Dice on volumes kept aside after ``steps`` steps; asserts that every loss stays finite."""
    torch.manual_seed(seed)
    data = Blobs(task)
    for phase in method.phases():
        total = max(round(steps * phase.share), 1)
        optimisers = method.optimisers(phase.name)
        for index in range(total):
            train_step(method, optimisers, data, Step(phase.name, index, total))
    return data.dice(method)


def train_step(method: Method, optimisers: list[Optimiser], data: Blobs, step: Step) -> dict[str, Tensor]:
    """One step as the trainer makes it."""
    method.train()
    set_rate(optimisers, method.rate(step))
    need = method.need(step)
    losses = method.losses(data.labelled(need), data.unlabelled(need), step)
    assert all(bool(value.isfinite()) for value in losses.values()), losses
    for optimiser in optimisers:
        optimiser.zero_grad(set_to_none=True)
    torch.stack([value.float() for value in losses.values()]).sum().backward()
    for optimiser in optimisers:
        optimiser.step()
    method.after_step(step)
    return losses


def set_rate(optimisers: list[Optimiser], factor: float) -> None:
    """The learning rate of every group = ``factor`` times the one it started with."""
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group.setdefault("initial_lr", group["lr"])
            group["lr"] = group["initial_lr"] * factor
