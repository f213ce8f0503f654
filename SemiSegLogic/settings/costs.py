"""What a step of each method costs, as it was measured: ``costs.json`` beside this file is written by the benchmark
``Testing.benchmarks.methods.costs`` and by nothing else, and names when and on what.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

MEASURED = Path(__file__).with_name("costs.json")


@dataclass(frozen=True)
class Cost:
    """``time`` of a training step over one of ``supervised`` beside it. ``memory`` MB that training takes at its peak,
    above the program and its data; of the GPU where ``kind`` is cuda. ``device`` and ``date`` of the measurement.
    """

    kind: str
    dims: int
    time: float
    memory: int
    device: str
    date: str


def costs(method: str) -> list[Cost]:
    """All measurements of ``method``; none for a method that was never measured."""
    found = json.loads(MEASURED.read_text(encoding="utf-8"))
    return [
        Cost(kind, int(dims), row["time"], row["memory"], table["device"], table["date"])
        for kind, table in found.items()
        for dims, row in table["methods"].get(method, {}).items()
    ]
