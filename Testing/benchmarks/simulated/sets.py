"""The data sets a simulated clinician can work on: a pool to learn from, and held-out cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from skimage.io import imread
from skimage.transform import resize

from SemiSegLogic.geometry import Grid
from SemiSegLogic.sample import choose, find, list_cases, read_reference, split
from SemiSegLogic.study import read_image
from Testing.benchmarks.shared.atrium import names, read_scan

HEAD_SHAPE = (64, 96)


@dataclass(frozen=True)
class Example:
    """``image`` and expert's ``truth`` (k, j, i) uint8 of a case."""

    name: str
    image: NDArray[np.generic]
    grid: Grid
    truth: NDArray[np.uint8]


Loaded = tuple[list[Example], list[Example]]


@dataclass(frozen=True)
class DataSet:
    """``load(folder, seed, size)`` gives ``size`` cases of the pool drawn by ``seed`` (all for 0) and the held-out
    ones. ``pool`` is the size to work with, ``whole`` whether a case has several slices at all.
    """

    structures: Mapping[int, str]
    load: Callable[[Path | None, int, int], Loaded]
    pool: int
    whole: bool = True


def _hippocampus(data: Path | None, seed: int, size: int) -> Loaded:
    pool, held = split(list_cases(find(data, network=False, phantoms=False).folder)[0])
    chosen = choose(pool, size or len(pool), seed)
    mine, theirs = (
        [Example(case.name, *read_image(case.image), read_reference(case.reference)) for case in cases]
        for cases in (chosen, held)
    )
    return mine, theirs


def _atrium(data: Path | None, seed: int, size: int) -> Loaded:
    assert data is not None, "Name the folder of LA 2018 with --data."

    def example(name: str) -> Example:
        image, label, grid = read_scan(data, name)
        return Example(name, image, grid, label)

    chosen = _drawn(names(data, "train"), seed, size)
    return [example(name) for name in chosen], [example(name) for name in names(data, "test")]


def _heads(data: Path | None, seed: int, size: int) -> Loaded:
    assert data is not None, "Name the folder of HC18 with --data."

    def example(name: str) -> Example:
        image = resize(imread(data / "images" / name).astype(np.float32), HEAD_SHAPE, anti_aliasing=True)
        mask = resize((imread(data / "masks" / name) > 0).astype(np.float32), HEAD_SHAPE, anti_aliasing=True)
        return Example(name, image[None], Grid((1, *HEAD_SHAPE)), (mask > 0.5).astype(np.uint8)[None])

    train, test = ((data / f"{part}.list").read_text().split() for part in ("train", "test"))
    return [example(name) for name in _drawn(train, seed, size)], [example(name) for name in test]


def _drawn(items: list[str], seed: int, size: int) -> list[str]:
    order = np.random.default_rng(seed).permutation(sorted(items))
    return sorted(order[: size or len(items)].tolist())


SETS: Mapping[str, DataSet] = MappingProxyType({
    "hippocampus": DataSet({1: "anterior", 2: "posterior"}, _hippocampus, 60),
    "atrium": DataSet({1: "left atrium"}, _atrium, 40),
    "heads": DataSet({1: "head"}, _heads, 300, whole=False),
})
