"""Compiling what pip installed, on several processors: pip takes one file after the other, a minute or two of every
set-up. Standard library only.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence

from .pip import clean

MOST = 8  # processes; each reads and writes small files
PROGRAM = """
import compileall, pathlib, sys, sysconfig
number, count = map(int, sys.argv[1:])
folders = {pathlib.Path(sysconfig.get_path(name)).resolve() for name in ("purelib", "platlib")}
files = sorted(path for folder in folders for path in folder.rglob("*.py"))
for path in files[number::count]:
    compileall.compile_file(path, quiet=2)
"""
"""Every ``count``-th file. Each process ends by itself, also when nobody waits for it any more; what it cannot compile,
and what was compiled before, it passes over.
"""


def compile_packages(command: Sequence[str]) -> None:
    """Compile the packages of the interpreter ``command``. Nothing depends on it: what is not compiled, Python compiles
    when it is first imported.
    """
    count = min(os.cpu_count() or 1, MOST)
    print(f"SemiSeg: compiling the packages on {count} processors ...", flush=True)
    running = [
        subprocess.Popen([*command, "-W", "ignore", "-c", PROGRAM, str(number), str(count)], env=clean())
        for number in range(count)
    ]
    for process in running:
        process.wait()
