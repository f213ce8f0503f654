"""Memory that a program may still take, as each operating system tells it. No torch."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

MEMINFO = Path("/proc/meminfo")  # Linux
VM_STAT = "/usr/bin/vm_stat"  # macOS
GIVEN_BACK = ("Pages free", "Pages inactive", "Pages speculative", "Pages purgeable")


def available_memory() -> int | None:
    """Bytes; what the system uses for the file cache and gives back at once counts. None where it does not tell."""
    if sys.platform == "win32":
        return _of_windows()
    try:
        return _of_macos() if sys.platform == "darwin" else _of_linux()
    except (OSError, StopIteration, ValueError, subprocess.SubprocessError):
        return None


def _of_linux() -> int:
    lines = MEMINFO.read_text(encoding="utf-8").splitlines()
    return int(next(line for line in lines if line.startswith("MemAvailable")).split()[1]) << 10


def _of_macos() -> int:
    printed = subprocess.run([VM_STAT], capture_output=True, text=True, timeout=10, check=False).stdout
    page = re.search(r"page size of (\d+) bytes", printed)
    counts = {name: int(count) for name, count in re.findall(r"^([^:\n]+):\s+(\d+)\.$", printed, re.MULTILINE)}
    if page is None or GIVEN_BACK[0] not in counts:
        raise ValueError(f"{VM_STAT} says something else")
    return int(page[1]) * sum(counts.get(name, 0) for name in GIVEN_BACK)


def _of_windows() -> int | None:
    if sys.platform != "win32":
        return None
    import ctypes
    from ctypes import wintypes

    class MemoryStatus(ctypes.Structure):
        """MEMORYSTATUSEX of the Windows API."""

        _fields_ = [("length", wintypes.DWORD), ("load", wintypes.DWORD), *((name, ctypes.c_ulonglong) for name in (
            "memory", "available", "page_file", "page_file_available", "address", "address_available", "extended"))]

    status = MemoryStatus()
    status.length = ctypes.sizeof(status)
    if not ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        return None
    return int(min(status.available, status.page_file_available))
