"""What is needed, of Python and of packages: listed once, and the same everywhere."""

from __future__ import annotations

import argparse
import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from SemiSegLogic import environment
from SemiSegLogic.environment import EnvironmentProblem, Requirements, bundling
from SemiSegLogic.environment.requirements import PYTHONS, dotted, pythons_in_words

ROOT = Path(__file__).resolve().parents[3]


def test_an_old_python_is_told_what_is_needed() -> None:
    with pytest.raises(EnvironmentProblem, match=r"Python 3\.9 .* needs 3\.11"):
        environment.check_python((3, 9))


def test_the_pythons_that_can_train_are_the_same_wherever_they_are_named() -> None:
    """The panel took 3.14 and spoke of 3.13 as the newest, no bundle could be made for 3.14, the README knew no end."""
    oldest, project = dotted(PYTHONS[0]), tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["requires-python"] == f">={oldest}"
    assert project["tool"]["mypy"]["python_version"] == oldest
    assert f"with Python {pythons_in_words()}" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"OLDEST_PYTHON = {PYTHONS[0]}\n" in (ROOT / "SemiSegExtension" / "SemiSeg.py").read_text(encoding="utf-8")
    parser = argparse.ArgumentParser()
    bundling.grammar(parser)
    for version in PYTHONS:
        assert parser.parse_args(["out.zip", "--python", dotted(version)]).python == dotted(version)


def test_an_old_python_can_read_these_files_far_enough_to_say_so() -> None:
    for path in (ROOT / "SemiSegLogic" / "environment").glob("*.py"):
        ast.parse(path.read_text(), feature_version=(3, 8))


def test_the_environment_code_needs_nothing_but_the_standard_library() -> None:
    code = "import sys; import SemiSegLogic.environment; print([m for m in ('numpy', 'SimpleITK') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_clone_is_installed_editable_within_its_constraints() -> None:
    wanted = Requirements.of_this_copy(["test"])
    assert wanted.arguments == ("-c", str(ROOT / "constraints.txt"), "-e", f"{ROOT}[test]")
    assert wanted.digest == Requirements.of_project(ROOT).digest
    assert environment.default_folder() == ROOT / ".venv"


def test_the_list_for_slicer_equals_the_projects() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    lines = (ROOT / "SemiSegLogic" / "requirements.txt").read_text().splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == project


def test_every_needed_module_is_installed_by_the_project() -> None:
    table = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [*table["dependencies"], *table["optional-dependencies"]["test"]]
    names = {line.split(">")[0].split("=")[0].lower() for line in lines}
    other = {"skimage": "scikit-image", "nrrd": "pynrrd", "xdist": "pytest-xdist"}
    needed = environment.NEEDED + environment.NEEDED_FOR_TESTS
    assert {other.get(module, module).lower() for module in needed} <= names
