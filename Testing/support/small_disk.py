"""A disk of a test's own in memory, where this computer lets us mount one. What a test that was killed left mounted is
taken away by the next one.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from pathlib import Path

from SemiSegLogic.lives import birth

NAME = "semiseg-test"
MOUNTS = Path("/proc/self/mounts")
_ESCAPED = re.compile(r"\\(\d{3})")
"""How a blank in a name is told there."""


def mount(folder: Path, size: str) -> bool:
    """Whether a disk of that ``size`` is at ``folder`` now. It has a name of this process, for :func:`sweep`."""
    sweep()
    return _said_yes("mount", "-t", "tmpfs", "-o", f"size={size}", _name(os.getpid()), str(folder))


def remount(folder: Path, how: str) -> bool:
    """Whether it is mounted as ``how`` says now."""
    return _said_yes("mount", "-o", f"remount,{how}", str(folder))


def unmount(folder: Path) -> None:
    """Take it away, also while a file on it is open."""
    subprocess.run(["umount", "--lazy", str(folder)], check=True, capture_output=True)


def sweep() -> None:
    """Take away the disks of processes that run no more."""
    for line in MOUNTS.read_text(errors="surrogateescape").splitlines() if MOUNTS.exists() else ():
        name, folder, kind = line.split()[:3]
        whose = re.fullmatch(rf"{NAME}-(\d+)-\d*", name) if kind == "tmpfs" else None
        if whose is not None and name != _name(int(whose[1])):
            _said_yes("umount", "--lazy", _ESCAPED.sub(lambda found: chr(int(found[1], 8)), folder))


def _name(pid: int) -> str:
    """Of a disk of that process: its number, which is given out again, and when it began."""
    return f"{NAME}-{pid}-{(birth(pid) or '').rpartition(':')[2]}"


def _said_yes(*command: str) -> bool:
    with contextlib.suppress(OSError):
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    return False
