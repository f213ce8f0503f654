"""An offline bundle: every package as a file, with a list of their digests. Reading one; standard library only.

A bundle is a folder, or a .zip of one, with ``semiseg-bundle.json`` and the wheels beside it. ``bundling.py`` makes it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
import subprocess
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from .pip import clean, native
from .problem import EnvironmentProblem, explain_disk

MANIFEST, LISTED, UNPACKED = "semiseg-bundle.json", "semiseg-bundle.txt", "semiseg-bundle"
FORMAT = 1
LARGEST_MANIFEST = 1 << 20
CHUNK = 1 << 20
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+!]*-[A-Za-z0-9_.+!]+(-\d\w*)?-[\w.]+-[\w.]+-[\w.]+\.whl")
SYSTEMS = {"linux": "linux", "win32": "windows", "darwin": "macos"}
ASK = "import sys, platform, json; print(json.dumps([list(sys.version_info[:2]), sys.platform, platform.machine()]))"
_UNREADABLE = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError)
"""Also one that another program packed in its own way, or with a password."""

AGAIN = "Copy the bundle once more, or make it again on a connected computer with: semiseg bundle"


@dataclass(frozen=True)
class Wheel:
    """A package's file: its name, size in bytes and SHA-256 in hex."""

    name: str
    size: int
    sha256: str

    @property
    def pinned(self) -> str:
        """As pip wants it: the exact version with its digest."""
        package, version = self.name.split("-")[:2]
        return f"{package.replace('_', '-')}=={version} --hash=sha256:{self.sha256}"


@dataclass(frozen=True)
class Bundle:
    """``place``: the folder or .zip. ``system`` "windows", "linux" or "macos", ``python`` "3.12", ``build`` of PyTorch,
    ``needs`` the digest of SemiSeg's list of packages.
    """

    place: Path
    system: str
    python: str
    build: str
    needs: str
    files: tuple[Wheel, ...]

    @classmethod
    def open(cls, place: Path) -> Bundle:
        """Reads the list of files. Raises EnvironmentProblem when ``place`` is no bundle, or one of a newer SemiSeg."""
        try:
            with _reader(place) as read, read(MANIFEST) as stream:
                told = json.loads(stream.read(LARGEST_MANIFEST))
            if told["format"] != FORMAT:
                raise EnvironmentProblem(f"{place} was made by another version of SemiSeg (format {told['format']}, "
                                         f"known is {FORMAT}). Update SemiSeg on both computers, then make it again.")
            files = tuple(_wheel(entry) for entry in told["files"])
            system, python, build, needs = (str(told[key]) for key in ("system", "python", "build", "needs"))
            return cls(place, system, python, build, needs, files)
        except EnvironmentProblem:
            raise
        except (OSError, ValueError, KeyError, TypeError, *_UNREADABLE) as error:
            raise EnvironmentProblem(f"{place} is no offline bundle of SemiSeg, or is damaged: {error}. {AGAIN}") \
                from error

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(file.size for file in self.files)

    def check_fits(self, base: Path, needs: str) -> None:
        """Raises EnvironmentProblem when it is for another system, Python or version of SemiSeg."""
        (major, minor), system, machine = _ask(base)
        here = SYSTEMS.get(system, system)
        wanted = f"semiseg bundle --for {here} --python {major}.{minor}"
        if self.system != here or machine.lower() not in machines(self.system):
            raise EnvironmentProblem(f"The bundle {self.place.name} is for {self.system}, and this is {here} on "
                                     f"{machine}. Make another one on a connected computer with: {wanted}")
        if self.python != f"{major}.{minor}":
            raise EnvironmentProblem(f"The bundle {self.place.name} is for Python {self.python}, and {base} is "
                                     f"{major}.{minor}. Name a Python {self.python}, or make another with: {wanted}")
        if self.needs != needs:
            raise EnvironmentProblem(f"The bundle {self.place.name} was made for another version of SemiSeg, which "
                                     f"needs other packages. Make another one with this version: {wanted}")

    @contextlib.contextmanager
    def wheels(self, root: Path) -> Iterator[Path]:
        """A folder with every file, each digest checked; a .zip is unpacked into ``root`` meanwhile.

        Raises EnvironmentProblem naming the file that is missing or damaged.
        """
        folder = root / UNPACKED
        try:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            print(f"SemiSeg: checking {len(self.files)} packages ({self.size / 1e9:.2f} GB) ...", flush=True)
            copies = self.place.is_file()
            with _reader(self.place) as read:
                for file in self.files:
                    self._check(file, read, folder / file.name if copies else None)
            lines = "".join(file.pinned + "\n" for file in self.files)
            (folder / LISTED).write_text(lines, encoding="utf-8")
            yield folder
        except OSError as error:
            raise EnvironmentProblem(explain_disk(error, folder)) from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def arguments(self, folder: Path) -> tuple[str, ...]:
        """For pip: these files with these digests, and nothing else."""
        found = str(folder if self.place.is_file() else self.place)
        return ("--isolated", "--no-index", "--find-links", found, "--no-deps", "--require-hashes",
                "-r", str(folder / LISTED))

    def _check(self, file: Wheel, read: Callable[[str], IO[bytes]], copy: Path | None) -> None:
        digest = hashlib.sha256()
        try:
            with read(file.name) as stream, (copy.open("wb") if copy else contextlib.nullcontext()) as target:
                while chunk := stream.read(CHUNK):
                    digest.update(chunk)
                    if target:
                        target.write(chunk)
        except (KeyError, FileNotFoundError) as error:
            raise EnvironmentProblem(f"The bundle {self.place} lacks {file.name}. {AGAIN}") from error
        except (*_UNREADABLE, EOFError) as error:
            words = f"{file.name} in the bundle {self.place} cannot be read ({error}). {AGAIN}"
            raise EnvironmentProblem(words) from error
        if digest.hexdigest() != file.sha256:
            raise EnvironmentProblem(f"{file.name} in the bundle {self.place} is damaged: its digest is not the "
                                     f"listed one. Nothing was installed. {AGAIN}")


