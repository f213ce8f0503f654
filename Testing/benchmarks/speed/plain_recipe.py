"""The mean-teacher recipe as research code usually writes it: what our step is measured against.

Written by us from the published description (Tarvainen and Valpola 2017; Yu et al. 2019 for the atrium): every sample
is read anew from a compressed file and augmented in NumPy; labelled and unlabelled patches go through the network one
after the other; float32, contiguous tensors, torch's SGD, the teacher updated parameter by parameter. Nothing is made
slow on purpose: the network is ours, the threads are all there are.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from SemiSegLogic.engine.blocks.ema import copy_of
from SemiSegLogic.methods.base import Task

Shape = tuple[int, int, int]
Case = tuple[NDArray[np.generic], NDArray[np.uint8]]


def write_compressed(folder: Path, cases: Sequence[Case]) -> list[Path]:
    """``cases``: image (k, j, i) and label, as zipped float32 and uint8, as the recipe keeps them; not timed."""
    paths = []
    for number, (image, label) in enumerate(cases):
        paths.append(folder / f"case{number}.npz")
        values = image.astype(np.float32)
        np.savez_compressed(paths[-1], image=(values - values.mean()) / max(values.std(), 1e-6), label=label)
    return paths


class PlainRecipe:
    """A student, its teacher and their training on the files ``labelled`` and ``unlabelled``."""

    def __init__(
        self, network: Callable[[Task], nn.Module], task: Task, labelled: Sequence[Path], unlabelled: Sequence[Path],
        steps: int, rate: float = 0.01, seed: int = 0, device: str = "cpu",
    ):
        self.task, self.labelled, self.unlabelled, self.steps, self.rate = task, labelled, unlabelled, steps, rate
        self.student = network(task).to(device)
        self.teacher = copy_of(self.student).train()  # as in the released recipes
        self.optimiser = torch.optim.SGD(self.student.parameters(), lr=rate, momentum=0.9, weight_decay=1e-4)
        self.chance, self.device, self.done = np.random.default_rng(seed), device, 0
        self.seconds = {"data": 0.0, "forward": 0.0, "backward": 0.0, "update": 0.0}

    def step(self) -> None:
        """Two labelled and two unlabelled patches."""
        begun = time.perf_counter()
        image, label = self._batch(self.labelled)
        other, _ = self._batch(self.unlabelled)
        begun = self._took("data", begun)
        loss = self._loss(image, label, other)
        begun = self._took("forward", begun)
        self.optimiser.zero_grad()
        loss.backward()
        begun = self._took("backward", begun)
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate * (1 - self.done / self.steps) ** 0.9
        self.optimiser.step()
        self._follow()
        self._took("update", begun)
        self.done += 1

    def _loss(self, image: Tensor, label: Tensor, other: Tensor) -> Tensor:
        logits = self.student(image)
        guess = self.student(other)
        with torch.no_grad():
            noise = torch.clamp(torch.randn_like(other) * 0.1, -0.2, 0.2)
            taught = torch.softmax(self.teacher(other + noise), 1)
        share = torch.softmax(logits, 1)
        supervised = F.cross_entropy(logits, label) + _dice_loss(share, label)
        consistency = ((torch.softmax(guess, 1) - taught) ** 2).mean()
        weight = 0.1 * float(np.exp(-5 * (1 - min(self.done / (0.4 * self.steps), 1)) ** 2))
        return supervised + weight * consistency

    def _follow(self) -> None:
        decay = min(1 - 1 / (self.done + 1), 0.99)
        for mine, theirs in zip(self.teacher.parameters(), self.student.parameters(), strict=True):
            mine.data.mul_(decay).add_(theirs.data, alpha=1 - decay)

    def _batch(self, paths: Sequence[Path]) -> tuple[Tensor, Tensor]:
        samples = [self._sample(paths[self.chance.integers(len(paths))]) for _ in range(2)]
        image = torch.stack([torch.from_numpy(image.copy())[None] for image, _ in samples]).to(self.device)
        label = torch.stack([torch.from_numpy(label.copy()).long() for _, label in samples]).to(self.device)
        return image, label

    def _sample(self, path: Path) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        with np.load(path) as file:
            image, label = file["image"], file["label"]
        turns = int(self.chance.integers(4))
        image, label = np.rot90(image, turns, (1, 2)), np.rot90(label, turns, (1, 2))
        axis = int(self.chance.integers(1, 3))
        image, label = np.flip(image, axis), np.flip(label, axis)
        return self._cropped(image, label)

    def _cropped(
        self, image: NDArray[np.float32], label: NDArray[np.uint8]
    ) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        pads = [(max(0, -(-(want - have) // 2)),) * 2 for want, have in zip(self.task.patch, image.shape, strict=True)]
        image, label = np.pad(image, pads), np.pad(label, pads)
        corner = [self.chance.integers(n - want + 1) for n, want in zip(image.shape, self.task.patch, strict=True)]
        box = tuple(slice(c, c + want) for c, want in zip(corner, self.task.patch, strict=True))
        return image[box], label[box]

    def _took(self, phase: str, begun: float) -> float:
        if self.device != "cpu":
            torch.cuda.synchronize()
        now = time.perf_counter()
        self.seconds[phase] += now - begun
        return now


class PlainProcess:
    """A :class:`PlainRecipe` in a process of its own, as its users run it: our settings of memory are not its."""

    def __init__(self, *arguments: Any, **more: Any):
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, arguments, more), daemon=True)
        self._process.start()

    def __enter__(self) -> PlainProcess:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):  # it has ended by itself, and its error is what should be seen
            self._ours.send(0)
        self._process.join(30)

    def steps(self, count: int) -> dict[str, float]:
        """Make ``count`` steps; seconds by phase of all steps so far, with their sum under "all"."""
        self._ours.send(count)
        answer = self._ours.recv()
        if isinstance(answer, str):
            raise RuntimeError(answer)
        return dict(answer)


def _serve(pipe: Connection, arguments: tuple[Any, ...], more: dict[str, Any]) -> None:
    try:
        recipe = PlainRecipe(*arguments, **more)
        while count := pipe.recv():
            for _ in range(count):
                recipe.step()
            pipe.send({**recipe.seconds, "all": sum(recipe.seconds.values())})
    except Exception as error:
        pipe.send(f"The plain recipe failed: {error!r}")
        raise


def _dice_loss(share: Tensor, label: Tensor) -> Tensor:
    losses = []
    for value in range(1, share.shape[1]):
        truth, p = (label == value).float(), share[:, value]
        losses.append(1 - (2 * (p * truth).sum() + 1e-5) / ((p * p).sum() + truth.sum() + 1e-5))
    return torch.stack(losses).mean()
