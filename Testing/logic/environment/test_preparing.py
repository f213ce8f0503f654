"""The private environment: made once, repaired, explained. pip itself is replaced by a stub."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from SemiSegLogic.environment import LIST, EnvironmentProblem, Requirements, prepare, preparing
from SemiSegLogic.environment import folder as environment_folder
from SemiSegLogic.environment.folder import EnvironmentFolder
from SemiSegLogic.environment.marks import BEGUN, MARKER
from SemiSegLogic.environment.problem import explain

ROOT = Path(__file__).resolve().parents[3]
WANTED = Requirements(("-r", "list.txt"), "digest1", ("test",))
needs_posix = pytest.mark.skipif(os.name == "nt", reason="the stub interpreters are shell scripts")


def script(path: Path, text: str) -> Path:
    """An executable shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return path


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A Python that makes environments whose pip writes what it was asked for into pip.log."""
    script(
        tmp_path / "base" / "inner",
        'here="$(dirname "$0")/.."; echo "$@" >> "$here/pip.log"; echo "pip 23.0 from here"\n'
        'if [ -f "$here/fail" ] && [ "$3" = install ]; then cat "$here/fail" >&2; exit 1; fi\n',
    )
    return script(
        tmp_path / "base" / "python",
        'if [ "$1" = -c ]; then exit 0; fi\n'
        'mkdir -p "$3/bin"; cp "$(dirname "$0")/inner" "$3/bin/python"; touch "$3/pyvenv.cfg"\n'
        'echo made >> "$3/made.log"\n',
    )


def installs(folder: Path) -> list[str]:
    """The pip installations that the stub saw."""
    return [line for line in (folder / "pip.log").read_text().splitlines() if " install " in f"{line} "]


@needs_posix
def test_an_environment_is_made_once_and_found_again(tmp_path: Path, base: Path) -> None:
    folder = tmp_path / "env"
    assert prepare(folder, WANTED, base).command == [str(folder / "bin" / "python")]
    prepare(folder, WANTED, base)
    assert len(installs(folder)) == 1
    assert installs(folder)[0].endswith("-r list.txt")
    assert (folder / MARKER).read_text().split() == ["digest1", "test"]


@needs_posix
def test_fewer_extras_need_no_new_installation_and_more_do(tmp_path: Path, base: Path) -> None:
    folder = tmp_path / "env"
    prepare(folder, WANTED, base)
    prepare(folder, Requirements(WANTED.arguments, "digest1"), base)
    assert len(installs(folder)) == 1
    prepare(folder, Requirements(WANTED.arguments, "digest1", ("serve",)), base)
    assert len(installs(folder)) == 2


@needs_posix
def test_changed_requirements_are_installed_into_the_same_environment(tmp_path: Path, base: Path) -> None:
    folder = tmp_path / "env"
    prepare(folder, WANTED, base)
    prepare(folder, Requirements(("-r", "other.txt"), "digest2", ("test",)), base)
    assert installs(folder)[-1].endswith("-r other.txt")
    assert (folder / "made.log").read_text().count("made") == 1


@needs_posix
def test_an_interrupted_installation_is_not_taken_for_a_finished_one(tmp_path: Path, base: Path) -> None:
    folder = tmp_path / "env"
    prepare(folder, WANTED, base)
    (folder / "fail").write_text("killed")
    with pytest.raises(EnvironmentProblem):
        prepare(folder, Requirements(("-r", "other.txt"), "digest2"), base)
    assert not (folder / MARKER).exists()
    (folder / "fail").unlink()
    prepare(folder, WANTED, base)
    assert EnvironmentFolder(folder).is_ready("digest1", ["test"])


@needs_posix
def test_a_half_made_environment_is_repaired(tmp_path: Path, base: Path) -> None:
    folder = tmp_path / "env"
    (folder / "lib").mkdir(parents=True)
    (folder / BEGUN).touch()
    prepare(folder, WANTED, base)
    assert EnvironmentFolder(folder).is_ready("digest1")
    assert not (folder / "lib").exists()


@needs_posix
def test_an_environment_whose_interpreter_broke_is_made_again(tmp_path: Path, base: Path) -> None:
    folder = tmp_path / "env"
    prepare(folder, WANTED, base)
    (folder / "bin" / "python").unlink()
    prepare(folder, WANTED, base)
    assert EnvironmentFolder(folder).is_ready("digest1")


@needs_posix
def test_somebody_elses_folder_is_left_alone(tmp_path: Path, base: Path) -> None:
    thesis = tmp_path / "documents" / "thesis.txt"
    thesis.parent.mkdir()
    thesis.write_text("years of work")
    with pytest.raises(EnvironmentProblem, match=r"left alone.*--environment"):
        prepare(thesis.parent, WANTED, base)
    assert thesis.read_text() == "years of work"
    assert not (tmp_path / "documents.lock").exists()


@needs_posix
def test_a_clone_that_may_not_be_written_is_left_as_it_is(
    tmp_path: Path, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a share: the environment was to lie in it, and pip, told to put it elsewhere, was to write into it."""
    clone = tmp_path / "clone"
    clone.mkdir()
    (clone / "pyproject.toml").touch()
    monkeypatch.setattr(preparing, "ROOT", clone)
    assert preparing.default_folder() == clone / ".venv"
    monkeypatch.setattr(preparing, "can_write", lambda folder: folder != clone)
    home = preparing.default_folder()
    assert home == Path.home() / ".semiseg" / "environment"
    prepare(tmp_path / "env", Requirements.of_this_copy(["server"]), base)
    (asked,) = installs(tmp_path / "env")
    assert " -e " not in asked
    assert asked.endswith(f"-r {LIST} fastapi>=0.115 uvicorn>=0.30")
    (clone / ".venv").mkdir()
    assert preparing.default_folder() == clone / ".venv", "who may write made it for all"


