"""Windows refuses to replace, rename or delete what another program has open just now: a reader, a virus scanner, the
search index. It passes within moments, so what was refused is tried again for a while. Standard library only.
"""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Made = TypeVar("Made")

PATIENCE_S = 5.0
AGAIN_AFTER_S = 0.02
REFUSES_WHAT_IS_OPEN = os.name == "nt"


def patiently(act: Callable[[], Made], patience_s: float | None = None) -> Made:
    """What ``act`` gives. Where the system refuses what is open elsewhere, ``act`` is tried for ``patience_s`` seconds
    (None: PATIENCE_S); raises the last OSError.
    """
    patience = PATIENCE_S if patience_s is None else patience_s
    deadline = time.monotonic() + (patience if REFUSES_WHAT_IS_OPEN else 0.0)
    while True:
        try:
            return act()
        except OSError as error:
            if not _may_pass(error) or time.monotonic() >= deadline:
                raise
        time.sleep(AGAIN_AFTER_S)


def rename(source: Path, target: Path) -> Path:
    """Give a file or folder another name, which nothing has yet; returns it. Raises OSError."""
    patiently(lambda: os.rename(source, target))
    return target


def remove(path: Path) -> None:
    """Delete a file, if it is there. Raises OSError."""
    patiently(lambda: path.unlink(missing_ok=True))


def remove_folder(path: Path) -> None:
    """Delete a folder with all that is in it. Raises OSError."""
    patiently(lambda: shutil.rmtree(path))


def _may_pass(error: OSError) -> bool:
    """A folder stays "not empty" as long as a file that was deleted in it is open elsewhere."""
    return isinstance(error, PermissionError) or error.errno == errno.ENOTEMPTY
