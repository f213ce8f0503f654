"""A data set of small blobs with a protocol of its own, for the tests of the benchmark runner."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from SemiSegLogic.files import write_json
from SemiSegLogic.geometry import Grid
from SemiSegLogic.study import write_image
from Testing.benchmarks.runner.definitions.datasets import DIGITS, Collection, data_set
from Testing.benchmarks.runner.definitions.protocol import Protocol, protocol

from .data.blob_images import SHAPE, blob

CASES = [f"case{number}" for number in range(8)]
SLOTS = {"1": [8], "3": [5, 8, 10]}


@dataclass(frozen=True)
class MadeUp:
    """``data`` the folder with the images, ``protocols`` that with ``blobs.json``."""

    data: Path
    protocols: Path

    def protocol(self) -> Protocol:
        """As the runner reads it."""
        return protocol("blobs", self.protocols)

    def change(self, **values: Any) -> None:
        """Other values in the protocol's file."""
        write_json(self.protocols / "blobs.json", PROTOCOL | values)

    def change_set(self, **values: Any) -> None:
        """Other values in the data set's file."""
        write_json(self.protocols / "sets" / "blobs.json", SET | values)


SET: dict[str, Any] = {
    "name": "blobs", "title": "Made-up blobs", "source": "the tests", "licence": "none needed", "publish": "anything",
    "axes": "upright", "distances": "mm", "image": "images/{case}.nrrd", "label": "labels/{case}.nrrd",
    "structures": {"1": "core", "2": "cap"}, "train": CASES[:6], "test": CASES[6:], "folders": ["", "blobs"],
}
PROTOCOL: dict[str, Any] = {
    "format": 1, "name": "blobs", "title": "Blobs", "purpose": "To test the runner.", "set": "blobs",
    "cells": {"3x2": {"volumes": 2, "slices": 3}, "1x1": {"volumes": 1, "slices": 1}, "all": {"volumes": -1}},
    "draws": {
        seed: [{"case": case, "axis": 0, "slices": SLOTS} for case in order]
        for seed, order in (("0", CASES[:3]), ("1", CASES[3:6]))
    },
    "recipes": {
        "short": {"settings": "clinical", "why": "Quick.", "first_steps": 3, "steps": 5, "seeds": [0, 1],
                  "methods": ["supervised", "mean_teacher", "bcp"], "cells": ["3x2", "1x1"], "precision": "float32"},
        "pair": {"settings": "clinical", "why": "Two networks.", "steps": 4, "seeds": [0], "members": 2, "flips": True,
                 "methods": ["supervised"], "cells": ["3x2"], "largest": True, "precision": "float32"},
        "two sizes": {"settings": "clinical", "why": "Coarse and fine.", "first_steps": 3, "steps": 4, "seeds": [0],
                      "finer": 0.5, "methods": ["supervised"], "cells": ["3x2"], "precision": "float32"},
        "taught": {"settings": "clinical", "why": "Students.", "steps": 4, "seeds": [0], "partner": "mean_teacher",
                   "students": 2, "student_steps": 3, "consensus": 0.5, "methods": ["supervised"], "cells": ["3x2"],
                   "largest": True, "precision": "float32"},
    },
}


def make(folder: Path, folder_name: str = "blobs") -> MadeUp:
    """Files and protocol, with digests."""
    made = MadeUp(folder / "data", folder / "protocols")
    root = made.data / folder_name
    for part in (root / "images", root / "labels", made.protocols / "sets"):
        part.mkdir(parents=True)
    for seed, name in enumerate(CASES):
        image, label = blob(SHAPE, seed)
        grid = Grid(SHAPE, (2.0, 1.0, 1.0))
        write_image(root / "images" / f"{name}.nrrd", image, grid)
        write_image(root / "labels" / f"{name}.nrrd", label, grid)
    made.change_set()
    cases = Collection(data_set("blobs", made.protocols / "sets"), made.data)
    made.change_set(digests={name: cases.case(name).digest[:DIGITS] for name in CASES})
    made.change()
    return made
