"""Slicer's own storage node reads our segmentations, and we read what it saves: cropped, layered, overlapping."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from SemiSegLogic.study import LabelError, Structure, Structures, read_mask, write_seg_nrrd
from Testing.support.volumes import COLUMNS, grid_of, two_blobs

STRUCTURES = Structures.of([Structure(1, "größe | A", (1.0, 0.5, 0.25)), Structure(2, "posterior"),
                            Structure(9, "not drawn")])

PROGRAM = """
import json, sys
import vtk, slicer
import numpy as np
from vtk.util.numpy_support import vtk_to_numpy
from pathlib import Path

def storage(path):
    node = slicer.vtkMRMLSegmentationStorageNode()
    node.SetFileName(str(path))
    return node

seen = {}
for path in sorted(Path(sys.argv[1]).glob("*.seg.nrrd")):
    node = slicer.vtkMRMLSegmentationNode()
    assert storage(path).ReadData(node), path
    segmentation = node.GetSegmentation()
    rows = []
    for index in range(segmentation.GetNumberOfSegments()):
        segment = segmentation.GetNthSegment(index)
        image = segment.GetRepresentation("Binary labelmap")
        matrix = vtk.vtkMatrix4x4()
        image.GetImageToWorldMatrix(matrix)
        low = image.GetExtent()[::2]
        voxels = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(image.GetDimensions()[::-1])
        places = [[*map(float, matrix.MultiplyPoint((i + low[0], j + low[1], k + low[2], 1))[:3])]
                  for k, j, i in np.argwhere(voxels == segment.GetLabelValue())]
        rows.append([segment.GetName(), segment.GetLabelValue(), list(segment.GetColor()), places])
    seen[path.name] = rows
    assert storage(Path(sys.argv[2]) / path.name).WriteData(node)
    if segmentation.GetNumberOfSegments() > 1:  # an overlap, as two people might draw it
        first = slicer.vtkOrientedImageData()
        node.GetBinaryLabelmapRepresentation(segmentation.GetNthSegmentID(0), first)
        node.AddSegmentFromBinaryLabelmapRepresentation(first, "overlap", [0.0, 0.0, 1.0])
        assert storage(Path(sys.argv[2]) / ("overlap-" + path.name)).WriteData(node)
print("SEEN" + json.dumps(seen))
"""


@pytest.fixture(scope="module")
def through_slicer(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, list], Path]:
    """Our segmentations on all kinds of grids: what Slicer saw in them, and the folder of what it saved."""
    if importlib.util.find_spec("slicer_core") is None:
        pytest.skip("slicer-core is not installed")
    ours, theirs = tmp_path_factory.mktemp("ours"), tmp_path_factory.mktemp("theirs")
    for kind in COLUMNS:
        write_seg_nrrd(ours / f"{kind}.seg.nrrd", two_blobs(), grid_of(kind), STRUCTURES)
    done = subprocess.run([sys.executable, "-c", PROGRAM, ours, theirs], check=False, capture_output=True, text=True,
                          env={"PATH": "", "QT_QPA_PLATFORM": "offscreen"})
    assert "SEEN" in done.stdout, done.stderr
    import json

    return json.loads(done.stdout.split("SEEN")[1].splitlines()[0]), theirs


@pytest.mark.parametrize("kind", COLUMNS)
def test_slicer_sees_our_segments_at_the_same_places(through_slicer: tuple[dict[str, list], Path], kind: str) -> None:
    rows = through_slicer[0][f"{kind}.seg.nrrd"]
    assert [(name, value) for name, value, _, _ in rows] == [(item.name, item.value) for item in STRUCTURES]
    assert np.allclose(rows[0][2], (1.0, 0.5, 0.25))
    for _, value, _, places in rows:
        expected = grid_of(kind).to_patient(np.argwhere(two_blobs() == value)) * [-1, -1, 1]  # Slicer's world is RAS
        found = np.array(places).reshape(-1, 3)
        assert found.shape == expected.shape
        assert np.allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("kind", COLUMNS)
def test_we_read_what_slicer_saves_although_it_crops(through_slicer: tuple[dict[str, list], Path], kind: str) -> None:
    mask = read_mask(through_slicer[1] / f"{kind}.seg.nrrd", STRUCTURES.names)
    assert mask.array.shape != two_blobs().shape
    assert np.array_equal(mask.on(grid_of(kind)), two_blobs())


def test_an_overlap_saved_by_slicer_is_refused_by_name(through_slicer: tuple[dict[str, list], Path]) -> None:
    path = through_slicer[1] / "overlap-oblique.seg.nrrd"
    with pytest.raises(LabelError, match=r"'größe \| A' and 'overlap' overlap on 16 voxels"):
        read_mask(path, {**STRUCTURES.names, "overlap": 5})
    assert np.array_equal(read_mask(path, {**STRUCTURES.names, "overlap": 0}).on(grid_of("oblique")), two_blobs())
