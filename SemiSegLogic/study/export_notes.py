"""What exports left in a folder, and of which image: by that alone the next one knows what it may replace."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..files import FileError, digest_file, read_json, write_json
from .errors import StudyError

NOTES = ".semiseg-exports.json"
"""Beside the exports: file name -> ``image``, the digest of the image it belongs to, and ``sha256``, of the file as it
was and as it is. Earlier versions noted one SHA-256 and nothing else.
"""


@dataclass(frozen=True)
class ExportNote:
    """What is known of the file at ``path``: the SHA-256 that exports ``left`` there, of which ``image`` ("": unknown).
    """

    path: Path
    image: str
    left: tuple[str, ...]

    @classmethod
    def of(cls, path: Path) -> ExportNote:
        """As the notes say; nothing where nobody knows: then nothing is replaced."""
        told = _told_in(path.parent).get(path.name)
        if isinstance(told, str):
            return cls(path, "", (told,))
        if isinstance(told, dict) and isinstance(told.get("sha256"), list):
            return cls(path, str(told.get("image", "")), tuple(map(str, told["sha256"])))
        return cls(path, "", ())

    def require_replaceable(self, image: str) -> None:
        """Raises StudyError where there is a file that no export of this ``image`` left there as it is."""
        if not self.path.exists():
            return
        if digest_file(self.path) not in self.left:
            raise StudyError(f"{self.path} exists already, and is not an unchanged export of SemiSeg: it may be an "
                             "image, or a segmentation that somebody corrected. Nothing was replaced. Choose another "
                             "folder, or move that file away.")
        if self.image not in ("", image):
            raise StudyError(f"{self.path} exists already: it is the export of another image, of a case with the same "
                             "name. Nothing was replaced. Choose another folder, or move that file away.")

    def put(self, image: str, digest: str) -> None:
        """Note that a file of this ``digest`` is about to take its place. What lies there now stays known: the program
        may be killed in between. Raises FileError where the disk refuses.
        """
        before = [digest_file(self.path)] if self.path.exists() else []
        write_json(self.path.parent / NOTES, {**_told_in(self.path.parent),
                                              self.path.name: {"image": image, "sha256": [*before, digest]}})


def _told_in(folder: Path) -> dict[str, Any]:
    with contextlib.suppress(FileError):
        told = read_json(folder / NOTES)
        return told if isinstance(told, dict) else {}
    return {}
