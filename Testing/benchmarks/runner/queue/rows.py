"""Results as JSON lines: appended whole or not at all, by several processes at once, and read whatever happened."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from SemiSegLogic.job.locks import FileLock

from ..definitions.checked import BenchmarkError
from ..definitions.protocol import Protocol
from ..definitions.runs import Row

PATIENCE_S = 60.0


class Rows:
    """The lines of one file."""

    def __init__(self, path: Path):
        self.path = path

    def read(self) -> list[Row]:
        """Every whole line. A last line without its end was being written when a process died: it is no row. Raises
        BenchmarkError naming a damaged line elsewhere.
        """
        if not self.path.exists():
            return []
        *lines, _ = self.path.read_bytes().split(b"\n")
        return [self._parsed(number, line) for number, line in enumerate(lines, 1) if line.strip()]

    def append(self, *rows: Row) -> None:
        """Add lines, together, and bring them to the disk; what a dead process left of a line is cut off first."""
        lines = (json.dumps(row, ensure_ascii=False, allow_nan=False, separators=(",", ":")) for row in rows)
        text = "".join(f"{line}\n" for line in lines)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._alone(), self.path.open("a+b") as file:
            file.truncate(_whole(file.seek(0, os.SEEK_END), self.path))
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())

    def _parsed(self, number: int, line: bytes) -> Row:
        try:
            row = json.loads(line)
        except ValueError as error:
            raise BenchmarkError(f"{self.path}, line {number} is damaged ({error}). Delete that line; its run is then "
                                 "done again.") from error
        if not isinstance(row, dict):
            raise BenchmarkError(f"{self.path}, line {number} is no JSON object. Delete that line.")
        return row

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with waited_for(FileLock(self.path.with_name(f".{self.path.name}.lock")), self.path):
            yield


def rows_of(results: Path, about: Protocol) -> Rows:
    """The file with the rows of a protocol."""
    return Rows(results / f"{about.name}.jsonl")


@contextmanager
def waited_for(lock: FileLock, what: Path) -> Iterator[None]:
    """Hold ``lock``. Raises BenchmarkError when another process keeps it too long."""
    deadline = time.monotonic() + PATIENCE_S
    while not lock.try_acquire():
        if time.monotonic() > deadline:
            raise BenchmarkError(f"{what} is being written by another process for over {PATIENCE_S:.0f} s. Look for a "
                                 "benchmark that hangs, end it and try again.")
        time.sleep(0.05)
    with lock:
        yield


def _whole(size: int, path: Path) -> int:
    """The size up to the end of the last whole line."""
    content = path.read_bytes() if size else b""
    return content.rfind(b"\n") + 1
