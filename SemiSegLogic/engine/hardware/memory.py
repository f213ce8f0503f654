"""Memory that is freed in one step is there for the next: no step asks the operating system for any.

A training step takes and gives back the same gigabytes again and again. The C library of Linux hands large blocks back
to the system at once, and gets them anew one page at a time, each filled with zeros: a fifth of a V-Net's step.
"""

from __future__ import annotations

import ctypes
import sys

TRIM_THRESHOLD, MMAP_MAX = -1, -4  # numbers of glibc's malloc.h


def keep_freed_memory() -> bool:
    """From now on this process keeps what it frees, to the height of what it needed at once. Linux with glibc only;
    says whether that holds. It cannot be taken back: for processes that train and end.
    """
    if sys.platform != "linux":
        return False
    try:
        tell = ctypes.CDLL(None).mallopt
    except AttributeError:  # another C library
        return False
    return bool(tell(MMAP_MAX, 0)) and bool(tell(TRIM_THRESHOLD, -1))


def give_back_freed_memory() -> bool:
    """Hand what is kept back to the system once, before a long rest; says whether there was any."""
    try:
        return sys.platform == "linux" and bool(ctypes.CDLL(None).malloc_trim(0))
    except AttributeError:
        return False
