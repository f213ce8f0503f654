"""A few drawn slices, carried to their neighbours: right where they say something, silent where they do not know."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from SemiSegLogic.engine.data import carrying as carrying_module
from SemiSegLogic.engine.data.carrying import MOST, Carrying, carried_planes
from SemiSegLogic.engine.data.confirming import PlanesAlong
from SemiSegLogic.engine.data.few_slices import FEW, FewSlices
from SemiSegLogic.engine.data.volumes import Classes, Volume, set_label
from SemiSegLogic.engine.planning.plan import Plan
from SemiSegLogic.geometry import IGNORE, Grid, SliceIndex, sparse_label
from SemiSegLogic.seeing import depth_first
from Testing.support.engine import MIRRORED_TURN, plan_of, volume_of

SIDE, RADIUS = 40, 12.0


def ball(
    centre: tuple[float, float, float] = (20, 19, 18), radius: float = RADIUS, value: int = 1
) -> NDArray[np.uint8]:
    """(k, j, i) of SIDE voxels a side."""
    places = np.indices((SIDE, SIDE, SIDE)).T - np.array(centre)
    return (radius**2 > (places**2).sum(-1).T).astype(np.uint8) * np.uint8(value)


def image_of(label: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Bright where ``label`` is, with some noise."""
    noise = np.random.default_rng(0).normal(0, 20, label.shape)
    return (400 * (label > 0) + 100 * label + noise).astype(np.int16)


def judged(label: NDArray[np.uint8], *places: SliceIndex, plan: Plan | None = None, grid: Grid | None = None) -> Volume:
    return volume_of(image_of(label), label, places, plan, grid)


def carried(volume: Volume) -> NDArray[np.uint8]:
    """(k, j, i): what is carried from the slices of ``volume``."""
    few = FewSlices.of(volume)
    assert few is not None
    return np.asarray(volume.to_array(few.label(carried_planes(few)).all_voxels()))


def wrong(found: NDArray[np.uint8], label: NDArray[np.uint8]) -> float:
    """Share of the structure's size that is said wrongly."""
    return float(((found != label) & (found != IGNORE)).sum() / (label > 0).sum())


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_ball_drawn_in_its_middle_is_known_to_its_ends_and_nothing_is_said_beyond_reach(axis: int) -> None:
    label, middle = ball(), (20, 19, 18)[axis]
    found = carried(judged(label, SliceIndex(axis, middle)))
    assert np.array_equal(found.take(middle, axis), label.take(middle, axis))  # the drawn slice as it was
    near = np.moveaxis(found, axis, 0)[middle - 8 : middle + 9]
    truth = np.moveaxis(label, axis, 0)[middle - 8 : middle + 9]
    assert (near == 1).sum() > 0.75 * truth.sum()
    assert wrong(found, label) < 0.08
    reach = round(0.5 * np.sqrt(np.pi) * RADIUS)  # half the side of a square as large as the disc
    shown = np.flatnonzero((np.moveaxis(found, axis, 0) != IGNORE).any((1, 2)))
    assert abs(shown[0] - (middle - reach)) <= 1
    assert abs(shown[-1] - (middle + reach)) <= 1


def test_it_shrinks_with_the_image_where_a_copy_would_run_on() -> None:
    label = ball()
    found = carried(judged(label, SliceIndex(0, 20)))
    copied = np.where(found != IGNORE, label[20], IGNORE)
    assert wrong(found, label) < 0.4 * wrong(copied, label)


@pytest.mark.parametrize("spacing", [(2.0, 2.0, 2.0), (1.0, 3.0, 3.0), (3.0, 1.0, 1.0)])
def test_a_coarser_plan_says_the_same(spacing: tuple[float, float, float]) -> None:
    volume = judged(ball(), SliceIndex(0, 20), plan=Plan(3, 0, spacing, (8, 8, 8)))
    assert max(volume.thin) > 1
    found = carried(volume)
    assert wrong(found, ball()) < 0.12
    assert (found == 1).sum() > 0.5 * ball().sum()


