"""Phantoms: two touching, bent structures among look-alikes, as an MRI of uneven quality would show them.

Not anatomy: a stand-in where the real sample data cannot be had, and known ground for tests. A phantom is a function of
the place in the patient (LPS mm), so it can be sampled on any grid: anisotropic, oblique, flipped.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..geometry import Grid
from ..patience import rename

Points = NDArray[np.float64]
VERSION = 1
"""Part of the folder's name: files of an older generator are not mistaken for these."""


@dataclass(frozen=True)
class Phantom:
    """``image`` (k, j, i) float32, arbitrary positive units. ``label`` (k, j, i) uint8: 0, 1 head, 2 tail."""

    image: NDArray[np.float32]
    label: NDArray[np.uint8]
    grid: Grid


def make_phantom(seed: int, index: int) -> Phantom:
    """Phantom number ``index`` of the family ``seed``; the same numbers give the same voxels."""
    rng = np.random.default_rng([VERSION, seed, index])
    grid = make_grid(rng, index)
    places = grid.to_patient(np.indices(grid.shape).reshape(3, -1).T)
    bend = _smooth_field(rng, period=30.0, size=1.7)
    warped = places + bend(places) - bend(np.zeros((1, 3)))
    label, tissue = _anatomy(rng, warped)
    image = _scanner(rng, places, tissue).reshape(grid.shape)
    return Phantom(image.astype(np.float32), label.reshape(grid.shape), grid)


def make_grid(rng: np.random.Generator, index: int) -> Grid:
    """A grid of some 30..46 x 42..59 x 33..43 voxels around the patient's origin: of four phantoms one is straight
    and isotropic, one anisotropic, one oblique, one flipped with its axes in another order.
    """
    shape = (int(rng.integers(30, 47)), int(rng.integers(42, 60)), int(rng.integers(33, 44)))
    kind = index % 4
    spacing = ((1.0, 1.0, 1.0), (1.6, 1.0, 0.9), (1.0, 1.0, 1.0), (1.0, 0.9, 1.2))[kind]
    turn = np.diag([-1.0, -1.0, 1.0])
    if kind == 2:
        turn = _rotation(rng.normal(size=3), rng.uniform(0.15, 0.4)) @ turn
    if kind == 3:
        turn = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]) * np.array([1.0, -1.0, -1.0])
        shape = (shape[0], shape[2], shape[1])
    centre = (np.array(shape[::-1]) - 1) / 2 * np.array(spacing[::-1])
    origin = rng.uniform(-2, 2, size=3) - turn @ centre
    x, y, z = (float(v) for v in origin)
    return Grid(shape, spacing, (x, y, z), tuple(float(v) for v in turn.ravel()))


def write_phantoms(parent: Path, count: int, seed: int = 0) -> Path:
    """A folder below ``parent`` with imagesTr and labelsTr of phantoms 1..``count``, NRRD and NIfTI in turn.

    Made once; the folder appears when it is complete.
    """
    target = parent / f"v{VERSION}-seed{seed}-{count}"
    if not target.is_dir():
        parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=parent, prefix=".making-", ignore_cleanup_errors=True) as scratch:
            ready = Path(scratch) / "phantoms"
            for index in range(1, count + 1):
                _write(make_phantom(seed, index), ready, f"phantom_{index:03d}", ".nrrd" if index % 2 else ".nii.gz")
            if not target.is_dir():
                rename(ready, target)
    return target


