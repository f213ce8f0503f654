"""After an accident: damaged records replaced by their twins, and what killed programs left behind removed."""

from __future__ import annotations

import contextlib
import re
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from ..files import FileError, disk_errors
from .twins import Check, recover_record

LEFT_BEHIND = re.compile(r"\.(new-\w+|[0-9a-f]+\.(tmp\..+|lock\.json))")
"""Temporary names of this package; a program that was killed cannot remove them."""
PLACES = ("", "cases/", "cases/*/", "cases/*/history/", "models/*/", "exports/")
DAY_S = 86400


def repair(study: Path, records: Mapping[Path, Check]) -> list[str]:
    """What was mended, in words. Raises FileError, when all else is mended, where a record and its twin are damaged."""
    mended, lost = [], []
    for path, check in records.items():
        try:
            if recover_record(path, check):
                mended.append(f"{path} was damaged and has been replaced with its copy.")
        except FileError as error:
            lost.append(f"{path} and its copy are both damaged ({error}): restore them from a backup, or move the "
                        "folder that they are in out of the study.")
    if lost:
        raise FileError(" ".join(lost))
    return mended + [f"{path}, left behind by a program that was killed, was removed." for path in _swept(study)]


def tidy(study: Path) -> list[Path]:
    """Remove what killed programs left half written in the study a day ago or longer; returns what. What cannot be
    removed, or is being removed by somebody else, is left.
    """
    gone: list[Path] = []
    with contextlib.suppress(OSError):  # the share is away
        for path in _left_behind(study):
            with contextlib.suppress(OSError):
                _remove(path)
                gone.append(path)
    return gone


def _swept(study: Path) -> list[Path]:
    """Remove old temporary files and folders of the study; returns which."""
    old = _left_behind(study)
    for path in old:
        with disk_errors(path):
            _remove(path)
    return old


def _left_behind(study: Path) -> list[Path]:
    found = []
    for place in PLACES:
        for path in study.glob(f"{place}.*"):
            with contextlib.suppress(OSError):  # its writer is at work
                if LEFT_BEHIND.fullmatch(path.name) and time.time() - path.stat().st_mtime > DAY_S:
                    found.append(path)
    return found


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()
