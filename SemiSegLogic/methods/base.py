"""The contract between a published method and the trainer.

A method sees patches and returns named losses. It never sees files, volumes, budgets or the training loop. All that
must survive a restart is parameters or buffers: ``state_dict()`` is the checkpoint.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Task:
    """What is to be learned: the facts of the data that a method may build its networks from.

    ``channels`` image channels C. ``classes`` K with background. ``dims`` 3, or 2 when slices are seen one by one
    (patches then have D = 1). ``patch`` (D, H, W) voxels. ``network`` name of the network the plan chose (a key of
    ``engine.nets.NETWORKS``). ``prior`` K class frequencies in the annotated voxels, summing to 1. ``spacing`` mm of a
    voxel of a patch along (D, H, W); models of earlier versions do not tell it. ``values`` label values of the classes
    1..K-1 in the study, which a person names in settings; () stands for 1..K-1.
    """

    channels: int
    classes: int
    dims: int
    patch: tuple[int, int, int]
    network: str
    prior: tuple[float, ...]
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)
    values: tuple[int, ...] = ()


@dataclass(frozen=True)
class Patches:
    """A batch. ``image`` (B,C,D,H,W) float32. ``label`` (B,D,H,W) int64 in {0..K-1, IGNORE}; all IGNORE where nothing
    is annotated. ``position`` (B,3) patch centre in its volume, in [0,1]. ``volume`` (B,) int64 which volume.
    """

    image: Tensor
    label: Tensor
    position: Tensor
    volume: Tensor


@dataclass(frozen=True)
class Need:
    """What the next step wants: how many labelled and unlabelled patches, of which shape (d, h, w) voxels;
    ``whole_slice`` asks for full slices along the annotated axis, resized to ``shape``, instead of crops.
    """

    labelled: int
    unlabelled: int
    shape: tuple[int, int, int]
    whole_slice: bool = False


@dataclass(frozen=True)
class Phase:
    """A stretch of the run, e.g. pre-training: ``share`` of the budget in (0, 1]; shares sum to 1."""

    name: str
    share: float = 1.0


@dataclass(frozen=True)
class Step:
    """Where the run is. Under a time budget ``total`` is the trainer's current estimate of the number of steps."""

    phase: str
    index: int
    total: int

    @property
    def progress(self) -> float:
        """Share of the phase that is done, in [0, 1)."""
        return min(self.index / max(self.total, 1), 1 - 1e-6)


PRETRAIN = "pre-training"


def after_pretraining(share: float, name: str) -> list[Phase]:
    """The phase ``name``, after PRETRAIN where that has a ``share`` of the budget."""
    return [Phase(PRETRAIN, share), Phase(name, 1 - share)] if share > 0 else [Phase(name)]


class Optimiser(Protocol):
    """What the trainer asks of an optimiser: those of ``engine.blocks.optim`` and of torch.optim fit. ``param_groups``:
    dictionaries with ``params`` and ``lr`` at least.
    """

    param_groups: list[dict[str, Any]]

    def step(self) -> Any:
        """One update of every parameter that has a gradient."""

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients."""

    def state_dict(self) -> dict[str, Any]:
        """All that must survive a restart."""

    def load_state_dict(self, saved: dict[str, Any], /) -> Any:
        """The inverse of :meth:`state_dict`."""


class Method(nn.Module, ABC):
    """A semi-supervised segmentation method; built as ``Method(settings, task)`` and keeping both."""

    settings: Any  # an instance of the method's own settings class
    task: Task

    @classmethod
    def to_predict(cls, settings: Any, task: Task) -> Method:
        """One of which :meth:`predictor` alone is used, as what was learned is loaded into it. A method leaves out here
        what it needs only to learn and would have to look for on the computer.
        """
        return cls(settings, task)

    def phases(self) -> list[Phase]:
        """The stretches of the run, in order."""
        return [Phase("train")]

    @abstractmethod
    def optimisers(self, phase: str) -> list[Optimiser]:
        """Fresh optimisers at the start of ``phase``; the trainer zeroes, steps, saves and restores them."""

    def rate(self, step: Step) -> float:
        """Factor on the initial learning rate of every group; a pure function of ``step``."""
        return 1.0

    @abstractmethod
    def need(self, step: Step) -> Need:
        """The patches that ``losses`` will be given at ``step``."""

    @abstractmethod
    def losses(self, labelled: Patches, unlabelled: Patches, step: Step) -> dict[str, Tensor]:
        """Named, weighted scalars whose sum is minimised. The trainer calls backward once on the sum."""

    def after_step(self, step: Step) -> None:
        """Teacher, prototypes, memory: what is updated without gradients once the optimisers have stepped."""

    @abstractmethod
    def predictor(self) -> nn.Module:
        """The network that inference runs, (B,C,D,H,W) -> logits (B,K,D,H,W): the teacher where there is one."""

    @torch.no_grad()
    def probabilities(self, image: Tensor) -> Tensor:
        """``image`` (B,C,D,H,W) float -> (B,K,D,H,W) float32 summing to 1 over K."""
        return torch.softmax(self.predictor()(image).float(), 1)

    @torch.no_grad()
    def uncertainty(self, image: Tensor) -> Tensor:
        """``image`` (B,C,D,H,W) -> (B,1,D,H,W) in [0,1]: entropy of the probabilities over log K. A suggestion is saved
        with the entropy of :meth:`predictor`'s answer (engine/prediction/predict.py), also where a method knows another
        doubt.
        """
        return entropy(self.probabilities(image))


def entropy(probabilities: Tensor) -> Tensor:
    """Normalised entropy of ``probabilities (B,K,...)`` as ``(B,1,...)`` in [0,1]."""
    p = probabilities.clamp_min(1e-8)
    return (-(p * p.log()).sum(1, keepdim=True) / torch.log(torch.tensor(float(p.shape[1])))).clamp(0, 1)