@pytest.mark.parametrize("dot", [(1, 1), (1, 3), (3, 1)])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_dot_drawn_across_thick_slices_is_carried_too(axis: int, dot: tuple[int, int]) -> None:
    """A brush that touched the image once must not be the end of a training."""
    spacing = tuple(2.5 if other == (axis + 1) % 3 else 0.7 for other in range(3))
    label = np.zeros((SIDE,) * 3, np.uint8)
    np.moveaxis(label, axis, 0)[20, 10 : 10 + dot[0], 12 : 12 + dot[1]] = 1
    grid = Grid(label.shape, (spacing[0], spacing[1], spacing[2]))
    plan = plan_of((8, 8, 8), depth_first(grid, 0).triple(grid.spacing))
    found = carried(judged(label, SliceIndex(axis, 20), plan=plan, grid=grid))
    assert np.array_equal(found.take(20, axis), label.take(20, axis))
    shown = np.flatnonzero((np.moveaxis(found, axis, 0) != IGNORE).any((1, 2)))
    assert 18 <= shown[0] < 20 < shown[-1] <= 22


def test_the_axes_of_the_file_do_not_matter() -> None:
    label = ball()
    plain = carried(judged(label, SliceIndex(0, 20)))
    turned = Grid((SIDE, SIDE, SIDE), (1.0, 1.0, 1.0), (5.0, 6.0, 7.0), MIRRORED_TURN)
    there = carried(judged(label, SliceIndex(0, 20), plan=plan_of((8, 8, 8), depth_axis=1), grid=turned))
    assert (plain != there).mean() < 0.01


def test_two_structures_are_carried_and_keep_apart() -> None:
    label = np.maximum(ball((20, 19, 12), 8, 1), ball((20, 19, 28), 8, 2))
    found = carried(judged(label, SliceIndex(0, 20)))
    assert wrong(found, label) < 0.12
    for value in (1, 2):
        assert (found == value).sum() > 0.5 * (label == value).sum()
        assert not ((found == value) & (label == 3 - value)).any()


def test_a_small_structure_is_followed_as_far_as_its_own_size_says_whatever_is_drawn_beside_it() -> None:
    label = np.zeros((SIDE, 60, 60), np.uint8)
    label[:, 4:44, 4:44] = 1
    label[16:25, 50:58, 50:58] = 2
    found = carried(volume_of(np.zeros(label.shape, np.int16), label, (SliceIndex(0, 20),)))  # no help
    assert (found[22:25] == 2).any((1, 2)).all()
    assert not (found[25:] == 2).any()
    assert (found[25:30, 52:56, 52:56] == IGNORE).all()  # nobody knows: it may go on
    assert (found[30, 10:38, 10:38] == 1).all()  # the large one goes on
    assert (found[30, 48:, :30] == 0).all()


