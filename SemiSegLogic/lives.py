"""When a process began and whether its group lives on, as each operating system tells it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_STILL_ACTIVE = 259
_QUERY_LIMITED_INFORMATION = 0x1000


def birth(pid: int) -> str | None:
    """A word for the moment process ``pid`` began; None when no such process runs (a zombie does not run)."""
    if sys.platform == "win32":
        return _birth_windows(pid)
    if sys.platform == "linux":
        return _birth_linux(pid)
    return birth_by_ps(pid)


def group_lives(leader: int) -> bool:
    """True while a process of the group runs. Zombies do not run: they wait for their parent to ask for them."""
    if sys.platform == "win32":
        return False  # taskkill has waited for the tree
    if sys.platform == "linux":
        groups = (_stat_linux(name)[2:3] for name in os.listdir("/proc") if name.isdigit())
        return [str(leader)] in groups
    found = subprocess.run(["ps", "-A", "-o", "pgid=", "-o", "stat="], capture_output=True, text=True, check=False)
    rows = (line.split() for line in found.stdout.splitlines())
    return any(row[0] == str(leader) and not row[1].startswith("Z") for row in rows if len(row) == 2)


def before_boot(started: str) -> bool:
    """Whether a process that began then is one of before the last boot, where that is told."""
    return sys.platform == "linux" and not started.startswith(f"{_boot()}:")


def _birth_linux(pid: int) -> str | None:
    fields = _stat_linux(str(pid))
    return f"{_boot()}:{fields[19]}" if fields else None


def _stat_linux(pid: str) -> list[str]:
    """State, parent, group, session ... of a process that runs, as the kernel tells them; empty for any other."""
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes().decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return []
    fields = text.rpartition(")")[2].split()  # the name before it may hold blanks and brackets
    return [] if fields[0] in "ZXx" else fields


def _boot() -> str:
    """The id of this run of the kernel: start times count from it. Empty where it is not told."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def birth_by_ps(pid: int) -> str | None:
    """As macOS tells it: the word is good to the second. In UTC, for the computer may travel, or summer end."""
    if not _id_in_use(pid):  # starting ps takes long; most ids of finished jobs are free
        return None
    command = ["ps", "-o", "stat=", "-o", "lstart=", "-p", str(pid)]
    words = {**os.environ, "LC_ALL": "C", "TZ": "UTC0"}
    found = subprocess.run(command, capture_output=True, text=True, env=words, check=False)
    state, _, began = found.stdout.strip().partition(" ")
    return None if not began or state.startswith("Z") else " ".join(began.split())


def _id_in_use(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True  # another user's
    return True


def _birth_windows(pid: int) -> str | None:
    if sys.platform != "win32":
        return None
    import ctypes
    from ctypes import wintypes

    kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    kernel.OpenProcess.restype = wintypes.HANDLE  # a handle has 64 bits; the default would cut it
    kernel.OpenProcess.argtypes = [wintypes.DWORD, wintypes.BOOL, wintypes.DWORD]
    kernel.CloseHandle.argtypes = [wintypes.HANDLE]
    kernel.GetExitCodeProcess.argtypes = [wintypes.HANDLE, ctypes.POINTER(wintypes.DWORD)]
    kernel.GetProcessTimes.argtypes = [wintypes.HANDLE, *[ctypes.POINTER(wintypes.FILETIME)] * 4]
    handle = kernel.OpenProcess(_QUERY_LIMITED_INFORMATION, False, pid)
    if not handle:
        return None
    try:
        code, times = wintypes.DWORD(), [wintypes.FILETIME() for _ in range(4)]
        kernel.GetExitCodeProcess(handle, ctypes.byref(code))
        kernel.GetProcessTimes(handle, *[ctypes.byref(moment) for moment in times])
    finally:
        kernel.CloseHandle(handle)
    began = times[0]
    return f"{began.dwHighDateTime << 32 | began.dwLowDateTime}" if code.value == _STILL_ACTIVE else None
