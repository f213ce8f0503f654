"""How much memory is free, as each system tells it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from SemiSegLogic import free_memory
from SemiSegLogic.free_memory import available_memory

ROOT = Path(__file__).resolve().parents[2]
OF_A_MAC = """Mach Virtual Memory Statistics: (page size of 16384 bytes)
Pages free:                              100000.
Pages active:                            400000.
Pages inactive:                          300000.
Pages speculative:                        20000.
Pages throttled:                              0.
Pages wired down:                        120000.
Pages purgeable:                           1000.
"Translation faults":                 123456789.
"""


def test_on_linux_the_file_cache_counts_as_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "meminfo"
    file.write_text("MemTotal:  16000000 kB\nMemFree:  200000 kB\nMemAvailable:  9000000 kB\n")
    monkeypatch.setattr(free_memory.sys, "platform", "linux")
    monkeypatch.setattr(free_memory, "MEMINFO", file)
    monkeypatch.setattr(free_memory, "MY_GROUPS", tmp_path / "none")
    assert available_memory() == 9_000_000 * 1024
    monkeypatch.setattr(free_memory, "MEMINFO", tmp_path / "none")
    assert available_memory() is None


GROUPS = {
    "version 2": ("0::/job/step\n", "", "memory.max", "memory.current", "inactive_file"),
    "a container that sees its own group as the top": ("0::/\n", "", "memory.max", "memory.current", "inactive_file"),
    "version 1": ("5:cpu:/elsewhere\n4:hugetlb,memory:/job/step\n0::/\n", "memory", "memory.limit_in_bytes",
                  "memory.usage_in_bytes", "total_inactive_file"),
}


@pytest.mark.parametrize("limits", [("8000000000", "max"), ("max", "8000000000"), ("8000000000", "9000000000")])
@pytest.mark.parametrize("kind", GROUPS)
def test_a_container_or_a_job_of_a_cluster_has_no_more_than_it_was_allotted(
    kind: str, limits: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With 256 GB in the computer and a limit of 8, a quarter of the 256 would have been taken for images alone."""
    said, top, limit, taken, cache = GROUPS[kind]
    inner = tmp_path / top / ("" if said == "0::/\n" else "job/step")
    inner.mkdir(parents=True, exist_ok=True)
    for folder, most in ((inner, limits[0]), (inner.parent, limits[1])):
        (folder / limit).write_text(f"{most}\n")
        (folder / taken).write_text("3000000000\n")
        (folder / "memory.stat").write_text(f"active_file 7\n{cache} 500000000\n")
    (tmp_path / "meminfo").write_text("MemAvailable:  256000000 kB\n")
    (tmp_path / "mine").write_text(said)
    for name, path in (("MEMINFO", "meminfo"), ("MY_GROUPS", "mine"), ("GROUPS", "")):
        monkeypatch.setattr(free_memory, name, tmp_path / path)
    monkeypatch.setattr(free_memory.sys, "platform", "linux")
    alone = said == "0::/\n" and limits[0] == "max"  # what is above is not seen in there
    assert available_memory() == (256_000_000 * 1024 if alone else 5_500_000_000)


@pytest.mark.skipif(sys.platform != "linux", reason="limits of Linux")
@pytest.mark.parametrize("limit", ["RLIMIT_AS", "RLIMIT_DATA"])
def test_a_process_that_was_limited_has_no_more_than_that(limit: str) -> None:
    program = (f"import resource; resource.setrlimit(resource.{limit}, (1 << 30, 1 << 30));"
               "from SemiSegLogic.free_memory import available_memory; print(available_memory())")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert 1 << 29 < int(done.stdout) < 1 << 30


def test_on_a_mac_what_is_given_back_at_once_counts_as_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(free_memory.sys, "platform", "darwin")
    monkeypatch.setattr(free_memory.subprocess, "run", lambda *_, **__: SimpleNamespace(stdout=OF_A_MAC))
    assert available_memory() == 421_000 * 16384


@pytest.mark.parametrize("said", ["", "Pages free: 3.", "page size of 16384 bytes"])
def test_a_mac_that_says_something_else_does_not_tell(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(free_memory.sys, "platform", "darwin")
    monkeypatch.setattr(free_memory.subprocess, "run", lambda *_, **__: SimpleNamespace(stdout=said))
    assert available_memory() is None


def test_a_mac_without_its_tool_does_not_tell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(free_memory.sys, "platform", "darwin")
    monkeypatch.setattr(free_memory, "VM_STAT", str(tmp_path / "none"))
    assert available_memory() is None


def test_this_computer_tells_without_torch() -> None:
    program = ("import sys; from SemiSegLogic.free_memory import available_memory;"
               "print(available_memory() or 0, 'torch' in sys.modules)")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True,
                          cwd=ROOT)
    free, torch = done.stdout.split()
    assert torch == "False"
    assert sys.platform not in ("linux", "win32", "darwin") or (64 << 20) < int(free) < (1 << 50)
