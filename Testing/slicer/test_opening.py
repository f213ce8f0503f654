"""Opening the module: quick, without heavy imports, and clean on leaving."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "SemiSegExtension" / "SemiSegLib"
OURS_AND_SLICERS = {"SemiSegLogic", "SemiSegLib", "slicer", "qt", "ctk", "vtk", "numpy"}

OPEN = """
import sys, time
sys.path[:0] = [{root!r}]
from pathlib import Path
from Testing.support.slicer_harness.app import boot, load_module, open_panel
boot()
import numpy  # Slicer has it loaded
began = time.perf_counter()
module, instance = load_module(Path({root!r}) / "SemiSegExtension" / "SemiSeg.py")
widget = open_panel(module)
took = time.perf_counter() - began
heavy = [name for name in ("torch", "monai", "SimpleITK", "psutil", "scipy") if name in sys.modules]
widget.exit()
widget.cleanup()
print("TOOK", took, heavy)
"""


def test_no_file_imports_anything_but_the_standard_library_slicer_and_ours_at_file_scope() -> None:
    for path in [ROOT / "SemiSegExtension" / "SemiSeg.py", *LIBRARY.rglob("*.py")]:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [str(node.module)]
            for name in {name.split(".")[0] for name in names}:
                assert name in sys.stdlib_module_names | OURS_AND_SLICERS, f"{path.name} imports {name}"


def test_the_controller_side_needs_neither_slicer_nor_qt() -> None:
    screen = {"words", "selftest"}
    for path in LIBRARY.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names}
        assert path.stem in screen or names.isdisjoint({"slicer", "qt", "ctk", "vtk"}), path.name


def test_opening_the_module_is_quick_and_loads_nothing_heavy(slicer: Any, tmp_path: Path) -> None:
    import os

    environment = {**os.environ, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", OPEN.format(root=str(ROOT))], capture_output=True, text=True, env=environment, timeout=60
    )
    line = next((line for line in done.stdout.splitlines() if line.startswith("TOOK")), done.stderr[-2000:])
    _, took, heavy = line.split(maxsplit=2)
    assert heavy == "[]"
    assert float(took) < 1.0, "0.3 s on an idle computer; this one may be busy"


def test_the_modules_own_self_test_passes(slicer: Any) -> None:
    from SemiSegLib.selftest import run

    run()
