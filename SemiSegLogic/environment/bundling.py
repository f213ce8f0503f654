"""``semiseg bundle``: downloads all packages for another computer and writes their list. Standard library and pip only.

pip downloads for another system, but judges conditions as ``platform_system == "Windows"`` by the computer it runs on;
so it is run with the other computer's answers in their place.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..patience import patiently, rename
from .builds import BUILDS
from .bundle import FORMAT, MANIFEST, SYSTEMS, Bundle, Wheel, machines
from .indexes import index_of
from .pip import clean
from .problem import EnvironmentProblem, explain, explain_disk
from .requirements import LIST, PYTHONS, dotted, list_digest

PIP_AS_IF = """
import json, os, sys
from pip._vendor.packaging import markers
theirs = json.loads(os.environ["SEMISEG_BUNDLE_FOR"])
markers.default_environment = lambda: dict(theirs)
from pip._internal.cli.main import main
sys.exit(main(sys.argv[1:]))
"""
GLIBC = (28, 27, 26, 24, 17, 12, 5)
"""Minor versions of glibc 2 that packages for Linux are built against; newer ones would leave out older systems."""

OLDEST_MACOS = 14


@dataclass(frozen=True)
class Target:
    """The computer that the bundle is for."""

    system: str
    python: str
    build: str

    @property
    def sys_platform(self) -> str:
        """Its ``sys.platform``."""
        return next(name for name, system in SYSTEMS.items() if system == self.system)

    @property
    def platforms(self) -> list[str]:
        """The names by which packages say that they run there, newest first."""
        if self.system == "windows":
            return ["win_amd64"]
        if self.system == "macos":
            return [f"macosx_{OLDEST_MACOS}_0_arm64"]
        return [*(f"manylinux_2_{minor}_x86_64" for minor in GLIBC), "manylinux2014_x86_64", "linux_x86_64"]

    @property
    def answers(self) -> dict[str, str]:
        """What conditions in packages ask for (PEP 508)."""
        names = {"windows": ("nt", "Windows"), "linux": ("posix", "Linux"), "macos": ("posix", "Darwin")}
        os_name, system = names[self.system]
        machine = {"windows": "AMD64"}.get(self.system, machines(self.system)[0])
        return {
            "implementation_name": "cpython", "implementation_version": self.python + ".0", "os_name": os_name,
            "platform_machine": machine, "platform_python_implementation": "CPython", "platform_release": "",
            "platform_system": system, "platform_version": "", "python_full_version": self.python + ".0",
            "python_version": self.python, "sys_platform": self.sys_platform,
        }


def grammar(parser: argparse.ArgumentParser) -> None:
    """The command's words."""
    here = SYSTEMS.get(sys.platform, "linux")
    parser.add_argument("out", type=Path, metavar="OUT", help="the bundle: a .zip file, or a folder")
    parser.add_argument("--for", dest="system", choices=sorted(SYSTEMS.values()), default=here, help="its system")
    parser.add_argument("--python", choices=[*map(dotted, PYTHONS)], default="3.12",
                        help="its Python; Slicer 5.10 and newer: 3.12")
    parser.add_argument("--gpu", choices=BUILDS, default="cpu",
                        help="PyTorch's build: cu130 for drivers from 580 on, cu126 for older ones and older cards")


def command(words: Sequence[str]) -> int:
    """``semiseg bundle`` with ``words``; the exit code. Raises EnvironmentProblem."""
    parser = argparse.ArgumentParser(prog="semiseg bundle", description="Make an offline bundle for another computer.")
    grammar(parser)
    return run(parser.parse_args(words))


def run(options: Any) -> int:
    """Make the bundle and say what to do with it."""
    if options.system == "macos" and options.gpu != "cpu":
        raise EnvironmentProblem("There is no NVIDIA build for macOS: leave out --gpu.")
    began = time.monotonic()
    bundle = make(options.out, Target(options.system, options.python, options.gpu))
    print(f"{bundle.place}: {len(bundle.files)} packages, {bundle.size / 1e9:.2f} GB, "
          f"{time.monotonic() - began:.0f} s. Take it to the other computer; in Slicer open SemiSeg, Set up, More "
          "choices, and press 'Use an offline bundle'.")
    return 0