def _anatomy(rng: np.random.Generator, p: Points) -> tuple[NDArray[np.uint8], Points]:
    """(labels, mean tissue signal) at the places ``p``. Signed distances are in mm, negative inside."""
    y = p[:, 1]
    bend, droop = rng.uniform(3, 7), rng.uniform(-3, 3)
    middle = np.stack([bend * (y / 20) ** 2, np.zeros_like(y), droop * y / 20 + 1.5 * np.sin(y / 7)], 1)
    radius = np.where(y < 0, 5.6, 4.0) * rng.uniform(0.9, 1.15) * (1 + 0.12 * np.sin(y / 4 + rng.uniform(0, 6)))
    taper = np.sqrt(np.clip(1 - (np.abs(y) / rng.uniform(15.0, 18.0)) ** 4, 0, 1))
    body = np.linalg.norm((p - middle) * np.array([0.85, 0.0, 1.2]), axis=1) - radius * taper
    border = y + rng.uniform(-4, 2) + 0.35 * p[:, 2] + 1.2 * np.sin(p[:, 0] / 2.5)
    label = np.where(body < 0, np.where(border < 0, 1, 2), 0).astype(np.uint8)
    signal = 0.55 + 0.10 * np.tanh(_smooth_field(rng, 12.0, 1.0)(p)[:, 0])  # grey and white matter, mixed
    for centre, radii, level in _look_alikes(rng):
        inside = np.linalg.norm((p - centre) / radii, axis=1) - 1
        signal = _blend(signal, level, inside * float(radii.min()))
    return label, _blend(_blend(signal, 0.84, np.where(border < 0, body, 9.0)), 0.76, np.where(border < 0, 9.0, body))


def _look_alikes(rng: np.random.Generator) -> list[tuple[Points, Points, float]]:
    """Ellipsoids (centre mm, radii mm, signal): dark ventricles beside the structure, bright lumps of its own kind."""
    shapes = [
        (np.array([9.0, 4.0, 6.0]), np.array([2.2, 13.0, 3.0]), 0.18),
        (np.array([-10.0, -6.0, -7.0]), np.array([3.0, 9.0, 2.0]), 0.25),
    ]
    for _ in range(int(rng.integers(5, 9))):
        angle, far = rng.uniform(0, 2 * np.pi), rng.uniform(13, 19)
        centre = np.array([far * np.cos(angle), rng.uniform(-24, 24), far * np.sin(angle)])
        shapes.append((centre, rng.uniform(2.5, 5.5, size=3), float(rng.uniform(0.72, 0.9))))
    return [(centre + rng.normal(0, 1, 3), radii, level) for centre, radii, level in shapes]


def _scanner(rng: np.random.Generator, places: Points, tissue: Points) -> Points:
    """What a coil and its noise make of ``tissue``: a smooth bias field, Rician noise, an arbitrary scale."""
    bias = np.exp(0.25 * np.tanh(_smooth_field(rng, 60.0, 1.0)(places)[:, 0]))
    noise = rng.uniform(0.03, 0.07)
    real, imaginary = rng.normal(0, noise, size=(2, len(tissue)))
    return np.hypot(tissue * bias + real, imaginary) * 10 ** rng.uniform(0.6, 6.0)


def _smooth_field(rng: np.random.Generator, period: float, size: float) -> Callable[[Points], Points]:
    """A random function of place (N, 3) to (N, 3): waves of about ``period`` mm, about ``size`` in strength."""
    directions = rng.normal(size=(6, 3)) * (2 * np.pi / period) / np.sqrt(3)
    phases, strengths = rng.uniform(0, 2 * np.pi, size=6), rng.normal(0, size / np.sqrt(3), size=(6, 3))
    return lambda p: np.asarray(np.sin(p @ directions.T + phases) @ strengths)


def _blend(outside: Points, level: float, distance: Points) -> Points:
    """``level`` where ``distance`` (mm) is negative, ``outside`` elsewhere, with a soft edge: partial volume."""
    inside = 1 / (1 + np.exp(np.clip(distance / 0.35, -30, 30)))
    return np.asarray(outside * (1 - inside) + level * inside)


def _rotation(axis: Points, angle: float) -> Points:
    """3x3 turn by ``angle`` rad around ``axis`` (Rodrigues)."""
    x, y, z = axis / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross)


def _write(phantom: Phantom, folder: Path, name: str, ending: str) -> None:
    for part, array in (("imagesTr", phantom.image), ("labelsTr", phantom.label)):
        picture = sitk.GetImageFromArray(array)
        picture.SetSpacing(phantom.grid.spacing[::-1])
        picture.SetOrigin(phantom.grid.origin)
        picture.SetDirection(phantom.grid.direction)
        (folder / part).mkdir(parents=True, exist_ok=True)
        sitk.WriteImage(picture, str(folder / part / (name + ending)), True)
