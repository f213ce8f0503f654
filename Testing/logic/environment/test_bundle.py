"""Offline bundles: made by real pip from small real packages, checked to the byte, installed without a network."""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from SemiSegLogic.environment import Requirements, bundling, list_digest, prepare
from SemiSegLogic.environment.bundle import MANIFEST, Bundle, Wheel, machines
from SemiSegLogic.environment.bundling import Target, make
from SemiSegLogic.environment.folder import EnvironmentFolder
from SemiSegLogic.environment.problem import EnvironmentProblem
from Testing.support.wheels import make_wheel, no_network, quick_python

HERE = ".".join(map(str, sys.version_info[:2]))
WANTED = Requirements(("-r", "never-read.txt"), "digest1")
WINDOWS = Target("windows", "3.12", "cpu")

on_linux = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine().lower() not in machines("linux"), reason="installs a Linux bundle"
)


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels that stands for the index; nothing else can be reached."""
    shelf = tmp_path / "shelf"
    conditions = ("only-windows; platform_system == 'Windows'", "only-linux; sys_platform == 'linux'", "leaf>=1.5")
    make_wheel(shelf, "tree", needs=conditions)
    make_wheel(shelf, "leaf", "1.0")
    make_wheel(shelf, "leaf", "2.0", tag="cp312-cp312-win_amd64")
    make_wheel(shelf, "leaf", "2.0", tag=f"cp{HERE.replace('.', '')}-abi3-manylinux_2_17_x86_64")
    make_wheel(shelf, "only_windows")
    make_wheel(shelf, "only_linux")
    no_network(monkeypatch, PIP_FIND_LINKS=str(shelf))
    monkeypatch.setattr(bundling, "index_of", lambda *_: None)
    return shelf


@pytest.fixture
def bundle(shelf: Path, tmp_path: Path) -> Path:
    """A bundle for this very computer."""
    return make(tmp_path / "my bundle ü.zip", Target("linux", HERE, "cpu"), ["tree"]).place


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return quick_python(tmp_path / "base" / "python")


def names(bundle: Bundle) -> list[str]:
    return [file.name for file in bundle.files]


def test_a_bundle_holds_what_the_other_computer_needs_not_what_this_one_does(shelf: Path, tmp_path: Path) -> None:
    made = make(tmp_path / "bundle", WINDOWS, ["tree"])
    assert names(made) == [
        "leaf-2.0-cp312-cp312-win_amd64.whl", "only_windows-1.0-py3-none-any.whl", "tree-1.0-py3-none-any.whl",
    ]  # fmt: skip
    assert (made.system, made.python, made.build, made.needs) == ("windows", "3.12", "cpu", list_digest())


def test_a_package_that_has_no_build_for_the_other_computer_ends_it_and_leaves_nothing(
    shelf: Path, tmp_path: Path
) -> None:
    with pytest.raises(EnvironmentProblem, match=r"pip could not reach|no version"):
        make(tmp_path / "bundle.zip", Target("macos", "3.13", "cpu"), ["tree"])
    assert [path.name for path in tmp_path.iterdir()] == ["shelf"]


def test_an_older_bundle_stays_until_the_new_one_is_whole(shelf: Path, tmp_path: Path) -> None:
    out = make(tmp_path / "bundle.zip", WINDOWS, ["tree"]).place
    before = out.read_bytes()
    with pytest.raises(EnvironmentProblem):
        make(out, WINDOWS, ["no-such-package"])
    assert out.read_bytes() == before


def test_a_folder_with_other_files_is_never_overwritten(shelf: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.txt").touch()
    with pytest.raises(EnvironmentProblem, match="other files"):
        make(tmp_path / "thesis", WINDOWS, ["tree"])


@on_linux
def test_a_bundle_is_installed_without_a_network_into_a_folder_with_blanks_and_umlauts(
    bundle: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_FIND_LINKS")
    folder = tmp_path / "Ünïcode und Leerzeichen" / "environment"
    environment = prepare(folder, WANTED, base, bundle=bundle)
    assert environment.is_ready("digest1")
    code = "import tree, leaf, only_linux; print(leaf.__version__)"
    assert subprocess.run([*environment.command, "-c", code], capture_output=True, text=True).stdout.strip() == "2.0"
    assert not (folder / "semiseg-bundle").exists()


@on_linux
def test_a_folder_is_as_good_as_a_zip(
    shelf: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make(tmp_path / "bundle", Target("linux", HERE, "cpu"), ["tree"])
    monkeypatch.delenv("PIP_FIND_LINKS")
    assert prepare(tmp_path / "env", WANTED, base, bundle=made.place).is_ready("digest1")


def spoil(bundle: Path, change: str) -> None:
    """Rewrite a bundle with one thing wrong."""
    with zipfile.ZipFile(bundle) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    wheel = next(name for name in content if name.startswith("leaf"))
    told = json.loads(content[MANIFEST])
    if change == "a byte":
        content[wheel] = content[wheel][:-1] + bytes([content[wheel][-1] ^ 1])
    elif change == "a file less":
        del content[wheel]
    elif change == "a name that leads out":
        told["files"][0]["name"] = "../../evil-1.0-py3-none-any.whl"
    elif change == "a newer format":
        told["format"] = 99
    elif change == "no list":
        del content[MANIFEST]
    if MANIFEST in content:
        content[MANIFEST] = json.dumps(told).encode()
    with zipfile.ZipFile(bundle, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)


@pytest.mark.parametrize("name", ["photos.zip", "half.zip", "scan.nrrd"])
def test_a_file_that_is_no_bundle_is_never_replaced(shelf: Path, tmp_path: Path, name: str) -> None:
    mine = tmp_path / name
    if name == "photos.zip":
        with zipfile.ZipFile(mine, "w") as archive:
            archive.writestr("photo.jpg", b"mine")
    else:
        mine.write_bytes(b"mine")
    before = mine.read_bytes()
    with pytest.raises(EnvironmentProblem, match=f"{name} exists and is no offline bundle"):
        make(mine, WINDOWS, ["tree"])
    assert mine.read_bytes() == before


@on_linux
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("a byte", "leaf-2.0.*is damaged"), ("a file less", "lacks leaf-2.0"),
        ("a name that leads out", "is no offline bundle|damaged"), ("a newer format", "another version of SemiSeg"),
        ("no list", "is no offline bundle"),
    ],
)  # fmt: skip
def test_a_spoilt_bundle_installs_nothing_and_says_what_is_wrong(
    change: str, sentence: str, bundle: Path, base: Path, tmp_path: Path
) -> None:
    spoil(bundle, change)
    with pytest.raises(EnvironmentProblem, match=sentence):
        prepare(tmp_path / "env", WANTED, base, bundle=bundle)
    assert not list((tmp_path / "env").rglob("tree"))
    assert not EnvironmentFolder(tmp_path / "env").was_ready


@pytest.mark.parametrize("change", ["damaged", "Deflate64", "with a password"])
def test_a_bundle_that_was_packed_again_by_another_program_and_cannot_be_read_is_named(
    change: str, tmp_path: Path
) -> None:
    wheel, content = "leaf-2.0-py3-none-any.whl", bytes(range(256)) * 1000
    place = tmp_path / "again.zip"
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(wheel, content)
    packed = bytearray(place.read_bytes())
    second = packed.index(b"PK\x01\x02")  # the list at the end
    if change == "damaged":
        packed[30 + len(wheel):36 + len(wheel)] = bytes(6)
    elif change == "Deflate64":  # as Windows packs what has more than 2 GB
        packed[8], packed[second + 10] = 9, 9
    else:
        packed[6], packed[second + 8] = packed[6] | 1, packed[second + 8] | 1
    place.write_bytes(packed)
    given = Bundle(place, "linux", HERE, "cpu", "", (Wheel(wheel, len(content), hashlib.sha256(content).hexdigest()),))
    with pytest.raises(EnvironmentProblem, match=rf"{wheel}.*again\.zip.*Copy the bundle once more"), \
            given.wheels(tmp_path):
        pass
    assert not (tmp_path / "semiseg-bundle").exists()


def test_half_a_zip_is_no_bundle(bundle: Path) -> None:
    bundle.write_bytes(bundle.read_bytes()[:-200])
    with pytest.raises(EnvironmentProblem, match="no offline bundle"):
        Bundle.open(bundle)


@pytest.mark.parametrize(
    ("target", "needs", "sentence"),
    [
        (Target("windows", HERE, "cpu"), "same", "is for windows, and this is"),
        (Target("linux", "3.12" if HERE != "3.12" else "3.13", "cpu"), "same", f"bundle --for linux --python {HERE}"),
        (Target("linux", HERE, "cpu"), "other", "another version of SemiSeg"),
    ],
)  # fmt: skip
@on_linux
def test_a_bundle_for_another_computer_is_refused_with_the_command_for_the_right_one(
    target: Target, needs: str, sentence: str, shelf: Path, tmp_path: Path
) -> None:
    make_wheel(shelf, "plain")
    made = make(tmp_path / "bundle.zip", target, ["plain"])
    with pytest.raises(EnvironmentProblem, match=sentence):
        made.check_fits(Path(sys.executable), list_digest() if needs == "same" else needs)
    assert not (tmp_path / "env").exists()


def test_pytorch_comes_from_its_own_index_and_keeps_that_very_version(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two indexes as simple folders: the usual one has a newer PyTorch, the one of the build its own."""
    for version, index in (("3.0", "usual"), ("2.0+cu126", "build")):
        wheel = make_wheel(tmp_path / index / "torch", "torch", version, needs=["tree"])
        (wheel.parent / "index.html").write_text(f'<a href="{wheel.name.replace("+", "%2B")}">{wheel.name}</a>')
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", (tmp_path / "usual").as_uri())
    monkeypatch.setattr(bundling, "index_of", lambda *_: (tmp_path / "build").as_uri())
    made = make(tmp_path / "bundle", Target("linux", HERE, "cu126"), ["torch>=1.0"])
    assert "torch-2.0+cu126-py3-none-any.whl" in names(made)
    assert not [name for name in names(made) if name.startswith("torch-3.0")]


def test_the_command_needs_none_of_the_packages(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules.update(dict.fromkeys(('numpy', 'SimpleITK', 'torch')))\n"
        "from SemiSegLogic.__main__ import main; sys.exit(main(['bundle', 'x', '--for', 'macos', '--gpu', 'cu130']))"
    )
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert done.returncode == 1
    assert "no NVIDIA build for macOS" in done.stderr
