"""A run's volumes, plan and task: what the protocol annotates is shown to training, and nothing else."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import torch

from SemiSegLogic.engine.data.volumes import Classes, Volume, class_prior, load_volume, set_label
from SemiSegLogic.engine.hardware.device import Device, choose
from SemiSegLogic.engine.planning.facts import CaseFacts
from SemiSegLogic.engine.planning.plan import Plan
from SemiSegLogic.engine.planning.planner import make_plan
from SemiSegLogic.geometry import SliceIndex, planes_of, sparse_label
from SemiSegLogic.methods.base import Task
from SemiSegLogic.settings.memory import trained
from SemiSegLogic.study import all_slices

from ...shared.together import put_together
from ..definitions.datasets import CaseData, Collection
from ..definitions.protocol import WHOLE, Annotated, Protocol
from ..definitions.recipe import Schedule
from .slices import chosen_slices

MEMORY = 8 << 30
"""Bytes that every run is planned for: a number must depend neither on what else the computer did nor on its speed."""


@dataclass
class TrainingSet:
    """``volumes`` of the training list with the labels of the cell, at ``plan``; ``drawn`` case -> [axis, index]."""

    volumes: list[Volume]
    plan: Plan
    classes: Classes
    device: Device
    drawn: dict[str, list[list[int]]]

    def task(self) -> Task:
        """What a method needs to know."""
        prior = class_prior(self.volumes, len(self.classes))
        return Task(1, len(self.classes), self.plan.dims, self.plan.patch, self.plan.network, prior)

    def unseen(self, case: CaseData) -> Volume:
        """A volume to predict."""
        return load_volume(case.name, case.image, case.grid, self.plan, self.device.torch)


def benchmark_device(wanted: str, precision: str) -> Device:
    """The device with a fixed idea of its memory and none of its speed, so that plans are the same everywhere."""
    return dataclasses.replace(choose(wanted, precision), memory=MEMORY, voxel_seconds=0.0)


def prepare(
    protocol: Protocol, cell: str, seed: int, schedule: Schedule, cases: Collection, device: Device, finer: float = 1.0
) -> TrainingSet:
    """Reads the training cases and plans, with voxels of the share ``finer`` of the planned ones. Raises BenchmarkError
    as the data set does.
    """
    annotated = protocol.annotated(cell, seed)
    places = {
        one.case: judged(cases.case(one.case), one, protocol.cell(cell).slices, number)
        for number, one in enumerate(annotated)
    }
    train = [cases.case(name) for name in protocol.data.train]
    facts = [CaseFacts.of(case.grid, planes_of(case.label, places.get(case.name, ()))) for case in train]
    plan = planned(facts, list(protocol.data.structures.values()), schedule, protocol.data.dims, device)
    plan = refined(plan, finer)
    classes = Classes(protocol.data.structure_values)
    volumes = [load_volume(case.name, case.image, case.grid, plan, device.torch) for case in train]
    put_together(volumes)
    for volume, case in zip(volumes, train, strict=True):
        if case.name in places:
            chosen = places[case.name]
            set_label(volume, sparse_label(case.label, chosen), chosen, classes)
    drawn = {name: [[place.axis, place.index] for place in chosen] for name, chosen in places.items()}
    return TrainingSet(volumes, plan, classes, device, drawn)


def judged(case: CaseData, one: Annotated, slices: int, number: int) -> list[SliceIndex]:
    """The slices of the ``number``-th annotated case that a person would have judged."""
    if slices == WHOLE:
        return list(all_slices(case.label.shape, one.axis))
    if one.places is not None:
        return list(one.places)
    return chosen_slices(case.label, slices, one.axis, number)


def planned(facts: list[CaseFacts], names: list[str], schedule: Schedule, dims: int, device: Device) -> Plan:
    """The product's plan; with a patch given, that patch at the spacing given with it, or the data's own."""
    methods = trained(schedule.method, schedule.values)
    plan = make_plan(facts, names, device, schedule.network, methods)
    if schedule.patch is None:
        return plan
    d, h, w = schedule.spacing or np.median([plan.taken_spacing(fact.grid) for fact in facts], axis=0).tolist()
    return dataclasses.replace(plan, dims=dims, spacing=(d, h, w), patch=schedule.patch, network=schedule.network)


def refined(plan: Plan, share: float) -> Plan:
    """``plan`` with voxels of this share, in patches of the same millimetres; of single slices, within them."""
    (d, h, w), (depth, height, width) = plan.spacing, plan.patch
    if plan.dims == 3:
        d, depth = d * share, round(depth / share)
    return dataclasses.replace(
        plan, spacing=(d, h * share, w * share), patch=(depth, round(height / share), round(width / share))
    )


def seeded(seed: int, member: int, leg: int) -> None:
    """One thread of chance for everything that follows."""
    torch.manual_seed(10_000 * seed + 10 * member + leg)
