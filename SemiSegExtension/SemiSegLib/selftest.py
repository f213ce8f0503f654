"""The module's self-test, run inside Slicer: a made volume into a study, drawn on, in the panel as people see it.

No network, no training, no question; the person's scene, views, settings and study stay as they are.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import qt
import slicer
from numpy.typing import NDArray

from SemiSegLogic.geometry import Grid, SliceIndex

from .labelling.casework import load
from .panel import Panel
from .panel.editor import EFFECTS
from .ports import Shown
from .scene import Screen, views
from .scene.nodes import Parameters

if TYPE_CHECKING:
    from SemiSegLogic.study import Study

PLACE, PATIENCE_S = SliceIndex(0, 3), 60.0
KEPT = ("study", "case", "job")


def run() -> None:
    """Raises AssertionError where a voxel moves, or the panel does not do what was clicked."""
    before = _nodes()
    with tempfile.TemporaryDirectory() as folder, views.kept():
        study = _made_study(Path(folder))
        _scene_keeps_voxels(study)
        with _parameters_kept():
            _panel_saves_what_is_drawn(study)
    assert _nodes() == before, f"nodes were left behind: {_nodes() - before}"


def _made_study(folder: Path) -> Study:
    """One case of noise, its axes turned against the body's; a structure."""
    from SemiSegLogic.study import Study, write_image

    grid = Grid((6, 20, 24), (3.0, 0.8, 0.7), (-20.0, 15.0, 40.0), (0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0))
    image = np.random.default_rng(0).integers(0, 200, grid.shape).astype(np.int16)
    write_image(folder / "made.nrrd", image, grid)
    study = Study.create(folder / "study", structures=["ball"])
    study.add_case(folder / "made.nrrd")
    return study


def _drawn(shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    drawn = np.zeros(shape, np.uint8)
    drawn[PLACE.index, 5:12, 6:15] = 1
    return drawn


def _scene_keeps_voxels(study: Study) -> None:
    """Arrays to nodes and back; the views show the slice that is asked for."""
    screen, opened = Screen(), load(study.cases[0], "self-test")
    try:
        screen.show_image(opened)
        screen.show_labels(opened, [Shown(1, "ball", (1.0, 0.0, 0.0))])
        drawn = _drawn(opened.grid.shape)
        screen.put_slices(drawn, [PLACE])
        found = screen.labels()
        assert found is not None, "the segmentation has gone"
        assert np.array_equal(found, drawn), "voxels moved between array and segmentation"
        assert screen.jump(PLACE), "no view on screen shows the slices: choose the layout Four-Up and test again"
        assert screen.current_slice() == PLACE, "the view shows another slice"
    finally:
        screen.clear_case()


def _panel_saves_what_is_drawn(study: Study) -> None:
    """Open the study, click the case, draw, mark the slice as done: then the study has it."""
    root = slicer.qMRMLWidget()
    root.setLayout(qt.QVBoxLayout())
    root.setMRMLScene(slicer.mrmlScene)
    panel = Panel(root.layout(), preferences=_Forgetful())
    try:
        panel.enter()
        missing = set(EFFECTS) - set(panel.label.editor.widget.availableEffectNames())
        assert not missing, f"Slicer's Segment Editor has no {missing}"
        panel.controller.open_study(study.folder)
        _until(panel, lambda: bool(panel.controller.rows))
        panel.cases.on_case(0)
        _until(panel, lambda: panel.controller.open_case is not None and not panel.controller.busy)
        _draw_and_call_done(panel, study)
    finally:
        panel.controller.showing.close()
        panel.close()


def _draw_and_call_done(panel: Panel, study: Study) -> None:
    node, volume = panel.screen.segmentation, panel.screen.volume
    panel.label.keep_hold()  # the panel of the session may have taken the editor back for its own case
    assert panel.label.editor.widget.mrmlSegmentEditorNode().GetSegmentationNode() is node, "another is drawn on"
    panel.screen.jump(PLACE)
    drawn = _drawn(study.cases[0].grid.shape)
    slicer.util.updateSegmentBinaryLabelmapFromArray(drawn, node, panel.screen.structures()[0].segment_id, volume)
    assert panel.controller.labelling.unsaved, "nobody noticed that something was drawn"
    panel.label.on_done()
    _until(panel, lambda: study.cases[0].places == [PLACE])
    assert np.array_equal(study.cases[0].labels(), drawn), "voxels moved on their way to the study"


def _until(panel: Panel, reached: Callable[[], bool]) -> None:
    """Let Slicer and the panel's threads work until ``reached()``."""
    end = time.monotonic() + PATIENCE_S
    while not reached():
        assert time.monotonic() < end, f"still waiting: {panel.controller.busy} {panel.controller.notice}"
        slicer.app.processEvents()
        panel.tick()
        time.sleep(0.005)


class _Forgetful:
    """Preferences that are nobody's: the person's own stay as they are."""

    def __init__(self) -> None:
        self._kept: dict[str, str] = {}

    def get(self, key: str, default: str = "") -> str:
        return self._kept.get(key, default)

    def set(self, key: str, value: str) -> None:
        self._kept[key] = value


@contextmanager
def _parameters_kept() -> Iterator[None]:
    """The study and case of the person's scene, afterwards as they were."""
    there = slicer.mrmlScene.GetSingletonNode("SemiSeg", "vtkMRMLScriptedModuleNode") is not None
    parameters = Parameters()
    kept = {key: parameters.get(key) for key in KEPT}
    for key in KEPT:
        parameters.set(key, "")
    try:
        yield
    finally:
        for key, value in kept.items():
            Parameters().set(key, value)
        if not there:
            slicer.mrmlScene.RemoveNode(Parameters().node)


def _nodes() -> set[Any]:
    """Ids of what a person would see of ours in the scene."""
    scene, kinds = slicer.mrmlScene, ("vtkMRMLVolumeNode", "vtkMRMLSegmentationNode", "vtkMRMLScriptedModuleNode")
    counts = [(kind, scene.GetNumberOfNodesByClass(kind)) for kind in kinds]
    return {scene.GetNthNodeByClass(n, kind).GetID() for kind, count in counts for n in range(count)}
