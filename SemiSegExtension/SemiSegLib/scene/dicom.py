"""Slicer's DICOM database: which series it holds, where their files lie. Read only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import slicer

from ..words import _

UID = re.compile(r"[0-9]+(\.[0-9]+)+")
NO_IMAGES = {"SEG", "RTSTRUCT", "RTPLAN", "RTRECORD", "SR", "PR", "KO", "REG", "FID", "DOC", "AU", "ECG"}
"""Modalities. Each segmentation that is exported as DICOM SEG comes into the database as a series, too."""


@dataclass(frozen=True)
class Series:
    """A series of the database: its UID and how a person tells it from others."""

    uid: str
    patient: str
    study: str
    description: str

    @property
    def words(self) -> str:
        """One line of a list."""
        return " · ".join(part for part in (self.patient, self.study, self.description) if part) or self.uid


def database() -> Any | None:
    """The open database of Slicer; None when there is none (it is opened by the DICOM module, or turned off)."""
    found = getattr(slicer, "dicomDatabase", None)
    return found if found is not None and found.isOpen else None


def all_series() -> list[Series]:
    """Every series of the database that may be images, patient by patient; empty without a database."""
    base, found = database(), []
    for patient in base.patients() if base is not None else ():
        name = str(base.nameForPatient(patient)).replace("^", " ").strip()
        for study in base.studiesForPatient(patient):
            words = str(base.descriptionForStudy(study))
            for uid in base.seriesForStudy(study):
                if str(base.fieldForSeries("Modality", uid)) not in NO_IMAGES:
                    found.append(Series(str(uid), name, words, str(base.descriptionForSeries(uid))))
    return found


def series_of(node: Any) -> str:
    """The UID of the series that a node was loaded from; "" when it was not. The module DICOM keeps it in the tree of
    patients, also for a scene that was saved and loaded.
    """
    names, tree = slicer.vtkMRMLSubjectHierarchyConstants, slicer.mrmlScene.GetSubjectHierarchyNode()
    item = tree.GetItemByDataNode(node) if tree is not None and node is not None else 0
    uid = str(tree.GetItemUID(item, names.GetDICOMUIDName()) or "") if item else ""
    return uid if UID.fullmatch(uid) else ""


def words_of(node: Any) -> list[str]:
    """What the tree of patients tells of a node's series beside its name: its number, its study."""
    names, tree = slicer.vtkMRMLSubjectHierarchyConstants, slicer.mrmlScene.GetSubjectHierarchyNode()
    item = tree.GetItemByDataNode(node) if tree is not None else 0
    if not item:
        return []
    number, above = tree.GetItemAttribute(item, names.GetDICOMSeriesNumberAttributeName()), tree.GetItemParent(item)
    study = tree.GetItemName(above) if tree.GetItemLevel(above) == names.GetDICOMLevelStudy() else ""
    return [part for part in (_("series {number}").format(number=number) if number else "", study) if part]


def files_of(uid: str) -> list[Path]:
    """The files of a series; none when the database does not know it, or knows images of it that are on a server only:
    it gives them an empty name.
    """
    base = database()
    names = [str(file) for file in base.filesForSeries(uid)] if base is not None and uid else []
    return [Path(name) for name in names] if all(names) else []
