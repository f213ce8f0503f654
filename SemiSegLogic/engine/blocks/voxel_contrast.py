"""Contrast between two networks' features of the same voxels, inside and outside what they agree on.

Masks are (D,H,W) bool, voxel indices (n,) int64 count through a patch of (D,H,W), features (n,F) rows. Draws come from
torch's default generator. Similarities are float32 or wider.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Look = Callable[[Tensor], Tensor]
"""From voxel indices (n,) to features (n,F) of unit length."""


def agreement_contrast(
    one: Look, two: Look, agree: Tensor, either: Tensor, anchors: int, negatives: int, temperature: float
) -> Tensor | None:
    """The foreground space plus the background space of one class in one image; None when no network sees the class.

    Foreground: anchors in ``agree`` (both say so) against voxels outside it, disagreement included. Background: anchors
    outside ``either`` (neither says so) against voxels inside it. A space without anchors is left out.
    """
    if not bool(either.any()):
        return None
    sets = [pick(agree, anchors), pick_around(~agree, agree, negatives)]
    sets += [pick(~either, anchors), pick_around(either, ~either, negatives)]
    sizes, index = [len(chosen) for chosen in sets], torch.cat(sets)
    a, b = one(index).split(sizes), two(index).split(sizes)  # one look each: small calls cost more than rows
    terms = [
        (info_nce(a[n], b[n], b[n + 1], temperature) + info_nce(b[n], a[n], a[n + 1], temperature)) / 2
        for n in (0, 2)
        if sizes[n]
    ]
    return torch.stack(terms).sum() if terms else None


def info_nce(anchor: Tensor, positive: Tensor, negative: Tensor, temperature: float) -> Tensor:
    """Mean of -log e^(s+/t) / (e^(s+/t) + sum over negatives of e^(s-/t)); rows (n,F), (n,F), (m,F) of unit length."""
    with torch.autocast(anchor.device.type, enabled=False):
        same = (anchor * positive).sum(1, keepdim=True) / temperature
        other = anchor @ negative.T / temperature
    return (torch.logsumexp(torch.cat([same, other], 1), 1) - same[:, 0]).mean()


def pick(mask: Tensor, count: int) -> Tensor:
    """Indices of at most ``count`` voxels of ``mask``: all of them where there are no more, else drawn."""
    places = mask.flatten().nonzero()[:, 0]
    if len(places) <= count:
        return places
    return places[torch.randint(len(places), (count,), device=mask.device)]


def pick_around(outside: Tensor, inside: Tensor, count: int, reach: int = 3) -> Tensor:
    """At most ``count`` voxels of ``outside``, half of them within ``reach`` voxels of ``inside``."""
    close = near(inside, reach)
    return torch.cat([pick(outside & close, count // 2), pick(outside & ~close, count - count // 2)])


def near(mask: Tensor, reach: int) -> Tensor:
    """``mask`` grown by ``reach`` voxels along every axis."""
    grown = mask.clone()
    for axis in range(3):
        for _ in range(reach):
            before, rest = grown.clone(), mask.shape[axis] - 1
            grown.narrow(axis, 1, rest).logical_or_(before.narrow(axis, 0, rest))
            grown.narrow(axis, 0, rest).logical_or_(before.narrow(axis, 1, rest))
    return grown


def gather(maps: Tensor, index: Tensor, shape: torch.Size, step: tuple[int, int, int]) -> Tensor:
    """Rows (n,F) of ``maps`` (F,d,h,w) at voxels of a patch of ``shape``; a map cell covers ``step`` voxels."""
    k, j, i = index // (shape[1] * shape[2]), index // shape[2] % shape[1], index % shape[2]
    return maps[:, k // step[0], j // step[1], i // step[2]].T
