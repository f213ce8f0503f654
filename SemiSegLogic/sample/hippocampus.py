"""The cases of the sample data: an image and an expert's label each, in a fixed order, the last held out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ..naming import counted
from ..study.formats.names import itk_name
from .folders import PARTS, SampleError

HELD_OUT = 60
ATTRIBUTION = (
    "Medical Segmentation Decathlon, Task04 Hippocampus (MRI, Vanderbilt University Medical Center), CC BY-SA 4.0. "
    "Simpson et al. 2019, A large annotated medical image dataset for the development and evaluation of segmentation "
    "algorithms, arXiv:1902.09063; Antonelli et al. 2022, The Medical Segmentation Decathlon, Nature Communications 13."
)


@dataclass(frozen=True)
class SampleCase:
    """``image`` and ``reference`` (the expert's label, on the same grid) are files; ``name`` is their common stem."""

    name: str
    image: Path
    reference: Path


def list_cases(folder: Path) -> tuple[list[SampleCase], list[str]]:
    """The readable cases of ``folder`` (imagesTr, labelsTr) sorted by name, and a note on each that was left out.

    Looks at headers only. Raises SampleError when no case is left.
    """
    images, labels = (_files(folder / part) for part in PARTS)
    notes = [f"{name}: it has an image or a label, not both" for name in sorted(images.keys() ^ labels.keys())]
    cases = []
    for name in sorted(images.keys() & labels.keys()):
        case = SampleCase(name, images[name], labels[name])
        problem = _problem(case)
        if problem:
            notes.append(f"{name}: {problem}")
        else:
            cases.append(case)
    if not cases:
        raise SampleError(f"{folder} holds no readable case. " + "; ".join(notes[:3]))
    return cases, notes


def split(cases: Sequence[SampleCase]) -> tuple[list[SampleCase], list[SampleCase]]:
    """(those to learn from, those held out): the last 60 by name are held out, or a third of a smaller set."""
    ordered = sorted(cases, key=lambda case: case.name)
    count = min(HELD_OUT, len(ordered) // 3)
    return ordered[: len(ordered) - count], ordered[len(ordered) - count :]


def choose(cases: Sequence[SampleCase], count: int, seed: int = 0) -> list[SampleCase]:
    """``count`` of ``cases``, drawn by ``seed``, in order of name. The same on every computer and numpy release. Raises
    SampleError when there are not so many.
    """
    ordered = sorted(cases, key=lambda case: case.name)
    if not 0 <= count <= len(ordered):
        raise SampleError(f"There are only {counted(len(ordered), 'case')}, not {count}. Ask for 0 to {len(ordered)}.")
    return sorted(sorted(ordered, key=lambda case: _ticket(case.name, seed))[:count], key=lambda case: case.name)


def read_reference(path: Path) -> NDArray[np.uint8]:
    """The expert's label (k, j, i) as uint8. Some are stored as float32; their values must be whole numbers 0..254.

    Raises SampleError naming the file otherwise.
    """
    array = _read(path)
    label = array.astype(np.uint8)
    if not np.array_equal(label, array) or label.max(initial=0) == 255:
        raise SampleError(f"{path} holds values that are no structure numbers: {np.unique(array)[:5]} ...")
    return label


def _ticket(name: str, seed: int) -> str:
    return hashlib.sha256(f"{seed} {name}".encode()).hexdigest()


def _files(folder: Path) -> dict[str, Path]:
    """Stem to path, without hidden files (archives made on a Mac hold a hidden twin of every file)."""
    return {path.name.split(".")[0]: path for path in sorted(folder.glob("[!.]*")) if path.is_file()}


def _problem(case: SampleCase) -> str | None:
    try:
        image, label = _header(case.image), _header(case.reference)
    except RuntimeError as error:
        return f"cannot be read ({str(error).strip().splitlines()[-1]})"
    return None if image == label else f"the label's grid {label} does not fit the image's {image}"


def _header(path: Path) -> tuple[int, ...]:
    """Size (i, j, k). Raises RuntimeError when the file is no image."""
    reader = sitk.ImageFileReader()
    reader.SetFileName(itk_name(path))
    reader.ReadImageInformation()
    return tuple(reader.GetSize())


def _read(path: Path) -> NDArray[np.generic]:
    try:
        return np.asarray(sitk.GetArrayFromImage(sitk.ReadImage(itk_name(path))))
    except RuntimeError as error:
        raise SampleError(f"{path} cannot be read: {str(error).strip().splitlines()[-1]}") from error
