"""Carried outlines and an earlier model: kept where both say the same, and what only one knows by the equations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from SemiSegLogic.engine.data import confirming
from SemiSegLogic.engine.data.carrying import OTHERS, Carrying, carried_planes
from SemiSegLogic.engine.data.confirming import SURE, agreed, confirmed
from SemiSegLogic.engine.data.few_slices import FewSlices
from SemiSegLogic.engine.data.volumes import Volume
from SemiSegLogic.geometry import IGNORE, SliceIndex
from Testing.support.engine import volume_of

SIDE, RADIUS = 40, 8.0
LABEL = (RADIUS**2 > ((np.indices((SIDE, SIDE, SIDE)).T - np.array((20, 19, 18))) ** 2).sum(-1).T).astype(np.uint8)
IMAGE = (400.0 * LABEL + np.random.default_rng(0).normal(0, 20, LABEL.shape)).astype(np.int16)


def few(axis: int, *indices: int) -> FewSlices:
    drawn = FewSlices.of(volume_of(IMAGE, LABEL, tuple(SliceIndex(axis, index) for index in indices)))
    assert drawn is not None
    return drawn


class Certain:
    """An earlier model that thinks that ``label`` (k, j, i) is right, with ``share`` for it; notes what it is asked."""

    classes = 2

    def __init__(self, label: NDArray[np.uint8], share: float = 0.99):
        self.label, self.share, self.asked = label, share, list[list[int]]()

    def planes(self, volume: Volume, places: Sequence[SliceIndex]) -> dict[SliceIndex, Tensor]:
        self.asked.append([place.index for place in places])
        return {place: self._shares(self.label.take(place.index, place.axis)) for place in places}

    def _shares(self, plane: NDArray[np.uint8]) -> Tensor:
        inside = torch.where(torch.from_numpy(plane) == 1, self.share, 1 - self.share)
        return torch.stack([1 - inside, inside])


def nothing_but(axis: int, index: int) -> NDArray[np.uint8]:
    """(k, j, i): what a model thinks that knows the slice that was drawn, and denies all else."""
    label = np.zeros_like(LABEL)
    np.moveaxis(label, axis, 0)[index] = LABEL.take(index, axis)
    return label


def test_the_equations_by_hand() -> None:
    carried = np.array([[1, 1, 0, 0], [IGNORE, IGNORE, IGNORE, 2]], np.uint8)
    shares = torch.tensor([  # background, 1 and 2 of two rows of four voxels
        [[0.3, 0.6, 0.5, 0.0], [0.05, 0.4, 0.93, 0.1]],
        [[0.4, 0.3, 0.3, 1.0], [0.95, 0.5, 0.02, 0.2]],
        [[0.3, 0.1, 0.2, 0.0], [0.00, 0.1, 0.05, 0.7]]])
    # said by both, however sure the model is; contradicted; both; contradicted; sure; not sure; sure; both
    assert agreed(carried, shares).tolist() == [[1, IGNORE, 0, IGNORE], [1, IGNORE, 0, 2]]
    # where nothing was carried, only what the model is sure of
    assert agreed(None, shares).tolist() == [[IGNORE, IGNORE, IGNORE, 1], [1, IGNORE, 0, IGNORE]]


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("index", [20, 16])
def test_what_was_drawn_stays_and_the_model_is_asked_twice_as_far(axis: int, index: int) -> None:
    drawn = few(axis, index)
    carried, opinion = carried_planes(drawn), Certain(nothing_but(axis, index))
    found = confirmed(carried, drawn, opinion)
    assert np.array_equal(found[index], LABEL.take(index, axis))
    before, after = index - min(carried), max(carried) - index
    assert min(before, after) > 3
    assert (min(found), max(found)) == (index - 2 * before, index + 2 * after)
    assert opinion.asked[0] == [index]  # does it know what was drawn?
    asked = sorted(number for part in opinion.asked[1:] for number in part)
    assert asked == sorted(set(found) - {index})
    assert not any((found[index] == 1).any() for index in asked)  # the model denies it


def test_a_volume_that_ends_sooner_is_asked_for_to_its_ends() -> None:
    label = LABEL[10:30]
    drawn = FewSlices.of(volume_of(IMAGE[10:30], label, (SliceIndex(0, 10),)))
    assert drawn is not None
    found = confirmed(carried_planes(drawn), drawn, Certain(label))
    assert sorted(found) == list(range(len(label)))


def test_the_slices_beyond_reach_are_the_models_own() -> None:
    drawn = few(0, 20)
    carried = carried_planes(drawn)
    elsewhere = nothing_but(0, 20)
    elsewhere[:, 2:5, 2:5] = 1
    sure, unsure = (confirmed(carried, drawn, Certain(elsewhere, share)) for share in (SURE + 0.01, SURE - 0.01))
    beyond = [index for index in sure if index not in carried]
    assert beyond
    for index in beyond:
        assert np.array_equal(sure[index], elsewhere[index])
        assert (unsure[index] == IGNORE).all()
    assert (sure[19][2:5, 2:5] == IGNORE).all()  # background was carried there


def test_less_is_wrong_of_what_both_say() -> None:
    """A post that stops short in an image without contrast: carried it runs on, and the model draws it too wide."""
    post = np.zeros((SIDE, SIDE, SIDE), np.uint8)
    post[14:26, 12:28, 12:28] = 1
    drawn = FewSlices.of(volume_of(np.zeros(post.shape, np.int16), post, (SliceIndex(0, 20),)))
    assert drawn is not None
    carried, wide = carried_planes(drawn), np.maximum(post, np.roll(post, 3, 2))
    found = confirmed(carried, drawn, Certain(wide))

    def wrong(planes: dict[int, NDArray[np.uint8]]) -> int:
        return sum(int(((planes[n] != post[n]) & (planes[n] != IGNORE)).sum()) for n in carried)

    assert 0 < wrong(found) < 0.1 * wrong(carried)
    assert wrong(found) < 0.1 * wrong(dict(enumerate(wide)))
    assert sum(int((found[n] == 1).sum()) for n in carried) > 0.5 * post.sum()


def test_many_large_slices_are_not_looked_at_all_together(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn, whole, some = few(0, 20), Certain(LABEL), Certain(LABEL)
    carried = carried_planes(drawn)
    at_once = confirmed(carried, drawn, whole)
    monkeypatch.setattr(confirming, "AT_ONCE", 3 * 2 * SIDE * SIDE)
    in_parts = confirmed(carried, drawn, some)
    assert len(whole.asked) == 2
    assert len(some.asked) > 4
    assert max(map(len, some.asked)) == 3
    assert all(np.array_equal(plane, in_parts[index]) for index, plane in at_once.items())


def test_training_is_shown_what_is_confirmed_and_then_what_people_drew() -> None:
    drawn, opinion = few(0, 20), Certain(nothing_but(0, 20))
    volume = drawn.volume
    carrying = Carrying([volume, *others(OTHERS)], 0.5, opinion)
    carrying.at(0.0)
    assert volume.label is not None
    shown = volume.label.all_voxels().numpy()
    assert np.array_equal(shown[20], LABEL[20])
    assert not (np.delete(shown, 20, 0) == 1).any()
    assert (shown[14:27] == IGNORE).mean() < 0.1
    carrying.at(0.2)
    assert len(opinion.asked) == 2 + OTHERS  # once for all steps, and the others are not recognised
    carrying.at(0.5)
    assert [int(number) for number in np.flatnonzero(volume.label.shown(0))] == [20]


@pytest.mark.parametrize(("shift", "trusted"), [(0, True), (6, True), (9, False), (40, False)])
def test_a_model_that_does_not_find_what_was_drawn_has_no_say(shift: int, trusted: bool) -> None:
    """Discs of radius 8 that are 6 apart overlap with a Dice of 0.53, 9 apart of 0.32."""
    drawn, moved = few(0, 20), np.zeros_like(LABEL)
    moved[:, :, shift:] = LABEL[:, :, : SIDE - shift]
    carried = carried_planes(drawn)
    found = confirmed(carried, drawn, Certain(moved))
    assert (found is carried) != trusted
    assert np.array_equal(found[20], LABEL[20])


def others(count: int) -> list[Volume]:
    """Further volumes with a slice drawn, none of which ``nothing_but`` recognises."""
    volumes = [few(0, 16).volume for _ in range(count)]
    for number, volume in enumerate(volumes):
        volume.name = f"c{number + 2:03d}"
    return volumes


def test_what_was_learned_from_one_slice_alone_confirms_nothing_about_it() -> None:
    drawn, opinion = few(0, 20), Certain(nothing_but(0, 20))
    volumes = [drawn.volume, *others(OTHERS)]
    slices = [volume.slices for volume in volumes]
    for volume in volumes[1:]:
        volume.slices = ()
    carrying = Carrying(volumes, 0.5, opinion)
    carrying.at(0.0)
    assert opinion.asked == []
    assert drawn.volume.label is not None
    alone = drawn.volume.label
    for volume, found in zip(volumes, slices, strict=True):  # drawn meanwhile
        volume.slices = found
        volume.judged = few(0, found[0].index).volume.judged
        volume.hold_out([])
    carrying.at(0.1)
    assert opinion.asked
    assert drawn.volume.label is not alone


def test_between_two_slices_the_model_is_not_asked() -> None:
    drawn, nothing = few(0, 17, 23), Certain(np.zeros_like(LABEL))
    carrying = Carrying([drawn.volume, *(few(0, 17, 23).volume for _ in range(OTHERS))], 0.5, nothing)
    carrying.at(0.0)
    assert nothing.asked == []
    assert drawn.volume.label is not None
    planes = drawn.volume.label.all_voxels()
    assert all(np.array_equal(planes[index], plane) for index, plane in carried_planes(drawn).items())
