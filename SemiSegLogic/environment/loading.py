"""Whether what was installed can be loaded: the last step of a set-up, so that no training finds out. Standard library
only.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from .pip import clean
from .problem import AGAIN, EnvironmentProblem

ABSENT = "absent: "
PROGRAM = """
import importlib, importlib.util, sys
names = sys.argv[1:]
absent = [name for name in names if importlib.util.find_spec(name) is None]
if absent:
    sys.exit("absent: " + ", ".join(absent))
for name in names:
    if name in ("numpy", "SimpleITK", "scipy", "skimage", "torch"):
        importlib.import_module(name)
if "torch" in names:
    import torch
    torch.ones(2, 2).mm(torch.ones(2, 2)).numpy()
"""
"""Those that bring libraries of their own are loaded; PyTorch computes, and hands its result to numpy."""

ILLEGAL = (-4, 0xC000001D)  # SIGILL, and what Windows calls it
_LIBRARY = ("DLL load failed", "WinError 126", "WinError 127", "WinError 1114", "WinError 193")


def check_loading(command: Sequence[str], folder: Path, modules: Sequence[str]) -> None:
    """Raises EnvironmentProblem, whose text says why and what to do, when the Python ``command``, of the environment in
    ``folder``, cannot load ``modules``.
    """
    print("SemiSeg: checking that everything can be loaded ...", flush=True)
    done = subprocess.run(
        [*command, "-c", PROGRAM, *modules], env=clean(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True, errors="replace", check=False,
    )
    if done.returncode:
        raise EnvironmentProblem(_why(done.returncode, done.stderr, folder), done.stderr.strip()[-2000:])


def _why(code: int, errors: str, folder: Path) -> str:
    last = (errors.strip().splitlines() or [f"exit code {code}"])[-1]
    if last.startswith(ABSENT):
        return (f"pip put {last[len(ABSENT):]} somewhere else than into {folder}, or left it out. One of its settings "
                f"is the reason (shown by: {Path(sys.executable).name} -m pip config list). Remove it. {AGAIN}")
    if code in ILLEGAL:
        return ("PyTorch cannot run on this computer: the processor is too old for it. Train on a server, or use "
                "another computer.")
    if any(sign in errors for sign in _LIBRARY):
        return (f"Windows cannot load a library of PyTorch ({last}). Install the 'Microsoft Visual C++ "
                f"Redistributable' (x64) from Microsoft. {AGAIN}")
    return (f"What was installed into {folder} cannot be loaded ({last}). Try again: it is then made from nothing. If "
            "that does not help, choose another Python.")
