"""Structures that are drawn in few of many volumes: how often they are looked at, and that nothing else changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
import torch

from SemiSegLogic.engine.data.patches import TOWARDS_STRUCTURE, Sampler
from SemiSegLogic.engine.data.repeats import Repeats
from SemiSegLogic.engine.data.volumes import SPECK, Classes, Volume, set_label
from SemiSegLogic.geometry import SliceIndex, sparse_label
from SemiSegLogic.methods.base import Need
from SemiSegLogic.study import values
from Testing.support.engine import plan_of, volume_of

SIDE, PATCH = 36, (1, 3, 3)
NEED = Need(4, 1, PATCH)
AS_EVER = [
    (0, [1.0, 10.7508, 9.8693]), (3, [1.0, 9.4242, 11.0045]), (1, [1.0, 6.5726, 33.687]), (0, [1.0, 2.8042, 3.8836]),
    (3, [1.0, 6.8979, 6.6658]), (1, [1.0, 8.1227, 7.585]), (0, [1.0, 2.6885, 4.2937]), (0, [1.0, 18.8692, 3.0305]),
]
"""Labelled patches of before structures were repeated: (volume, centre) of two batches of four."""


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def _scan(*shown: Sequence[int]) -> Volume:
    """Slice n is judged, and shows the classes ``shown[n]``, each as a square in a row and column of its own."""
    label = np.zeros((8, SIDE, SIDE), np.uint8)
    for index, numbers in enumerate(shown):
        for number in numbers:
            label[index, 3 * number : 3 * number + 3, 3 * number : 3 * number + 3] = number
    places = tuple(SliceIndex(0, index) for index in range(len(shown)))
    return volume_of(label, label, places, plan_of(PATCH), values=tuple(range(1, 11)))


def _aimed(scans: list[Volume], batches: int = 150, size: int = 20) -> tuple[Counter[int], Counter[int]]:
    """How many patches hold each class, and come from each volume: nothing is near anything else."""
    sampler, classes, numbers = Sampler(scans, plan_of(PATCH), augment=False), Counter[int](), Counter[int]()
    for _ in range(batches):
        batch, _ = sampler.draw(Need(size, 0, (1, 1, 1)))
        classes.update(batch.label.flatten().tolist())
        numbers.update(batch.volume.tolist())
    return classes, numbers


def test_equations_2_to_4_by_hand() -> None:
    every, half, rare, nothing = frozenset({1, 2}), frozenset({1}), frozenset({1, 3}), frozenset[int]()
    assert Repeats.of((every,) * 3 + (half,) * 7).times == {1: 1, 2: 1}
    assert Repeats.of((every,) * 3 + (half,) * 9).times == {1: 1, 2: 2}
    assert Repeats.of((rare,) + (half,) * 2).times == {1: 1, 3: 1}
    assert Repeats.of((rare,) + (half,) * 49).times == {1: 1, 3: 7}
    assert Repeats.of((rare,) + (nothing,) * 499).times == {1: 22, 3: 22}
    assert Repeats.of(()).times == {}
    found = Repeats.of((nothing, rare, *(half,) * 9))
    assert (found.volumes, found.repeated([1, 3])) == ([0, 1, 1, 1, *range(2, 11)], [1, 3, 3, 3])


def test_where_every_structure_is_drawn_in_every_volume_the_patches_are_those_of_ever() -> None:
    scans = [_scan((1, 2, 3), (1,)), _scan((1,), (2, 3), ()), _scan((1, 2), (3,)), _scan((3, 2, 1)), _scan()]
    sampler = Sampler(scans, plan_of((3, 4, 4)))
    found = [(look.number, look.view.centre.round(4).tolist())
             for _ in range(2) for look in sampler._looks(Need(4, 1, (3, 4, 4)))[0]]
    assert [number for number, _ in found] == [number for number, _ in AS_EVER]
    np.testing.assert_allclose([centre for _, centre in found], [centre for _, centre in AS_EVER], atol=1e-3)


def test_one_structure_in_a_quarter_of_the_volumes_is_aimed_at_twice_as_often_by_volume_and_within() -> None:
    """Equations (1) to (4): twelve volumes, of which three show class 2 as well."""
    scans = [_scan((1, 2)) for _ in range(3)] + [_scan((1,)) for _ in range(9)]
    classes, numbers = _aimed(scans)
    count = numbers.total()
    share = 3 * 2 / (3 * 2 + 9)
    assert sum(numbers[n] for n in range(3)) / count == pytest.approx(share, abs=0.03)
    assert classes[2] / count == pytest.approx(TOWARDS_STRUCTURE * share * 2 / 3, abs=0.03)
    assert classes[2] / count > 2 * TOWARDS_STRUCTURE * 3 / 12 / 2 - 0.03  # where it was that before


def test_a_structure_in_one_of_fifty_volumes_is_seen_and_the_others_are_still() -> None:
    scans = [_scan(range(1, 11))] + [_scan(range(1, 10)) for _ in range(49)]
    classes, numbers = _aimed(scans)
    count = numbers.total()
    assert classes[10] / count == pytest.approx(0.67 / 8 * 7 / 16, abs=0.012)
    assert numbers[0] / count == pytest.approx(1 / 8, abs=0.02)
    assert min(classes[number] for number in range(1, 10)) > 0.8 * 0.67 / 10 * count
    assert min(numbers[n] for n in range(1, 50)) > 0


def test_volumes_that_show_nothing_keep_their_place() -> None:
    classes, numbers = _aimed([_scan((1,))] + [_scan(()) for _ in range(24)])
    assert numbers[0] / numbers.total() == pytest.approx(5 / 29, abs=0.03)
    assert min(numbers[n] for n in range(1, 25)) > 0
    assert classes[1] / numbers.total() == pytest.approx(TOWARDS_STRUCTURE * 5 / 29, abs=0.03)


def test_a_single_volume_and_volumes_of_many_slices_beside_one_are_no_special_cases() -> None:
    alone, _ = _aimed([_scan((1, 2), (2,))])
    assert 0.8 < alone[1] / alone[2] < 1.25
    many = [_scan(*[(1, 2)] * 8)] + [_scan((1,)) for _ in range(15)]
    _, numbers = _aimed(many)
    assert numbers[0] / numbers.total() == pytest.approx(4 / 19, abs=0.03)


def test_what_is_held_out_is_not_counted_and_what_is_drawn_meanwhile_is() -> None:
    scans = [_scan((1,), (2,))] + [_scan((1,)) for _ in range(15)]
    sampler = Sampler(scans, plan_of(PATCH))
    assert sampler.repeats(sampler.labelled()).times == {1: 1, 2: 4}
    scans[0].hold_out([SliceIndex(0, 1)])
    assert sampler.repeats(sampler.labelled()).times == {1: 1}
    scans[0].hold_out([])
    label, place = np.full((8, SIDE, SIDE), 2, np.uint8), SliceIndex(0, 3)
    for volume in scans[1:9]:
        set_label(volume, sparse_label(label, (place,)), (place,), Classes(range(1, 11)))
    assert sampler.repeats(sampler.labelled()).times == {1: 1, 2: 1}


def test_a_slip_of_the_hand_is_looked_at_as_often_as_ever() -> None:
    assert SPECK == values.SPECK
    scans = [_scan((1,)) for _ in range(16)]
    for extra, times in ((2, {1: 1}), (3, {1: 1, 2: 4})):
        label = np.zeros((8, SIDE, SIDE), np.uint8)
        label[0, 3:6, 3:6] = 1
        label[:2, 9, 9 : 9 + extra] = 2
        places = SliceIndex(0, 0), SliceIndex(0, 1)
        set_label(scans[0], sparse_label(label, places), places, Classes(range(1, 11)))
        assert Sampler(scans, plan_of(PATCH)).repeats(range(16)).times == times


def test_patches_without_labels_come_from_everywhere_as_before() -> None:
    scans = [_scan((1, 2))] + [_scan((1,)) for _ in range(15)]
    sampler, numbers = Sampler(scans, plan_of(PATCH)), Counter[int]()
    for _ in range(100):
        _, free = sampler.draw(Need(1, 16, PATCH))
        numbers.update(free.volume.tolist())
    assert numbers[0] / 1600 == pytest.approx(1 / 16, abs=0.025)
