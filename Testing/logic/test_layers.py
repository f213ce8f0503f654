"""Who may import whom. The table below is the architecture; a file in no room, or an import across it, fails here."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "SemiSegLogic"
LIBRARY = ROOT / "SemiSegExtension" / "SemiSegLib"
LONGEST_IMPORT_S = 0.3


@dataclass(frozen=True)
class Room:
    """``house`` rooms of SemiSegLogic and ``shops`` third-party packages whose modules may be imported (the standard
    library always may). A name allows everything below it.
    """

    house: frozenset[str]
    shops: frozenset[str]


def room(house: str, shops: str = "") -> Room:
    """A room from words."""
    return Room(frozenset(house.split()), frozenset(shops.split()))


WORDS = "errors home patience lives naming markdown grey_range free_memory settings geometry seeing files study job"
PLAIN = "numpy SimpleITK"
TORCH = "numpy SimpleITK torch monai scipy skimage"
ENVIRONMENT = "environment"
FRONTS = "kept_models cli sample report pages"
WHOLE_HOUSE = f"{WORDS} backends preflight rounds engine methods run runner {FRONTS} {ENVIRONMENT}"
BLOCKS = "engine.blocks engine.nets"
"""What papers are built from: tensors in, tensors out. Blocks may not import the machinery beside them (volumes,
devices, files, the training loop), so no method can reach it through a block either.
"""
ENGINE = f"errors home patience naming grey_range free_memory settings geometry seeing files methods.base {BLOCKS}"
MACHINERY = ("hardware", "planning", "data", "training", "prediction", "quality")
"""Around the blocks; each may import those before it. ``selection`` stands alone: saved maps, and no torch."""

ROOMS: dict[str, Room] = {
    "__init__": room(""),
    # 0 words
    "errors": room(""),
    "home": room("errors"),
    "settings": room("errors settings"),
    "geometry": room("", PLAIN),
    "seeing": room("geometry", PLAIN),
    "patience": room(""),
    "lives": room(""),
    "naming": room(""),
    "markdown": room(""),
    "grey_range": room("", PLAIN),
    "free_memory": room(""),
    "files": room("errors patience", PLAIN),
    "study": room("errors patience lives naming geometry files study", PLAIN),
    "job": room("errors patience settings geometry files job", PLAIN),
    # 1 carriers
    "backends": room(f"{WORDS} backends", f"{PLAIN} requests"),
    "server": room(f"{WORDS} backends server", f"{PLAIN} fastapi starlette uvicorn"),
    "courier": room(f"{WORDS} backends courier", PLAIN),
    "preflight": room(f"{WORDS} preflight", PLAIN),
    "rounds": room(f"{WORDS} rounds", PLAIN),
    "kept_models": room(f"{WORDS} backends rounds", PLAIN),
    # 2 engine
    "engine.__init__": room(""),
    **{f"engine.{name}": room(f"{ENGINE} {' '.join(f'engine.{one}' for one in MACHINERY[: number + 1])}", TORCH)
       for number, name in enumerate(MACHINERY)},
    "engine.selection": room("geometry naming engine.selection", "numpy"),
    **dict.fromkeys(BLOCKS.split(), room(f"settings geometry methods.base {BLOCKS}", TORCH)),
    # the optional extra "mn": pre-trained weights through their own libraries
    "engine.nets.segformer": room("settings methods.base engine.nets", f"{TORCH} transformers peft"),
    "methods.base": room("settings geometry", "torch"),
    "methods.student_teacher": room(f"methods.base {BLOCKS}", "torch"),
    # 3 methods
    "methods.__init__": room("settings methods"),
    "methods": room(
        f"settings geometry methods.base methods.student_teacher {BLOCKS}", "torch numpy"
    ),
    # 4 process
    "run": room(WHOLE_HOUSE, TORCH),
    "runner": room(WHOLE_HOUSE, TORCH),
    "__main__": room(WHOLE_HOUSE, f"{TORCH} rich"),
    "cli": room(f"{WHOLE_HOUSE} server", f"{TORCH} rich requests"),
    "sample": room(f"{WORDS} sample", f"{PLAIN} monai"),
    "report": room(f"{WORDS} report", f"{PLAIN} scipy matplotlib"),
    "pages": room("markdown settings pages"),
    "environment": room("errors home patience environment"),
}
IN_SLICER = "requests slicer qt ctk vtk SampleData DICOMLib pydicom"
"""What every Slicer brings along."""
SCREEN = room(f"{WORDS} backends preflight rounds kept_models sample {ENVIRONMENT}", f"{PLAIN} {IN_SLICER} SemiSegLib")
SCREEN_ROOMS: dict[str, str] = {
    "words": "",
    "tasks": "",
    "drawing": "",
    "ports": "drawing",
    "labelling": "words drawing ports",
    "cases": "words drawing ports labelling",
    "training": "words tasks labelling",
    "setup": "words training.preflight",
    "controller": "words tasks ports labelling cases",
    "scene": "words drawing ports",
    "panel": "words drawing ports labelling cases training setup controller scene",
    "selftest": "ports labelling panel scene",
}
"""Which rooms of SemiSegLib each may import while Slicer runs; for its types alone it may also name who owns it."""
RUNNER = ROOT / "Testing" / "benchmarks" / "runner"
RUNNER_ROOMS: dict[str, str] = {
    "definitions": "", "data": "definitions", "evaluation": "definitions data", "report": "definitions",
    "training": "definitions data evaluation", "queue": "definitions data evaluation training",
}
"""Which rooms of the benchmark runner each may import."""


def python_files(folder: Path) -> list[Path]:
    """Every Python file below ``folder``."""
    return sorted(path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


def inner_name(path: Path) -> str:
    """Dotted name inside SemiSegLogic; packages end in ``.__init__`` except the outermost, which is ``__init__``."""
    return ".".join(path.relative_to(ROOT / PACKAGE).with_suffix("").parts)


def room_of(name: str) -> tuple[str, Room]:
    """The most particular room that holds module ``name``."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        key = ".".join(parts[:length])
        if key in ROOMS:
            return key, ROOMS[key]
    raise AssertionError(f"{name} belongs to no room; give it a place in the table of {Path(__file__).name}")


