"""Selection over the saved maps of many large cases: seconds and memory.

    python -m Testing.benchmarks.waiting.selection_speed --folder FOLDER [--cases 100]

Given twice: the first time it writes, then it measures.

Writes ``cases`` labels and uncertainty maps of 300x512x512 bytes (16 GB for a hundred) as .npy files, a different organ
with a second structure in each, then maps them into memory and asks for the next slices, by every strategy. Wall time
and the process's highest resident memory, mapped pages included; the second pass finds the files in the system's cache,
as after a prediction.
"""

from __future__ import annotations

import argparse
import resource
import time
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from SemiSegLogic.engine.selection import STRATEGIES, CaseMaps, next_slices, profiles
from SemiSegLogic.geometry import Grid, SliceIndex

SHAPE = (300, 512, 512)
GRID = Grid(SHAPE, (1.5, 0.8, 0.8))
NAMES = {1: "liver", 2: "tumour"}


def write_case(folder: Path, number: int) -> None:
    """An ellipsoid with a core of another structure; doubt along both borders and, faintly, everywhere."""
    chance = np.random.default_rng(number)
    centre, radii = chance.uniform(0.4, 0.6, 3) * SHAPE, chance.uniform(0.15, 0.3, 3) * SHAPE
    axes = np.ogrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    radius = sum(((line - c) / r) ** 2 for line, c, r in zip(axes, centre, radii, strict=True)).astype(np.float32)
    label = (radius < 1).astype(np.uint8) + (radius < chance.uniform(0.05, 0.3))
    grain = chance.integers(0, 256, SHAPE, np.uint8)
    border = np.exp(-(((radius - 1) / 0.1) ** 2), dtype=np.float32)
    np.save(folder / f"{number}-label.npy", label)
    np.save(folder / f"{number}-uncertainty.npy", np.maximum(grain >> 5, (grain * border).astype(np.uint8)))


def case_maps(folder: Path, number: int) -> CaseMaps:
    """The case's files, mapped into memory."""

    def mapped(what: str) -> NDArray[np.uint8]:
        return np.load(folder / f"{number}-{what}.npy", mmap_mode="r", allow_pickle=False)

    judged = (SliceIndex(0, 150),) if number % 3 == 0 else ()
    return CaseMaps(f"c{number:03d}", mapped("label"), mapped("uncertainty"), GRID, judged)


def measure(folder: Path, cases: int) -> list[str]:
    """Lines of a table."""
    lines = []
    for name in ("first pass", "second pass"):
        begun = time.perf_counter()
        found = profiles([partial(case_maps, folder, n) for n in range(cases)], [0] * cases, (1, 2))
        read = time.perf_counter() - begun
        lines.append(f"| {name}: {cases} cases read | {read:.1f} s |")
    for strategy in STRATEGIES:
        begun = time.perf_counter()
        ranked = next_slices(found, NAMES, strategy, seed=1)
        lines.append(f"| {strategy}: {len(ranked)} slices ranked | {time.perf_counter() - begun:.2f} s |")
    lines.append(f"| highest memory | {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB |")
    return lines


def main() -> None:
    """See the module."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--cases", type=int, default=100)
    words.add_argument("--folder", type=Path, required=True, help="where the files are written, or lie already")
    options = words.parse_args()
    if (options.folder / f"{options.cases - 1}-uncertainty.npy").exists():
        print("\n".join(measure(options.folder, options.cases)))
        return
    options.folder.mkdir(parents=True, exist_ok=True)
    for number in range(options.cases):
        write_case(options.folder, number)
    print("Written. Run it once more to measure, without the memory that writing took.")


if __name__ == "__main__":
    main()
