"""One check of the doctor."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """``good`` or not, what was found, and what to do when it is not good."""

    what: str
    good: bool
    found: str
    remedy: str = ""
