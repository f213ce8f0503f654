"""Bad moments of a set-up, with real pip and small real packages: killed at any stage, a full disk, a Python that can
make no environment.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from SemiSegLogic.environment import Requirements, indexes, prepare, problem
from SemiSegLogic.environment import folder as environment_folder
from SemiSegLogic.environment import pip as pip_module
from SemiSegLogic.environment.folder import EnvironmentFolder
from SemiSegLogic.environment.marks import BEGUN, MARKER, Marks
from SemiSegLogic.environment.pip import Pip
from SemiSegLogic.environment.problem import EnvironmentProblem, explain
from SemiSegLogic.environment.requirements import pythons_in_words
from Testing.support.wheels import WANTED, make_wheel, python_without_venv, works

ROOT = Path(__file__).resolve().parents[3]
needs_posix = pytest.mark.skipif(os.name == "nt", reason="signals and shell scripts")


@needs_posix
@pytest.mark.parametrize("stage", ["made", "filled", "installing", "before the marker"])
def test_a_set_up_that_is_killed_is_taken_up_again(
    stage: str, shelf: Path, base: Path, tmp_path: Path
) -> None:
    """The process stops itself where a kill hits it; nothing of it runs afterwards, not even ``finally``."""
    die = "os.kill(os.getpid(), signal.SIGKILL)"
    hooks = {
        "made": f"folder.EnvironmentFolder._fill = lambda *a: {die}",
        "filled": f"folder.EnvironmentFolder.install = lambda *a: {die}",
        "installing": f"pip.Pip.install = lambda *a: {die}",
        "before the marker": f"marks.Marks._write = lambda *a: {die}",
    }
    code = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom SemiSegLogic.environment import *\n"
        "from SemiSegLogic.environment import Requirements, prepare, folder, marks, pip\n" + hooks[stage] +
        "\nprepare(Path(sys.argv[1]), Requirements(('tree',), 'digest1'), Path(sys.argv[2]))"
    )  # fmt: skip
    command = [sys.executable, "-c", code, str(tmp_path / "env"), str(base)]
    killed = subprocess.run(command, cwd=ROOT, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    environment = EnvironmentFolder(tmp_path / "env")
    assert environment.is_ours
    assert not environment.is_ready("digest1")
    assert not environment.is_being_changed, "the system gives the lock back"
    assert works(prepare(tmp_path / "env", WANTED, base))


def test_a_finished_environment_is_made_anew_on_request(shelf: Path, base: Path, tmp_path: Path) -> None:
    environment = prepare(tmp_path / "env", WANTED, base)
    broken = next(environment.root.rglob("leaf/__init__.py"))
    broken.write_text("raise ImportError('damaged')")
    prepare(tmp_path / "env", WANTED, base)
    assert not works(environment), "what is called ready is left as it is"
    environment.begin_anew()
    assert works(prepare(tmp_path / "env", WANTED, base))


@needs_posix
def test_a_python_that_makes_no_environments_gets_a_folder_beside_it_and_stays_as_it_is(
    shelf: Path, base: Path, tmp_path: Path
) -> None:
    slicers = python_without_venv(tmp_path / "PythonSlicer", sys.executable)
    before = subprocess.run([sys.executable, "-m", "pip", "list"], capture_output=True, text=True).stdout
    environment = prepare(tmp_path / "env", WANTED, slicers)
    assert environment.is_borrowed
    assert environment.command[0] == str(slicers)
    assert works(environment)
    outside = subprocess.run([str(slicers), "-c", "import tree"], capture_output=True, text=True)
    assert "No module named 'tree'" in outside.stderr
    assert before == subprocess.run([sys.executable, "-m", "pip", "list"], capture_output=True, text=True).stdout


@needs_posix
def test_the_folder_beside_a_python_runs_modules_with_their_arguments(shelf: Path, base: Path, tmp_path: Path) -> None:
    environment = prepare(tmp_path / "env", WANTED, python_without_venv(tmp_path / "PythonSlicer", sys.executable))
    (tmp_path / "speak.py").write_text("import sys, leaf; print(__name__, sys.argv[1:], leaf.__version__)")
    done = subprocess.run(
        [*environment.command, "-u", "-m", "speak", "a b", "-c"], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert done.stdout.strip() == "__main__ ['a b', '-c'] 2.0", done.stderr


@needs_posix
def test_a_python_with_neither_venv_nor_pip_is_told_with_the_remedy(tmp_path: Path) -> None:
    base = python_without_venv(tmp_path / "bare", "/bin/false")
    with pytest.raises(EnvironmentProblem, match=r"python\.org"):
        prepare(tmp_path / "env", WANTED, base)


def test_a_full_disk_is_told_wherever_it_strikes(
    shelf: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for owner, name in ((EnvironmentFolder, "_empty"), (EnvironmentFolder, "_fill"), (Marks, "_write")):
        with monkeypatch.context() as broken:
            broken.setattr(owner, name, full)
            with pytest.raises(EnvironmentProblem, match=r"disk is full.*Free about"):
                prepare(tmp_path / "env", WANTED, base)
    assert works(prepare(tmp_path / "env", WANTED, base))


def test_a_removal_that_was_interrupted_leaves_nothing_that_looks_whole(
    shelf: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = prepare(tmp_path / "env", WANTED, base)
    with monkeypatch.context() as broken:
        held = PermissionError(errno.EACCES, "Access is denied", "torch.dll")
        broken.setattr(shutil, "rmtree", lambda *_: (_ for _ in ()).throw(held))
        with pytest.raises(EnvironmentProblem, match=r"torch\.dll cannot be deleted.*press Remove again"):
            environment.remove()
    assert not environment.is_ready("digest1")
    environment.remove()
    assert [path.name for path in tmp_path.glob("env*")] == ["env.lock"]
    assert works(prepare(tmp_path / "env", WANTED, base))


def test_an_environment_in_a_folder_with_brackets_in_its_name_is_removed_whole(tmp_path: Path) -> None:
    environment = EnvironmentFolder(tmp_path / "semiseg [5.10]")
    environment.root.mkdir()
    environment.marks.begin()
    (environment.root / "package.py").write_bytes(b"")
    environment.remove()
    assert [path.name for path in tmp_path.iterdir()] == ["semiseg [5.10].lock"]


@needs_posix
def test_an_environment_behind_a_link_is_removed_and_made_again_there(shelf: Path, base: Path, tmp_path: Path) -> None:
    """People put it onto another disk so. The link got another name, nothing could be deleted, and that for ever."""
    (tmp_path / "other disk").mkdir()
    (tmp_path / "env").symlink_to(tmp_path / "other disk")
    environment = prepare(tmp_path / "env", WANTED, base)
    environment.remove()
    assert not list((tmp_path / "other disk").iterdir())
    assert (tmp_path / "env").is_symlink()
    assert works(prepare(tmp_path / "env", WANTED, base))
    assert (tmp_path / "other disk" / MARKER).is_file()


def test_the_lock_tells_while_another_process_sets_up(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from SemiSegLogic.environment.lock import alone\n"
        "with alone(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    environment = EnvironmentFolder(tmp_path / "env")
    assert not environment.is_being_changed
    other = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "env")], cwd=ROOT, stdout=subprocess.PIPE)
    assert other.stdout
    other.stdout.readline()
    assert environment.is_being_changed
    environment.root.mkdir()
    (environment.root / BEGUN).touch()
    with pytest.raises(EnvironmentProblem, match="Wait until it has finished"):
        environment.remove()
    other.kill()
    other.communicate()
    end = time.monotonic() + 5
    while environment.is_being_changed and time.monotonic() < end:
        time.sleep(0.01)
    environment.remove()
    assert not environment.root.exists()


@needs_posix
def test_a_disk_that_knows_no_locks_holds_up_nobody(
    shelf: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some network disks. The panel said for ever that another window was setting up, and had no button left."""
    import fcntl

    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    assert works(prepare(tmp_path / "env", WANTED, base))
    assert not EnvironmentFolder(tmp_path / "env").is_being_changed


