"""The study on disk: cases, structures, what people drew, what models propose, exports. No torch."""

from .annotations import AnnotatedSlice, all_slices, drawn_slices
from .case import Case
from .errors import (
    CaseImageError,
    DamagedError,
    DamagedLabelsError,
    DuplicateError,
    FormatError,
    ImageError,
    LabelError,
    LockedError,
    StudyError,
    UnknownSegmentError,
)
from .exports import FORMATS, Choice, ExportedFile, choose, export_case, mend_record
from .formats import (
    HeaderSegment,
    LayeredMask,
    Mask,
    MaskSegment,
    read_image,
    read_layers,
    read_mask,
    write_image,
    write_labelmap,
    write_seg_nrrd,
)
from .history import Version
from .lock import Writer
from .record import Status
from .rows import CaseRow
from .store import Study
from .structures import Structure, Structures

__all__ = [
    "FORMATS", "AnnotatedSlice", "Case", "CaseImageError", "CaseRow", "Choice", "DamagedError",
    "DamagedLabelsError", "DuplicateError", "ExportedFile", "FormatError", "HeaderSegment", "ImageError",
    "LabelError", "LayeredMask", "LockedError", "Mask", "MaskSegment", "Status", "Structure", "Structures", "Study",
    "StudyError", "UnknownSegmentError", "Version", "Writer", "all_slices", "choose", "drawn_slices", "export_case",
    "mend_record", "read_image", "read_layers", "read_mask", "write_image", "write_labelmap", "write_seg_nrrd",
]
