"""Data sets as the protocols name them: which files, which split, what may be published; read and checked."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from SemiSegLogic.files import digest_array
from SemiSegLogic.geometry import Grid
from SemiSegLogic.study import read_image

from .checked import BenchmarkError, read_object, record

SETS = Path(__file__).resolve().parents[2] / "protocols" / "sets"
DIGITS = 16  # of each case's SHA-256: a file that was changed by accident or replaced is found


@dataclass(frozen=True)
class DataSet:
    """One data set. ``folders`` names below the folder given under which it may lie ("" is that folder itself).

    ``image`` and ``label`` are paths below it with ``{case}`` in them, ``{patient}`` for the part before its first
    underscore. With ``frame``, a case is called patient_frameNN and is the NN-th file, in order of name, that fits the
    pattern.
    ``values`` file value -> structure value where they differ. ``spacing_column`` a column of cases.csv with the side
    of a pixel in mm, for images that do not carry it. ``structures`` value -> name. ``digests`` case -> first digits of
    the SHA-256 of image and label. ``dims`` 3, or 2 where the literature works slice by slice.
    """

    name: str
    title: str
    source: str
    licence: str
    publish: str
    axes: str
    distances: str
    image: str
    label: str
    structures: dict[str, str]
    train: list[str]
    test: list[str]
    dims: int = 3
    format: int = 1
    validation: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=lambda: [""])
    values: dict[str, int] = field(default_factory=dict)
    frame: bool = False
    spacing_column: str = ""
    digests: dict[str, str] = field(default_factory=dict)
    note: str = ""

    @property
    def structure_values(self) -> list[int]:
        """The structures' values, ascending."""
        return sorted(map(int, self.structures))


@dataclass(frozen=True)
class CaseData:
    """``image`` (k, j, i) in the file's own type, ``label`` (k, j, i) uint8 structure values, on ``grid``."""

    name: str
    image: NDArray[np.generic]
    label: NDArray[np.uint8]
    grid: Grid

    @property
    def digest(self) -> str:
        """Of both arrays; independent of how the files are compressed."""
        return digest_array(np.frombuffer((digest_array(self.image) + digest_array(self.label)).encode(), np.uint8))


def data_set(name: str, folder: Path = SETS) -> DataSet:
    """The description of data set ``name``. Raises BenchmarkError when there is none or it cannot be used."""
    path = folder / f"{name}.json"
    if not path.exists():
        there = ", ".join(sorted(file.stem for file in folder.glob("*.json")))
        raise BenchmarkError(f"There is no data set '{name}' in {folder}; there are {there}.")
    found = record(DataSet, read_object(path), str(path))
    for first, second in (("train", "test"), ("train", "validation"), ("validation", "test")):
        both = set(getattr(found, first)) & set(getattr(found, second))
        if both:
            raise BenchmarkError(f"{path}: case {min(both)} is in {first} and in {second}. A case has one place.")
    return found


class Collection:
    """The cases of a data set in a folder, read once each and checked against their digests."""

    def __init__(self, about: DataSet, folder: Path):
        self.about, self.root = about, _root(about, folder)
        self._read: dict[str, CaseData] = {}
        self._sides = _sides(self.root / "cases.csv", about.spacing_column) if about.spacing_column else {}

    def case(self, name: str) -> CaseData:
        """Image, label and grid of case ``name``. Raises BenchmarkError when a file is missing or not the published
        one, ImageError when it cannot be read.
        """
        if name not in self._read:
            found = self._load(name)
            self._check(found)
            self._read[name] = found
        return self._read[name]

    def check(self, names: Sequence[str]) -> None:
        """Look that the files of ``names`` are there, before hours are spent. Raises BenchmarkError."""
        for name in names:
            for pattern in (self.about.image, self.about.label):
                self._path(pattern, name)

    def image_file(self, name: str) -> Path:
        """Where the image of case ``name`` is. Raises BenchmarkError when it is missing."""
        return self._path(self.about.image, name)

    def _load(self, name: str) -> CaseData:
        image, grid = read_image(self.image_file(name))
        path = self._path(self.about.label, name)
        label = _integers(path).reshape(-1, *image.shape[1:])
        if label.shape != image.shape:
            raise BenchmarkError(f"{path} has {label.shape} voxels, its image {image.shape}. Get the data set again.")
        if self.about.values:
            label = _renamed(label, self.about.values, path)
        if self._sides:
            side = self._sides[f"{name}.png"]
            grid = replace(grid, spacing=(1.0, side, side))
        return CaseData(name, image, label, grid)

    def _check(self, found: CaseData) -> None:
        wanted = self.about.digests.get(found.name)
        if wanted is not None and found.digest[:DIGITS] != wanted:
            raise BenchmarkError(
                f"Case {found.name} in {self.root} is not the one this protocol was written for (digest "
                f"{found.digest[:DIGITS]}, not {wanted}). Get the data set again from: {self.about.source}"
            )

    def _path(self, pattern: str, name: str) -> Path:
        found = _files(self.root, pattern, name, self.about.frame)
        if found is None:
            wanted = self.root / pattern.format(case=name, patient=name.partition("_")[0])
            raise BenchmarkError(
                f"Case {name} of {self.about.title} is missing: there is no {wanted}. "
                f"Get the whole data set from: {self.about.source}"
            )
        return found


def _files(root: Path, pattern: str, name: str, frame: bool) -> Path | None:
    """The file of case ``name``, if it is there."""
    relative = pattern.format(case=name, patient=name.partition("_")[0])
    if not frame:
        return root / relative if (root / relative).is_file() else None
    found, number = sorted(root.glob(relative)), int(name[-2:]) - 1
    return found[number] if number < len(found) else None


def _root(about: DataSet, folder: Path) -> Path:
    """The first of the folders that holds some of the images."""
    if not folder.is_dir():
        raise BenchmarkError(f"{folder} is no folder. Give the one that holds {about.title} with --data.")
    places = [folder / name for name in about.folders]
    for place in places:
        if any(_files(place, about.image, name, about.frame) for name in about.train):
            return place
    raise BenchmarkError(f"No image of {about.title} is in {' or '.join(map(str, places))}. It can be had from: "
                         f"{about.source}")


def _integers(path: Path) -> NDArray[np.uint8]:
    """A label file (k, j, i) or (j, i); some are stored as float32. Raises BenchmarkError on other values."""
    try:
        array = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
    except RuntimeError as error:
        raise BenchmarkError(f"{path} cannot be read: {str(error).strip().splitlines()[-1]}") from error
    label = array.astype(np.uint8)
    if not np.array_equal(label, array):
        raise BenchmarkError(f"{path} holds values that are no label numbers in 0..255, such as {array.max()}.")
    return label


def _renamed(label: NDArray[np.uint8], values: dict[str, int], path: Path) -> NDArray[np.uint8]:
    table = np.full(256, 255, np.uint8)
    for old, new in {"0": 0, **values}.items():
        table[int(old)] = new
    renamed = table[label]
    if (renamed == 255).any():
        raise BenchmarkError(f"{path} holds a value other than 0, {', '.join(values)}.")
    return renamed


def _sides(path: Path, column: str) -> dict[str, float]:
    """File name -> pixel side (mm)."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return {row["filename"]: float(row[column]) for row in csv.DictReader(file)}
    except (OSError, KeyError, ValueError) as error:
        raise BenchmarkError(f"{path} must list the pixel sizes in a column '{column}': {error}.") from error
