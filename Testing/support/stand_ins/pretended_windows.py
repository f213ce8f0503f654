"""A disk that refuses, as Windows does, to rename, replace or delete what this process has open or mapped.

With a country's code page, long paths or reserved names it does not pretend. Linux only: /proc tells what is open.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from SemiSegLogic import patience

OPEN, MAPPED = Path("/proc/self/fd"), Path("/proc/self/maps")
needs_proc = pytest.mark.skipif(not MAPPED.exists(), reason="/proc tells what is open")


def pretend(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on until the test ends."""
    monkeypatch.setattr(patience, "REFUSES_WHAT_IS_OPEN", True)
    for name, paths in (("replace", 2), ("rename", 2), ("unlink", 1), ("remove", 1)):
        monkeypatch.setattr(os, name, _refusing(getattr(os, name), paths))


def _refusing(act: Callable[..., Any], paths: int) -> Callable[..., Any]:
    def refuse(*words: Any, **options: Any) -> Any:
        held = _held()
        for word in words[:paths]:
            path = _whole(word, options)
            if any(one == path or one.startswith(path + os.sep) for one in held):
                raise PermissionError(errno.EACCES, "The process cannot access the file: it is in use", path)
        return act(*words, **options)

    return refuse


def _whole(path: Any, options: dict[str, Any]) -> str:
    """The absolute path of a file that may be named within an open folder."""
    folder = options.get("dir_fd")
    return os.path.abspath(path) if folder is None else os.path.join(os.readlink(OPEN / str(folder)), os.fspath(path))


def _held() -> set[str]:
    """Files that are open or mapped; folders do not count, for Windows opens none to delete what is in them."""
    found = set()
    for handle in os.listdir(OPEN):
        try:
            found.add(os.readlink(OPEN / handle))
        except OSError:  # the one that listed them
            continue
    mapped = (line.split(maxsplit=5) for line in MAPPED.read_text(encoding="utf-8").splitlines())
    found |= {words[5].strip() for words in mapped if len(words) == 6}
    return {path for path in found if os.path.isfile(path)}
