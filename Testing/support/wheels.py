"""Small real packages: wheels that pip installs in a moment, and interpreters that lack something."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from SemiSegLogic.environment import EnvironmentFolder, Requirements

WANTED = Requirements(("tree",), "digest1")
"""A package that needs another one, ``leaf``."""


def make_wheel(
    folder: Path, name: str, version: str = "1.0", *, needs: Sequence[str] = (), tag: str = "py3-none-any",
    code: str = "", modules: Mapping[str, str] | None = None,
) -> Path:
    """A wheel with one package ``name`` that knows its ``version``; ``modules`` more of its modules with their code."""
    about = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    content = {
        f"{name}/__init__.py": f"__version__ = {version!r}\n{code}\n",
        **{f"{name}/{module}.py": text for module, text in (modules or {}).items()},
        f"{about}/METADATA": metadata + "".join(f"Requires-Dist: {need}\n" for need in needs),
        f"{about}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    lines = [f"{path},sha256={_digest(text)},{len(text)}" for path, text in content.items()]
    content[f"{about}/RECORD"] = "\n".join([*lines, f"{about}/RECORD,,"]) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inside, text in content.items():
            archive.writestr(inside, text)
    return path


def script(path: Path, text: str) -> Path:
    """An executable shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return path


def python_without_venv(path: Path, python: str) -> Path:
    """The interpreter ``python``, as one that has pip but can make no environment (as some of Slicer's)."""
    refuse = 'if [ "$1 $2" = "-m venv" ]; then echo "No module named venv" >&2; exit 1; fi\n'
    return script(path, f'{refuse}exec "{python}" "$@"\n')


def quick_python(path: Path) -> Path:
    """This interpreter, whose environments borrow its pip instead of unpacking one: in a tenth of the time."""
    import pip

    shelf = path.parent / "pip only"
    shelf.mkdir(parents=True)
    (shelf / "pip").symlink_to(Path(str(pip.__file__)).parent)
    lend = f'for place in "$3"/lib/python3*/site-packages; do echo "{shelf}" > "$place/pip.pth"; done'
    make = f'"{sys.executable}" -m venv --without-pip "$3" && {lend}'
    return script(path, f'if [ "$1 $2" = "-m venv" ]; then {make}; exit $?; fi\nexec "{sys.executable}" "$@"\n')


def no_network(monkeypatch: object, **more: str) -> None:
    """pip of this test sees no index, no cache and no configuration of this computer, only ``more``."""
    for key in [key for key in os.environ if key.startswith("PIP_")]:
        monkeypatch.delenv(key)  # type: ignore[attr-defined]
    settings = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, "PIP_NO_CACHE_DIR": "1", **more}
    for key, value in settings.items():
        monkeypatch.setenv(key, value)  # type: ignore[attr-defined]


def works(environment: EnvironmentFolder) -> bool:
    """Whether the packages of WANTED can be imported in it."""
    code = "import tree, leaf; print(leaf.__version__)"
    done = subprocess.run([*environment.command, "-c", code], capture_output=True, text=True)
    return done.stdout.strip() == "2.0"


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