def imports(path: Path, package: list[str]) -> Iterator[tuple[int, str]]:
    """(line, absolute dotted name) of everything a file imports anywhere, inside functions too; ``package`` is where
    relative imports start. ``from x import y`` gives x.y, for y may be a module.
    """
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def for_types(path: Path) -> set[int]:
    """The lines of a file that only type checkers read."""
    blocks = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
              if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    return {line for block in blocks for line in range(block.lineno, int(block.end_lineno or 0) + 1)}


def below(name: str, allowed: frozenset[str]) -> bool:
    """Whether ``name`` is one of ``allowed`` or lies below one."""
    return any(name == one or name.startswith(one + ".") for one in allowed)


def trespasses(path: Path, package: list[str], rule: Room) -> list[str]:
    """The imports of ``path`` that ``rule`` does not allow, in words."""
    found = []
    for line, name in imports(path, package):
        top, _, rest = name.partition(".")
        if top == PACKAGE:
            allowed = not rest or rest.startswith("__version__") or below(rest, rule.house)
        else:
            allowed = top in sys.stdlib_module_names or below(name, rule.shops)
        if not allowed:
            found.append(f"{path.relative_to(ROOT)}:{line} imports {name}")
    return found


@pytest.mark.parametrize("path", python_files(ROOT / PACKAGE), ids=inner_name)
def test_a_room_imports_only_what_the_table_allows(path: Path) -> None:
    name = inner_name(path)
    key, rule = room_of(name)
    house = rule.house | ({f"{key}.{name.split('.')[1]}"} if key == "methods" and name.count(".") > 1 else set())
    package = [PACKAGE, *name.split(".")[:-1]]
    assert trespasses(path, package, Room(frozenset(house), rule.shops)) == []


@pytest.mark.parametrize("path", python_files(ROOT / "SemiSegExtension"), ids=lambda path: path.name)
def test_the_screen_imports_slicer_and_the_light_rooms_only(path: Path) -> None:
    package = list(path.relative_to(ROOT / "SemiSegExtension").parts[:-1])
    assert trespasses(path, package, SCREEN) == []


@pytest.mark.parametrize("path", python_files(LIBRARY), ids=lambda path: str(path.relative_to(LIBRARY)))
def test_a_room_of_the_screen_imports_only_what_its_table_allows(path: Path) -> None:
    parts = path.relative_to(LIBRARY).with_suffix("").parts
    if parts == ("__init__",):
        return
    rooms = frozenset(f"{LIBRARY.name}.{name}" for name in (parts[0], *SCREEN_ROOMS[parts[0]].split()))
    types = for_types(path)
    found = [f"{line}: {name}" for line, name in imports(path, [LIBRARY.name, *parts[:-1]])
             if name.startswith(LIBRARY.name) and line not in types and not below(name, rooms)]
    assert found == []