@needs_posix
def test_another_version_of_python_in_the_place_of_ours_is_noticed(shelf: Path, base: Path, tmp_path: Path) -> None:
    """As after an update of the system: python3 then sees none of the packages, and all was called ready."""
    environment = prepare(tmp_path / "env", WANTED, base)
    version = environment.python.resolve().name
    (environment.root / "lib" / version).rename(environment.root / "lib" / "python3.10")
    assert not environment.is_ready("digest1")
    assert works(prepare(tmp_path / "env", WANTED, base))


def test_a_python_that_went_from_windows_is_noticed(tmp_path: Path) -> None:
    """There the environment holds a starter of its own, which stays."""
    assert not environment_folder._holds_python(tmp_path / "Python312")
    (tmp_path / "Python312").mkdir()
    (tmp_path / "Python312" / "Lib").mkdir()
    assert not environment_folder._holds_python(tmp_path / "Python312")
    (tmp_path / "Python312" / "Python.exe").touch()
    assert environment_folder._holds_python(tmp_path / "Python312")


def test_without_pytorchs_own_index_the_processors_build_comes_from_the_usual_one(
    shelf: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Hospitals let through the usual index, or hold a copy of it, and nothing else: no set-up on Linux succeeded."""
    make_wheel(shelf, "torch", "2.0")
    monkeypatch.setattr(indexes, "index_of", lambda *_, **__: "file:///nowhere")
    steps = list(environment_folder.venv_steps(tmp_path, ("tree", "torch"), "file:///nowhere"))
    monkeypatch.setattr(environment_folder, "venv_steps", lambda *_: iter([[*steps[0], "no-such-package"], steps[1]]))
    wanted = Requirements(("tree", "torch"), "digest1", modules=("tree", "leaf"))
    with pytest.raises(EnvironmentProblem):
        prepare(tmp_path / "env", wanted, base, build="cu126")
    assert works(prepare(tmp_path / "env", wanted, base, build="cpu"))
    assert "the usual index" in capfd.readouterr().out


def test_a_small_disk_for_temporary_files_does_not_end_a_set_up(
    shelf: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Often it is half of the memory. pip puts PyTorch there first, and the environment's disk was called full."""
    small, seen = Path(tempfile.gettempdir()), tmp_path / "seen"
    monkeypatch.setattr(pip_module, "free_gb", lambda place: 1.0 if place == small else 50.0)
    build = f"import os, pathlib; pathlib.Path({str(seen)!r}).write_text(os.environ['TMPDIR'])\nraise SystemExit(1)\n"
    source = tmp_path / "source"
    source.mkdir()
    (source / "setup.py").write_text(build)
    pip = Pip([sys.executable], tmp_path / "env")
    with pytest.raises(EnvironmentProblem):
        pip.install(["--dry-run", "--no-build-isolation", "--no-index", str(source)])
    assert seen.read_text() == str(tmp_path / "env" / pip_module.DOWNLOADS)
    assert not (tmp_path / "env" / pip_module.DOWNLOADS).exists()


def test_a_disk_that_does_not_tell_its_room_ends_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: (_ for _ in ()).throw(OSError(errno.ENOSYS, "not here")))
    assert problem.free_gb(tmp_path / "to come") == float("inf")
    with pip_module.room_for_downloads(tmp_path / "env") as variables:
        assert variables == {}


