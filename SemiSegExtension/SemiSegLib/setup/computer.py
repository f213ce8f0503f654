"""Check my computer: what is here, what is missing, in words with the click that helps. Called off the main thread."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from SemiSegLogic.environment.builds import Card, find_cards, fitting
from SemiSegLogic.environment.problem import EnvironmentProblem

from ..training.preflight import Finding
from ..words import _
from .interpreters import Interpreter
from .other_pythons import ChosenPython
from .pythons import answered

LONGEST_WINDOWS_FOLDER = 100
"""PyTorch's own files lie up to 150 letters below the environment; Windows' usual limit is 260."""

PATIENCE_S = 120
_ASK = """
import json, torch
card, why = torch.cuda.get_device_properties(0) if torch.cuda.is_available() else None, ""
try:
    torch.ones(1, device="cuda" if card else "cpu").sum().item()
except RuntimeError as error:  # a card may be too old or too new for this PyTorch, or full
    why = str(error).strip().splitlines()[0]
print(json.dumps({"torch": torch.__version__, "card": card.name if card else "", "why": why,
                  "memory": card.total_memory / 1e9 if card else 0}))
"""


def examine(interpreter: Interpreter, study_folder: Path | None) -> list[Finding]:
    """All findings, the worst first. ``interpreter``: the Python that trains."""
    findings = [_system(), *_environment(interpreter), _disk(interpreter.folder, _("the computing environment"))]
    findings += _path_length(interpreter.folder)
    if study_folder is not None:
        findings += [_disk(study_folder, _("the study")), _writable(study_folder)]
    return sorted(findings, key=lambda finding: ("stop", "warning", "good").index(finding.level))


def _system() -> Finding:
    cores, memory = os.cpu_count() or 1, memory_gb()
    text = _("{system}, {cores} processor cores, {memory} of memory.").format(
        system=f"{platform.system()} {platform.machine()}",
        cores=cores,
        memory=f"{memory:.0f} GB" if memory else _("unknown size"),
    )
    if memory and memory < 7:
        return Finding("warning", text + " " + _("Less than 8 GB: train on few or small volumes."))
    return Finding("good", text)


def memory_gb() -> float:
    """Memory of this computer in 10^9 bytes; 0 when the system does not say."""
    if sys.platform == "win32":
        return _windows_memory_gb()
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    return 0.0


def _windows_memory_gb() -> float:
    import ctypes

    kilobytes = ctypes.c_ulonglong()
    found = ctypes.windll.kernel32.GetPhysicallyInstalledSystemMemory(ctypes.byref(kilobytes))  # type: ignore[attr-defined,unused-ignore]
    return kilobytes.value * 1024 / 1e9 if found else 0.0


def _environment(interpreter: Interpreter) -> list[Finding]:
    """What can be said of the interpreter, which is started once."""
    if isinstance(interpreter, ChosenPython):
        verdict = interpreter.judge()
        if not verdict.good:
            return [Finding("stop", verdict.text), *_graphics(None)]
    state = interpreter.look()
    if state.kind == "installing":
        return [Finding("warning", _("The computing environment is being set up now."))]
    if state.kind != "ready":
        return [Finding("stop", _not_ready(state.kind, state.text)), *_graphics(None)]
    try:
        told = _ask_torch(interpreter)
    except subprocess.TimeoutExpired:
        text = _("Loading PyTorch takes more than {seconds} seconds. Protection software may be looking at each of its "
                 "files: wait some minutes, then check again. Let it allow the folder {folder}.")  # fmt: skip
        return [Finding("warning", text.format(seconds=PATIENCE_S, folder=interpreter.folder))]
    except (OSError, EnvironmentProblem) as error:
        text = _("The computing environment does not start ({error}): press Repair.").format(error=error)
        return [Finding("stop", text)]
    except ValueError as error:
        text = _("The computing environment is damaged ({last}): press Repair.").format(last=error)
        return [Finding("stop", text)]
    text = _("The computing environment is ready (PyTorch {version}).").format(version=told["torch"])
    return [Finding("good", text), *_graphics(told)]


def _not_ready(kind: str, text: str) -> str:
    words = {
        "absent": _("The computing environment is not set up yet: press Set up."),
        "unfinished": _("Setting up was interrupted: press Repair."),
        "outdated": _("The computing environment was made for another version of SemiSeg: press Repair."),
        "failed": _("Setting up failed: {why} Press Repair.").format(why=text),
    }
    return words[kind]


def _ask_torch(interpreter: Interpreter) -> dict[str, Any]:
    """Raises ValueError with the last line of what went wrong when PyTorch cannot be loaded."""
    done = answered([*interpreter.python, "-c", _ASK], interpreter.environment(), PATIENCE_S)
    if done.returncode:
        raise ValueError((done.stderr.strip().splitlines() or [str(done.returncode)])[-1])
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _graphics(told: dict[str, Any] | None) -> list[Finding]:
    """``told``: what PyTorch says of the card, when it was asked."""
    if told and told["card"] and told["why"]:
        text = _("PyTorch cannot compute on the graphics card {card} ({why}). Close other programs that use it, or "
                 "choose 'cpu' under Where to compute. If this PyTorch was not made for the card, Repair installs one "
                 "that was.")  # fmt: skip
        return [Finding("stop", text.format(card=told["card"], why=told["why"]))]
    if told and told["card"]:
        text = _("Training will use the graphics card {card} ({memory:.0f} GB).")
        return [Finding("good", text.format(card=told["card"], memory=told["memory"]))]
    cards = find_cards()
    if not cards:
        text = _("No NVIDIA graphics card was found: training uses the processor. It works, but takes several times "
                 "longer.")  # fmt: skip
        return [Finding("warning", text)]
    return [_unused(cards, asked=told is not None)]


def _unused(cards: list[Card], asked: bool) -> Finding:
    choice = fitting(cards)
    if choice.why:
        return Finding("warning", choice.why)
    if asked:
        text = _("PyTorch cannot use the graphics card {card} yet: press Repair to install the PyTorch version that "
                 "fits it ({build}). Until then the processor is used, which is slower.")  # fmt: skip
        return Finding("warning", text.format(card=cards[0].name, build=choice.build))
    return Finding("good", _("Graphics card: {card}.").format(card=cards[0].name))


def _path_length(folder: Path) -> list[Finding]:
    if sys.platform != "win32" or len(str(folder)) <= LONGEST_WINDOWS_FOLDER:
        return []
    text = _(
        "The path {folder} is long, and Windows may refuse files in it: choose a folder with a shorter path under More "
        "choices."
    )
    return [Finding("warning", text.format(folder=folder))]


def _disk(folder: Path, what: str) -> Finding:
    there = next((place for place in (folder, *folder.parents) if place.exists()), None)
    if there is None:
        return Finding("stop", _("{folder} cannot be reached. Is the drive connected?").format(folder=folder))
    free = shutil.disk_usage(there).free / 1e9
    text = _("{free:.0f} GB free on the disk of {what}.").format(free=free, what=what)
    if free > 8:
        return Finding("good", text)
    return Finding("warning", text + " " + _("That is little: free some disk space."))


def _writable(folder: Path) -> Finding:
    """Tried, for what a system says of rights is not what it does on a share or on Windows."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return Finding("good", _("The study's folder can be written to."))
    except OSError as error:
        text = _("The study's folder {folder} cannot be written to ({reason}). Ask for permission, or copy the study.")
        return Finding("stop", text.format(folder=folder, reason=error.strerror or error))
