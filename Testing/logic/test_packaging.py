"""What Slicer and pip would install: every file that is needed, nothing that is not."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOGIC, SCREEN = ROOT / "SemiSegLogic", ROOT / "SemiSegExtension"
STUB = ROOT / "Testing" / "support" / "slicer_stub"
CATALOGUE_KEYS = {
    "$schema", "build_dependencies", "build_subdirectory", "category", "dicom_support_rule", "enabled", "scm_revision",
    "scm_type", "scm_url", "tier",
}

pytestmark = pytest.mark.filterwarnings("error")


def files(folder: Path, pattern: str) -> set[str]:
    """Paths below ``folder``, relative, without what Python leaves behind."""
    found = (path for path in folder.rglob(pattern) if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix() for path in found}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extension, configured with a stub of Slicer and installed into a scratch folder."""
    if not (shutil.which("cmake") and shutil.which("cc") and (shutil.which("make") or shutil.which("ninja"))):
        pytest.skip("CMake, a C compiler and make or ninja are needed to configure the extension")
    if not (SCREEN / "SemiSeg.py").exists():
        pytest.skip("the Slicer module SemiSegExtension/SemiSeg.py does not exist yet")
    build = tmp_path_factory.mktemp("build")
    run("cmake", "-S", str(ROOT), "-B", str(build), f"-DSlicer_DIR={STUB}", "-DBUILD_TESTING=ON")
    run("cmake", "--install", str(build), "--prefix", str(build / "installed"))
    return build / "installed" / "lib" / "Slicer-5.12" / "qt-scripted-modules"


def run(*command: str) -> str:
    """Output of a command that must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_slicer_installs_every_python_file_of_the_logic_beside_the_module(installed: Path) -> None:
    assert files(installed / "SemiSegLogic", "*.py") == files(LOGIC, "*.py")


def test_slicer_installs_what_the_logic_reads_at_run_time(installed: Path) -> None:
    others = {name for name in files(LOGIC, "*") if not name.endswith((".py", "CMakeLists.txt"))}
    assert files(installed / "SemiSegLogic", "*") - files(LOGIC, "*.py") == others


def test_slicer_installs_every_script_and_resource_of_the_module(installed: Path) -> None:
    wanted = {name for name in files(SCREEN, "*") if name.endswith(".py") or name.startswith("Resources/")}
    wanted = {name for name in wanted if not any(part.startswith(".") for part in name.split("/"))}
    found = {name for name in files(installed, "*") if not name.startswith("SemiSegLogic/")}
    assert found == wanted
    assert "SemiSeg.py" in found


def test_no_test_and_no_data_reaches_the_user(installed: Path) -> None:
    found = files(installed, "*")
    assert not [name for name in found if name.startswith("Testing") or name.endswith((".nii.gz", ".nrrd", ".tar"))]


def test_the_installed_logic_can_be_imported_from_there(installed: Path) -> None:
    import sys

    code = "import SemiSegLogic, SemiSegLogic.geometry as g; print(g.__file__)"
    done = subprocess.run([sys.executable, "-c", code], cwd=installed, capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()).is_relative_to(installed)


def test_the_globs_of_cmake_meet_every_python_file() -> None:
    text = (LOGIC / "CMakeLists.txt").read_text()
    assert re.search(r"GLOB_RECURSE SEMISEG_LOGIC_SCRIPTS CONFIGURE_DEPENDS RELATIVE \S+ \*\.py\)", text)
    assert "WITH_SUBDIR" in text
    assert "WITH_GENERIC_TESTS" not in text


def test_pip_installs_every_subpackage() -> None:
    from setuptools import find_packages

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    include = project["tool"]["setuptools"]["packages"]["find"]["include"]
    found = {name.replace(".", "/") for name in find_packages(str(ROOT), include=include)}
    wanted = {path.parent.relative_to(ROOT).as_posix() for path in LOGIC.rglob("*.py")}
    assert found == wanted, "a folder with Python files has no __init__.py"


def test_the_catalogue_entry_and_cmake_agree() -> None:
    entry = json.loads((ROOT / "Resources" / "SemiSeg.json").read_text())
    cmake = (ROOT / "CMakeLists.txt").read_text()
    assert entry.keys() <= CATALOGUE_KEYS
    assert {"$schema", "category", "scm_url"} <= entry.keys()
    assert re.search(r"^project\(SemiSeg\)$", cmake, re.MULTILINE)
    homepage = re.search(r'EXTENSION_HOMEPAGE "(.+)"', cmake)
    depends = re.search(r'EXTENSION_DEPENDS "(.+)"', cmake)
    assert homepage
    assert depends
    assert entry["scm_url"] == homepage[1] + ".git"
    assert entry["build_dependencies"] == [name for name in depends[1].split() if name != "NA"]


def test_the_icon_and_the_licence_that_the_catalogue_shows_exist() -> None:
    icon = re.search(r'EXTENSION_ICONURL "https://raw\.githubusercontent\.com/[^/]+/[^/]+/main/(.+)"',
                     (ROOT / "CMakeLists.txt").read_text())
    assert icon
    assert (ROOT / icon[1]).read_bytes().startswith(b"\x89PNG")
    assert (ROOT / "LICENSE").is_file()
