"""What Slicer and pip would install: every file that is needed, nothing that is not."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOGIC, SCREEN = ROOT / "SemiSegLogic", ROOT / "SemiSegExtension"
STUB = ROOT / "Testing" / "support" / "slicer_stub"
REAL = ROOT / "Testing" / "support" / "slicer_real"
LARGEST_FILE_MB, LARGEST_REPOSITORY_MB = 5, 100
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
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    include = project["tool"]["setuptools"]["packages"]["find"]["include"]
    code = f"from setuptools import find_packages; print(*find_packages({str(ROOT)!r}, include={include!r}))"
    # in a process of its own: setuptools warns of distutils where something else has imported that before
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    found = {name.replace(".", "/") for name in told.split()}
    wanted = {path.parent.relative_to(ROOT).as_posix() for path in LOGIC.rglob("*.py")}
    assert found == wanted, "a folder with Python files has no __init__.py"


def test_pip_installs_what_the_logic_reads_at_run_time() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    patterns = project["tool"]["setuptools"]["package-data"]["SemiSegLogic"]
    taken = {path.relative_to(LOGIC).as_posix() for pattern in patterns for path in LOGIC.glob(pattern)}
    assert {name for name in files(LOGIC, "*") if not name.endswith((".py", "CMakeLists.txt"))} == taken


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Names in the package that Slicer's and CTK's own macros make of a clone, relative to its single folder."""
    trees = {name: os.environ.get(name) for name in ("SLICER_SOURCE", "CTK_SOURCE")}
    if not all(trees.values()):
        pytest.skip("SLICER_SOURCE and CTK_SOURCE name the sources of Slicer and CTK, for their macros")
    cmake = os.environ.get("CMAKE", "cmake")
    clone, build = (tmp_path_factory.mktemp(name) for name in ("clone", "build"))
    run("git", "clone", "-q", str(ROOT), str(clone / "SlicerSemiSeg"))
    origin = "https://github.com/SemiSeg/SlicerSemiSeg.git"
    run("git", "-C", str(clone / "SlicerSemiSeg"), "remote", "set-url", "origin", origin)
    defined = [f"-D{name}={path}" for name, path in trees.items()]
    run(cmake, "-Wno-author", "-S", str(clone / "SlicerSemiSeg"), "-B", str(build), f"-DSlicer_DIR={REAL}",
        "-DBUILD_TESTING=ON", *defined)  # fmt: skip
    run(cmake, "--build", str(build), "--target", "package")
    (made,) = build.glob("*-SemiSeg-git*.tar.gz")
    with tarfile.open(made) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


def test_slicers_own_macros_package_every_file(package: set[str]) -> None:
    folder = "lib/Slicer-5.12/qt-scripted-modules/"
    tracked = run("git", "-C", str(ROOT), "ls-files", "SemiSegLogic", "SemiSegExtension").splitlines()
    wanted = {name.removeprefix("SemiSegExtension/") for name in tracked if not name.endswith("CMakeLists.txt")}
    found = {name.removeprefix(folder) for name in package if name.startswith(folder)}
    assert wanted <= found
    assert not [name for name in found if "Testing" in name]
    assert "share/Slicer-5.12/SemiSeg.s4ext" in package, "the description that the extension manager shows"


def test_the_repository_holds_no_large_files() -> None:
    tracked = [ROOT / name for name in run("git", "-C", str(ROOT), "ls-files").splitlines()]
    sizes = {path: path.stat().st_size / 1e6 for path in tracked if path.is_file()}
    assert [path.name for path, size in sizes.items() if size > LARGEST_FILE_MB] == []
    counted = dict(line.split(": ") for line in run("git", "-C", str(ROOT), "count-objects", "-v").splitlines())
    history = (int(counted["size"]) + int(counted["size-pack"])) * 1024 / 1e6  # the index counts a clone, .git and all
    assert sum(sizes.values()) + history < LARGEST_REPOSITORY_MB


def test_the_catalogue_entry_has_the_types_of_the_indexs_schema() -> None:
    """Written down by hand from the index's schema 1.0.2; SLICER_SOURCE, where given, holds the schema itself."""
    path = ROOT / "Resources" / "SemiSeg.json"
    entry = json.loads(path.read_text())
    texts = CATALOGUE_KEYS - {"build_dependencies", "enabled", "tier"}
    assert all(isinstance(entry[key], str) for key in texts & entry.keys())
    assert all(isinstance(name, str) for name in entry["build_dependencies"])
    assert 1 <= entry["tier"] <= 5
    assert entry["category"] in ("Active Learning", "Segmentation")
    assert b"\r" not in path.read_bytes()
    if os.environ.get("SLICER_SOURCE"):
        jsonschema = pytest.importorskip("jsonschema")
        schema = next((Path(os.environ["SLICER_SOURCE"]) / "Schemas").glob("*catalog-entry-schema-v1.0.2.json"))
        jsonschema.validate(entry, json.loads(schema.read_text()))


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


def test_what_the_extension_manager_shows_of_the_extension_is_shown_whole() -> None:
    """Slicer's macros hand these texts on without quotes: a semicolon is the end of the text for them."""
    told = dict(re.findall(r'set\((EXTENSION_\w+) "(.*)"\)', (ROOT / "CMakeLists.txt").read_text()))
    assert told["EXTENSION_DESCRIPTION"].endswith("nothing is sent anywhere else.")
    assert [name for name, text in told.items() if ";" in text] == []


def test_the_icon_and_the_licence_that_the_catalogue_shows_exist() -> None:
    icon = re.search(r'EXTENSION_ICONURL "https://raw\.githubusercontent\.com/[^/]+/[^/]+/main/(.+)"',
                     (ROOT / "CMakeLists.txt").read_text())
    assert icon
    assert (ROOT / icon[1]).read_bytes().startswith(b"\x89PNG")
    assert (ROOT / "LICENSE").is_file()