def machines(system: str) -> tuple[str, ...]:
    """Processors that a bundle for ``system`` is made for, as Python calls them."""
    return ("arm64",) if system == "macos" else ("x86_64", "amd64")


@contextlib.contextmanager
def _reader(place: Path) -> Iterator[Callable[[str], IO[bytes]]]:
    """Opens files of a folder or .zip by their plain name."""
    if place.is_dir():
        yield lambda name: (place / name).open("rb")
    else:
        with zipfile.ZipFile(place) as archive:
            yield lambda name: archive.open(name)


def _wheel(entry: dict[str, Any]) -> Wheel:
    """Raises ValueError when a name could lead out of the folder, or a digest is none."""
    name, digest = str(entry["name"]), str(entry["sha256"])
    if not NAME.fullmatch(name) or not re.fullmatch("[0-9a-f]{64}", digest):
        raise ValueError(f"'{name}' is not a package's file with its digest")
    return Wheel(name, int(entry["size"]), digest)


def _ask(base: Path) -> tuple[tuple[int, int], str, str]:
    """(version, sys.platform, machine) of the Python ``base``. Raises EnvironmentProblem when it does not start."""
    try:
        done = subprocess.run(
            [*native(), str(base), "-c", ASK], env=clean(), capture_output=True, text=True, errors="replace",
            check=True, timeout=60,
        )
        (major, minor), system, machine = json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired as error:
        raise EnvironmentProblem(f"{base} did not answer within a minute. The computer may be busy: try again.") \
            from error
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        raise EnvironmentProblem(f"{base} does not run as Python: {error}. Name another one.") from error
    return (int(major), int(minor)), str(system), str(machine)
