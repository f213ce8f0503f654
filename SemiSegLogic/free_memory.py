"""Memory that a program may still take, as each operating system tells it. No torch."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

MEMINFO, MY_SIZE = Path("/proc/meminfo"), Path("/proc/self/status")  # Linux
MY_GROUPS, GROUPS = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")
GROUP_FILES = {1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
               2: ("memory.max", "memory.current", "inactive_file")}
"""By version of Linux's control groups: the limit, what is taken, and how much of that is a file cache."""
VM_STAT = "/usr/bin/vm_stat"  # macOS
GIVEN_BACK = ("Pages free", "Pages inactive", "Pages speculative", "Pages purgeable")


def available_memory() -> int | None:
    """Bytes, of what this program was allotted where there is a limit; what the system uses for the file cache and
    gives back at once counts. None where it does not tell.
    """
    if sys.platform == "win32":
        return _of_windows()
    try:
        return _of_macos() if sys.platform == "darwin" else _of_linux()
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def _of_linux() -> int:
    return min([_bytes(MEMINFO, "MemAvailable"), *_of_groups(), *_of_process()])


def _bytes(file: Path, name: str) -> int:
    """Of the line ``name`` of a ``file`` that counts in kB."""
    found = re.search(rf"^{name}:\s+(\d+) kB$", file.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise ValueError(f"{file} says nothing of {name}")
    return int(found[1]) << 10


def _of_process() -> Iterator[int]:
    """What is left where processes were limited (``ulimit``), as some clusters do: then an allocation fails."""
    if sys.platform == "linux":
        import resource

        for limit, taken in ((resource.RLIMIT_AS, "VmSize"), (resource.RLIMIT_DATA, "VmData")):
            most, _ = resource.getrlimit(limit)
            if most != resource.RLIM_INFINITY:
                yield max(most - _bytes(MY_SIZE, taken), 0)


def _of_groups() -> Iterator[int]:
    """What a container, or a job of a cluster, may still take of what it was allotted: what takes more is killed."""
    for line in MY_GROUPS.read_text(encoding="utf-8").splitlines() if MY_GROUPS.exists() else []:
        _, controllers, path = line.split(":", 2)
        version = 1 if "memory" in controllers.split(",") else 2
        if version == 1 or not controllers:
            top = GROUPS / "memory" if version == 1 else GROUPS
            inner = top / path.lstrip("/")  # a container may see its own group as the top, whatever its path says
            for folder in {top, inner, *(parent for parent in inner.parents if parent.is_relative_to(top))}:
                yield from _of_group(folder, *GROUP_FILES[version])


def _of_group(folder: Path, limit: str, taken: str, cache: str) -> Iterator[int]:
    """What is left in one group; nothing where it has no limit, or is none."""
    try:
        most, held = int((folder / limit).read_text()), int((folder / taken).read_text())
        counts = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        yield max(most - held + int(counts[cache]), 0)
    except (OSError, ValueError, KeyError):
        return


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
