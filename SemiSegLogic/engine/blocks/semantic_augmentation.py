"""Implicit augmentation of features along class directions, in closed form, and the class statistics it needs.

S. Li, M. Xie, K. Gong, C. H. Liu, Y. Wang, W. Li: Transferable Semantic Augmentation for Domain Adaptation, CVPR 2021;
Y. Wang et al.: Regularizing Deep Networks with Semantic Data Augmentation, 2021. Here per voxel.

Axes: K classes, A features, N voxels, O places of a voxel within the kernel of the head (1 for a 1x1x1 head, 8 for a
transposed head of stride 2: z = W_o f + b with o known from the voxel's indices). All arithmetic is float32 or wider.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...geometry import IGNORE
from ..nets import Network

if TYPE_CHECKING:  # the methods import this
    from ...methods.base import Task


def augmentation_table(weight: Tensor, shift: Tensor, covariance: Tensor, strength: float) -> Tensor:
    """T[o,y,c] = a (w_c - w_y).shift_y + a/2 (w_c - w_y)^T covariance_y (w_c - w_y), with a = ``strength``.

    ``weight`` (O,K,A), ``shift`` (K,A), ``covariance`` (K,A,A) -> (O,K,K); 0 where c = y.
    """
    gap = weight.unsqueeze(1) - weight.unsqueeze(2)
    along = torch.einsum("oyca,ya->oyc", gap, shift)
    spread = torch.einsum("oyca,yab,oycb->oyc", gap, covariance, gap)
    return strength * (along + spread / 2)


def expected_cross_entropy(logits: Tensor, label: Tensor, offset: Tensor, table: Tensor) -> Tensor:
    """Bound on the mean cross-entropy over all augmented features: CE(z + T[offset, y], y), a scalar; 0 for no voxel.

    ``logits`` (N,K), ``label`` and ``offset`` (N,), ``table`` (O,K,K).
    """
    return F.cross_entropy(logits + table[offset, label], label, reduction="sum") / max(len(label), 1)


class ClassStatistics(nn.Module):
    """Running mean (K,A) and covariance (K,A,A) of the features of each class; buffers, so a restart keeps them."""

    mean: Tensor
    covariance: Tensor
    seen: Tensor

    def __init__(self, classes: int, width: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(classes, width))
        self.register_buffer("covariance", torch.zeros(classes, width, width))
        self.register_buffer("seen", torch.zeros(classes, dtype=torch.bool))

    @torch.no_grad()
    def update(self, features: Tensor, label: Tensor, momentum: float, least: int = 32) -> None:
        """Take in ``features`` (N,A) with classes ``label`` (N,); classes with fewer than ``least`` rows stay as they
        are. The moments of the mixture of old (share ``momentum``) and new features, exactly.
        """
        for value in range(len(self.mean)):
            rows = features[label == value].to(self.mean.dtype)
            if len(rows) >= max(least, 1):
                self._merge(value, rows, momentum if bool(self.seen[value]) else 0.0)

    def _merge(self, value: int, rows: Tensor, keep: float) -> None:
        centre = rows.mean(0)
        with torch.autocast(rows.device.type, enabled=False):
            spread = (rows - centre).T @ (rows - centre) / len(rows)
        step = centre - self.mean[value]
        old = self.covariance[value]
        self.covariance[value] = keep * old + (1 - keep) * spread + keep * (1 - keep) * torch.outer(step, step)
        self.mean[value] += (1 - keep) * step
        self.seen[value] = True


def transfer(source: ClassStatistics, target: ClassStatistics) -> tuple[Tensor, Tensor]:
    """(target mean - source mean (K,A), target covariance (K,A,A)); both 0 for a class that either has not seen."""
    both = (source.seen & target.seen).to(target.mean.dtype)
    return (target.mean - source.mean) * both[:, None], target.covariance * both[:, None, None]


def make_head_linear(network: Network, task: Task) -> None:
    """Replace a head that looks at neighbours by a 1x1x1 one, since T holds for z = W f + b only.

    Heads that are linear per voxel stay: 1x1x1 convolutions, and transposed ones whose kernel is their stride.
    Raises ValueError when the logits do not come straight from the head.
    """
    head = network.head
    if isinstance(head, nn.Conv3d) and max(head.kernel_size) > 1:
        network.head = type(head)(head.in_channels, head.out_channels, 1)  # computed as it was: see nets/planar, sound
        network.start_at_prior(task.prior)
    if not _is_straight(network, task.channels):
        raise ValueError(f"{type(network).__name__} does not classify each voxel from its own features.")


def head_stride(network: Network) -> tuple[int, int, int]:
    """Voxels of the logits per voxel of the tap ``last``, (d, h, w)."""
    d, h, w = network.head.stride if isinstance(network.head, nn.ConvTranspose3d) else (1, 1, 1)
    return d, h, w


def head_weight(network: Network) -> Tensor:
    """The rows of the linear head, (O,K,A) float32, with gradient."""
    weight = network.head.weight
    assert isinstance(weight, Tensor)
    order = (2, 3, 4, 1, 0) if isinstance(network.head, nn.ConvTranspose3d) else (2, 3, 4, 0, 1)
    return weight.permute(order).flatten(0, 2).float()


def head_logits(network: Network, features: Tensor, offset: Tensor) -> Tensor:
    """z = W_o f + b without the dropout between them: ``features`` (N,A), ``offset`` (N,) -> (N,K) float32."""
    bias = network.head.bias
    assert isinstance(bias, Tensor)
    return (head_weight(network)[offset] * features.unsqueeze(1)).sum(2) + bias.float()


def sample_voxels(label: Tensor, classes: int, most: int) -> Tensor:
    """Places (N,4) (b,d,h,w) of at most ``most`` random voxels of every class of ``label`` (B,D,H,W); never IGNORE."""
    chosen = []
    for value in range(classes):
        places = (label == value).nonzero()
        if len(places) > most:
            places = places[torch.randint(len(places), (most,), device=label.device)]
        chosen.append(places)
    return torch.cat(chosen)


def voxel_features(maps: Tensor, places: Tensor, stride: tuple[int, int, int]) -> tuple[Tensor, Tensor]:
    """Features (N,A) float32 of the voxels at ``places`` (N,4) of the full grid, and their offsets (N,) in the head.

    ``maps`` (B,A,d,h,w) lie on the grid divided by ``stride``.
    """
    b, d, h, w = places.unbind(1)
    sd, sh, sw = stride
    offset = ((d % sd) * sh + h % sh) * sw + w % sw
    return maps[b, :, d // sd, h // sh, w // sw].float(), offset


def at(values: Tensor, places: Tensor) -> Tensor:
    """``values`` (B,D,H,W) at ``places`` (N,4), as (N,)."""
    b, d, h, w = places.unbind(1)
    return values[b, d, h, w]


def away_from_edge(mask: Tensor, margin: int) -> Tensor:
    """True where ``mask`` (1,D,H,W) bool is the same all around, ``margin`` voxels far (a side's eighth at most)."""
    high, low = mask.float(), -mask.float()
    for axis in range(3):
        reach = min(margin, mask.shape[1 + axis] // 8)
        size, pad = [1, 1, 1], [0, 0, 0]
        size[axis], pad[axis] = 2 * reach + 1, reach
        high, low = (F.max_pool3d(side, size, 1, pad) for side in (high, low))
    return high == -low


def judged_elsewhere(label: Tensor, judged_label: Tensor) -> Tensor:
    """``label`` (B,D,H,W) without the voxels that ``judged_label`` has a person's word on."""
    return label.masked_fill(judged_label != IGNORE, IGNORE)


def _is_straight(network: Network, channels: int) -> bool:
    """Whether a head that is linear per voxel makes all voxels of the logits from the tap ``last``."""
    taps = network.blank_taps(channels)
    sides = zip(taps["last"].shape[2:], head_stride(network), taps["logits"].shape[2:], strict=True)
    return all(small * stride == large for small, stride, large in sides)
