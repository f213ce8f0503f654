"""``semiseg doctor``: what is wrong with this computer, in words, with the remedy."""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..backends.description import describes
from ..environment import missing
from ..environment.builds import find_cards, fitting
from ..environment.interpreter import called
from ..environment.requirements import OLDEST_PYTHON, pythons_in_words
from ..errors import SemiSegError
from ..files import write_json
from ..free_memory import available_memory
from ..naming import counted
from ..patience import remove
from ..rounds import jobs_folder
from .cluster_checks import cluster_checks
from .finding import Finding
from .output import Output, add_json
from .server_checks import server_checks

PATIENCE_S = 180
ENOUGH_DISK_GB, ENOUGH_MEMORY_GB = 2, 3
JOBS_REMEDY = "Set SEMISEG_JOBS to a folder that you may write to."
PROBE = """import torch
gpu = torch.cuda.is_available()
torch.ones(1, device="cuda" if gpu else "cpu").sum().item()  # a card may be too old or too new for this PyTorch
print(torch.__version__, gpu, torch.get_num_threads())
"""


def add(commands: Any) -> None:
    """The grammar."""
    doctor = commands.add_parser("doctor", help="check this computer: what is wrong, and what to do about it")
    doctor.add_argument("--server", "--cluster", type=Path, metavar="FILE", dest="far", help=(
        "also check the server or the Ray cluster that FILE describes"))
    add_json(doctor)
    doctor.set_defaults(do=_doctor)


def _doctor(options: argparse.Namespace) -> int:
    out = Output(options.json)
    bad = looked = 0
    for finding in _findings(options.far, out):
        looked += 1
        bad += not finding.good
        mark = "ok   " if finding.good else "wrong"
        remedy = "" if finding.good else f"\n        What to do: {finding.remedy}"
        out.event("finding", f"{mark} {finding.what}: {finding.found}{remedy}", **vars(finding))
    out.event("verdict", "Everything is fine." if not bad else f"Checks that failed: {bad} of {looked}.", failed=bad)
    return min(bad, 1)


def _findings(far: Path | None, out: Output) -> Iterator[Finding]:
    for check in (python, packages, torch_works, gpu_driver, memory, disk, jobs_can_be_written, processes_start):
        with out.working("Looking"):
            finding = check()
        yield finding
    if far is not None:
        with out.working("Checking there, which may take a minute"):
            yield from server_checks(far) if describes(far, "server") else cluster_checks(far)


def python() -> Finding:
    """The interpreter."""
    good = sys.version_info[:2] >= OLDEST_PYTHON
    return Finding("Python", good, sys.version.split()[0], f"Install Python {pythons_in_words()} from python.org.")


def packages() -> Finding:
    """What the backend needs."""
    lacking = missing()
    found = ", ".join(f"{name} {_version(name)}" for name in ("torch", "monai", "numpy", "SimpleITK"))
    remedy = f"Run '{called()} -m SemiSegLogic demo' once: it sets up what is missing."
    return Finding("Packages", not lacking, f"missing: {', '.join(lacking)}" if lacking else found, remedy)


def torch_works() -> Finding:
    """Whether PyTorch can be loaded at all, in a process of its own: a broken one may crash."""
    try:
        answer = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, errors="replace",
                                timeout=PATIENCE_S, check=False)
    except subprocess.TimeoutExpired:
        return Finding("PyTorch", False, f"is not loaded after {PATIENCE_S} seconds",
                       "Protection software may be looking at each of its files: wait some minutes, then try again, "
                       f"and let it allow {sys.prefix}.")
    if answer.returncode:
        return Finding("PyTorch", False, _error_in(answer.stderr),
                       "Delete the folder of the computing environment; the demo makes a new one.")
    version, gpu, threads = answer.stdout.split()
    if gpu == "False" and (build := _build_for_the_card()):
        remedy = (f"Delete the environment's folder; the demo makes a new one, with the build {build}. Until then the "
                  "processor is used.")
        return Finding("PyTorch", False, f"{version} does not see the graphics card", remedy)
    where = "a GPU" if gpu == "True" else f"the processor, {counted(int(threads), 'thread')}"
    return Finding("PyTorch", True, f"{version} computes on {where}")


def _build_for_the_card() -> str:
    """The build of PyTorch for a graphics card of this computer; "" where none can be used, or all are hidden."""
    cards = find_cards() if os.environ.get("CUDA_VISIBLE_DEVICES") not in ("", "-1") else []
    build = fitting(cards).build
    return "" if build == "cpu" else build


def gpu_driver() -> Finding:
    """A graphics card that PyTorch cannot use is worth a word."""
    if shutil.which("nvidia-smi") is None:
        return Finding("Graphics card", True, "none from NVIDIA; training runs on the processor")
    cards = find_cards()
    if not cards:
        remedy = "Update the NVIDIA driver and restart the computer."
        return Finding("Graphics card", False, "the driver does not answer", remedy)
    choice = fitting(cards)
    found = ", ".join(f"{card.name} (driver {card.driver})" for card in cards)
    return Finding("Graphics card", not choice.why, found, choice.why)


def memory() -> Finding:
    """Memory that a program may still take."""
    available = available_memory()
    if available is None:
        return Finding("Memory", True, "cannot be read on this system")
    free = available / 1e9
    remedy = f"Close other programs: training needs {ENOUGH_MEMORY_GB} GB."
    return Finding("Memory", free > ENOUGH_MEMORY_GB, f"{free:.1f} GB free", remedy)


def disk() -> Finding:
    """Room for jobs."""
    folder = _existing(jobs_folder())
    free = shutil.disk_usage(folder).free / 1e9
    remedy = "Free some space, or set SEMISEG_JOBS to a folder on a larger disk."
    return Finding("Disk", free > ENOUGH_DISK_GB, f"{free:.1f} GB free in {folder}", remedy)


def jobs_can_be_written() -> Finding:
    """Whether the folder of jobs takes files."""
    folder = jobs_folder()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = folder / "doctor.probe"
        write_json(probe, {})
        remove(probe)
    except OSError as error:
        return Finding("Jobs folder", False, f"{folder}: {error.strerror}", JOBS_REMEDY)
    except SemiSegError as error:
        return Finding("Jobs folder", False, str(error), JOBS_REMEDY)
    return Finding("Jobs folder", True, str(folder))


def processes_start() -> Finding:
    """Whether a process can be started and heard: some protection software forbids it."""
    run: Callable[..., Any] = subprocess.run
    try:
        answer = run([sys.executable, "-c", "print(6*7)"], capture_output=True, text=True, timeout=60, check=False)
        good = answer.stdout.strip() == "42"
    except OSError:
        good = False
    remedy = "Allow this Python in your antivirus software: training runs in a separate process."
    return Finding("Processes", good, "can be started" if good else "cannot be started", remedy)


def _error_in(printed: str) -> str:
    """The first line of the error that ended a Python; those of CUDA have several."""
    lines = printed.rpartition("Traceback (")[2].splitlines()
    return next((line for line in lines[1:] if line[:1].strip()), lines[-1] if lines else "it crashed")


def _existing(path: Path) -> Path:
    return next(parent for parent in (path, *path.parents) if parent.exists())


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
