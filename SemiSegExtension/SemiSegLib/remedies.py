"""What to press about an error of the study, whose own words know nothing of the panel."""

from __future__ import annotations

from .words import _


def in_words(error: Exception) -> str:
    """The error in words, and what to press about it."""
    # imported with the first error: opening the module needs none of it
    from SemiSegLogic.study import CaseImageError, DamagedError, DamagedLabelsError

    remedy = ""
    if isinstance(error, CaseImageError):
        remedy = _("If the file was moved, right-click the case in the list and choose where its image is now.")
    elif isinstance(error, DamagedLabelsError):
        remedy = _("Right-click the case in the list and choose 'Earlier versions'.")
    elif isinstance(error, DamagedError):
        remedy = _("Press 'Repair the study' below the list.")
    return f"{error} {remedy}".rstrip()
