"""What the rules of the recommended method look at, gathered from the volumes of a job."""

from __future__ import annotations

import torch
from torch import Tensor

from ...engine.data.volumes import Volume
from ...engine.hardware.device import Device
from ...engine.quality.holding_out import Part
from ...geometry import SliceIndex
from ...settings import Training
from ...settings.recommended import Facts
from ..data import Data

ELLIPSE_OVERLAP = 0.9  # Dice of a drawn structure with the ellipse of its moments


def facts_of(data: Data, training: Training, device: Device, held_out: Part) -> Facts:
    """The facts of a run whose models are judged by the slices ``held_out``."""
    volumes = list(data.volumes.values())
    return Facts(
        dims=data.plan.dims, drawn=sum(bool(volume.slices) for volume in volumes),
        unlabelled=sum(not volume.slices for volume in volumes),
        held_out=_telling(data, held_out), ellipses=_all_ellipses(data),
        voxels=sum(volume.shape[0] * volume.shape[1] * volume.shape[2] for volume in volumes),
        seconds=training.seconds, steps=training.steps, gpu=device.torch.type == "cuda",
    )


def _telling(data: Data, part: Part) -> int:
    """How many slices of ``part`` show a structure."""
    return sum(bool(data.volumes[name].foreground[place]) for name, places in part.items() for place in places)


def mirror_axis(data: Data) -> int | None:
    """The engine axis (0, 1, 2) that runs from right to left in every volume; None where sides must not be swapped,
    or the volumes do not agree.
    """
    axes = {volume.turn.sources.index(volume.grid.orientation().sources[2]) for volume in data.volumes.values()}
    axis = axes.pop()
    return None if axes or not data.plan.mirror or (data.plan.dims == 2 and axis == 0) else axis


def _all_ellipses(data: Data) -> bool:
    """Whether the only structure is elliptical in every slice in which it was drawn."""
    if len(data.classes) != 2:
        return False
    planes = [volume.plane(place) == 1 for volume in data.volumes.values() for place in _drawn(volume)]
    return bool(planes) and all(ellipse_overlap(plane) >= ELLIPSE_OVERLAP for plane in planes)


def _drawn(volume: Volume) -> list[SliceIndex]:
    return [place for place in volume.slices if volume.foreground[place]]


def ellipse_overlap(mask: Tensor) -> float:
    """Dice of ``mask`` (H,W) bool, not empty, with the ellipse that has its centre and second moments."""
    spots = mask.nonzero().double()
    centre = spots.mean(0)
    spread = torch.cov(spots.T, correction=0) + torch.eye(2, device=spots.device) / 12  # a voxel has a width
    grid = torch.stack(torch.meshgrid(*(torch.arange(n, device=mask.device) for n in mask.shape), indexing="ij"), -1)
    offset = grid.double() - centre
    inside = torch.einsum("hwi,ij,hwj->hw", offset, torch.linalg.inv(spread), offset) <= 4  # axes of two deviations
    return float(2 * (inside & mask).sum() / (inside.sum() + mask.sum()))
