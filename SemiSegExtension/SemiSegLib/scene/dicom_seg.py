"""DICOM SEG through Slicer's plugin: our segments, the original series, its file.

The plugin is Slicer's own from 5.12 on; before, the extension Quantitative Reporting brought it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import slicer
import vtk

from SemiSegLogic.geometry import Grid
from SemiSegLogic.patience import rename

from ..ports import Segmented, Shown
from ..words import _
from . import dicom, nodes, segments
from .geometry import grid_of

PLUGIN = "DICOMSegmentationPlugin"
OFF = 0.1
"""Voxels. Headers are rounded to a few digits."""


def why_not() -> str:
    """Why this Slicer cannot write DICOM SEG, with the remedy; "" when it can."""
    if PLUGIN not in getattr(slicer.modules, "dicomPlugins", {}):
        return _("This Slicer cannot write DICOM SEG. Slicer 5.12 and newer can; for an older one install the "
                 "extension Quantitative Reporting in the Extensions Manager, and restart.")  # fmt: skip
    if dicom.database() is None:
        return _("Slicer's DICOM database is not open: open the DICOM module once.")
    return ""


def write(result: Segmented, folder: Path) -> Path:
    """Write ``result`` to ``folder``; the file. Slicer reads the original series for it.

    Raises ValueError in words when Slicer cannot, or the case did not come from DICOM.
    """
    problem = why_not() or _missing(result.name, result.series)
    drawn = [item for item in result.structures if (result.labels == item.value).any()]
    if problem or not drawn:
        raise ValueError(problem or _(
            "{case} contains no structure, and a DICOM SEG file cannot be empty."
        ).format(case=result.name))
    from .plain_letters import in_plain_letters  # with the first export: opening the module needs it not

    plain, called = in_plain_letters([item.name for item in drawn]), in_plain_letters([result.name])[result.name]
    with nodes.swept(), _original(result.series) as volume:
        _require_same_voxels(result.name, volume, result.grid)
        node = segments.segmentation_for(volume, called)
        try:
            segments.write(node, result.labels, result.grid, [replace(item, name=plain[item.name]) for item in drawn])
            return _export(_item(node, volume, drawn), folder, lambda file: _named(file, result.name, plain))
        finally:
            _remove(node)


def _named(file: Path, name: str, plain: dict[str, str]) -> None:
    """A file that was written in plain letters gets the names of the case and its structures where these have others.
    """
    from .plain_letters import put_names

    if not all(text.isascii() for text in (name, *plain)):
        put_names(file, name, {there: structure for structure, there in plain.items()})


def _missing(name: str, series: str) -> str:
    if not series:
        text = _("{case} did not come from DICOM, or was added from the scene without its series, so there is no "
                 "series that a DICOM SEG could refer to. If the image is DICOM: export the case as a segmentation, "
                 "remove the case, add the image again with Add from DICOM, and import the segmentation there.")
        return text.format(case=name)
    if not dicom.files_of(series):
        text = _("The original series of {case} is not in Slicer's DICOM database. Import it in the DICOM module.")
        return text.format(case=name)
    return ""


def _require_same_voxels(name: str, volume: Any, grid: Grid) -> None:
    """A volume of the scene may have been cropped, resampled or moved since it was loaded. Axes may be turned."""
    own = grid_of(volume)
    corners = [[item.to_patient(np.array([kji]))[0] for kji in product(*((0, n - 1) for n in item.shape))]
               for item in (own, grid)]  # fmt: skip
    apart = np.linalg.norm(np.array(corners[0])[:, None] - np.array(corners[1])[None], axis=-1)
    if sorted(own.shape) != sorted(grid.shape) or apart.min(axis=0).max() > OFF * min(grid.spacing):
        text = _("The image of {case} has other voxels than its original series: it was cropped, resampled or moved "
                 "before it was added. A DICOM SEG would not fit the series; export .seg.nrrd.")  # fmt: skip
        raise ValueError(text.format(case=name))


@contextmanager
def _original(series: str) -> Iterator[Any]:
    """The series as Slicer loads it; gone afterwards."""
    from DICOMLib import DICOMUtils

    loaded = [slicer.mrmlScene.GetNodeByID(name) for name in DICOMUtils.loadSeriesByUID([series])]
    try:
        volumes = [node for node in loaded if node is not None and node.IsA("vtkMRMLScalarVolumeNode")]
        if len(volumes) != 1:
            text = _("The original series must be a single volume, but Slicer loads it as several ({n}).")
            raise ValueError(text.format(n=len(volumes)))
        yield volumes[0]
    finally:
        _remove(*loaded)


def _remove(*gone: Any) -> None:
    """Take nodes out of the scene and out of the tree of patients, and patients and studies that are empty then."""
    tree = slicer.mrmlScene.GetSubjectHierarchyNode()
    items = [tree.GetItemByDataNode(node) for node in gone if node is not None]
    above = [tree.GetItemParent(item) for item in items if item]
    nodes.remove(*gone)
    for item in {*items} & _items(tree):  # the application takes these away itself
        tree.RemoveItem(item, False)
    while empty := {item for item in above if item in _items(tree) and not tree.GetNumberOfItemChildren(item)}:
        above = [tree.GetItemParent(item) for item in empty]
        for item in empty:
            tree.RemoveItem(item)


def _items(tree: Any) -> set[int]:
    """Every item below the scene."""
    found = vtk.vtkIdList()
    tree.GetItemChildren(tree.GetSceneItemID(), found, True)
    return {found.GetId(n) for n in range(found.GetNumberOfIds())}


def _item(node: Any, volume: Any, drawn: Sequence[Shown]) -> int:
    """The segmentation in the subject hierarchy as the plugin wants it: beside its series, with its instances."""
    for item in drawn:
        segment = node.GetSegmentation().GetSegment(f"SemiSeg_{item.value}")
        segment.SetTag("DICOM.SegmentAlgorithmType", "SEMIAUTOMATIC")
        segment.SetTag("DICOM.SegmentAlgorithmName", "SemiSeg")
    tree = slicer.mrmlScene.GetSubjectHierarchyNode()
    beside, made = _in_tree(tree, volume), _in_tree(tree, node)
    tree.SetItemParent(made, tree.GetItemParent(beside))
    tree.SetItemAttribute(made, "DICOM.ReferencedInstanceUIDs", volume.GetAttribute("DICOM.instanceUIDs") or "")
    return int(made)


def _in_tree(tree: Any, node: Any) -> int:
    """The item of a node; the application makes one for every node, without it we do."""
    return int(tree.GetItemByDataNode(node) or tree.CreateItem(tree.GetSceneItemID(), node))


def _export(item: int, folder: Path, finish: Callable[[Path], None]) -> Path:
    plugin = slicer.modules.dicomPlugins[PLUGIN]()
    exportables = plugin.examineForExport(item)
    if not exportables:
        raise ValueError(_(
            "The DICOM plugin finds nothing to export: some original images are missing in Slicer's DICOM database."
        ))
    with TemporaryDirectory(prefix="dicom-seg-", dir=folder, ignore_cleanup_errors=True) as own:
        for exportable in exportables:
            exportable.directory = own
        error = plugin.export(exportables)
        made = sorted(Path(own).glob("*.dcm"))
        if error or not made:
            raise ValueError(_("DICOM SEG was not written: {error}").format(error=error or _("no file was written")))
        finish(made[-1])
        return rename(made[-1], _free(folder / made[-1].name))


def _free(path: Path) -> Path:
    """A place where no file is: the plugin names files by the second, and small cases take less than one."""
    others = (path.with_name(f"{path.stem}-{n}{path.suffix}") for n in itertools.count(2))
    return path if not path.exists() else next(other for other in others if not other.exists())
