"""What a label costs as it is kept (its judged slices) and as an array of every voxel: room, and time to draw from.

    python -m Testing.benchmarks.memory.labels [--draws 60]

Both sides cut the same labelled patches, in turns, in one process; milliseconds of processor time per patch, medians.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from SemiSegLogic.engine.data.patches import Look, Sampler
from SemiSegLogic.engine.data.resampling import sample_label
from SemiSegLogic.engine.data.volumes import Classes, Volume, set_label
from SemiSegLogic.engine.planning.plan import Plan
from SemiSegLogic.geometry import Grid, Orientation, Shape, SliceIndex
from SemiSegLogic.methods.base import Need
from SemiSegLogic.study import all_slices
from Testing.support.plain.dense_label import sample_dense

WARM = 5  # patches that do not count
TURNS = 5


@dataclass(frozen=True)
class Kind:
    """A volume of ``shape`` with 1 mm voxels, patches of ``patch`` voxels of ``spacing`` mm; ``slices`` judged."""

    name: str
    shape: Shape
    slices: tuple[SliceIndex, ...]
    patch: Shape
    spacing: float = 1.0
    held_out: int = 0

    def volume(self) -> Volume:
        """With a ball of voxels 1, and an image of nothing: only the label is looked at."""
        image = torch.zeros(1, 1, 1, 1, dtype=torch.float16)
        volume = Volume(self.name, Grid(self.shape), Orientation(), (1.0, 1.0, 1.0), image)
        set_label(volume, _ball(self.shape), self.slices, Classes([1]))
        volume.hold_out(volume.slices[: self.held_out])
        return volume

    def looks(self, volume: Volume, count: int) -> list[Look]:
        """``count`` labelled patches, the same every time."""
        torch.manual_seed(0)
        sampler = Sampler([volume], Plan(3, 0, (self.spacing,) * 3, self.patch))
        return [sampler.look_at_label(0, Need(1, 0, self.patch)) for _ in range(count)]


def _slices(axis: int, *index: int) -> tuple[SliceIndex, ...]:
    return tuple(SliceIndex(axis, n) for n in index)


ATRIUM, CT, HIPPOCAMPUS = (88, 640, 640), (1000, 512, 512), (36, 51, 35)
KINDS = (
    Kind("atrium, all slices", ATRIUM, tuple(all_slices(ATRIUM, 0)), (80, 112, 112)),
    Kind("the same, 20 held out", ATRIUM, tuple(all_slices(ATRIUM, 0)), (80, 112, 112), held_out=20),
    Kind("CT, 3 slices", CT, _slices(0, 450, 500, 550), (40, 48, 48), 2.4),
    Kind("CT, 3 slices of each axis, 1 held out", CT, _slices(0, 450, 500, 550) + _slices(1, 200, 250, 300)
         + _slices(2, 200, 250, 300), (40, 48, 48), 2.4, held_out=1),
    Kind("hippocampus, 3 slices", HIPPOCAMPUS, _slices(1, 15, 25, 35), (40, 56, 40)),
    Kind("hippocampus, all slices", HIPPOCAMPUS, tuple(all_slices(HIPPOCAMPUS, 0)), (40, 56, 40)),
)


@dataclass(frozen=True)
class Cost:
    """Megabytes and milliseconds of both sides."""

    kept_mb: float
    array_mb: float
    kept_ms: float
    array_ms: float


def measure(kind: Kind, draws: int) -> Cost:
    """Both sides in turns. Raises ValueError should they ever differ."""
    volume = kind.volume()
    assert volume.judged is not None
    assert volume.label is not None
    label, array, slices = volume.label, volume.label.all_voxels(), volume.training_slices
    fast, slow = (torch.empty(kind.patch, dtype=torch.int64) for _ in range(2))
    kept_ms, array_ms = [], []
    for look in kind.looks(volume, draws + WARM):
        for _ in range(TURNS):
            kept_ms.append(_ms(lambda look=look: sample_label(label, look.view, kind.patch, fast)))
            array_ms.append(_ms(lambda look=look: sample_dense(array, look.view, kind.patch, slices, slow)))
        if not torch.equal(fast, slow):
            raise ValueError(f"{kind.name}: {look} differs.")
    kept = sum(stack.planes.nbytes for stack in volume.judged.stacks)
    before = array.nbytes * (2 if kind.held_out else 1)
    ours, theirs = (statistics.median(times[WARM * TURNS :]) for times in (kept_ms, array_ms))
    return Cost(kept / 1e6, before / 1e6, ours, theirs)


def _ball(shape: Shape) -> np.ndarray:
    d, h, w = (np.linspace(-1, 1, side, dtype=np.float32) ** 2 for side in shape)
    return (d[:, None, None] + h[:, None] + w < 0.2).astype(np.uint8)


def _ms(work: Callable[[], None]) -> float:
    begun = time.process_time()
    work()
    return 1000 * (time.process_time() - begun)


def main() -> None:
    """Print the table."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--draws", type=int, default=60)
    options = words.parse_args()
    torch.set_num_threads(1)
    print("| volume, judged | patch | MB: array | MB: kept | ms: array | ms: kept | ratio |")
    print("|" + "---|" * 7)
    for kind in KINDS:
        cost = measure(kind, options.draws)
        print(f"| {kind.name} | {'x'.join(map(str, kind.patch))} | {cost.array_mb:.1f} | {cost.kept_mb:.2f} | "
              f"{cost.array_ms:.2f} | {cost.kept_ms:.2f} | {cost.kept_ms / cost.array_ms:.2f} |", flush=True)


if __name__ == "__main__":
    main()