def test_forty_structures_are_followed_for_little_more_than_one(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels, sample = [0], F.grid_sample

    def counted(images: Tensor, *rest: Any, **more: Any) -> Tensor:
        pixels[0] += images.numel()
        return sample(images, *rest, **more)

    def looked_at(label: NDArray[np.uint8]) -> int:
        pixels[0] = 0
        carried(volume_of(image, label, (SliceIndex(0, 5),), values=tuple(range(1, 41))))
        return pixels[0]

    many = np.zeros((11, 100, 160), np.uint8)
    for value in range(1, 41):
        row, column = divmod(value - 1, 8)
        many[:, 20 * row + 4 : 20 * row + 14, 20 * column + 4 : 20 * column + 14] = value
    image = image_of(many)
    monkeypatch.setattr(F, "grid_sample", counted)
    assert looked_at(many) < 3 * looked_at(np.minimum(many, 1))


@pytest.mark.parametrize("thin", [1.0, 2.0])
def test_far_from_what_is_drawn_all_is_background_and_need_not_be_looked_at(thin: float) -> None:
    label = np.zeros((SIDE, 95, 101), np.uint8)
    label[:, 50:90, 55:95] = ball()
    volume = judged(label, SliceIndex(0, 20), plan=Plan(3, 0, (thin, thin, thin), (8, 8, 8)))
    few = FewSlices.of(volume)
    assert few is not None
    rows, columns = few.window(1, 10.0)
    assert (rows.stop - rows.start) * thin < 50
    assert (columns.stop - columns.start) * thin < 50
    found = carried(volume)
    assert wrong(found, label) < 0.12
    shown = (found != IGNORE).any((1, 2))
    assert (found[shown, :30] == 0).all()
    assert (found[shown, :, :30] == 0).all()


@pytest.mark.parametrize("axis", [0, 2])
def test_between_two_slices_both_have_a_say_and_the_nearer_one_more(axis: int) -> None:
    label, middle = ball(), (20, 19, 18)[axis]
    places = [SliceIndex(axis, middle - 6), SliceIndex(axis, middle + 7)]
    found = np.moveaxis(carried(judged(label, *places)), axis, 0)
    truth = np.moveaxis(label, axis, 0)
    for place in places:
        assert np.array_equal(found[place.index], truth[place.index])
    between = slice(middle - 5, middle + 7)
    assert (found[between] == 1).sum() > 0.85 * truth[between].sum()
    assert wrong(found, truth) < 0.08
    alone = np.moveaxis(carried(judged(label, places[0])), axis, 0)
    assert (found[between] == IGNORE).sum() < 0.5 * (alone[between] == IGNORE).sum()


def test_neighbouring_slices_that_are_kept_as_one_are_carried_both() -> None:
    label = ball()
    volume = judged(label, SliceIndex(0, 20), SliceIndex(0, 21), plan=Plan(3, 0, (2.0, 2.0, 2.0), (8, 8, 8)))
    found = carried(volume)
    for index in (20, 21):
        assert np.array_equal(found[index], label[index])
    assert wrong(found, label) < 0.12


def test_towards_a_slice_called_empty_a_structure_tapers_off_and_ends_halfway() -> None:
    label = np.zeros((SIDE, SIDE, SIDE), np.uint8)
    label[10:31, 12:28, 12:28] = 1
    grey = volume_of(np.zeros(label.shape, np.int16), label, (SliceIndex(0, 20), SliceIndex(0, 33)))  # no help
    found = carried(grey)
    assert np.array_equal(found[20], label[20])
    assert (found[33] == 0).all()
    sizes = [(found[index] == 1).sum() for index in range(21, 33)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[2] > 0.2 * (label[20] == 1).sum()
    assert sizes[6] == 0
    assert not (found[21:33, :10] == 1).any()


def test_only_a_volume_with_few_slices_along_one_axis_is_carried() -> None:
    label, first = ball(), SliceIndex(0, 20)
    assert FewSlices.of(volume_of(image_of(label))) is None
    assert FewSlices.of(judged(label, first, SliceIndex(1, 19))) is None  # they tell of depth
    many = [SliceIndex(0, 10 + 4 * number) for number in range(FEW + 1)]
    assert FewSlices.of(judged(label, *many[:FEW])) is not None
    assert FewSlices.of(judged(label, *many)) is None
    assert FewSlices.of(judged(label, SliceIndex(0, 0))) is None  # nothing on it
    held_out = judged(label, first)
    held_out.hold_out([first])
    assert FewSlices.of(held_out) is None
    single = volume_of(image_of(label)[20:21], label[20:21], (SliceIndex(0, 0),))
    assert FewSlices.of(single) is None


def test_a_held_out_slice_is_not_carried_and_nothing_is_said_of_what_is_on_it() -> None:
    label, first, second = ball(), SliceIndex(0, 14), SliceIndex(0, 26)
    volume, alone = judged(label, first, second), carried(judged(label, first))
    volume.hold_out([second])
    assert np.array_equal(carried(volume), alone)


def test_it_is_shown_until_its_share_and_what_people_drew_comes_back() -> None:
    volume = judged(ball(), SliceIndex(0, 20))
    drawn = volume.label
    carrying = Carrying([volume], 0.5)
    carrying.at(0.0)
    assert carrying.carried == ("c001",)
    shown = volume.label
    assert shown is not drawn
    assert volume.slices == (SliceIndex(0, 20),)  # patches lie where people drew
    carrying.at(0.49)
    assert volume.label is shown
    carrying.at(0.5)
    assert volume.label is not None
    assert np.array_equal(volume.label.all_voxels(), drawn.all_voxels())  # type: ignore[union-attr]
    assert carrying.carried == ()
    carrying.at(0.2)  # a stretch that begins anew
    assert volume.label is shown
    never = Carrying([volume], 0.0)
    never.at(0.0)
    assert never.carried == ()


def test_a_slice_drawn_meanwhile_is_carried_too_and_no_other_volume_again(monkeypatch: pytest.MonkeyPatch) -> None:
    label, done = ball(), list[str]()
    volumes = [judged(label, SliceIndex(0, 20)) for _ in range(3)]
    volumes[1].name, volumes[2].name = "c002", "c003"
    volumes[2].judged, volumes[2].slices = None, ()
    volumes[2].hold_out([])

    def noted(few: FewSlices) -> PlanesAlong:
        done.append(few.volume.name)
        return carried_planes(few)

    monkeypatch.setattr(carrying_module, "carried_planes", noted)
    carrying = Carrying(volumes, 0.5)
    carrying.at(0.0)
    draw(volumes[0], label, 20, 25)
    draw(volumes[2], label, 21)
    carrying.at(0.1)
    assert done == ["c001", "c002", "c001", "c003"]
    assert carrying.carried == ("c001", "c002", "c003")
    assert slices_shown(volumes[0]) > slices_shown(volumes[1]) > 10
    carrying.at(0.25)  # of two slices half as long
    assert carrying.carried == ("c002", "c003")
    draw(volumes[0], label, *range(18, 18 + FEW + 1))
    carrying.at(0.1)
    assert carrying.carried == ("c002", "c003")
    assert slices_shown(volumes[0]) == FEW + 1
    draw(volumes[1], label, 20, 30)
    carrying.at(0.6)
    assert [slices_shown(volume) for volume in volumes] == [FEW + 1, 2, 1]


@pytest.mark.parametrize(("count", "until"), [(1, 0.5), (2, 0.25), (3, 0.5 / 3)])
def test_the_more_slices_are_drawn_the_sooner_they_are_left_alone(count: int, until: float) -> None:
    volume = judged(ball(), *[SliceIndex(0, 14 + 6 * number) for number in range(count)])
    carrying = Carrying([volume], 0.5)
    for share, shown in [(0.0, True), (until - 0.01, True), (until, False), (1.0, False)]:
        carrying.at(share)
        assert (slices_shown(volume) > count) == shown


def draw(volume: Volume, label: NDArray[np.uint8], *indices: int) -> None:
    places = tuple(SliceIndex(0, index) for index in indices)
    set_label(volume, sparse_label(label, places), places, Classes((1, 2)))


def slices_shown(volume: Volume) -> int:
    assert volume.label is not None
    return int(volume.label.shown(0).sum())


def test_what_is_held_out_later_is_not_carried_any_more() -> None:
    volume = judged(ball(), SliceIndex(0, 14), SliceIndex(0, 26))
    carrying = Carrying([volume], 0.5)
    carrying.at(0.0)
    both = slices_shown(volume)
    volume.hold_out([SliceIndex(0, 26)])
    carrying.at(0.1)
    assert 1 < slices_shown(volume) < both


def test_no_more_slices_than_anybody_would_wait_for() -> None:
    label = ball()[16:25, 10:30, 10:30]
    places = [(SliceIndex(0, 4),), (SliceIndex(0, 3), SliceIndex(0, 6))]
    volumes = [volume_of(image_of(label), label, places[number % 2]) for number in range(MOST)]
    carrying = Carrying(volumes, 0.5)
    carrying.at(0.0)
    said = [(len(volume.slices), volume.label.shown(0).sum()) for volume in volumes if volume.label]
    shown = [drawn for drawn, in_all in said if in_all > drawn]
    assert len(shown) == len(carrying.carried) < len(volumes)
    assert MOST - 1 <= sum(shown) <= MOST
