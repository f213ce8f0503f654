"""How long the panel holds the screen up: the longest block per step at 512 x 512 x 300.

``python -m Testing.benchmarks.waiting.panel_blocks [slices] [table.md] [structures]``. More than two
structures are drawn and suggested all over the volume, as in a CT of the trunk. A step is a click; the clock measures
how long the main thread could do nothing else, whoever's fault it was (our own call, or a thread of ours that kept
Python busy). Between two beats Python's lock is kept, as Slicer's event loop keeps it, so "whole step" is what a person
waits for.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT), str(ROOT / "SemiSegExtension")]
BUDGET_S = 0.2
SHOWN = ("a structure on 120 of its slices", "{} structures all over it")
WAITING = ctypes.PyDLL(None)
"""Slicer's event loop keeps Python's lock while it waits; so does a call through this."""


class Clock:
    """Runs steps with the panel's timer beating; keeps the longest beat of each."""

    def __init__(self, panel: Any) -> None:
        self.panel, self.longest, self.whole, self.own = panel, {}, {}, {}

    def step(self, name: str, click: Callable[[], object]) -> None:
        began = time.perf_counter()
        blocks = [measured(click)]
        while self.panel.controller.busy or self.panel.training.jobs.busy:
            blocks.append(self._beat())
        blocks += [self._beat() for _ in range(3)]
        self.longest[name], self.own[name] = (max(times) for times in zip(*blocks, strict=True))
        self.whole[name] = time.perf_counter() - began
        mark = "" if self.longest[name] <= BUDGET_S else f"  over {BUDGET_S} s"
        print(f"{name:34s} longest block {self.longest[name]:6.3f} s   of its own {self.own[name]:6.3f} s   "
              f"whole step {self.whole[name]:6.2f} s   peak {peak_gib():5.2f} GiB{mark}", flush=True)  # fmt: skip

    def _beat(self) -> tuple[float, float]:
        WAITING.usleep(1000 * self.panel.timer.interval)
        return measured(self.panel.tick)

    def table(self, slices: int, structures: int) -> str:
        """What was measured, as Markdown."""
        lines = [
            "# How long the panel holds the screen up",
            "",
            f"A volume of {slices} x 512 x 512, {SHOWN[structures > 2].format(structures)}. The longest time in which "
            f"the main thread could do nothing else must stay below {BUDGET_S} s; of it up to 0.03 s at a time are "
            "given to our threads on purpose while they work. Measured by `panel_blocks.py` on 2 cores, over real "
            "MRML, without drawing the views. Every whole step includes 0.36 s of waiting for three idle beats.",
            "",
            "| step | longest block | whole step |",
            "|---|---|---|",
            *(f"| {name} | {block:.3f} s | {self.whole[name]:.2f} s |" for name, block in self.longest.items()),
        ]
        return "\n".join(lines) + "\n"


