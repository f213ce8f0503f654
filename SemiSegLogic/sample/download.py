"""The sample data from its official source: once, whole, checked."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from ..patience import patiently, remove
from .folders import SampleError

Progress = Callable[[int, int], None]
"""Called with (bytes so far, bytes in all; 0 when the server does not say)."""

PATIENCE_S = 20.0
CHUNK = 1 << 18


ADDRESS = "https://msd-for-monai.s3-us-west-2.amazonaws.com/Task04_Hippocampus.tar"
MD5 = "9d24dba78a72977dbd1d2e110310f31b"
"""The data set's archive as MONAI publishes it (a test holds both equal); MONAI itself must not be loaded in Slicer."""


def official_source() -> tuple[str, str]:
    """(address, md5) of the data set's archive."""
    return ADDRESS, MD5


def download(address: str, md5: str, target: Path, progress: Progress | None = None) -> Path:
    """Fetches ``address`` into the file ``target``, which exists afterwards only if its md5 is right.

    Raises SampleError on any failure of the network, the disk or the checksum.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=".downloading-")
        try:
            with os.fdopen(handle, "wb") as file:
                found = _copy(address, file.write, progress)
            if found != md5:
                raise SampleError(f"What came from {address} is not the expected file (md5 {found}, not {md5}).")
            patiently(lambda: os.replace(name, target))
        finally:
            remove(Path(name))
    except (URLError, HTTPException, OSError) as error:  # URLError covers a missing network, OSError time-outs and disk
        raise SampleError(f"Cannot download {address}: {error}.") from error
    return target


def _copy(address: str, write: Callable[[bytes], object], progress: Progress | None) -> str:
    """Streams ``address`` into ``write``; its md5 (the publisher's choice, a guard against damage) as hex."""
    total = hashlib.md5(usedforsecurity=False)
    with urlopen(address, timeout=PATIENCE_S) as answer:
        size, done = int(answer.headers.get("Content-Length") or 0), 0
        while chunk := answer.read(CHUNK):
            write(chunk)
            total.update(chunk)
            done += len(chunk)
            if progress:
                progress(done, size)
    return total.hexdigest()
