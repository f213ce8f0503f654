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

from .places import TASK, SampleError

Progress = Callable[[int, int], None]
"""Called with (bytes so far, bytes in all; 0 when the server does not say)."""

PATIENCE_S = 20.0
CHUNK = 1 << 18


def official_source() -> tuple[str, str]:
    """(address, md5) of the data set's archive, as MONAI publishes them. Importing MONAI takes some seconds.

    Raises SampleError when MONAI is not installed or no longer knows the data set.
    """
    try:
        from monai.apps import DecathlonDataset

        return DecathlonDataset.resource[TASK], DecathlonDataset.md5[TASK]
    except (ImportError, AttributeError, KeyError) as error:
        raise SampleError(f"MONAI, which knows where {TASK} lies, does not say it here ({error}).") from error


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
            os.replace(name, target)
        finally:
            Path(name).unlink(missing_ok=True)
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
