"""A file on its way from a server. What has come of it when the line breaks is kept, and only the rest asked for the
next time; a server whose file is another by then sends all of that.
"""

from __future__ import annotations

import glob
import re
from pathlib import Path
from typing import IO

from ...files import disk_errors, flush_to_disk, move_file
from ...job.travel import TAG_DIGITS, tag_of
from ...patience import remove
from ..description import PlaceError, Unreachable

_TAG = re.compile(rf'(?:W/)?"([0-9a-f]{{{TAG_DIGITS}}})"', re.ASCII)


class Part:
    """What has come of the file ``target``: ``.NAME.TAG.part`` beside it, where the tag is the server's word for its
    content (see job/travel.py).
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        self._path = next(iter(sorted(parts_of(target))), None)

    @property
    def wish(self) -> dict[str, str]:
        """The headers that ask for the rest. The last byte comes once more, so there always is a rest."""
        if self._path is None or self._there() < 2:
            return {}
        return {"Range": f"bytes={self._there() - 1}-", "If-Range": f'"{self._tag(self._path)}"'}

    def begin(self, rest: bool, told: str) -> tuple[IO[bytes], int]:
        """Where to write what comes, and how much is there before it: the ``rest``, or all of a file that the header
        ETag ``told`` of. Raises PlaceError when it tells no tag, OSError where the disk refuses.
        """
        tag = _TAG.fullmatch(told)
        if tag is None:
            raise PlaceError(f"The server does not say what {self._target.name} contains.",
                             "Update SemiSeg on both computers.")
        if rest and self._path is not None and self._tag(self._path) == tag[1]:
            there = self._there() - 1
            stream = self._path.open("r+b")
            stream.seek(there)
            return stream, there
        for older in parts_of(self._target):
            remove(older)
        self._path = self._target.with_name(f".{self._target.name}.{tag[1]}.part")
        return self._path.open("wb"), 0

    def put_in_place(self) -> None:
        """Now that all has come. Raises Unreachable when it is not what the server has; FileError."""
        assert self._path is not None
        with disk_errors(self._path):
            with self._path.open("rb") as stream:
                right = tag_of(stream, self._there()) == self._tag(self._path)
            if not right:
                remove(self._path)
                raise Unreachable(f"{self._target.name} was damaged on its way here.", "SemiSeg downloads it again.")
            flush_to_disk(self._path)
        move_file(self._path, self._target)

    def _there(self) -> int:
        return self._path.stat().st_size if self._path is not None else 0

    def _tag(self, path: Path) -> str:
        return path.suffixes[-2][1:]


def parts_of(target: Path) -> list[Path]:
    """What has come of earlier."""
    return list(target.parent.glob(f".{glob.escape(target.name)}.{'[0-9a-f]' * TAG_DIGITS}.part"))
