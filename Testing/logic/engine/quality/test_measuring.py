"""Slices kept aside, and the Dice on them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from SemiSegLogic.engine.data.volumes import Volume
from SemiSegLogic.engine.quality import Looks, mean_dice, measure, parts, pooled_dice, scores_of
from SemiSegLogic.engine.quality.reliability import reliability_of
from SemiSegLogic.geometry import SliceIndex
from Testing.support.engine import volume_of

SHAPE = (12, 6, 7)


def _volume(slices: int, drawn: range = range(12), value: int = 1, name: str = "c001") -> Volume:
    """``slices`` judged slices from 0 on, those in ``drawn`` with a structure."""
    label = np.zeros(SHAPE, np.uint8)
    label[list(drawn), 2:4, 2:5] = value
    volume = volume_of(np.zeros(SHAPE), label, tuple(SliceIndex(0, n) for n in range(slices)))
    volume.name = name
    return volume


def _study(*slices: int, **options: object) -> list[Volume]:
    return [_volume(count, name=f"c{n:03d}", **options) for n, count in enumerate(slices, 1)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("slices", "share", "expected"),
    [
        ([3] * 10, 0.2, {"c001": 3, "c006": 3}), ([3, 3, 3, 3, 2], 0.2, {"c001": 3}), ([4, 1, 2], 0.3, {"c001": 2}),
        ([6, 6], 0.2, {"c001": 3}), ([12], 0.25, {"c001": 4}), ([2, 2], 0.2, {"c001": 1}), ([2, 1], 0.2, {}),
        ([3], 0.5, {}), ([6, 6], 0.0, {}), ([], 0.3, {}),
    ],
)  # fmt: skip
def test_whole_cases_are_kept_aside_and_slices_where_those_would_take_too_much(
    slices: list[int], share: float, expected: dict[str, int]
) -> None:
    found = parts(_study(*slices), share)
    assert {name: len(places) for name, places in (found[0] if found else {}).items()} == expected


def test_what_two_people_drew_in_one_image_is_kept_aside_together() -> None:
    images = {"c001": "one", "c002": "two", "c003": "two", "c004": "three", "c005": "three"}
    found = parts(_study(4, 2, 2, 2, 2), 0.2, images=images)
    assert sorted(sorted(part) for part in found) == [["c001"], ["c002", "c003"], ["c004", "c005"]]
    assert len(parts(_study(4, 2, 2, 2, 2), 0.2)) == 5


def test_every_part_leaves_two_thirds_to_training_and_no_slice_is_in_two() -> None:
    for slices in ([2, 6], [1, 1, 1, 1], [5, 3, 6, 2, 1, 4], [12]):
        found, total = parts(_study(*slices), 0.2), sum(slices)
        places = [(name, place) for part in found for name, some in part.items() for place in some]
        assert found
        assert len(places) == len(set(places))
        assert all(sum(map(len, part.values())) <= max(1, total // 3) for part in found)


def test_the_choice_is_the_same_again() -> None:
    assert parts(_study(4, 2, 5, 3), 0.2) == parts(_study(4, 2, 5, 3), 0.2)


def test_slices_that_the_model_to_go_on_from_has_learned_are_never_kept_aside() -> None:
    volumes = _study(4, 4, 4, 4, 4)
    seen = {volume.name: volume.slices for volume in volumes[:4]}
    for part in parts(volumes, 0.2, seen):
        assert part.keys() == {"c005"}
    assert parts(volumes, 0.2, {volume.name: volume.slices for volume in volumes}) == []


def test_the_last_slice_with_a_structure_goes_on_teaching() -> None:
    rare = _volume(3, range(1, 2), value=2, name="c009")
    for part in parts([*_study(5, 5, 5), rare], 0.25):
        assert SliceIndex(0, 1) not in part.get("c009", [])
    assert parts([rare], 0.5) == []


def test_an_image_is_not_kept_aside_where_training_would_be_left_with_lines_of_it() -> None:
    label = np.ones((1, 6, 7), np.uint8)
    image, lines = SliceIndex(0, 0), [SliceIndex(1, n) for n in range(5)]
    single = volume_of(np.zeros(label.shape), label, (image, *lines))
    found = parts([single], 0.5)
    assert found
    for part in found:
        assert image not in part["c001"]


def test_of_parts_of_one_size_the_one_that_shows_most_structures_comes_first() -> None:
    """Where one case of five lacked a structure, and was the one kept aside, no case of the study could be judged."""
    both = []
    for number in range(2, 6):
        label = np.zeros(SHAPE, np.uint8)
        label[:, 2:4, 2:4], label[:, 2:4, 4:6] = 1, 2
        volume = volume_of(np.zeros(SHAPE), label, tuple(SliceIndex(0, n) for n in range(4)))
        volume.name = f"c{number:03d}"
        both.append(volume)
    found = parts([*_study(4), *both], 0.2)
    assert {"c001"} in [set(part) for part in found]
    assert set(found[0]) == {"c002"}


def test_a_part_shows_some_structure() -> None:
    bare = _volume(3, range(0), name="c009")
    for part in parts([*_study(5, 5, 5), bare], 0.25):
        assert part.keys() - {"c009"}


def _random_study() -> tuple[list[Volume], dict[int, Tensor]]:
    """Three volumes judged across all axes, two of them with slices held out, and shares (4,D,H,W) for each."""
    random = np.random.default_rng(0)
    volumes, shares = [], {}
    for _ in range(3):
        label = random.integers(0, 3, SHAPE).astype(np.uint8)
        volume = volume_of(np.zeros(SHAPE), label, tuple(SliceIndex(n % 3, n) for n in range(6)))
        volumes.append(volume)
        shares[id(volume)] = torch.from_numpy(random.dirichlet([0.3] * 4, SHAPE)).float().movedim(-1, 0)
    volumes[0].hold_out([SliceIndex(0, 0), SliceIndex(1, 4)])
    volumes[1].hold_out([SliceIndex(2, 5)])
    return volumes, shares


def _in_parts(shares: Tensor, rows: int = 5) -> Iterator[tuple[int, Tensor]]:
    for start in range(0, shares.shape[1], rows):
        yield start, shares[:, start : start + rows]


def test_dice_agrees_with_a_loop_over_all_held_out_slices() -> None:
    volumes, shares = _random_study()

    def parts_of(volume: Volume) -> Iterator[tuple[int, Tensor]]:
        assert volume is not volumes[2]  # nothing is held out there: not worth a prediction
        return _in_parts(shares[id(volume)])

    def planes_of(volume: Volume, places: Sequence[SliceIndex]) -> dict[SliceIndex, Tensor]:
        assert volume is not volumes[2]
        return {place: shares[id(volume)].select(place.axis + 1, place.index) for place in places}

    expected = []
    for value in (1, 2):
        both = sizes = 0
        for volume in volumes[:2]:
            for place in volume.held_out:
                truth, found = volume.plane(place), shares[id(volume)].argmax(0).select(place.axis, place.index)
                for t, f in zip(truth.flatten().tolist(), found.flatten().tolist(), strict=True):
                    both += t == f == value
                    sizes += (t == value) + (f == value)
        expected.append(2 * both / sizes)
    scores = measure(parts_of, volumes, 4).scores
    assert scores == scores_of(planes_of, volumes, 4)
    dice = pooled_dice(scores, 4)
    assert dice[:2] == pytest.approx(expected)
    assert dice[2] != dice[2]  # a structure that is in none of them
    assert mean_dice(dice) == pytest.approx(sum(expected) / 2)


@pytest.mark.parametrize("rows", [1, 5, 12])
def test_looks_are_those_of_the_bytes_that_a_suggestion_is_saved_as(rows: int) -> None:
    volumes, shares = _random_study()
    found = measure(lambda volume: _in_parts(shares[id(volume)], rows), volumes, 4)
    assert [looks for _, looks in found.looks] == [_looks(shares[id(volume)]) for volume in volumes[:2]]
    planes = [(shares[id(volume)].select(place.axis + 1, place.index), volume.plane(place))
              for volume in volumes[:2] for place in volume.held_out]
    together = reliability_of(planes)
    assert found.reliability is not None
    assert found.reliability.voxels == pytest.approx(together.voxels)
    assert found.reliability.loss == pytest.approx(together.loss)


def _looks(shares: Tensor) -> Looks:
    """Voxel by voxel, as :meth:`Predictor.predict` makes its maps."""
    size = doubt = 0
    for column in shares.flatten(1).T.double().tolist():
        size += max(column[1:]) > column[0]
        doubt += round(255 * min(1.0, sum(-p * math.log(max(p, 1e-8)) for p in column) / math.log(4)))
    return Looks.of(doubt / 255, size)


def test_a_perfect_guess_is_1_and_a_missed_structure_0() -> None:
    volume = _volume(6)
    volume.hold_out([SliceIndex(0, 3)])
    assert volume.judged is not None
    perfect = torch.nn.functional.one_hot(volume.judged.all_voxels().long().clamp_max(1), 2).movedim(-1, 0).float()
    for guess, dice in ((perfect, 1.0), (perfect.flip(0), 0.0)):
        scores = measure(lambda _, shares=guess: _in_parts(shares), [volume], 2).scores  # type: ignore[misc]
        assert pooled_dice(scores, 2) == [dice]


def test_the_mean_of_nothing_is_none() -> None:
    assert mean_dice([]) is None
    assert mean_dice([float("nan")]) is None
    assert mean_dice([0.5, float("nan"), 1.0]) == 0.75


ORGAN, BIT = (slice(2, 8), slice(1, 4), slice(1, 4)), (slice(10, 11), slice(5, 6), slice(0, 3))


def _shares_with_a_bit() -> Tensor:
    """(2,D,H,W): an organ as it is drawn, and a bit of three voxels far from it."""
    found = torch.zeros(SHAPE, dtype=torch.int64)
    found[ORGAN] = found[BIT] = 1
    return torch.nn.functional.one_hot(found, 2).movedim(-1, 0).float()


def _organs(count: int, held_out: int) -> list[Volume]:
    label = np.zeros(SHAPE, np.uint8)
    label[ORGAN] = 1
    volumes = []
    for number in range(count):
        volume = volume_of(np.zeros(SHAPE), label, tuple(SliceIndex(0, n) for n in (3, 5, 10)))
        volume.name = f"c{number:03d}"
        volume.hold_out(volume.slices if number < held_out else ())
        volumes.append(volume)
    return volumes


@pytest.mark.parametrize("may", [True, False])
def test_scores_and_looks_are_without_the_fragments_that_no_drawn_slice_speaks_for(may: bool) -> None:
    found = measure(lambda volume: _in_parts(_shares_with_a_bit()), _organs(2, 2), 2, may_leave_out=may)
    assert found.one_piece == ((1,) if may else ())
    assert pooled_dice(found.scores, 2) == [1.0 if may else 2 * 36 / (2 * 36 + 6)]
    assert [looks.size for _, looks in found.looks] == [54 if may else 57] * 2


@pytest.mark.parametrize(("count", "held_out", "predicted"), [(6, 0, 3), (6, 1, 3), (6, 4, 4), (1, 0, 1)])
def test_others_are_predicted_only_until_enough_is_known_of_pieces(count: int, held_out: int, predicted: int) -> None:
    """Two slices of each volume show the organ, and six are enough."""
    seen = []

    def parts_of(volume: Volume) -> Iterator[tuple[int, Tensor]]:
        seen.append(volume.name)
        return _in_parts(_shares_with_a_bit())

    found = measure(parts_of, _organs(count, held_out), 2, may_leave_out=True)
    assert len(seen) == predicted
    assert found.one_piece == ((1,) if 2 * predicted >= 3 else ())
    assert len(found.scores) == 3 * held_out


def test_no_volume_is_predicted_for_a_structure_that_it_does_not_show() -> None:
    """Of forty structures most are in few volumes: three others were predicted at every measurement for nothing."""
    seen: list[str] = []

    def parts_of(volume: Volume) -> Iterator[tuple[int, Tensor]]:
        seen.append(volume.name)
        return _in_parts(_shares_with_a_bit())

    volumes, label = _organs(9, 4), np.zeros(SHAPE, np.uint8)
    label[ORGAN] = 2
    measure(parts_of, volumes, 41, may_leave_out=True)
    assert seen == ["c000", "c001", "c002", "c003"]  # eight slices show the organ, and others are nowhere
    rare = volume_of(np.zeros(SHAPE), label, (SliceIndex(0, 3),))
    seen.clear()
    measure(parts_of, [*volumes, rare], 41, may_leave_out=True)
    assert seen == ["c000", "c001", "c002", "c003", rare.name]


def test_what_is_left_out_stays_that_of_the_first_when_a_fold_is_added() -> None:
    volumes = _organs(2, 2)
    one, other = (measure(lambda volume: _in_parts(_shares_with_a_bit()), [volume], 2) for volume in volumes)
    assert (replace(one, one_piece=(1,)) + replace(other, one_piece=(2,))).one_piece == (1,)
