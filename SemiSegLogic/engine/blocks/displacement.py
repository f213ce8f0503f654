"""Replacing the largest region a network is unsure of by a window it is sure of, taken from another view of the image.

W. Xiao et al.: CAD: Confidence-Aware Adaptive Displacement for Semi-Supervised Medical Image Segmentation, 2025; its
text could not be read, so what the abstract leaves open is ours. Windows are boxes of (d, h, w) voxels; slices have
d = 1. Nothing is drawn at random and nothing carries a gradient.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from scipy import ndimage
from torch import Tensor

from .optim import sigmoid_ramp

Size = tuple[int, int, int]


@dataclass(frozen=True)
class Window:
    """A box of ``size`` voxels with its first voxel at ``start``, both (d, h, w)."""

    start: Size
    size: Size

    @property
    def cut(self) -> tuple[slice, slice, slice]:
        """What to index (D,H,W) with."""
        d, h, w = (slice(a, a + n) for a, n in zip(self.start, self.size, strict=True))
        return d, h, w


@dataclass(frozen=True)
class Rule:
    """How to displace. ``threshold`` the confidence below which a voxel is unsure; ``quantile``, if above 0, takes that
    share of the voxels instead. ``largest`` and ``least`` sides of a window. ``fewest`` voxels a region must have.
    ``candidates`` windows to choose the source from; ``aligned`` takes the source from the same place instead.
    ``regions`` windows per image.
    """

    threshold: float
    largest: Size
    least: Size = (2, 4, 4)
    fewest: int = 16
    candidates: int = 4
    aligned: bool = False
    regions: int = 1
    quantile: float = 0.0


def escalation(progress: float, share: float = 0.8, curve: str = "linear") -> float:
    """g in [0, 1], 1 after ``share`` of the run: ``linear``, or ``late``, exp(-5 (1 - t)^2) with t the linear one."""
    if curve == "late":
        return sigmoid_ramp(progress, share)
    return min(1.0, progress / share) if share > 0 else 1.0


def relative_threshold(g: float, classes: int, first: float = 0.2, last: float = 0.9) -> float:
    """1/K + (1 - 1/K) r with r from ``first`` to ``last``: the largest of K probabilities is never below 1/K."""
    return 1 / classes + (1 - 1 / classes) * (first + (last - first) * g)


def largest_window(g: float, shape: Size, first: float = 1 / 16, last: float = 1 / 4) -> Size:
    """The share of each side, from ``first`` to ``last``, in whole voxels."""
    d, h, w = (int(side * (first + (last - first) * g)) for side in shape)
    return d, h, w


def window_means(values: Tensor, size: Size) -> Tensor:
    """Mean of ``values`` (D,H,W) in the window starting at each voxel, (D-d+1,H-h+1,W-w+1), by an integral image;
    float64, because single precision loses digits over a million voxels.
    """
    total = F.pad(values.double().cumsum(0).cumsum(1).cumsum(2), (1, 0, 1, 0, 1, 0))
    d, h, w = size
    total = total[d:] - total[:-d]
    total = total[:, h:] - total[:, :-h]
    return (total[:, :, w:] - total[:, :, :-w]) / (d * h * w)


def largest_region(low: Tensor, fewest: int) -> Tensor | None:
    """The largest connected piece of ``low`` (D,H,W) bool, neighbours by face, edge or corner; None if too small."""
    pieces, count = ndimage.label(low.cpu().numpy(), ndimage.generate_binary_structure(3, 3))
    if count == 0:
        return None
    sizes = torch.bincount(torch.from_numpy(pieces).flatten())
    sizes[0] = 0
    if int(sizes.max()) < fewest:
        return None
    return (torch.from_numpy(pieces) == int(sizes.argmax())).to(low.device)


def bounding_box(region: Tensor) -> Window:
    """The smallest window around the True voxels of ``region`` (D,H,W)."""
    places = region.nonzero()
    low, high = places.amin(0).tolist(), places.amax(0).tolist()
    return Window((low[0], low[1], low[2]), (high[0] - low[0] + 1, high[1] - low[1] + 1, high[2] - low[2] + 1))


def window_size(box: Size, shape: Size, rule: Rule) -> Size:
    """The box's side along each axis, but no smaller than ``rule.least``, no larger than ``rule.largest`` (unless that
    is smaller still), and inside the image.
    """
    d, h, w = (
        min(max(min(length, most), least), side)
        for length, side, most, least in zip(box, shape, rule.largest, rule.least, strict=True)
    )
    return d, h, w


def target_window(confidence: Tensor, region: Tensor, forbidden: Tensor, rule: Rule) -> Window | None:
    """The least confident window in the box around ``region`` that meets the region and no ``forbidden`` voxel; around
    the box where that is smaller than the window. All (D,H,W). None when there is no such window.
    """
    box, (depth, height, width) = bounding_box(region), confidence.shape
    shape = (depth, height, width)
    size = window_size(box.size, shape, rule)
    score = window_means(confidence, size)
    allowed = torch.zeros_like(score, dtype=torch.bool)
    reach = []
    for start, length, n, side in zip(box.start, box.size, size, shape, strict=True):
        ends = sorted((start, start + length - n))
        reach.append(slice(max(ends[0], 0), min(ends[1], side - n) + 1))
    allowed[reach[0], reach[1], reach[2]] = True
    allowed &= (window_means(forbidden, size) == 0) & (window_means(region, size) > 0)
    if not bool(allowed.any()):
        return None
    return Window(_place(score.masked_fill(~allowed, torch.inf).argmin(), score), size)


def source_windows(confidence: Tensor, size: Size, above: float, count: int) -> list[Window]:
    """The ``count`` most confident windows of mean at least ``above``, taken greedily, of which no two share half their
    voxels. ``confidence`` (D,H,W) in [0,1].
    """
    score = window_means(confidence, size)
    found: list[Window] = []
    while len(found) < count:
        best = score.argmax()
        if score.flatten()[best] < above:
            break
        found.append(Window(_place(best, score), size))
        score = score.masked_fill(_overlap(found[-1], score) >= 0.5, -torch.inf)
    return found


def closest(share: Tensor, other: Tensor, target: Window, sources: list[Window]) -> Window:
    """The source whose mean probabilities q have the least KL(p | q) to those p of the target window.

    ``share``, ``other`` (K,D,H,W).
    """
    p = share[(slice(None), *target.cut)].float().mean((1, 2, 3)).clamp_min(1e-8)
    q = torch.stack([other[(slice(None), *s.cut)].float().mean((1, 2, 3)) for s in sources]).clamp_min(1e-8)
    return sources[int((p * (p.log() - q.log())).sum(1).argmin())]


@torch.no_grad()
def moves(share: Tensor, other: Tensor, rule: Rule, keep: Tensor) -> list[tuple[Window, Window]]:
    """(target, source) windows for one image. ``share``, ``other`` (K,D,H,W) probabilities in the view to change and in
    the view to take from; ``keep`` (D,H,W) bool voxels never replaced.
    """
    confidence = share.float().amax(0)
    bound = float(torch.quantile(confidence, rule.quantile)) if rule.quantile > 0 else rule.threshold
    forbidden, found = keep, []
    for _ in range(rule.regions):
        region = largest_region((confidence < bound) & ~forbidden, rule.fewest)
        target = None if region is None else target_window(confidence, region, forbidden, rule)
        source = None if target is None else source_for(target, share, other, bound, rule)
        if target is None or source is None:
            break
        found.append((target, source))
        forbidden = forbidden.clone()
        forbidden[target.cut] = True
    return found


def source_for(target: Window, share: Tensor, other: Tensor, bound: float, rule: Rule) -> Window | None:
    """Where to take the voxels of ``target`` from: mean confidence at least ``bound`` and above the target's own.
    ``share``, ``other`` (K,D,H,W) as in :func:`moves`.
    """
    confidence = other.float().amax(0)
    own = float(share.float().amax(0)[target.cut].double().mean())
    above = max(bound, math.nextafter(own, 2))
    if rule.aligned:
        return target if float(confidence[target.cut].double().mean()) >= above else None
    sources = source_windows(confidence, target.size, above, rule.candidates)
    return closest(share, other, target, sources) if sources else None


def displace(
    image: Tensor, share: Tensor, other_image: Tensor, other_share: Tensor, rule: Rule, keep: Tensor
) -> tuple[Tensor, Tensor]:
    """``image`` with windows of the untouched ``other_image`` pasted in, and (B,) bool which rows changed.

    Images (B,C,D,H,W), probabilities (B,K,D,H,W), ``keep`` (B,D,H,W) bool.
    """
    changed, moved = image.clone(), torch.zeros(len(image), dtype=torch.bool)
    for row in range(len(image)):
        for target, source in moves(share[row], other_share[row], rule, keep[row]):
            changed[(row, slice(None), *target.cut)] = other_image[(row, slice(None), *source.cut)]
            moved[row] = True
    return changed, moved.to(image.device)


def _overlap(window: Window, score: Tensor) -> Tensor:
    """Share of its voxels that the window starting at each place has in common with ``window``."""
    axes = [
        (n - (torch.arange(count, device=score.device) - start).abs()).clamp_min(0) / n
        for count, start, n in zip(score.shape, window.start, window.size, strict=True)
    ]
    return axes[0][:, None, None] * axes[1][:, None] * axes[2]


def _place(flat: Tensor, score: Tensor) -> Size:
    d, h, w = torch.unravel_index(flat, score.shape)
    return int(d), int(h), int(w)
