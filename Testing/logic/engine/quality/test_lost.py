"""Structures that a model no longer finds where nobody drew."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch

from SemiSegLogic.engine.data.volumes import Volume
from SemiSegLogic.engine.quality import lost
from SemiSegLogic.engine.quality.found import Parts
from SemiSegLogic.geometry import SliceIndex
from Testing.support.engine import volume_of

SHAPE, CLASSES = (6, 10, 10), 3


def volume(name: str, drawn: tuple[int, ...] | None = None) -> Volume:
    """Classes ``drawn`` on one slice, None: nobody drew."""
    label = np.zeros(SHAPE, np.uint8)
    for number in drawn or ():
        label[3, number * 3, 2:7] = number
    made = volume_of(np.zeros(SHAPE), label, () if drawn is None else (SliceIndex(0, 3),))
    made.name = name
    return made


def model(found: Mapping[str, tuple[int, int]], asked: list[str] | None = None) -> Callable[[Volume], Parts]:
    """Finds so many voxels of classes 1 and 2 in the volume of that name, in two parts."""
    def parts(seen: Volume) -> Parts:
        if asked is not None:
            asked.append(seen.name)
        label = torch.zeros(SHAPE, dtype=torch.int64).flatten()
        one, two = found[seen.name]
        label[:one], label[one : one + two] = 1, 2
        shares = torch.nn.functional.one_hot(label.reshape(SHAPE), CLASSES).movedim(-1, 0).float()
        return [(0, shares[:, :4]), (4, shares[:, 4:])]

    return parts


USUAL = dict.fromkeys("abcdefgh", (200, 100))
STUDY = [volume("drawn", (1, 2)), *map(volume, "abcdefgh")]


def test_what_is_found_in_none_any_more_is_lost_and_a_few_stray_voxels_change_nothing() -> None:
    assert lost(model(dict.fromkeys("abcdefgh", (0, 100))), model(USUAL), STUDY, CLASSES) == (1,)
    assert lost(model(dict.fromkeys("abcdefgh", (1, 0))), model(USUAL), STUDY, CLASSES) == (1, 2)
    assert lost(model(dict.fromkeys("abcdefgh", (3, 100))), model(USUAL), STUDY, CLASSES) == ()


def test_what_is_still_found_in_one_or_was_not_found_in_one_before_is_not_lost() -> None:
    gone = dict.fromkeys("abcdefgh", (0, 100))
    assert lost(model({**gone, "h": (150, 100)}), model(USUAL), STUDY, CLASSES) == ()
    assert lost(model(gone), model({**USUAL, "h": (0, 100)}), STUDY, CLASSES) == ()


def test_a_structure_that_is_not_everywhere_where_people_drew_may_be_nowhere_else() -> None:
    gone = model(dict.fromkeys("abcdefgh", (0, 0)))
    assert lost(gone, model(USUAL), [volume("more", (2,)), *STUDY], CLASSES) == (2,)
    assert lost(gone, model(USUAL), [volume("empty", ()), *STUDY], CLASSES) == ()
    assert lost(gone, model(USUAL), STUDY[1:], CLASSES) == ()


def test_a_single_volume_says_nothing_and_of_many_four_are_looked_at_or_one_where_all_is_well() -> None:
    gone = dict.fromkeys("abcdefgh", (0, 0))
    assert lost(model(gone), model(USUAL), STUDY[:2], CLASSES) == ()
    asked: list[str] = []
    assert lost(model(gone, asked), model(USUAL), STUDY, CLASSES) == (1, 2)
    assert (len(asked), asked[0], asked[-1]) == (4, "a", "h")
    asked.clear()
    assert lost(model(USUAL, asked), model(USUAL), STUDY, CLASSES) == ()
    assert asked == ["a"]