def make(out: Path, target: Target, wanted: Sequence[str] = ("-r", str(LIST))) -> Bundle:
    """The bundle in ``out`` with ``wanted`` (pip's words) for ``target``; an older one is replaced when it is whole.

    Raises EnvironmentProblem when a package cannot be had, or the disk is full.
    """
    _leave_others_alone(out)
    folder = out.with_name(out.name + ".partial")
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _download(folder, target, wanted)
        _write_manifest(folder, target)
        return Bundle.open(_put_in_place(folder, out))
    except OSError as error:
        raise EnvironmentProblem(explain_disk(error, folder)) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _leave_others_alone(out: Path) -> None:
    """Raises EnvironmentProblem, before anything is downloaded, where something lies in ``out`` that is no bundle."""
    if out.is_dir() and any(out.iterdir()) and not (out / MANIFEST).is_file():
        raise EnvironmentProblem(f"{out} is a folder with other files. Name an empty one, or a .zip file.")
    if out.is_file() and not (out.suffix == ".zip" and _holds_a_list(out)):
        raise EnvironmentProblem(f"{out} exists and is no offline bundle. Name a new .zip file, or move that one away.")


def _holds_a_list(place: Path) -> bool:
    try:
        with zipfile.ZipFile(place) as archive:
            return MANIFEST in archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False


def _download(folder: Path, target: Target, wanted: Sequence[str]) -> None:
    """PyTorch's build first, from its own index; then all the rest, with that very PyTorch."""
    index = index_of(target.build, target.sys_platform)
    if index is None:
        _pip(folder, target, wanted)
        return
    _pip(folder, target, ["--no-deps", "--index-url", index, "torch"])
    exact = [Wheel(path.name, 0, "").pinned.split()[0] for path in folder.glob("torch-*.whl")]
    _pip(folder, target, ["--find-links", str(folder), "--extra-index-url", index, *wanted, *exact])


def _pip(folder: Path, target: Target, words: Sequence[str]) -> None:
    options = ["--only-binary=:all:", "--implementation", "cp", "--python-version", target.python]
    for platform in target.platforms:
        options += ["--platform", platform]
    done = subprocess.run(
        [sys.executable, "-c", PIP_AS_IF, "download", "--disable-pip-version-check", "--dest", str(folder), *options,
         *words],
        env={**clean(), "SEMISEG_BUNDLE_FOR": json.dumps(target.answers)}, stderr=subprocess.PIPE, text=True,
        errors="replace", check=False,
    )
    if done.returncode:
        lines = done.stderr.splitlines()[-15:]
        if "No module named 'pip" in done.stderr:
            raise EnvironmentProblem(f"{sys.executable} has no pip. Install it, or use another Python.")
        raise EnvironmentProblem(explain(lines, folder), "pip's last words:\n" + "\n".join(lines))


def _write_manifest(folder: Path, target: Target) -> None:
    files = [{"name": path.name, "size": path.stat().st_size, "sha256": _digest(path)}
             for path in sorted(folder.glob("*.whl"))]
    content = {"format": FORMAT, "system": target.system, "python": target.python, "build": target.build,
               "needs": list_digest(), "files": files}
    (folder / MANIFEST).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _put_in_place(folder: Path, out: Path) -> Path:
    if out.suffix != ".zip":
        shutil.rmtree(out, ignore_errors=True)
        rename(folder, out)
        return out
    fresh = out.with_name(out.name + ".new")
    try:
        with zipfile.ZipFile(fresh, "w", zipfile.ZIP_STORED) as archive:  # wheels are compressed already
            for path in sorted(folder.iterdir()):
                archive.write(path, path.name)
        patiently(lambda: os.replace(fresh, out))
    finally:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
    return out


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
