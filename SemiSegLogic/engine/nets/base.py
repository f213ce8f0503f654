"""What every network shares: named taps, a prior-biased head, padding to its stride."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

if TYPE_CHECKING:  # the methods import the networks
    from ...methods.base import Task

WAY_DOWN = ("stem", "down1", "down2", "down3", "bottleneck")
WAY_UP = ("up1", "up2", "up3", "last")
"""The taps of a U of five levels, before ``logits``."""


class Network(nn.Module, ABC):
    """``forward`` (B,C,D,H,W) -> logits (B,K,D,H,W) of any size; ``features`` also gives the named taps.

    ``stride`` (d, h, w) voxels is the total down-sampling: images are padded to its multiples and cropped back.
    ``whole_slice`` (h, w) when the network learns from whole slices resized to that shape: then it must be shown the
    same when it predicts.
    """

    stride: tuple[int, int, int]
    head: nn.Module
    whole_slice: tuple[int, int] | None = None

    @classmethod
    def for_task(cls, task: Task) -> Self:
        """For its channels, classes and dimensions: flat kernels for slices."""
        return cls(task.channels, task.classes, task.dims)

    def taps(self, image: Tensor) -> dict[str, Tensor]:
        """Named feature maps (B,F,d,h,w) of an image (B,C,D,H,W) whose sides are multiples of ``stride``; last
        ``logits``.
        """
        return self.decode(self.encode(image))

    def features(self, image: Tensor) -> dict[str, Tensor]:
        """The taps of an image of any size; ``logits`` (B,K,D,H,W) are cropped to it, inner taps are not."""
        size = image.shape[2:]
        taps = self.taps(self.padded(image))
        taps["logits"] = taps["logits"][:, :, : size[0], : size[1], : size[2]]
        return taps

    @abstractmethod
    def encode(self, image: Tensor) -> dict[str, Tensor]:
        """The taps down to ``bottleneck``. A network that cannot stop there gives them all."""

    def decode(self, maps: dict[str, Tensor]) -> dict[str, Tensor]:
        """All taps, from those of :meth:`encode`."""
        return maps

    def padded(self, image: Tensor) -> Tensor:
        """``image`` (B,C,D,H,W), its border repeated at the far ends until every side is a multiple of ``stride``."""
        pads = [(-n) % s for n, s in zip(image.shape[2:], self.stride, strict=True)]
        return F.pad(image, [0, pads[2], 0, pads[1], 0, pads[0]], mode="replicate") if any(pads) else image

    def forward(self, image: Tensor) -> Tensor:
        """Logits (B,K,D,H,W)."""
        return self.features(image)["logits"]

    @torch.no_grad()
    def blank_taps(self, channels: int) -> dict[str, Tensor]:
        """The taps of one blank image of ``channels`` channels and the sides ``stride``: what shapes they have."""
        training = self.training
        taps = self.eval().features(torch.zeros(1, channels, *self.stride))
        self.train(training)
        return taps

    @torch.no_grad()
    def start_at_prior(self, prior: Sequence[float]) -> None:
        """Bias of the head = log class frequency, so that the first steps need not learn that most is background."""
        bias = self.head.bias
        assert isinstance(bias, Tensor)
        bias.copy_(torch.tensor(prior, dtype=torch.float32).clamp_min(1e-4).log())


class PooledNetwork(Network):
    """A U of five levels whose way down halves by ``pool`` before each of ``encoders`` but the first."""

    pool: nn.Module
    encoders: nn.ModuleList

    def encode(self, image: Tensor) -> dict[str, Tensor]:
        """The five maps (B,F,d,h,w) of the way down of an image (B,C,D,H,W)."""
        maps: dict[str, Tensor] = {}
        x = image
        for name, encode in zip(WAY_DOWN, self.encoders, strict=True):
            x = maps[name] = encode(x if name == "stem" else self.pool(x))
        return maps


class HalvingNetwork(Network):
    """A network that works at half resolution, behind a stem of stride 2."""

    @classmethod
    def for_task(cls, task: Task) -> Self:
        """Half resolution along depth only where the patch is deep enough to afford it."""
        return cls(task.channels, task.classes, task.dims, flat_stem=task.patch[0] < 16)


def slice_shape(network: nn.Module) -> tuple[int, int] | None:
    """The ``whole_slice`` of the first network inside ``network`` that has one."""
    found = (part.whole_slice for part in network.modules() if isinstance(part, Network) and part.whole_slice)
    return next(found, None)


def classes_of(network: nn.Module) -> int:
    """How many maps of probabilities ``network`` holds at once: its classes, times the networks inside of it; at least
    2.
    """
    heads = [part.head.bias for part in network.modules() if isinstance(part, Network)]
    return max(2, sum(len(bias) for bias in heads if isinstance(bias, Tensor)))


def kernel(dims: int, size: int) -> tuple[int, int, int]:
    """``size`` along every axis, or along height and width only when slices are seen one by one."""
    return (size if dims == 3 else 1, size, size)


def same(shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """The padding that keeps the size under an odd kernel ``shape``."""
    d, h, w = (k // 2 for k in shape)
    return d, h, w


class BatchNorm(nn.BatchNorm3d):
    """Batch normalisation, by its running averages where a batch holds one value of each channel: that has no deviation
    of its own. So it is at the bottom of a network that learns from a single small patch.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(B,F,d,h,w) -> the same."""
        if not self.training or x.numel() > self.num_features:
            return super().forward(x)
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)


def norm_act(channels: int) -> nn.Sequential:
    """BatchNorm and ReLU: the pair that stays fast in channels-last bfloat16."""
    return nn.Sequential(BatchNorm(channels), nn.ReLU(inplace=True))


def conv_block(
    inside: int, outside: int, size: tuple[int, int, int], stride: tuple[int, int, int] = (1, 1, 1)
) -> nn.Sequential:
    """Convolution, norm, activation."""
    return nn.Sequential(
        nn.Conv3d(inside, outside, size, stride=stride, padding=same(size), bias=False), norm_act(outside)
    )
