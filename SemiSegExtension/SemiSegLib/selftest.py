"""The module's self-test, run inside Slicer: a made volume into a study, drawn on; no network, no training."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import slicer

from SemiSegLogic.geometry import Grid, SliceIndex

from .casework import load
from .model import Shown
from .scene import Screen


def run() -> None:
    """Raises AssertionError where a voxel moves."""
    from SemiSegLogic.study import Study, write_image

    with tempfile.TemporaryDirectory() as folder:
        grid = Grid((6, 20, 24), (3.0, 0.8, 0.7), (-20.0, 15.0, 40.0), (0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0))
        image = np.random.default_rng(0).integers(0, 200, grid.shape).astype(np.int16)
        write_image(Path(folder) / "made.nrrd", image, grid)
        study = Study.create(Path(folder) / "study", structures=["ball"])
        case = study.add_case(Path(folder) / "made.nrrd")
        screen = Screen()
        opened = load(case)
        screen.show_image(opened)
        screen.show_labels(opened, [Shown(1, "ball", (1.0, 0.0, 0.0))])
        drawn = np.zeros(grid.shape, np.uint8)
        drawn[3, 5:12, 6:15] = 1
        screen.put_slices(drawn, [SliceIndex(0, 3)])
        found = screen.labels()
        assert found is not None, "the segmentation has gone"
        assert np.array_equal(found, drawn), "voxels moved between array and segmentation"
        assert screen.jump(SliceIndex(0, 3)), "no view shows the slices"
        assert screen.current_slice() == SliceIndex(0, 3), "the view shows another slice"
        case.set_slices(found, [SliceIndex(0, 3)], "self-test")
        assert np.array_equal(study.case(case.id).labels(), drawn), "voxels moved on their way to the study"
        screen.clear_case()
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0, "nodes were left behind"
