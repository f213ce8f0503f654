"""Studies of small bright blobs: easy enough that a few steps on a CPU teach a network to find them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from SemiSegLogic.files import digest_file
from SemiSegLogic.geometry import Grid, SliceIndex
from SemiSegLogic.settings import Training
from SemiSegLogic.study import Case, Structure, Study, write_image

from .data.blob_images import SHAPE, blob
from .volumes import COLUMNS

STRUCTURES = (Structure(1, "core"), Structure(2, "cap"))


@dataclass(frozen=True)
class BlobStudy:
    """``study`` and the truth (k, j, i) uint8 of each of its cases by id."""

    study: Study
    truth: dict[str, NDArray[np.uint8]]

    @property
    def cases(self) -> list[Case]:
        """In the order in which they were made."""
        return self.study.cases


def make_study(
    folder: Path, count: int = 3, annotated: int = 2, slices: int = 3, *, shape: tuple[int, int, int] = SHAPE,
    kinds: Sequence[str] = ("upright",), axis: int = 0,
) -> BlobStudy:
    """``count`` volumes on grids of ``kinds`` in turn; ``slices`` slices along ``axis`` are drawn in the first
    ``annotated`` of them.
    """
    study = Study.create(folder / "study", structures=STRUCTURES)
    truth = {}
    for number in range(count):
        case, label = add_volume(study, folder, number, shape, kinds[number % len(kinds)])
        truth[case.id] = label
        if number < annotated:
            case.set_slices(label, spread(label, slices, axis), "ann")
    return BlobStudy(study, truth)


def add_volume(
    study: Study, folder: Path, number: int, shape: tuple[int, int, int] = SHAPE, kind: str = "upright"
) -> tuple[Case, NDArray[np.uint8]]:
    """One more volume in the study; nothing is drawn in it."""
    grid = Grid(shape, (1.0, 1.0, 1.0), (5.0, -7.0, 9.0), tuple(COLUMNS[kind].ravel().tolist()))
    turn = grid.orientation()
    image, label = (np.ascontiguousarray(turn.invert(array)) for array in blob(turn.triple(shape), number))
    path = folder / f"volume{number}.nrrd"
    write_image(path, image, grid)
    return study.add_case(path), label


def spread(label: NDArray[np.uint8], count: int, axis: int = 0) -> list[SliceIndex]:
    """``count`` slices along ``axis`` that show structures, well apart."""
    others = tuple(a for a in range(3) if a != axis)
    shown = np.flatnonzero((label > 0).any(axis=others))
    picked = np.unique(np.linspace(0.1, 0.9, count) * (len(shown) - 1)) if count > 1 else [(len(shown) - 1) / 2]
    return [SliceIndex(axis, int(shown[round(float(place))])) for place in picked]


def tiny(steps: int = 12, first: int = 6, **changes: object) -> Training:
    """A step budget on the CPU in float32: the same numbers every time."""
    values = {"steps": steps, "first_mask_steps": first, "device": "cpu", "precision": "float32", **changes}
    return Training(**values)  # type: ignore[arg-type]


def label_files(study: Study) -> dict[str, str]:
    """Digests of every file that holds what people drew."""
    found = [*study.folder.glob("cases/*/labels.seg.nrrd"), *study.folder.glob("cases/*/history/*")]
    return {str(path.relative_to(study.folder)): digest_file(path) for path in found if path.is_file()}
