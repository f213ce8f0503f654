"""The Pythons of this computer: which can make an environment, and whether one that is chosen has what is needed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from SemiSegLogic.environment import LIST
from SemiSegLogic.environment.builds import no_window
from SemiSegLogic.environment.pip import OURS_TO_DROP, native
from SemiSegLogic.environment.requirements import (
    NEWEST_PYTHON,
    OLDEST_PYTHON,
    PYTHONS,
    dotted,
    is_older,
    oldest_versions,
)

from ..words import _

BEST_FIRST = (*PYTHONS[-2::-1], PYTHONS[-1])
"""In this order they are looked for: newer ones first, but the newest last, which packages have known least long."""
PATIENCE_S = 60.0
_ASK = """
import json, sys, platform, importlib.metadata as metadata, importlib.util
try:
    import ensurepip, venv
    makes = bool(ensurepip.version())
except Exception:  # Debian has taken it out
    pip = importlib.util.find_spec("pip")
    makes = pip is not None and pip.origin is not None
found = {}
for name in sys.argv[1:]:
    try:
        found[name] = metadata.version(name)
    except metadata.PackageNotFoundError:
        pass
print(json.dumps({"version": list(sys.version_info[:2]), "wide": sys.maxsize > 2**32, "machine": platform.machine(),
                  "packages": found, "makes": makes}))
"""


@dataclass(frozen=True)
class Told:
    """What a Python says of itself: version (major, minor), 64 bit or not, processor, versions of its packages, and
    whether it can be the base of an environment: Debian's cannot, without its package python3-venv or python3-pip.
    """

    version: tuple[int, int]
    wide: bool
    machine: str
    packages: dict[str, str]
    makes: bool = True


@dataclass(frozen=True)
class Verdict:
    """``good``: training can run with it. ``text`` says what it is, or what is wrong and what to do."""

    good: bool
    text: str
    lacking: tuple[str, ...] = ()


def ask(python: str, surroundings: Mapping[str, str], packages: Sequence[str] = ()) -> Told:
    """Start ``python`` once. Raises OSError, TimeoutExpired or ValueError when it is none."""
    clean = {key: value for key, value in surroundings.items() if key not in OURS_TO_DROP}
    done = answered([*native(), python, "-c", _ASK, *packages], clean, PATIENCE_S)
    try:
        told = json.loads(done.stdout.splitlines()[-1])
        return Told(tuple(told["version"]), told["wide"], told["machine"], told["packages"], told["makes"])
    except (IndexError, KeyError, TypeError, ValueError) as error:
        last = (done.stderr.strip().splitlines() or [_("it gives no answer")])[-1]
        raise ValueError(last) from error


def answered(
    command: Sequence[str], surroundings: Mapping[str, str], patience_s: float
) -> subprocess.CompletedProcess[str]:
    """A small program of a Python, run to its end. Raises OSError or TimeoutExpired."""
    return subprocess.run(
        command, env=surroundings, timeout=patience_s, capture_output=True, text=True, errors="replace", check=False,
        creationflags=no_window(),
    )


def judge(python: str, surroundings: Mapping[str, str]) -> Verdict:
    """Whether ``python`` can train, and in words what is wrong when it cannot. Starts it: not for the main thread."""
    wanted = oldest_versions()
    if not Path(python).is_file():
        return Verdict(False, _("{python} does not exist. Choose the Python program itself, e.g. {example}.").format(
            python=python, example="bin/python" if os.name == "posix" else "Scripts\\python.exe"))  # fmt: skip
    try:
        told = ask(python, surroundings, list(wanted))
    except subprocess.TimeoutExpired:
        text = _("{python} did not answer within {seconds:.0f} seconds. The computer may be busy: try again.")
        return Verdict(False, text.format(python=python, seconds=PATIENCE_S))
    except (OSError, ValueError) as error:
        return Verdict(False, _("{python} does not work as Python: {error}").format(python=python, error=error))
    wrong = _wrong_kind(told)
    if wrong:
        return Verdict(False, wrong)
    lacking = [name for name, oldest in wanted.items() if is_older(told.packages.get(name, ""), oldest)]
    if lacking:
        return Verdict(False, _missing(python, told, lacking), tuple(f"{name}>={wanted[name]}" for name in lacking))
    return Verdict(
        True,
        _("Python {version} with PyTorch {torch} and all other packages.").format(
            version=dotted(told.version), torch=told.packages["torch"]
        ),
    )


def suitable_pythons(
    surroundings: Mapping[str, str], slicers: Sequence[str] = (), version: str = ""
) -> list[str]:
    """Pythons that can be the base of an environment, best first, ``slicers`` own last; only those of ``version``
    ("3.12") when one is given. Starts each once.
    """
    found = dict.fromkeys([*_installed(surroundings), *slicers])
    return [python for python in found if _is_suitable(python, surroundings, version)]


def python_slicer(home: str, executable: str = sys.executable) -> str:
    """Slicer's own Python as a program: its launcher may be missing from PATH. "" when there is none."""
    name = "PythonSlicer.exe" if os.name == "nt" else "PythonSlicer"
    places = (shutil.which(name) or "", str(Path(home) / "bin" / name) if home else "", executable)
    return next((place for place in places if place and Path(place).is_file()), "")


