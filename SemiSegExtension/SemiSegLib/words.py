"""Texts for people, in their language inside Slicer, as they stand elsewhere."""

from __future__ import annotations

try:
    from slicer.i18n import tr as _
except ImportError:

    def _(text: str) -> str:
        return text


def in_words(error: Exception) -> str:
    """The error in words, and what to press about it: the study's own words know nothing of the panel."""
    from SemiSegLogic.study import CaseImageError, DamagedError, DamagedLabelsError  # opening the module needs them not

    remedy = ""
    if isinstance(error, CaseImageError):
        remedy = _("If the file was moved, right-click the case in the list and choose where its image is now.")
    elif isinstance(error, DamagedLabelsError):
        remedy = _("Right-click the case in the list and choose 'Earlier versions'.")
    elif isinstance(error, DamagedError):
        remedy = _("Press 'Repair the study' below the list.")
    return f"{error} {remedy}".rstrip()


__all__ = ["_", "in_words"]
