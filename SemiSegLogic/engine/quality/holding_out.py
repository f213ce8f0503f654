"""Which judged slices are kept from training, so that they can tell how good it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from ...geometry import SliceIndex, covered_axis
from ..data.volumes import Volume

Part = dict[str, list[SliceIndex]]
"""Slices to keep from training together, by the name of their volume, in engine order."""

FEWEST = 4  # informative slices below which every single one teaches more than it tells
MOST = 1 / 3  # of all slices that a part may take from training


def parts(
    volumes: Sequence[Volume], share: float, seen: Mapping[str, Collection[SliceIndex]] | None = None,
    images: Mapping[str, str] | None = None,
) -> list[Part]:
    """Parts of about ``share`` of the judged slices, each to be kept from the training of another model; the one
    nearest to that share first, of several such the one that shows most structures. ``seen`` slices, by volume, that
    the model to go on from has learned from are in none. ``images`` the image of each volume: what two people drew in
    the same one is kept together, or training would see it all the same.

    Whole cases, because a model has to do well in cases it never saw; only some slices of a case where the whole would
    take more than a third from training. Never the last slice with a structure, nor an image of which only lines would
    be left. Empty where fewer than four slices show any structure: then each teaches more than it tells.
    """
    drawn = [volume for volume in volumes if volume.slices and _informative(volume)]
    total = sum(len(volume.slices) for volume in drawn)
    if share <= 0 or sum(len(_informative(volume)) for volume in drawn) < FEWEST:
        return []
    fresh = {volume.name: [place for place in volume.slices if place not in (seen or {}).get(volume.name, ())]
             for volume in drawn}
    dealt = [part for whole in _by_image(fresh, images or {}, round(1 / share))
             for part in _small_enough(whole, int(total * MOST))]
    kept = [_with_teachers(part, drawn) for part in dealt]
    shown = {volume.name: volume.foreground for volume in drawn}
    return sorted((part for part in kept if part), key=lambda part: (abs(_size(part) - share * total),
                                                                     -_structures(part, shown)))


def _by_image(fresh: Part, images: Mapping[str, str], count: int) -> list[Part]:
    """Cases dealt out, those with most slices first, each to the part with fewest; those of one image as if one."""
    alike: dict[str, Part] = {}
    for name, places in fresh.items():
        if places:
            alike.setdefault(images.get(name, name), {})[name] = places
    dealt: list[Part] = [{} for _ in range(count)]
    for cases in sorted(alike.values(), key=lambda cases: -_size(cases)):
        min(dealt, key=_size).update(cases)
    return dealt


def _small_enough(part: Part, most: int) -> list[Part]:
    """``part``, or its slices dealt out in turn so that each share is spread over the depth of its cases."""
    turns = -(-_size(part) // max(most, 1))
    return [{name: places[first::turns] for name, places in part.items()} for first in range(turns)]


def _with_teachers(part: Part, drawn: Sequence[Volume]) -> Part:
    """``part`` without the slices that alone show a structure: one of them stays with training."""
    teaching, kept = _teaching(drawn), Part()
    for volume in drawn:
        for place in part.get(volume.name, []):
            values = volume.foreground[place]
            if all(teaching[value] > 1 for value in values):
                teaching.subtract(values.keys())
                kept.setdefault(volume.name, []).append(place)
        if _hide_others(kept.get(volume.name, []), volume):
            del kept[volume.name]
    informs = any(volume.foreground[place] for volume in drawn for place in kept.get(volume.name, []))
    return kept if informs else {}


def _hide_others(places: Sequence[SliceIndex], volume: Volume) -> bool:
    """Whether ``places`` are all voxels there are, so that the slices that cross them could teach nothing: an image and
    lines of it.
    """
    return len(places) < len(volume.slices) and covered_axis(volume.shape, places) is not None


def _teaching(drawn: Sequence[Volume]) -> Counter[int]:
    """How many slices show each structure."""
    return Counter(value for volume in drawn for place in volume.slices for value in volume.foreground[place])


def _structures(part: Part, shown: Mapping[str, Mapping[SliceIndex, Collection[int]]]) -> int:
    """How many structures a part can tell of."""
    return len({value for name, places in part.items() for place in places for value in shown[name][place]})


def _size(part: Part) -> int:
    return sum(len(places) for places in part.values())


def _informative(volume: Volume) -> list[SliceIndex]:
    return [place for place in volume.slices if volume.foreground[place]]