def with_pythons_names(variables: Mapping[str, str]) -> dict[str, str]:
    """Environment variables under the names that ``os.environ`` gives them: Qt leaves them as Windows spells them, and
    who asks for PATH does not find Path.
    """
    windows = sys.platform == "win32"
    return {name.upper() if windows else name: value for name, value in variables.items()}


def _installed(surroundings: Mapping[str, str]) -> Iterator[str]:
    """Found on PATH, and where installers put them: a program with windows has a short PATH on a Mac."""
    path = surroundings.get("PATH", os.defpath)
    for name in [f"python{dotted(version)}" for version in BEST_FIRST] + ["python3", "python"]:
        where = shutil.which(name, path=path)
        if where and not _is_stand_in(where):
            yield where
    yield from (str(place) for place in _usual_places(surroundings) if place.is_file())


def _is_stand_in(python: str, system: str = sys.platform) -> bool:
    """What would open the shop on Windows, or on a Mac ask whether to install Apple's developer tools (whose Python is
    too old).
    """
    return "WindowsApps" in python or (system == "darwin" and python.startswith("/usr/bin/"))


def _usual_places(surroundings: Mapping[str, str]) -> Iterator[Path]:
    for version in map(dotted, BEST_FIRST):
        if sys.platform == "darwin":
            yield Path(f"/opt/homebrew/bin/python{version}")
            yield Path(f"/Library/Frameworks/Python.framework/Versions/{version}/bin/python3")
        elif sys.platform == "win32":
            if "LOCALAPPDATA" in surroundings:  # where Python's install manager puts them
                yield Path(surroundings["LOCALAPPDATA"]) / "Python" / "bin" / f"python{version}.exe"
            folder = "Python" + version.replace(".", "")
            for key, below in (("LOCALAPPDATA", "Programs/Python"), ("PROGRAMFILES", ""), ("SYSTEMDRIVE", "/")):
                if key in surroundings:
                    yield Path(surroundings[key]) / below / folder / "python.exe"


def _is_suitable(python: str, surroundings: Mapping[str, str], version: str) -> bool:
    try:
        told = ask(python, surroundings)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return False
    return told.makes and not _wrong_kind(told) and version in ("", dotted(told.version))


def _wrong_kind(told: Told) -> str:
    """Why PyTorch has no build for it; "" when it has."""
    version = dotted(told.version)
    if told.version < OLDEST_PYTHON:
        return _("This is Python {version}, which is too old. {needed}").format(version=version, needed=needed_python())
    if told.version > NEWEST_PYTHON:
        return _("This is Python {version}, which is too new. {needed}").format(version=version, needed=needed_python())
    if not told.wide:
        return _("This is a 32-bit Python. PyTorch needs a 64-bit one.")
    if sys.platform == "darwin" and told.machine != "arm64":
        return _(
            "This Python is made for Intel processors, and PyTorch no longer supports these on a Mac. On a Mac with an "
            "Apple processor install Python from python.org; a Mac with an Intel processor cannot train."
        )
    return ""


def needed_python() -> str:
    """Which Pythons can train, as a sentence."""
    text = _("A 64-bit Python from {oldest} to {newest} is needed.")
    return text.format(oldest=dotted(OLDEST_PYTHON), newest=dotted(NEWEST_PYTHON))


def _missing(python: str, told: Told, lacking: Sequence[str]) -> str:
    """Which packages, and how they come in."""
    names = ", ".join(
        _("{name} (only {version})").format(name=name, version=told.packages[name]) if name in told.packages else name
        for name in lacking
    )
    text = _("This Python {version} does not have {names}. Install what is missing in a terminal with: {command}")
    command = f'"{python}" -m pip install -r "{LIST}"'
    return text.format(version=dotted(told.version), names=names, command=command)
