"""Slices kept aside, and the Dice on them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from SemiSegLogic.engine.quality import held_out_dice, hold_out, mean_dice
from SemiSegLogic.engine.volumes import Volume
from SemiSegLogic.geometry import SliceIndex
from Testing.support.engine import volume_of

SHAPE = (12, 6, 7)


def _volume(slices: int, drawn: range = range(12), value: int = 1) -> Volume:
    """``slices`` judged slices from 0 on, those in ``drawn`` with a structure."""
    label = np.zeros(SHAPE, np.uint8)
    label[list(drawn), 2:4, 2:5] = value
    return volume_of(np.zeros(SHAPE), label, tuple(SliceIndex(0, n) for n in range(slices)))


@pytest.mark.parametrize(
    ("slices", "share", "expected"),
    [
        ([3] * 10, 0.15, 4), ([3] * 10, 0.5, 10), ([9, 3], 0.25, 3), ([12], 0.5, 4), ([3], 0.01, 1), ([3], 0.0, 0),
        ([2] * 8, 0.3, 0), ([2, 2, 6], 0.2, 1), ([], 0.3, 0), ([12] * 20, 0.5, 24),
    ],
)  # fmt: skip
def test_about_the_share_is_kept_aside_never_more_than_a_third(
    slices: list[int], share: float, expected: int
) -> None:
    volumes = [_volume(count) for count in slices]
    assert hold_out(volumes, share) == expected
    assert sum(len(volume.held_out) for volume in volumes) == expected
    for volume, count in zip(volumes, slices, strict=True):
        assert len(volume.held_out) <= max(1, count // 3) if count >= 3 else not volume.held_out
        assert set(volume.held_out) <= set(volume.slices)


def test_the_choice_is_the_same_again_and_spread_over_volumes_and_depth() -> None:
    first, again = [[_volume(12) for _ in range(8)] for _ in range(2)]
    assert hold_out(first, 0.1) == hold_out(again, 0.1) == 10
    assert [v.held_out for v in first] == [v.held_out for v in again]
    assert all(len(v.held_out) in (1, 2) for v in first)
    assert len({place.index for v in first for place in v.held_out}) >= 6


def test_only_slices_with_structures_are_kept_aside() -> None:
    volumes = [_volume(12, range(5, 8)), _volume(12, range(0))]
    assert hold_out(volumes, 0.5) == 2
    assert {place.index for place in volumes[0].held_out} <= {5, 6, 7}
    assert not volumes[1].held_out


def test_the_last_slice_with_a_structure_goes_on_teaching() -> None:
    rare = _volume(3, range(1, 2), value=2)
    assert hold_out([rare], 0.5) == 0
    assert hold_out([rare, _volume(12, range(4, 6), value=2)], 0.5) == 2
    both = [rare, _volume(12, range(4, 6), value=2)]
    hold_out(both, 0.5)
    assert any(volume.foreground[place] for volume in both for place in volume.training_slices)


def test_dice_agrees_with_a_loop_over_all_held_out_slices() -> None:
    random = np.random.default_rng(0)
    volumes, guesses = [], {}
    for _ in range(3):
        label = random.integers(0, 3, SHAPE).astype(np.uint8)
        volume = volume_of(np.zeros(SHAPE), label, tuple(SliceIndex(n % 3, n) for n in range(6)))
        volumes.append(volume)
        guesses[id(volume)] = torch.from_numpy(random.random((4, *SHAPE)))
    volumes[0].hold_out([SliceIndex(0, 0), SliceIndex(1, 4)])
    volumes[1].hold_out([SliceIndex(2, 5)])

    def guess(volume: Volume) -> Tensor:
        assert volume is not volumes[2]  # nothing is held out there: not worth a prediction
        return guesses[id(volume)]

    expected = []
    for value in (1, 2):
        both = sizes = 0
        for volume in volumes[:2]:
            for place in volume.held_out:
                truth, found = volume.plane(place), guesses[id(volume)].argmax(0).select(place.axis, place.index)
                for t, f in zip(truth.flatten().tolist(), found.flatten().tolist(), strict=True):
                    both += t == f == value
                    sizes += (t == value) + (f == value)
        expected.append(2 * both / sizes)
    dice = held_out_dice(guess, volumes, 4)
    assert dice[:2] == pytest.approx(expected)
    assert dice[2] != dice[2]  # a structure that is in none of them
    assert mean_dice(dice) == pytest.approx(sum(expected) / 2)


def test_a_perfect_guess_is_1_and_a_missed_structure_0() -> None:
    volume = _volume(6)
    volume.hold_out([SliceIndex(0, 3)])
    assert volume.judged is not None
    perfect = torch.nn.functional.one_hot(volume.judged.long().clamp_max(1), 2).movedim(-1, 0)
    assert held_out_dice(lambda _: perfect, [volume], 2) == [1.0]
    assert held_out_dice(lambda _: perfect.flip(0), [volume], 2) == [0.0]


def test_the_mean_of_nothing_is_none() -> None:
    assert mean_dice([]) is None
    assert mean_dice([float("nan")]) is None
    assert mean_dice([0.5, float("nan"), 1.0]) == 0.75