def test_the_disk_that_is_full_is_the_one_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = Path(tempfile.gettempdir())
    rooms = {temporary: 0.1, tmp_path: 50.0}
    monkeypatch.setattr(problem, "free_gb", rooms.__getitem__)
    full = ["OSError: [Errno 28] No space left on device"]
    assert f"temporary files, {temporary}, is full" in explain(full, tmp_path)
    rooms[tmp_path] = 0.1
    assert f"(environment {tmp_path})" in explain(full, tmp_path)


@pytest.mark.parametrize(("computer", "expected"), [
    ({"system": "linux", "libc": "glibc"}, True), ({"system": "linux", "libc": "musl"}, False),
    ({"system": "win32", "machine": "AMD64"}, True), ({"system": "win32", "machine": "ARM64"}, False),
    ({"system": "darwin"}, True), ({"system": "darwin", "version": (3, 15)}, False),
    ({"system": "darwin", "wide": False}, False),
])  # fmt: skip
def test_where_packages_have_no_builds_nobody_is_sent_to_look_at_the_network(
    computer: dict[str, Any], expected: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pip says the same of both: from versions: none."""
    found = problem.has_builds(**{"version": (3, 12), **computer})
    assert found is expected
    monkeypatch.setattr(problem, "has_builds", lambda: found)
    lines = ["ERROR: Could not find a version that satisfies the requirement torch>=2.4 (from versions: none)",
             "ERROR: No matching distribution found for torch>=2.4"]
    assert ("Connect to the internet" if expected else "Try another Python") in explain(lines, tmp_path)


def test_another_build_of_pytorch_replaces_the_one_that_is_there(
    shelf: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pip would take 2.0+cpu for good enough, and the card would stay unused."""
    for build in ("cpu", "cu126"):
        wheel = make_wheel(tmp_path / build / "torch", "torch", f"2.0+{build}")
        (wheel.parent / "index.html").write_text(f'<a href="{wheel.name.replace("+", "%2B")}">{wheel.name}</a>')
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setattr(indexes, "index_of", lambda build, **_: (tmp_path / build).as_uri())
    wanted = Requirements(("--no-index", "tree", "torch>=1.0"), "digest1")
    environment = prepare(tmp_path / "env", wanted, base, build="cpu")
    (environment.root / MARKER).unlink()
    prepare(tmp_path / "env", wanted, base, build="cu126")
    code = "import torch; print(torch.__version__)"
    done = subprocess.run([*environment.command, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "2.0+cu126"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("ProxyError('Cannot connect to proxy.', timeout('timed out'))", "proxy server refused"),
        ("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]'))", "PIP_CERT"),
        ("IncompleteRead(5000 bytes read, 95000 more expected)", "broke off"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "damaged"),
        ("OSError: [WinError 206] The filename or extension is too long", "paths as long"),
        ("PermissionError: [WinError 5] Access is denied: 'torch_cpu.dll'", "in use by another program"),
        ("OSError: [WinError 112] There is not enough space on the disk", "disk is full"),
        ("socket.gaierror: [Errno 11001] getaddrinfo failed", "Connect to the internet"),
        ("ERROR: ResolutionImpossible: for help visit", "private environment"),
    ],
)
def test_every_known_failure_of_pip_has_its_sentence(line: str, words: str, tmp_path: Path) -> None:
    assert words in explain([line], tmp_path)


def test_a_package_that_has_no_build_for_this_python_is_told_as_that(tmp_path: Path) -> None:
    """pip then tries its source. Said was that pip could not install, and to try again."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "build"\nbackend-path = ["."]\n'
        '[project]\nname = "from-source"\nversion = "1"\n'
    )
    (source / "build.py").write_text("def build_wheel(*_):\n    raise SystemExit('no compiler')\n")
    pip = Pip([sys.executable], tmp_path / "environment")
    with pytest.raises(EnvironmentProblem) as caught:
        pip.install(["--dry-run", "--no-build-isolation", "--no-index", str(source)])
    assert f"no version for this computer's system and Python {sys.version.split()[0]}" in caught.value.text
    assert f"({pythons_in_words()}, 64-bit)" in caught.value.text
