"""A scripted clinician: draws with Slicer's own editor logic, clicks, waits; and made-up engines to click at."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from SemiSegLogic.geometry import SliceIndex
from SemiSegLogic.job import Status


def ball(shape: tuple[int, int, int]) -> Any:
    """int16 (k, j, i): 1 in a ball in the middle, 2 in its core."""
    k, j, i = np.indices(shape)
    radius = np.sqrt(((k - shape[0] / 2) * 2) ** 2 + (j - shape[1] / 2) ** 2 + (i - shape[2] / 2) ** 2)
    return ((radius < 9).astype(np.int16) + (radius < 4)).astype(np.int16)


def noise(shape: tuple[int, int, int], seed: int) -> Any:
    return np.random.default_rng(seed).normal(100, 25, shape).astype(np.int16)


class FakeConnection:
    """Training without an engine: ``tell`` sets what the next look finds."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.found, self.next_look, self.works = "", None, {}
        self.study: Any = None
        self.told: dict[str, str] = {}

    def __call__(self, study: Any) -> FakeConnection:
        self.study = study
        return self

    def start(self, order: Any) -> str:
        self.calls.append(order)
        self.told = self._versions()
        return "run-1"

    def start_live(self, open_case: str, start_from: str, manner: Any) -> str:
        self.calls.append(("live", open_case, start_from, manner))
        self.told = self._versions()
        return "live-1"

    def apply(self, model: str, open_case: str, only: bool, far: str) -> str:
        self.calls.append(("apply", model, open_case, only, far))
        return "apply-1"

    def show(self, job: str, case: str) -> None:
        self.calls.append(("show", case))

    def look(self, job: str) -> Any:
        if isinstance(self.next_look, Exception):
            raise self.next_look
        return self.next_look

    def stop(self, job: str) -> None:
        self.calls.append("stop")

    def resume(self, job: str) -> None:
        self.calls.append("resume")

    def catch_up(self, job: str) -> list[Any]:
        now = self._versions()
        self.calls += [("labels", case) for case, version in now.items() if version != self.told.get(case, "")]
        self.told = now
        return []

    def _versions(self) -> dict[str, str]:
        return {case.id: case.version for case in self.study.cases}

    def newest(self) -> str:
        return self.found

    def at_work(self, case: str) -> str:
        return str(self.works.get(case, ""))


class FakeInstaller:
    """An environment that is in whatever state a test says."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.kind, self.calls = folder, "ready", []
        self.python, self.text = [sys.executable], ""

    def look(self) -> Any:
        from SemiSegLib.setup.process import State

        return State(self.kind, self.text)

    def environment(self) -> dict[str, str]:
        return {}

    def start(self, base: Any, bundle: Any = None) -> None:
        self.calls.append((*base, bundle) if bundle else list(base))
        self.kind = "installing"

    def cancel(self) -> None:
        self.kind = "unfinished"

    def remove(self) -> None:
        self.kind = "absent"

    def log_text(self, size: int = 0) -> str:
        return "Collecting torch\n  Downloading torch-2.13.0 (180 MB)\nCollecting monai"


def settle(panel: Any, seconds: float = 20.0) -> None:
    """Let the threads finish and the panel take over what they found."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        panel.controller.poll()
        panel.training.jobs.poll()
        if not panel.controller.busy and not panel.training.jobs.busy:
            return
        time.sleep(0.005)
    raise TimeoutError(f"still busy: {panel.controller.busy} {panel.training.jobs.busy}")


def until(panel: Any, there: Callable[[], bool], seconds: float = 20.0) -> None:
    """Hand over what the threads finished until ``there()``, whatever else they are still asked for."""
    end = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < end, f"still not there: {panel.controller.busy} {panel.training.jobs.busy}"
        panel.controller.poll()
        panel.training.jobs.poll()
        time.sleep(0.005)


def paint(panel: Any, what: int | str, place: SliceIndex, mask: Any) -> None:
    """What a brush does: change one slice of one segment, by its value or its id, through Slicer's own editor logic,
    with undo.
    """
    from vtk.util.numpy_support import vtk_to_numpy

    editor, node = panel.label.editor.widget.real.editor, panel.screen.segmentation
    editor.UpdateReferenceGeometryImage()
    editor.ResetModifierLabelmapToDefault()
    image = editor.GetModifierLabelmap()
    voxels = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(image.GetDimensions()[::-1])
    np.moveaxis(voxels, place.axis, 0)[place.index][mask] = 1
    image.Modified()
    editor.SaveStateForUndo()
    segment = what if isinstance(what, str) else f"SemiSeg_{what}"
    editor.ModifySegmentByLabelmap(node, segment, image, editor.ModificationModeAdd, False, False)


def open_first(panel: Any, study: Any) -> Any:
    panel.controller.open_study(study.folder)
    settle(panel)
    panel.cases.on_case(0)
    settle(panel)
    return study.cases[0]


def draw(panel: Any, index: int) -> Any:
    """The ball on slice ``index``, drawn and looked at."""
    truth = ball(panel.controller.open_case.grid.shape)[index]
    place = SliceIndex(0, index)
    panel.screen.jump(place)
    for value in (1, 2):
        paint(panel, value, place, truth == value)
    return truth


def suggestion_for(case: Any, **told: Any) -> None:
    truth = ball(case.grid.shape).astype(np.uint8)
    case.put_suggestion(truth, (truth == 2).astype(np.uint8) * 200,
                        {"method": "mean_teacher", "run": "run-1", **told})


def look(state: str = "running", changed: tuple[str, ...] = (), ranking: tuple[Any, ...] = ()) -> Any:
    from SemiSegLib.training.connection import Look

    curve = [{"seconds": float(n), "step": n, "losses": {"labelled": 1 / (n + 1)}} for n in range(12)]
    status = Status(state, fraction=0.4, seconds_left=100.0, elapsed=60.0, message="Learning.", device="cpu")
    return Look("run-1", status, curve, list(ranking), list(changed))
