"""Check my computer: what is here, what is missing, in words with the click that helps. Called off the main thread."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from pathlib import Path

from SemiSegLogic.environment.folder import EnvironmentProblem

from .installer import Installer
from .preflight import Finding
from .words import _

_ASK = """
import json, torch
card = torch.cuda.get_device_properties(0) if torch.cuda.is_available() else None
print(json.dumps({"torch": torch.__version__, "card": card.name if card else "",
                  "memory": card.total_memory / 1e9 if card else 0}))
"""


def examine(installer: Installer, study_folder: Path | None) -> list[Finding]:
    """All findings, the worst first."""
    findings = [_system(), *_environment(installer), _disk(installer.folder, _("the computing environment"))]
    if study_folder is not None:
        findings += [_disk(study_folder, _("the study")), _writable(study_folder)]
    return sorted(findings, key=lambda finding: ("stop", "warning", "good").index(finding.level))


def _system() -> Finding:
    cores, memory = os.cpu_count() or 1, _memory_gb()
    text = _("{system}, {cores} processor cores, {memory} of memory.").format(
        system=f"{platform.system()} {platform.machine()}",
        cores=cores,
        memory=f"{memory:.0f} GB" if memory else _("unknown size"),
    )
    if memory and memory < 7:
        return Finding("warning", text + " " + _("Less than 8 GB: train on few or small volumes."))
    return Finding("good", text)


def _memory_gb() -> float:
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    return 0.0


def _environment(installer: Installer) -> list[Finding]:
    state = installer.look()
    if state.kind == "installing":
        return [Finding("warning", _("The computing environment is being set up now."))]
    if state.kind != "ready":
        words = {
            "absent": _("The computing environment is not set up yet: press Set up."),
            "unfinished": _("Setting up was interrupted: press Repair."),
            "failed": _("Setting up failed: {why} Press Repair.").format(why=state.text),
        }
        return [Finding("stop", words[state.kind]), *_graphics(None)]
    try:
        done = subprocess.run(
            [*installer.python, "-c", _ASK], env=installer.environment(), timeout=120, capture_output=True, text=True
        )
        told = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else None
    except (OSError, subprocess.TimeoutExpired, ValueError, IndexError, EnvironmentProblem) as error:
        return [
            Finding("stop", _("The computing environment does not start ({error}): press Repair.").format(error=error))
        ]
    if told is None:
        last = (done.stderr.strip().splitlines() or [""])[-1]
        return [Finding("stop", _("The computing environment is damaged ({last}): press Repair.").format(last=last))]
    return [
        Finding("good", _("The computing environment is ready (PyTorch {version}).").format(version=told["torch"])),
        *_graphics(told),
    ]


def _graphics(told: dict[str, object] | None) -> list[Finding]:
    if told and told["card"]:
        return [
            Finding(
                "good",
                _("Training will use the graphics card {card} ({memory:.0f} GB).").format(
                    card=told["card"], memory=told["memory"]
                ),
            )
        ]
    name = _nvidia_card()
    if name and told:
        return [
            Finding(
                "warning",
                _(
                    "There is a graphics card {card}, but PyTorch cannot use it. Update its driver, then "
                    "press Repair. Until then the processor is used, which is slower."
                ).format(card=name),
            )
        ]
    if name:
        return [Finding("good", _("Graphics card: {card}.").format(card=name))]
    return [
        Finding(
            "warning",
            _(
                "No NVIDIA graphics card was found: training uses the processor. It works, but takes "
                "several times longer."
            ),
        )
    ]


def _nvidia_card() -> str:
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return ""
    try:
        done = subprocess.run(
            [tool, "--query-gpu=name", "--format=csv,noheader"], timeout=20, capture_output=True, text=True
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip().splitlines()[0] if done.returncode == 0 and done.stdout.strip() else ""


def _disk(folder: Path, what: str) -> Finding:
    there = next((place for place in (folder, *folder.parents) if place.exists()), None)
    if there is None:
        return Finding("stop", _("{folder} cannot be reached. Is the drive connected?").format(folder=folder))
    free = shutil.disk_usage(there).free / 1e9
    text = _("{free:.0f} GB free on the disk of {what}.").format(free=free, what=what)
    return Finding("good" if free > 8 else "warning", text)


def _writable(folder: Path) -> Finding:
    if os.access(folder, os.W_OK):
        return Finding("good", _("The study's folder can be written."))
    return Finding(
        "stop",
        _("The study's folder {folder} cannot be written. Ask for the right to, or copy the study.").format(
            folder=folder
        ),
    )