def measured(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds that ``work`` took, and those of them that the thread was at work itself: the rest is other programs'."""
    began, own = time.perf_counter(), time.thread_time()
    with contextlib.suppress(StopIteration):
        work()
    return time.perf_counter() - began, time.thread_time() - own


def peak_gib() -> float:
    """The most memory that this process held until now."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Any]:
    from Testing.support.clinician import FakeConnection, FakeInstaller
    from Testing.support.slicer_harness.app import boot

    slicer = boot()
    import qt

    from SemiSegLib.panel import Panel

    root = slicer.qMRMLWidget()
    root.setLayout(qt.QVBoxLayout())
    panel = Panel(root.layout(), FakeInstaller(folder / "environment"), FakeConnection())
    panel.enter()
    yield panel
    panel.close()


def make_study(folder: Path, slices: int, structures: int) -> Any:
    from SemiSegLogic.geometry import Grid
    from SemiSegLogic.study import Study, write_image

    shape, rng = (slices, 512, 512), np.random.default_rng(0)
    for name in ("first", "second"):
        image = rng.integers(0, 1000, shape, dtype=np.int16)
        write_image(folder / f"{name}.nrrd", image, Grid(shape, (1.0, 0.7, 0.7)))
    study = Study.create(folder / "study", structures=[f"structure {n}" for n in range(1, structures + 1)])
    for name in ("first", "second"):
        study.add_case(folder / f"{name}.nrrd", copy=False)
    return study


def main(slices: int, target: Path | None = None, structures: int = 2) -> int:
    with tempfile.TemporaryDirectory() as name, opened(Path(name)) as panel:
        os.environ["HOME"] = name
        study = make_study(Path(name), slices, structures)
        clock = Clock(panel)
        run_steps(clock, panel, study, Path(name), structures)
        worst = max(clock.longest, key=lambda step: clock.longest[step])
        if target is not None:
            target.write_text(clock.table(slices, structures), encoding="utf-8")
        print(f"longest of all: {clock.longest[worst]:.3f} s ({worst})")
        return int(clock.longest[worst] > BUDGET_S)


def balls(shape: tuple[int, int, int], structures: int) -> Any:
    """uint8 (k, j, i): of each structure ten balls, large and small, anywhere."""
    rng, label = np.random.default_rng(0), np.zeros(shape, np.uint8)
    for value in list(range(1, structures + 1)) * 10:
        radius = int(rng.integers(2, 30))
        corner = [int(rng.integers(0, max(side - 2 * radius, 1))) for side in shape]
        part = label[tuple(slice(start, start + 2 * radius) for start in corner)]
        k, j, i = np.ogrid[tuple(slice(side) for side in part.shape)]
        part[(k - radius) ** 2 + (j - radius) ** 2 + (i - radius) ** 2 < radius**2] = value
    return label


def run_steps(clock: Clock, panel: Any, study: Any, folder: Path, structures: int) -> None:
    """A study's day: opened, drawn in, suggested in, corrected, exported; then masks of the scene."""
    from SemiSegLogic.geometry import SliceIndex

    case = study.cases[0]
    middle = case.grid.shape[0] // 2
    disc = np.add.outer((np.arange(512) - 256) ** 2, (np.arange(512) - 256) ** 2) < 120**2
    truth = np.zeros(case.grid.shape, np.uint8)
    truth[middle - 60 : middle + 60] = disc
    if structures > 2:
        truth = balls(case.grid.shape, structures)
        case.set_slices(truth, [SliceIndex(0, index) for index in (10, middle, case.grid.shape[0] - 10)], "expert")
    clock.step("open the study", lambda: panel.controller.open_study(study.folder))
    clock.step("click a case", lambda: panel.cases.on_case(0))
    draw(clock, panel, middle, disc)
    review(clock, panel, case, truth)
    clock.step(
        "export", lambda: panel.controller.results.export(folder / "out", ["nrrd"], [case.id], lambda _files: None)
    )
    clock.step("another case", lambda: panel.cases.on_case(1))
    import_of_the_scene(clock, panel, truth, case.grid)


def draw(clock: Clock, panel: Any, middle: int, disc: Any) -> None:
    """Three slices about the ``middle`` one."""
    from SemiSegLogic.geometry import SliceIndex
    from Testing.support.clinician import paint

    for index in (middle - 40, middle, middle + 40):
        place = SliceIndex(0, index)
        panel.screen.jump(place)
        paint(panel, 1, place, disc)
        clock.step(f"autosave after a stroke on {index}", panel.controller.labelling.save_now)
        clock.step(f"slice {index} done", panel.label.on_done)


def review(clock: Clock, panel: Any, case: Any, truth: Any) -> None:
    """The suggestion ``truth`` (k, j, i), another one after it, and what a person says of them."""
    from SemiSegLogic.geometry import SliceIndex

    middle, doubt = len(truth) // 2, ((truth > 0) * 100).astype(np.uint8)
    case.put_suggestion(truth, doubt, {"method": "mean_teacher"})
    clock.step("a suggestion comes in", panel.controller.results.reload_suggestion)
    clock.step("show uncertainty", lambda: panel.review.on_uncertainty(True))
    case.put_suggestion(truth[::-1].copy(), doubt, {"method": "mean_teacher", "run": "second"})
    clock.step("the next round's comes in", panel.controller.results.reload_suggestion)
    clock.step("show the last round", lambda: panel.review.on_earlier(True))
    clock.step("next slice", lambda: panel.screen.jump(SliceIndex(0, middle + 20)))
    clock.step("correct this slice", panel.review.on_correct)
    clock.step("this slice is right", panel.review.on_right)
    clock.step("accept the case", panel.review.on_accept)


def import_of_the_scene(clock: Clock, panel: Any, truth: Any, grid: Any) -> None:
    """What somebody drew with other programs: int16 label maps are the largest."""
    import slicer

    from SemiSegLib.ports import Shown
    from SemiSegLib.scene import segments, volumes
    from SemiSegLib.scene.geometry import ijk_to_ras, to_vtk

    label_map = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "a label map")
    label_map.SetIJKToRASMatrix(to_vtk(ijk_to_ras(grid)))
    label_map.SetAndObserveImageData(volumes.image_data(truth.astype(np.int16)))
    theirs = segments.segmentation_for(label_map, "a segmentation")
    segments.write(theirs, truth, grid, [Shown(int(n), f"theirs {n}", (1.0, 0.0, 0.0)) for n in np.unique(truth) if n])
    for name, node in (("a label map", label_map), ("a segmentation", theirs)):
        clock.step(f"choose {name} of the scene", partial(panel.label.masks.look_at_node, node.GetID()))
        clock.step(f"import {name}", panel.label.masks.on_import)


if __name__ == "__main__":
    words = sys.argv[1:]
    sys.exit(main(int(words[0]) if words else 300, Path(words[1]) if len(words) > 1 else None,
                  int(words[2]) if len(words) > 2 else 2))
