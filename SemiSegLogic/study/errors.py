"""What can be wrong with a study. Every message names the file, the value and the remedy."""

from __future__ import annotations

from pathlib import Path

from ..errors import SemiSegError


class StudyError(SemiSegError):
    """Base of all errors of the study; its subclasses say what kind of thing is wrong."""


class ImageError(StudyError):
    """An image is missing, damaged, changed, or of a kind that cannot be segmented."""


class CaseImageError(ImageError):
    """The image of a case is missing or another one; where it lies now can be said."""


class LabelError(StudyError):
    """Labels are damaged, do not fit their image, or hold values that mean nothing here."""


class DamagedLabelsError(LabelError):
    """What people drew on a case cannot be read: restoring a version mends it."""


class UnknownSegmentError(LabelError):
    """A mask holds a ``segment`` (its name, or its value where it has none) that is no structure."""

    def __init__(self, message: str, segment: str) -> None:
        super().__init__(message)
        self.segment = segment


class FormatError(StudyError):
    """A folder is no study, its records are damaged, or a newer version wrote them."""


class DamagedError(FormatError):
    """A record of a study is damaged, and its copy is whole: repairing the study mends it."""


class LockedError(StudyError):
    """Somebody else is writing."""


class DuplicateError(StudyError):
    """The same image is already in the study."""


def unreadable(path: Path, error: OSError) -> ImageError:
    """What to say when the operating system does not let an image or mask be read."""
    return ImageError(f"{path} cannot be read: {error.strerror or error}. Check the path, and that you may read it.")
