"""Freed memory is used again: counted in the pages that a process gets from the system."""

from __future__ import annotations

import subprocess
import sys

import pytest

from SemiSegLogic.engine.hardware import memory

COUNT = """
import ctypes, resource, sys, torch
from SemiSegLogic.engine.hardware.memory import keep_freed_memory
ctypes.CDLL(None).prctl(41, 1, 0, 0, 0)  # pages of one size only (PR_SET_THP_DISABLE): else their number says little
if sys.argv[1] == "keep":
    assert keep_freed_memory()
else:
    ctypes.CDLL(None).mallopt(-3, 128 * 1024)  # the threshold as it is at first: it moves with what was freed by chance
def step():
    maps = [torch.ones(4_000_000 + 1_000_000 * n) for n in range(4)]
    return [one * 2 for one in maps]
for _ in range(3):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _pages(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", COUNT, how], capture_output=True, text=True, timeout=60, check=True)
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc only")
def test_steps_after_the_first_take_hardly_any_pages_from_the_system() -> None:
    assert 10 * _pages("keep") < _pages("leave")


def test_elsewhere_nothing_is_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory.sys, "platform", "win32")
    assert not memory.keep_freed_memory()


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory.sys, "platform", "linux")
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: object())
    assert not memory.keep_freed_memory()


@pytest.mark.skipif(sys.platform != "linux", reason="glibc only")
def test_what_is_kept_can_be_given_back_before_a_rest() -> None:
    code = """
import torch
from SemiSegLogic.engine.hardware.memory import give_back_freed_memory, keep_freed_memory
keep_freed_memory()
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
maps = [torch.ones(25_000_000) for _ in range(2)]
del maps
before = resident()
assert give_back_freed_memory()
print(before - resident())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert int(done.stdout) > 150_000_000
