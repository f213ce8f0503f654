"""Plans: patches within their budget, dimensions, coarser grids, sides that have names."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest
import torch

from SemiSegLogic.engine.hardware.device import Device
from SemiSegLogic.engine.planning.facts import CaseFacts
from SemiSegLogic.engine.planning.patches import CPU_VOXELS, GPU_VOXELS, budget_of
from SemiSegLogic.engine.planning.plan import Plan
from SemiSegLogic.engine.planning.planner import SIDES, make_plan
from SemiSegLogic.geometry import Grid, Shape, SliceIndex, Triple
from SemiSegLogic.seeing import depth_first
from SemiSegLogic.settings import METHOD_SETTINGS, PAPER
from SemiSegLogic.settings.memory import trained
from Testing.support.engine import CPU, MIRRORED_TURN

GPU = Device(torch.device("cuda"), half=True, memory=40 << 30)


def _facts(shape: Shape, spacing: Triple, extent: Shape | None = None, *slices: SliceIndex) -> CaseFacts:
    return CaseFacts(Grid(shape, spacing), slices, extent)


HIPPOCAMPUS = [_facts((35, 51, 36), (1, 1, 1), (24, 40, 20), SliceIndex(0, 12)), _facts((38, 49, 34), (1, 1, 1))]
ATRIUM = [_facts((88, 140, 200), (0.625,) * 3, (60, 90, 110), SliceIndex(0, 40)), _facts((88, 140, 200), (0.625,) * 3)]
CT = [_facts((300, 512, 512), (1.5, 0.8, 0.8)), _facts((280, 512, 512), (2.0, 0.9, 0.9), (120, 300, 300))]
THICK = [_facts((12, 256, 216), (10, 1.4, 1.4), (8, 90, 90), SliceIndex(0, 5))]
IMAGES = [_facts((1, 400, 270), (1, 0.2, 0.2), (1, 200, 150), SliceIndex(0, 0)), _facts((1, 380, 300), (1, 0.2, 0.2))]
MIXED = [_facts((60, 100, 100), (3, 1, 1)), _facts((90, 200, 200), (2, 0.5, 0.5)), _facts((20, 90, 80), (6, 2, 2))]
ALL = {"hippocampus": HIPPOCAMPUS, "atrium": ATRIUM, "ct": CT, "thick": THICK, "images": IMAGES, "mixed": MIXED}


@pytest.mark.parametrize("device", [CPU, GPU], ids=["cpu", "gpu"])
@pytest.mark.parametrize("name", ALL)
def test_patches_are_multiples_of_8_within_thebudget_of(name: str, device: Device) -> None:
    plan = make_plan(ALL[name], ["organ"], device)
    d, h, w = plan.patch
    assert plan.dims == (2 if name in ("thick", "images") else 3)
    assert d == 1 if plan.dims == 2 else d % 8 == 0
    assert h % 8 == w % 8 == 0
    assert d * h * w <= (CPU_VOXELS if device is CPU else GPU_VOXELS)
    assert d * h * w >= 4096
    assert all(type(side) is int for side in plan.patch)
    assert all(type(step) is float for step in plan.spacing)


@pytest.mark.parametrize("name", ALL)
def test_little_memory_gives_small_patches_that_still_learn(name: str) -> None:
    plan = make_plan(ALL[name], ["organ"], Device(torch.device("cpu"), half=False, memory=60 << 20))
    assert np.prod(plan.patch) <= CPU_VOXELS / 5
    assert max(plan.patch) >= 16


@pytest.mark.parametrize(
    ("kind", "half", "gigabytes", "network", "voxels"),
    [("cpu", True, 8, "fast", CPU_VOXELS), ("cpu", False, 0.25, "fast", 81_600),
     ("cuda", True, 139, "vnet", GPU_VOXELS), ("cuda", True, 6, "vnet", GPU_VOXELS),
     ("cuda", False, 6, "vnet", 572_000), ("cuda", True, 2, "unet", 249_000)],
)  # fmt: skip
def test_a_patch_takes_what_time_allows_or_memory_where_that_is_less(
    kind: str, half: bool, gigabytes: float, network: str, voxels: int
) -> None:
    device = Device(torch.device(kind), half=half, memory=int(gigabytes * 2**30))
    assert budget_of(device, network, 2) == pytest.approx(voxels, rel=0.01)
    assert np.prod(make_plan(CT, ["liver"], device, network).patch) <= voxels


def _measured(kind: str, half: bool, gigabytes: int, nanoseconds: float) -> Device:
    return Device(torch.device(kind), half, gigabytes << 30, voxel_seconds=nanoseconds * 1e-9)


MACHINES = {
    "two cores without bfloat16": _measured("cpu", False, 4, 1500),
    "two cores with matrix instructions": _measured("cpu", True, 16, 150),
    "sixteen of them": _measured("cpu", True, 64, 9),
    "card of 4 GB, float32": _measured("cuda", False, 4, 220),
    "card of 6 GB": _measured("cuda", True, 6, 22),
    "card of 139 GB": _measured("cuda", True, 139, 1.5),
}


@pytest.mark.parametrize(
    ("machine", "structures", "atrium", "scan", "spacing"),
    [
        ("two cores without bfloat16", 1, (32, 40, 40), (32, 40, 40), 4.25),  # 0.3 s / 4 / 1500 ns is half of 110,000
        ("two cores with matrix instructions", 1, (40, 48, 56), (40, 48, 48), 4.25),
        ("two cores with matrix instructions", 30, (40, 48, 56), (40, 48, 48), 4.25),
        ("sixteen of them", 1, (56, 88, 88), (72, 72, 80), 4.12),  # 0.02 s / 4 / 9 ns is five times 110,000: no more
        ("card of 4 GB, float32", 1, (56, 72, 80), (64, 72, 72), 4.25),  # than four, nor less than a third
        ("card of 6 GB", 1, (64, 96, 120), (96, 96, 104), 3.56),  # what the network sees at once: 88 x 88 x 88
        ("card of 6 GB", 30, (64, 96, 96), (80, 88, 88), 3.64),  # 0.4 * 6 GB / 4 / (257 + 29 * 26) bytes are 637,000
        ("card of 139 GB", 1, (64, 96, 120), (112, 120, 120), 3.56),
        ("card of 139 GB", 30, (64, 96, 120), (112, 120, 120), 3.56),
    ],
)  # fmt: skip
def test_each_machine_gets_the_patches_that_it_has_time_and_memory_for(
    machine: str, structures: int, atrium: Shape, scan: Shape, spacing: float
) -> None:
    device, names = MACHINES[machine], [f"organ {n}" for n in range(structures)]
    assert make_plan(ATRIUM, names, device).patch == atrium
    plan = make_plan(CT, names, device)
    assert (plan.patch, plan.spacing[2]) == (scan, pytest.approx(spacing, abs=0.01))
    assert make_plan(HIPPOCAMPUS, names, device).spacing == (1.0, 1.0, 1.0)
    assert make_plan(THICK, names, device).patch == (1, 88, 88)  # 143 x 143 voxels, seen in 88 x 88


@pytest.mark.parametrize("network", ["fast", "vnet"])
@pytest.mark.parametrize("nanoseconds", [130, 150, 280, 330, 450])
def test_what_patches_were_tried_out_with_stays_on_machines_like_that(network: str, nanoseconds: float) -> None:
    device = _measured("cpu", True, 16, nanoseconds)
    for cases in ALL.values():
        assert make_plan(cases, ["organ"], device, network) == make_plan(cases, ["organ"], CPU, network)


def test_two_measurements_of_a_slow_device_give_one_plan() -> None:
    plans = {make_plan(CT, ["organ"], _measured("cpu", False, 8, 1500 * much)) for much in (0.92, 1.0, 1.08)}
    assert len(plans) == 1


def test_only_the_fast_network_gets_larger_patches_than_papers_use() -> None:
    device = MACHINES["card of 139 GB"]
    assert budget_of(device, "fast", 2) > 2 * GPU_VOXELS
    assert budget_of(device, "vnet", 2) == GPU_VOXELS


def test_small_volumes_stay_native_and_whole() -> None:
    plan = make_plan(HIPPOCAMPUS, ["anterior", "posterior"], CPU)
    assert (plan.spacing, plan.dims, plan.depth_axis, plan.mirror) == ((1.0, 1.0, 1.0), 3, 0, True)
    assert plan.patch == (40, 56, 40)  # 36.5 x 50 x 35 rounded up to multiples of 8


def test_the_drawn_box_and_half_of_it_again_are_to_be_seen_at_once() -> None:
    factor = (88 * 140 * (110 * 1.5 + 8) / CPU_VOXELS) ** (1 / 3)  # deeper and wider than the volume: 88, 140
    assert make_plan(ATRIUM, ["atrium"], CPU).spacing == pytest.approx((0.625 * factor,) * 3)
    whole = [_facts((88, 140, 200), (0.625,) * 3)]
    factor = (88 * 140 * 200 / CPU_VOXELS) ** (1 / 3)
    assert make_plan(whole, ["atrium"], CPU).spacing == pytest.approx((0.625 * factor,) * 3)


def test_with_many_slices_patches_see_finer() -> None:
    every = tuple(SliceIndex(0, k) for k in range(88))
    cases = [_facts((88, 140, 200), (0.625,) * 3, (60, 90, 110), *every) for _ in range(3)]
    factor = (88 * 140 * (110 * 1.5 + 8) / (4 * CPU_VOXELS)) ** (1 / 3)
    assert make_plan(cases, ["atrium"], CPU).spacing == pytest.approx((0.625 * factor,) * 3)


@pytest.mark.parametrize(("method", "pastes"), [
    ("supervised", False), ("mean_teacher", False), ("recommended", False), ("medl", False), ("c3s3", False),
    ("spcl", False), ("mn", False), ("bcp", True), ("m3hl", True), ("transmedseg", True), ("cad", True),
])  # fmt: skip
def test_methods_that_paste_see_the_organ_whole_however_much_is_drawn(method: str, pastes: bool) -> None:
    """Else another part of it is pasted beside the one that is there."""
    every = [SliceIndex(0, k) for k in range(88)]
    cases = [_facts((88, 140, 200), (0.625,) * 3, (60, 90, 110), *every) for _ in range(3)]
    few = [*cases[:2], _facts((88, 140, 200), (0.625,) * 3, (60, 90, 110))]
    many = make_plan(cases, ["atrium"], CPU, methods=trained(method, {}))
    assert (many.spacing == make_plan(few, ["atrium"], CPU).spacing) is pastes
    assert (many.spacing == make_plan(cases, ["atrium"], CPU).spacing) is not pastes


def test_where_one_slice_of_each_volume_was_drawn_the_organ_is_taken_to_be_as_deep_as_wide() -> None:
    one = [_facts((88, 140, 200), (0.625,) * 3, (1, 90, 110), SliceIndex(0, k)) for k in (30, 50)]
    two = [*one, _facts((88, 140, 200), (0.625,) * 3, (20, 90, 110), SliceIndex(0, 30), SliceIndex(0, 49))]
    assert make_plan(one, ["atrium"], CPU) == make_plan(ATRIUM, ["atrium"], CPU)
    assert make_plan(two, ["atrium"], CPU).spacing < make_plan(one, ["atrium"], CPU).spacing


def test_small_structures_hold_the_spacing_back() -> None:
    box, sides = (60, 90, 110), {1: 60.0, 2: 9.6}  # mm; their mean of logarithms is 24: 24 voxels of a millimetre
    cases = [CaseFacts(Grid((88, 140, 200), (0.625,) * 3), (SliceIndex(0, 40),), box, sides)]
    assert make_plan(cases, ["atrium", "vein"], CPU).spacing == pytest.approx((1.06,) * 3, abs=0.01)  # a quarter seen
    large = [CaseFacts(Grid((88, 140, 200), (0.625,) * 3), (SliceIndex(0, 40),), box, {1: 60.0, 2: 21.6})]
    assert make_plan(large, ["atrium", "vein"], CPU).spacing == pytest.approx((1.5,) * 3)


def test_planar_plans_keep_the_distance_of_slices_and_see_them_whole() -> None:
    plan = make_plan(THICK, ["ventricle"], CPU)
    assert plan.spacing == pytest.approx((10.0, 1.4 * 143 / 88, 1.4 * 143 / 88))
    assert plan.patch == (1, 88, 88)
    assert plan.scale((5.0, plan.spacing[1], 2 * plan.spacing[2])) == (1.0, 1.0, 0.5)


def test_depth_is_the_axis_of_thick_slices_else_the_one_that_was_drawn() -> None:
    drawn = (SliceIndex(2, 3), SliceIndex(2, 9), SliceIndex(0, 4))
    assert make_plan([_facts((64, 64, 64), (1, 1, 1), None, *drawn)], ["a"], CPU).depth_axis == 2
    assert make_plan([_facts((64, 20, 64), (1, 4, 1), None, *drawn)], ["a"], CPU).depth_axis == 1
    turned = CaseFacts(Grid((64, 64, 64), direction=MIRRORED_TURN), (SliceIndex(0, 3),))  # k runs right
    assert make_plan([turned], ["a"], CPU).depth_axis == 2
    assert make_plan([_facts((64, 64, 64), (1, 1, 1))], ["a"], CPU).depth_axis == 0


def test_scale_is_1_where_spacings_are_close() -> None:
    plan = Plan(3, 0, (2.0, 1.0, 1.0), (8, 8, 8))
    assert plan.scale((2.0, 0.9, 0.5)) == (1.0, 1.0, 2.0)
    assert plan.scale((8.0, 1.21, 1.19)) == pytest.approx((0.25, 1 / 1.21, 1.0))


@pytest.mark.parametrize("name", ALL)
def test_smaller_plans_halve_the_longest_side_and_come_to_an_end(name: str) -> None:
    plan, seen = make_plan(ALL[name], ["organ"], GPU), 0
    while (following := plan.smaller()) is not None:
        assert np.prod(following.patch) < np.prod(plan.patch)
        assert all(side % 8 == 0 for side in following.patch[1:])
        assert (following.dims, following.spacing, following.mirror) == (plan.dims, plan.spacing, plan.mirror)
        plan, seen = following, seen + 1
        assert seen < 20
    assert max(plan.patch) <= 24


@pytest.mark.parametrize(
    "name",
    ["left kidney", "Kidney (Right)", "kidney_L", "R lung", "rh-cortex", "LEFT", "linke Niere", "rein gauche",
     "kidneyLeft", "LeftKidney", "rightVentricle"],
)  # fmt: skip
def test_a_named_side_forbids_the_mirror(name: str) -> None:
    assert not make_plan(HIPPOCAMPUS, ["organ", name], CPU).mirror


@pytest.mark.parametrize("name", ["Bright lesion", "L1 vertebra", "cleft", "Leftover", "upright", "gland"])
def test_words_that_only_contain_a_side_do_not(name: str) -> None:
    assert SIDES.search(name) is None


def test_a_plan_survives_plain_data_and_weights_only_files(tmp_path: object) -> None:
    plan = make_plan(ATRIUM, ["left atrium"], CPU)
    assert Plan(**asdict(plan)) == plan
    plain = json.loads(json.dumps(asdict(plan)))
    again = Plan(**{key: tuple(value) if isinstance(value, list) else value for key, value in plain.items()})
    assert again == plan
    file = f"{tmp_path}/plan.pt"
    torch.save(asdict(plan), file)
    assert Plan(**torch.load(file, weights_only=True)) == plan


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_depth_first_puts_the_axis_first_and_keeps_the_others_in_order(axis: int) -> None:
    turn = depth_first(Grid((4, 5, 6), direction=MIRRORED_TURN), axis)
    canonical = Grid((4, 5, 6), direction=MIRRORED_TURN).orientation()
    order = [axis, *(a for a in range(3) if a != axis)]
    assert turn.sources == tuple(canonical.sources[a] for a in order)
    assert turn.flips == tuple(canonical.flips[a] for a in order)


@pytest.mark.parametrize("method", ["recommended", *METHOD_SETTINGS])
@pytest.mark.parametrize("device", [
    Device(torch.device("cpu"), True, 4 << 30), Device(torch.device("cpu"), False, 4 << 30),
    _measured("cpu", True, 64, 9), _measured("cuda", True, 139, 1.5), _measured("cuda", False, 139, 10),
])
def test_where_there_is_memory_all_methods_have_the_plan_that_results_were_published_with(
    method: str, device: Device
) -> None:
    for cases in ALL.values():
        plain = make_plan(cases, ["organ"], device)
        assert make_plan(cases, ["organ"], device, methods=trained(method, {})) == plain


@pytest.mark.parametrize(("method", "voxels"), [("supervised", 417_700), ("medl", 91_000), ("cad", 104_000)])
def test_a_method_that_holds_more_gets_smaller_patches_where_memory_is_short(method: str, voxels: int) -> None:
    """On a card with 1 GB left a step of medl took four times the 0.4 that were planned for it."""
    small = Device(torch.device("cuda"), half=True, memory=1 << 30)
    assert budget_of(small, "fast", 2, trained(method, {})) == pytest.approx(voxels, rel=0.02)
    plans = [make_plan(CT, ["organ"], small, methods=methods) for methods in (trained(method, {}), None)]
    assert (np.prod(plans[0].patch) < np.prod(plans[1].patch)) == (method != "supervised")


def test_more_patches_per_step_are_planned_for() -> None:
    device = Device(torch.device("cpu"), half=True, memory=4 << 30)
    usual, many = (budget_of(device, "fast", 2, trained("bcp", {"pairs": pairs})) for pairs in (1, 64))
    assert usual == CPU_VOXELS
    assert many < CPU_VOXELS / 4


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("method", ["c3s3", "medl", "cad", "m3hl", "transmedseg", "bcp"])
def test_methods_that_keep_more_of_every_class_get_smaller_patches_where_memory_is_short(
    method: str, dims: int
) -> None:
    """With forty structures a step of medl took 3.1 GB where 0.6 were planned."""
    small, methods = Device(torch.device("cpu"), half=True, memory=1 << 29), trained(method, {})
    assert budget_of(small, "fast", 41, methods, dims) < budget_of(small, "fast", 41)
    assert budget_of(small, "fast", 41, methods, dims) < budget_of(small, "fast", 2, methods, dims)


def test_a_method_of_slices_alone_does_not_count_for_volumes() -> None:
    small = Device(torch.device("cpu"), half=True, memory=1 << 28)
    methods = trained("ersr", {})
    assert 3 not in PAPER["ersr"]
    assert budget_of(small, "fast", 2, methods, 3) == budget_of(small, "fast", 2)
    assert budget_of(small, "fast", 2, methods, 2) < budget_of(small, "fast", 2) / 4
