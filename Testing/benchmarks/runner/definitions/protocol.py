"""Protocols: a data set's split, the cells (how much of it is annotated), the recipes and what others published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from SemiSegLogic.geometry import SliceIndex

from .checked import BenchmarkError, digest, read_object, record
from .datasets import SETS, DataSet, data_set
from .recipe import Recipe

PROTOCOLS = SETS.parent
WHOLE = 0


@dataclass(frozen=True)
class Cell:
    """``volumes`` training volumes are annotated (-1: all) with ``slices`` slices each (0: wholly)."""

    volumes: int
    slices: int = WHOLE
    title: str = ""


@dataclass(frozen=True)
class Annotated:
    """A training volume with labels: ``places`` are the judged slices, or None when the protocol leaves them to the
    rule in data/slices.py because nobody has looked at the data yet; ``axis`` is that of the slices.
    """

    case: str
    axis: int
    places: tuple[SliceIndex, ...] | None


@dataclass(frozen=True)
class Published:
    """A number in a paper: ``values`` by metric, Dice and Jaccard in per cent; ``caveat`` what makes it another number
    than ours.
    """

    method: str
    cell: str
    values: dict[str, float]
    source: str
    caveat: str = ""


@dataclass(frozen=True)
class Protocol:
    """``draws``: seed -> the training volumes in the order in which they get labels, each with its slices by number;
    without, the order is that of the training list, for every seed. ``caveats`` and ``gaps`` are told on its page.
    """

    name: str
    title: str
    purpose: str
    data: DataSet
    cells: dict[str, Cell]
    recipes: dict[str, Recipe]
    draws: dict[str, list[dict[str, Any]]]
    slices_rule: str
    published: tuple[Published, ...]
    caveats: tuple[str, ...]
    gaps: tuple[str, ...]

    def cell(self, name: str) -> Cell:
        """Raises BenchmarkError naming the cells there are."""
        if name not in self.cells:
            raise BenchmarkError(f"Protocol {self.name} has no cell '{name}'; it has {', '.join(self.cells)}.")
        return self.cells[name]

    def recipe(self, name: str) -> Recipe:
        """Raises BenchmarkError naming the recipes there are."""
        if name not in self.recipes:
            raise BenchmarkError(f"Protocol {self.name} has no recipe '{name}'; it has {', '.join(self.recipes)}.")
        return self.recipes[name]

    def annotated(self, cell: str, seed: int) -> list[Annotated]:
        """The volumes that get labels, and where. Raises BenchmarkError for a seed without a draw."""
        wanted = self.cell(cell)
        count = len(self.data.train) if wanted.volumes < 0 else wanted.volumes
        if not self.draws or wanted.volumes < 0:
            return [Annotated(case, 0, None) for case in self.data.train[:count]]
        if str(seed) not in self.draws:
            raise BenchmarkError(f"Protocol {self.name} has draws for the seeds {', '.join(self.draws)}, not {seed}.")
        return [_annotated(entry, wanted.slices) for entry in self.draws[str(seed)][:count]]

    def split_hash(self, cell: str, seed: int) -> str:
        """SHA-256 of who is trained on, who is measured on and what is annotated; 16 digits."""
        chosen = [
            [one.case, one.axis, None if one.places is None else [place.index for place in one.places]]
            for one in self.annotated(cell, seed)
        ]
        lists = [self.data.train, self.data.validation, self.data.test]
        return digest([self.data.name, lists, chosen, self.cell(cell).slices, self.slices_rule])[:16]


def protocol(name: str, folder: Path = PROTOCOLS) -> Protocol:
    """The protocol ``name``. Raises BenchmarkError when there is none or its file cannot be used."""
    path = folder / f"{name}.json"
    if not path.exists():
        raise BenchmarkError(f"There is no protocol '{name}'; there are {', '.join(protocol_names(folder))}.")
    content = read_object(path)
    if content.pop("format", None) != 1:
        raise BenchmarkError(f"{path} has a format that this version does not know; it knows format 1.")
    content["data"] = data_set(content.pop("set", ""), folder / "sets")
    content["cells"] = {key: record(Cell, value, f"{path}, cell {key},") for key, value in content["cells"].items()}
    content["recipes"] = {
        key: record(Recipe, {"name": key, **value}, f"{path}, recipe {key},")
        for key, value in content["recipes"].items()
    }
    published = (record(Published, one, f"{path}, published,") for one in content.get("published", ()))
    defaults: dict[str, Any] = {"draws": {}, "slices_rule": ""}
    plain = {key: tuple(content.get(key, ())) for key in ("caveats", "gaps")}
    return record(Protocol, {**defaults, **content, **plain, "published": tuple(published)}, str(path))


def protocol_names(folder: Path = PROTOCOLS) -> list[str]:
    """All there are."""
    return sorted(path.stem for path in folder.glob("*.json"))


def _annotated(entry: dict[str, Any], slices: int) -> Annotated:
    axis, indices = int(entry["axis"]), _indices(entry.get("slices"), slices)
    places = None if indices is None else tuple(SliceIndex(axis, index) for index in indices)
    return Annotated(str(entry["case"]), axis, places)


def _indices(known: dict[str, list[int]] | None, slices: int) -> Sequence[int] | None:
    return None if known is None or slices == WHOLE else known[str(slices)]


@dataclass(frozen=True)
class Choice:
    """What a person asked for: empty means all."""

    cells: tuple[str, ...] = field(default=())
    methods: tuple[str, ...] = field(default=())
    seeds: tuple[int, ...] = field(default=())