def test_whether_a_folder_may_be_written_is_tried_and_leaves_nothing(tmp_path: Path) -> None:
    assert preparing.can_write(tmp_path)
    assert not list(tmp_path.iterdir())
    assert not preparing.can_write(tmp_path / "gone")


@needs_posix
def test_a_persons_own_environment_is_used_when_it_has_pip_and_never_emptied(tmp_path: Path, base: Path) -> None:
    own = tmp_path / "own"
    subprocess.run([base, "-m", "venv", own], check=True)
    prepare(own, WANTED, base)
    assert (own / "made.log").read_text().count("made") == 1
    bare = tmp_path / "bare"
    script(bare / "bin" / "python", "exit 1\n")
    (bare / "pyvenv.cfg").touch()
    with pytest.raises(EnvironmentProblem, match="left alone"):
        prepare(bare, WANTED, base)


@needs_posix
def test_a_python_without_venv_is_explained_with_the_remedy(tmp_path: Path) -> None:
    base = script(tmp_path / "python", "exit 1\n")
    with pytest.raises(EnvironmentProblem, match="apt install python3"):
        prepare(tmp_path / "env", WANTED, base)


@needs_posix
def test_little_disk_space_is_a_warning_not_an_end(
    tmp_path: Path, base: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(environment_folder, "ROOM_GB", 10**9)
    prepare(tmp_path / "env", WANTED, base)
    assert "GB are free" in capsys.readouterr().err


@needs_posix
def test_two_processes_do_not_set_up_at_once(tmp_path: Path, base: Path) -> None:
    slow = base.read_text().replace("touch", "sleep 0.3; touch")
    base.write_text(slow)
    code = (
        "import sys; from pathlib import Path; from SemiSegLogic.environment import Requirements, prepare;"
        "prepare(Path(sys.argv[1]), Requirements(('-r', 'list.txt'), 'digest1'), Path(sys.argv[2]))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "env"), str(base)]
    both = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) for _ in range(2)]
    assert [process.wait(20) for process in both] == [0, 0]
    for process in both:
        process.communicate()
    assert len(installs(tmp_path / "env")) == 1


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("NewConnectionError: Failed to establish a new connection", "Connect to the internet"),
        ("ERROR: Could not find a version that satisfies numpy (from versions: none)", "Connect to the internet"),
        ("OSError: [Errno 122] Disk quota exceeded: '/home/ada/.semiseg'", "your share of it used up"),
        ("OSError: Could not find a suitable TLS CA certificate bundle, invalid path: ca.pem", "PIP_CERT"),
        ("ERROR: No matching distribution found for torch==2.13.0", "Try another Python"),
        ("Segmentation fault", "pip could not install"),
    ],
)
def test_pips_failures_are_told_with_a_remedy(line: str, words: str, tmp_path: Path) -> None:
    assert words in explain([line], tmp_path)


@needs_posix
def test_pips_own_words_reach_the_error(tmp_path: Path, base: Path) -> None:
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / BEGUN).touch()
    base.write_text(base.read_text() + 'echo "No space left on device" > "$3/fail"\n')
    with pytest.raises(EnvironmentProblem, match="disk is full"):
        prepare(tmp_path / "env", WANTED, base)
