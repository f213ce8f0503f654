"""How good a model is on judged slices that training did not see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ..geometry import SliceIndex
from .volumes import Volume


def hold_out(volumes: Sequence[Volume], share: float) -> int:
    """Keep about ``share`` of all judged slices from training; return how many that are.

    Slices with structures are kept aside, at different relative depths in different volumes; none where a volume has
    fewer than three judged slices, because they teach more than they tell, and never the last one with a structure.
    """
    drawn = [volume for volume in volumes if volume.slices and _informative(volume)]
    able = [volume for volume in drawn if len(volume.slices) >= 3]
    total = sum(len(volume.slices) for volume in able)
    wanted = min(max(round(share * total), 1 if share > 0 else 0), 24) if able else 0
    chosen: list[list[SliceIndex]] = [[] for _ in able]
    teaching = Counter(value for volume in drawn for place in volume.slices for value in volume.foreground[place])
    for turn in range(wanted):
        number = turn % len(able) if wanted >= len(able) else turn * len(able) // wanted
        volume, taken = able[number], chosen[number]
        free = [place for place in _informative(volume) if place not in taken]
        spots = [place for place in free if all(teaching[value] > 1 for value in volume.foreground[place])]
        if len(taken) < max(1, len(volume.slices) // 3) and spots:
            # the golden ratio spreads successive picks over the structure's depth
            taken.append(spots[int((turn * 0.618 + 0.4) % 1 * len(spots))])
            teaching.subtract(volume.foreground[taken[-1]].keys())
    for volume, places in zip(able, chosen, strict=True):
        volume.hold_out(places)
    return sum(len(places) for places in chosen)


def held_out_dice(probabilities: Callable[[Volume], Tensor], volumes: Sequence[Volume], classes: int) -> list[float]:
    """Dice per structure (K-1 numbers) over all held-out slices together; NaN for a structure that is in none of them.

    ``probabilities`` gives (K,D,H,W) of a volume.
    """
    overlap, size, truth_size = (torch.zeros(classes, dtype=torch.float64) for _ in range(3))
    for volume in volumes:
        if not volume.held_out:
            continue
        guess = probabilities(volume).argmax(0).cpu()
        for place in volume.held_out:
            truth, found = volume.plane(place).cpu(), guess.select(place.axis, place.index)
            for value in range(1, classes):
                overlap[value] += ((truth == value) & (found == value)).sum()
                size[value] += (found == value).sum()
                truth_size[value] += (truth == value).sum()
    dice = torch.where(truth_size > 0, 2 * overlap / (size + truth_size).clamp_min(1), torch.nan)
    return [float(value) for value in dice[1:]]


def mean_dice(per_structure: Sequence[float]) -> float | None:
    """Mean over the structures that could be judged; None when there is none."""
    known = [value for value in per_structure if value == value]
    return sum(known) / len(known) if known else None


def _informative(volume: Volume) -> list[SliceIndex]:
    return [place for place in volume.slices if volume.foreground[place]]
