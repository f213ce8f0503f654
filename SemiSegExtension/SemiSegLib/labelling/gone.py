"""A case that somebody else took out of its study while it was on screen: what was drawn since is kept beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from SemiSegLogic.errors import SemiSegError
from SemiSegLogic.files import disk_errors
from SemiSegLogic.geometry import Grid

from ..words import _
from . import drafts

if TYPE_CHECKING:
    from SemiSegLogic.study import Case


class CaseGoneError(SemiSegError):
    """The case on screen was taken out of its study by somebody else; says where its drawing is now."""

    def __init__(self, case: Case, panel: str) -> None:
        text, kept = _("{case} was removed from the study while it was open here."), kept_beside(case, panel)
        if kept.exists():
            text += " " + _("The drawing was kept in {file}.")
        super().__init__(text.format(case=case.id, file=kept))


def is_gone(case: Case) -> bool:
    """Whether the case alone is no longer there; False while the whole study cannot be reached."""
    return case.folder.parent.is_dir() and not case.folder.is_dir()


def kept_beside(case: Case, panel: str) -> Path:
    """Where a panel keeps the drawing of a case that was removed under its hands: among the study's removed ones."""
    return case.folder.parents[1] / "removed" / f"{case.id}-{drafts.panel_name(panel)}.seg.nrrd"


def keep_beside(case: Case, labels: NDArray[np.uint8], grid: Grid, panel: str) -> None:
    """Keep ``labels`` (k, j, i) as a segmentation that Slicer opens. Raises StudyError, FileError."""
    from SemiSegLogic.study import write_seg_nrrd

    path = kept_beside(case, panel)
    with disk_errors(path):
        path.parent.mkdir(exist_ok=True)
    write_seg_nrrd(path, labels, grid, case.structures)
