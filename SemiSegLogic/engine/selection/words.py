"""Why a slice is suggested, in words: where it lies in the structure, and what the model hesitates between."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .maps import Profile

ENDS = (("lower", "upper"), ("front", "back"), ("right", "left"))  # of the canonical axes: superior, posterior, left
END = 0.25  # of the extent at either side


def reason(item: Profile, index: int, names: Mapping[int, str], doubted: bool) -> str:
    """A sentence for slice ``index``. ``doubted``: chosen for the model's doubt, not to spread the labels."""
    shares = item.doubts[:, index]
    background = item.doubt[index] - shares.sum()
    order = [int(n) for n in np.argsort(-shares, kind="stable") if shares[n] > 0]
    if not item.area.any():
        return f"No structure was found: {'the model is unsure whether there is one' if doubted else _EVEN}."
    main = order[0] if order else int(item.area[:, index].argmax())
    where, name = location(item, index, main, names), names.get(item.values[main], "a structure")
    if not doubted:
        return f"{where}: {_EVEN}."
    if len(order) > 1 and shares[order[1]] > background:
        return f"{where}: the model is unsure between {name} and {names.get(item.values[order[1]], 'another')}."
    return f"{where}: the model is unsure about the border of {name}."


_EVEN = "no slice near here is done"


def location(item: Profile, index: int, main: int, names: Mapping[int, str]) -> str:
    """``Upper end of liver``: where slice ``index`` lies in structure number ``main`` as the model found it."""
    if item.area.shape[1] == 1:
        return "In this image"
    area = item.area[main] if item.area[main].any() else item.area.sum(0)
    name = names.get(item.values[main], "what was found") if item.area[main].any() else "what was found"
    occupied = np.flatnonzero(area)
    depth = (index - occupied[0]) / max(occupied[-1] - occupied[0], 1)
    turn = item.grid.orientation()
    canonical = turn.sources.index(item.axis)
    if turn.flips[canonical]:
        depth = 1 - depth
    low, high = ENDS[canonical]
    if depth < 0 or depth > 1:
        return f"Beyond the {low if depth < 0 else high} end of {name}"
    if END <= depth <= 1 - END:
        return f"Middle part of {name}"
    return f"{(low if depth < END else high).capitalize()} end of {name}"
