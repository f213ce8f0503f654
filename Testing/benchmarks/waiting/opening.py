"""What opening the module costs: seconds, and which modules it loads. ``python -m Testing.benchmarks.waiting.opening``

The offscreen stand-in for Slicer is up, with numpy, as Slicer itself has; then the module is loaded and opened.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
HEAVY = ("torch", "monai", "SimpleITK", "scipy", "skimage", "matplotlib", "pandas", "psutil")
PROGRAM = """
import sys, time, json
sys.path[:0] = [{root!r}]
from pathlib import Path
from Testing.support.slicer_harness.app import boot, load_module, open_panel
boot()
import numpy, logging, json, subprocess, tempfile, threading, traceback, urllib.request, hashlib, zipfile
import types, slicer
shop = types.SimpleNamespace(registerCustomSampleDataSource=lambda **_: None)
sys.modules["SampleData"] = types.SimpleNamespace(SampleDataLogic=shop)
before = set(sys.modules)
began = time.perf_counter(), time.process_time()
module, instance = load_module(Path({root!r}) / "SemiSegExtension" / "SemiSeg.py")
for slot in slicer.app.slots["startupCompleted()"]:
    slot()
loaded = time.perf_counter(), time.process_time(), set(sys.modules) - before
widget = open_panel(module) if {opens} else None
ended = time.perf_counter(), time.process_time()
new = set(sys.modules) - before
heavy = [name for name in {heavy!r} if name in sys.modules]
if widget:
    widget.exit()
    widget.cleanup()
print("TOLD", json.dumps([ended[0] - began[0], ended[1] - began[1], sorted(new), heavy]))
"""


@dataclass(frozen=True)
class Cost:
    """``seconds`` by the clock and of the processor; how many modules of ours and of others came in; heavy ones."""

    seconds: float
    processor_s: float
    ours: int
    others: int
    heavy: list[str]


def opened(home: Path) -> Cost:
    """Loading the module's file and opening its panel, in a process of its own."""
    return _cost(home, opens=True)


def started(home: Path) -> Cost:
    """Loading the module's file alone, as Slicer does when it starts."""
    return _cost(home, opens=False)


def _cost(home: Path, opens: bool) -> Cost:
    program = PROGRAM.format(root=str(ROOT), heavy=HEAVY, opens=opens)
    environment = {**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home),
                   "PYTHONPYCACHEPREFIX": str(home / "bytecode")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an extension in use is compiled, whatever this shell wants
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, timeout=120)
    line = next((line for line in done.stdout.splitlines() if line.startswith("TOLD ")), "")
    if not line:
        raise RuntimeError(done.stderr[-2000:])
    seconds, processor_s, new, heavy = json.loads(line[5:])
    ours = [name for name in new if name.split(".")[0] in ("SemiSegLib", "SemiSegLogic")]
    return Cost(seconds, processor_s, len(ours), len(new) - len(ours), heavy)


def told(what: str, cost: Cost) -> str:
    """A line for people."""
    return (f"{what}: {cost.seconds:.3f} s ({cost.processor_s:.3f} s of processor), {cost.ours} modules of ours, "
            f"{cost.others} others, heavy: {cost.heavy or 'none'}")


if __name__ == "__main__":
    for what, measure in (("Slicer starts", started), ("module opened", opened)):
        with tempfile.TemporaryDirectory() as folder:
            print(told(f"{what}, for the first time", measure(Path(folder))))  # and writes the byte code
            again = (measure(Path(folder)) for _ in range(5))
            print(told(what, min(again, key=lambda cost: cost.seconds)))