@pytest.mark.parametrize("path", python_files(RUNNER), ids=lambda path: str(path.relative_to(RUNNER)))
def test_a_room_of_the_benchmark_runner_imports_only_what_its_table_allows(path: Path) -> None:
    room_, *inside = path.relative_to(RUNNER).parts
    if not inside:
        return  # the command line uses them all
    package, house = ["Testing", "benchmarks", "runner", room_], "Testing.benchmarks.runner"
    rooms = frozenset(f"{house}.{name}" for name in (room_, *RUNNER_ROOMS[room_].split()))
    found = [f"{line}: {name}" for line, name in imports(path, package) if name.startswith(house)]
    assert [one for one in found if not below(one.partition(": ")[2], rooms)] == []


def test_the_walker_sees_relative_late_and_aliased_imports(tmp_path: Path) -> None:
    file = tmp_path / "x.py"
    file.write_text("from . import losses\nfrom ..job import JobFolder as J\ndef f():\n    import torch.nn as nn\n")
    assert list(imports(file, [PACKAGE, "engine"])) == [
        (1, f"{PACKAGE}.engine.losses"), (2, f"{PACKAGE}.job.JobFolder"), (4, "torch.nn"),
    ]


def test_the_map_in_the_readme_names_every_room_and_no_other() -> None:
    chart = (ROOT / "README.md").read_text(encoding="utf-8").split("## For developers")[1].split("```")[1]
    houses = (ROOT / PACKAGE, LIBRARY, ROOT / "Testing" / "benchmarks")
    rooms = {path.parent.name for house in houses for path in house.rglob("__init__.py") if path.parent != house}
    assert rooms - set(re.findall(r"[a-z_]+", chart)) == set()
    folders = [*houses, ROOT / "Testing"]
    for words in re.findall(r"^ {2,4}([a-z_ ]+?)(?: {3,}|$)", chart, re.MULTILINE):
        for name in words.split():
            assert any((folder / name).is_dir() or (folder / f"{name}.py").is_file() for folder in folders), name


def test_a_trespass_is_named_with_file_and_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    file = tmp_path / "x.py"
    file.write_text("import json\nimport numpy\nimport torch\nfrom ..engine.training.trainer import Trainer\n")
    named = f"x.py:4 imports {PACKAGE}.engine.training.trainer.Trainer"
    assert trespasses(file, [PACKAGE, "methods"], ROOMS["methods"]) == [named]


def test_every_folder_of_the_engine_has_its_place_in_the_order() -> None:
    folders = {path.parent.name for path in (ROOT / PACKAGE / "engine").glob("*/__init__.py")}
    assert folders == {*MACHINERY, "selection", *(name.partition(".")[2] for name in BLOCKS.split())}


@pytest.mark.parametrize("machinery", [*MACHINERY, "selection"])
def test_a_block_may_not_import_the_machinery_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, machinery: str
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    file = tmp_path / "x.py"
    file.write_text(f"from .. import {machinery}\nfrom ..nets import Network\n")
    key, rule = room_of("engine.blocks.x")
    assert (key, trespasses(file, [PACKAGE, "engine", "blocks"], rule)) == (
        "engine.blocks", [f"x.py:1 imports {PACKAGE}.engine.{machinery}"]
    )


# --- what really gets loaded -----------------------------------------------------------------------------------


def in_fresh_interpreter(code: str) -> str:
    """What ``code`` prints in a new Python."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    "name",
    ["settings", "geometry", "files", "study", "job", "backends", "courier", "rounds", "kept_models", "environment",
     "sample", "report", "engine.selection"],
)
def test_importing_a_light_room_loads_no_torch(name: str) -> None:
    code = "import sys, json; print(json.dumps(sorted({m.partition('.')[0] for m in sys.modules})))"
    loaded = set(json.loads(in_fresh_interpreter(f"import {PACKAGE}.{name}; {code}")))
    assert not loaded & {"torch", "monai", "scipy", "skimage", "matplotlib", "pandas"}


def test_the_rooms_that_slicer_imports_cost_little_more_than_numpy_and_simpleitk() -> None:
    """In seconds of this process's own processor time, so that a busy computer does not fail the test."""
    modules = [f"{PACKAGE}.{name}" for name in ("study", "job", "backends")]
    code = (
        "import time; import numpy, SimpleITK; start = time.process_time();"
        f"import {', '.join(modules)}; print(time.process_time() - start)"
    )
    in_fresh_interpreter(code)  # writes the byte code, which an installed extension has
    best = min(float(in_fresh_interpreter(code)) for _ in range(5))
    assert best < LONGEST_IMPORT_S
