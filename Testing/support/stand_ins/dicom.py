"""A DICOM database, DICOMLib and the segmentation plugin as Slicer has them, over files that pydicom writes."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, SegmentationStorage, generate_uid

from SemiSegLogic.geometry import Grid

SECOND = "2026-11-21_120000"
"""All exports of a test begin in it."""


def dataset(kind: str) -> Dataset:
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = kind
    made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    return made


def write_series(folder: Path, array: Any, grid: Grid, series: str) -> list[Path]:
    """One CT slice a file, named so that their order says nothing."""
    folder.mkdir(exist_ok=True)
    columns, files = np.array(grid.direction).reshape(3, 3), []
    for k, pixels in enumerate(array):
        item = dataset(CTImageStorage)
        item.SeriesInstanceUID, item.StudyInstanceUID, item.FrameOfReferenceUID = series, "1.2.3", f"{series}.99"
        item.PatientName, item.PatientID, item.Modality, item.InstanceNumber = "Doe^Jane", "4711", "CT", k + 1
        item.ImagePositionPatient = [f"{value:.8g}" for value in grid.to_patient(np.array([[k, 0, 0]]))[0]]
        item.ImageOrientationPatient = [f"{value:.8g}" for value in columns[:, :2].T.ravel()]
        item.PixelSpacing, item.SliceThickness = [grid.spacing[1], grid.spacing[2]], grid.spacing[0]
        item.Rows, item.Columns = pixels.shape
        item.SamplesPerPixel, item.PhotometricInterpretation = 1, "MONOCHROME2"
        item.BitsAllocated, item.BitsStored, item.HighBit, item.PixelRepresentation = 16, 16, 15, 1
        item.PixelData = pixels.astype("<i2").tobytes()
        files.append(folder / f"{item.SOPInstanceUID[-8:]}.dcm")
        item.save_as(files[-1], enforce_file_format=True)
    return files


class Database:
    """``slicer.dicomDatabase`` as ctkDICOMDatabase is seen through PythonQt: ``isOpen`` is a property."""

    def __init__(self, series: dict[str, list[Path]]) -> None:
        self.isOpen, self._series = True, series
        self._instances = {str(dcmread(f).SOPInstanceUID): f for files in series.values() for f in files}
        self._modalities = {uid: str(dcmread(files[0]).Modality) for uid, files in series.items()}

    def patients(self) -> tuple[str, ...]:
        return ("1",)

    def nameForPatient(self, patient: str) -> str:
        return "Doe^Jane"

    def studiesForPatient(self, patient: str) -> tuple[str, ...]:
        return ("1.2.3",)

    def descriptionForStudy(self, study: str) -> str:
        return "Abdomen"

    def seriesForStudy(self, study: str) -> tuple[str, ...]:
        return tuple(self._series)

    def descriptionForSeries(self, uid: str) -> str:
        return f"series {uid}"

    def filesForSeries(self, uid: str) -> tuple[str, ...]:
        return tuple(str(file) for file in self._series.get(uid, ()))

    def fileForInstance(self, uid: str) -> str:
        return str(self._instances.get(uid, ""))

    def fileValue(self, file: str, tag: str) -> str:
        group, element = (int(part, 16) for part in tag.split(","))
        found = dcmread(file, stop_before_pixels=True).get((group, element))
        return "" if found is None else str(found.value)

    def fieldForSeries(self, field: str, uid: str) -> str:
        return self._modalities[uid] if field == "Modality" else ""

    def insert(self, file: str) -> None:
        """It keeps a copy of its own."""
        data = dcmread(file)
        kept = next(iter(self._instances.values())).with_name(f"{data.SOPInstanceUID}.dcm")
        shutil.copyfile(file, kept)
        self._instances[str(data.SOPInstanceUID)] = kept
        self._series[str(data.SeriesInstanceUID)] = [kept]
        self._modalities[str(data.SeriesInstanceUID)] = str(data.Modality)

    @property
    def instances(self) -> list[str]:
        return list(self._instances)


def load_series(uids: list[str]) -> list[str]:
    """``DICOMUtils.loadSeriesByUID``: a volume node that knows its instances, under its patient and study, on screen
    in place of what was there.
    """
    import slicer

    from SemiSegLib.scene.volumes import volume_from
    from SemiSegLogic.study.formats.volumes import read_series

    array, grid = read_series([Path(file) for file in slicer.dicomDatabase.filesForSeries(uids[0])])
    node = volume_from(array, grid, "as loaded", (0.0, 1.0))
    node.SetAttribute("DICOM.instanceUIDs", " ".join(slicer.dicomDatabase.instances))
    tree = slicer.mrmlScene.GetSubjectHierarchyNode()
    study = tree.CreateStudyItem(tree.CreateSubjectItem(tree.GetSceneItemID(), "Doe^Jane"), "Abdomen")
    item = tree.CreateItem(study, node)
    tree.SetItemUID(item, "DICOM", uids[0])
    tree.SetItemAttribute(item, "DICOM.SeriesNumber", uids[0].rsplit(".", 1)[-1])
    logic = slicer.app.applicationLogic()
    logic.GetSelectionNode().SetActiveVolumeID(node.GetID())
    logic.PropagateVolumeSelection()
    return [node.GetID()]


class SegmentationPlugin:
    """What the plugin of Slicer 5.12 looks at, and a real DICOM SEG from it, named by the second that it was begun in;
    a file of that name is replaced. The program that writes it refuses all but plain letters in names of segments, and
    writes those of the series as bytes that nobody can read. ``wrong`` spoils a voxel.
    """

    wrong = False

    def examineForExport(self, item: int) -> list[Any]:
        import slicer

        tree = slicer.mrmlScene.GetSubjectHierarchyNode()
        uids = tree.GetItemAttribute(item, "DICOM.ReferencedInstanceUIDs").split()
        known = uids and all(slicer.dicomDatabase.fileForInstance(uid) for uid in uids)
        return [SimpleNamespace(subjectHierarchyItemID=item, directory="")] if known else []

    def export(self, exportables: list[Any]) -> str:
        import slicer

        from SemiSegLib.scene.segments import shown

        tree = slicer.mrmlScene.GetSubjectHierarchyNode()
        node = tree.GetItemDataNode(exportables[0].subjectHierarchyItemID)
        volume = node.GetNodeReference(node.GetReferenceImageGeometryReferenceRole())
        if volume is None or tree.GetItemParent(tree.GetItemByDataNode(volume)) != tree.GetItemParent(
            exportables[0].subjectHierarchyItemID
        ):
            return "Referenced volume is not found for the segmentation."
        if strange := [item.name for item in shown(node) if not item.name.isascii()]:
            return f"itkimage2segimage failed: Condition failed: Invalid character: {strange}"
        path = Path(exportables[0].directory) / f"subject_hierarchy_export.SEG{SECOND}.dcm"
        self._write(node, volume, path)
        slicer.dicomDatabase.insert(str(path))
        return ""

    def _write(self, node: Any, volume: Any, path: Path) -> None:
        from SemiSegLib.scene.geometry import grid_of
        from SemiSegLib.scene.segments import read, shown

        grid = grid_of(volume)
        label, _ = read(node, grid)
        _leave_traces()
        if self.wrong:
            label[tuple(np.argwhere(label)[0])] = 0
        write_seg(path, label, grid, [(item.value, item.name) for item in shown(node)], str(node.GetName()))


def _leave_traces() -> None:
    """As the plugin saves each segment on its way: through a node of its own, which it takes away again. What Slicer
    gave that node to be saved by stays; that of Slicer 5.10 also leaves the node with which it called its program.
    """
    import slicer

    slicer.mrmlScene.AddNode(slicer.vtkMRMLCommandLineModuleNode())

    own = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "segment on its way")
    own.CreateDefaultDisplayNodes()
    own.AddDefaultStorageNode()
    slicer.mrmlScene.RemoveNode(own)


def write_seg(path: Path, label: Any, grid: Grid, segments: list[tuple[int, str]], series: str = "") -> None:
    """A binary DICOM SEG: one frame for each slice of each segment that shows something."""
    made = dataset(SegmentationStorage)
    made.Modality, made.PatientName, made.PatientID = "SEG", "Doe^Jürgen", "4711"
    made.SeriesInstanceUID, made.StudyInstanceUID = generate_uid(), "1.2.3"
    made.SpecificCharacterSet, made.SeriesDescription = "ISO_IR 100", series.encode().decode("latin-1")
    made.SegmentSequence, made.PerFrameFunctionalGroupsSequence, bits = [], [], []
    for number, (value, name) in enumerate(segments, 1):
        segment = Dataset()
        segment.SegmentNumber, segment.SegmentLabel = number, name
        made.SegmentSequence.append(segment)
        for k in np.flatnonzero((label == value).any(axis=(1, 2))):
            group, plane, which = Dataset(), Dataset(), Dataset()
            plane.ImagePositionPatient = [f"{v:.8g}" for v in grid.to_patient(np.array([[k, 0, 0]]))[0]]
            which.ReferencedSegmentNumber = number
            group.PlanePositionSequence, group.SegmentIdentificationSequence = [plane], [which]
            made.PerFrameFunctionalGroupsSequence.append(group)
            bits.append(label[k] == value)
    shared, turned = Dataset(), Dataset()
    turned.ImageOrientationPatient = [f"{v:.8g}" for v in np.array(grid.direction).reshape(3, 3)[:, :2].T.ravel()]
    shared.PlaneOrientationSequence = [turned]
    made.SharedFunctionalGroupsSequence = [shared]
    made.NumberOfFrames, made.Rows, made.Columns = len(bits), *label.shape[1:]
    made.SamplesPerPixel, made.PhotometricInterpretation, made.PixelRepresentation = 1, "MONOCHROME2", 0
    made.BitsAllocated, made.BitsStored, made.HighBit = 1, 1, 0
    packed = np.packbits(np.array(bits).ravel(), bitorder="little").tobytes()
    made.PixelData = packed + b"\0" * (len(packed) % 2)
    made.save_as(path, enforce_file_format=True)
