"""A command is run where its packages are."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from SemiSegLogic.environment import EnvironmentProblem, Requirements, interpreter, prepare, running
from Testing.support.wheels import make_wheel, no_network, python_without_venv, quick_python

ROOT = Path(__file__).resolve().parents[3]


def test_the_environment_option_is_taken_out_of_the_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(running.CHOSEN, raising=False)
    here = Path.cwd() / "env"
    assert running.chosen_folder(["demo", "--environment", "env", "-x"]) == (here, ["demo", "-x"])
    assert running.chosen_folder(["--environment=env"]) == (here, [])
    assert running.chosen_folder(["demo"]) == (None, ["demo"])
    with pytest.raises(EnvironmentProblem, match="needs a folder"):
        running.chosen_folder(["demo", "--environment"])
    monkeypatch.setenv(running.CHOSEN, "env")
    assert running.chosen_folder([])[0] == here


def test_an_interpreter_that_has_everything_is_used_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "prepare", lambda *_: pytest.fail("no environment is needed"))
    running.ensure(["-m", "SemiSegLogic"], modules=("json", "numpy"))


@pytest.mark.skipif(os.name == "nt", reason="the stub interpreter is a shell script")
def test_a_command_is_run_again_inside_and_its_exit_code_comes_back(tmp_path: Path) -> None:
    inner = tmp_path / "env" / "bin" / "python"
    inner.parent.mkdir(parents=True)
    inner.write_text('#!/bin/sh\necho "inside $*"; exit 7\n')
    inner.chmod(0o755)
    code = (
        "import sys; from pathlib import Path; from SemiSegLogic.environment import running;"
        f"running.prepare = lambda *a, **b: running.EnvironmentFolder(Path({str(inner.parent.parent)!r}));"
        "running.ensure(['-m', 'SemiSegLogic', 'demo'], modules=('no_such_module',))"
    )
    outside = {key: value for key, value in os.environ.items() if key != running.INSIDE}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=outside, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (7, "inside -m SemiSegLogic demo\n")


@pytest.mark.skipif(os.name == "nt", reason="shell scripts")
@pytest.mark.parametrize("makes_environments", [True, False])
def test_the_inner_command_finds_this_copy_and_nothing_of_another_python(
    makes_environments: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PYTHONPATH may lead to packages of another Python; and beside a Python that makes no environments this copy was
    not found at all: No module named SemiSegLogic.
    """
    no_network(monkeypatch, PIP_FIND_LINKS=str(tmp_path / "shelf"), PYTHONPATH=str(tmp_path / "foreign"))
    make_wheel(tmp_path / "shelf", "leaf", "2.0")
    quick = quick_python(tmp_path / "base" / "python")
    base = quick if makes_environments else python_without_venv(tmp_path / "PythonSlicer", sys.executable)
    prepare(tmp_path / "env", Requirements(("leaf",), "digest1"), base)
    code = ("import sys; from pathlib import Path; from SemiSegLogic.environment import running;"
            "running.run_inside(running.EnvironmentFolder(Path(sys.argv[1])), ['-c', sys.argv[2]])")
    inner = "import sys, leaf, SemiSegLogic; print(SemiSegLogic.__file__, *sys.path, sep=chr(10))"
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "env"), inner], cwd=ROOT, capture_output=True,
                          text=True, env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path / 'foreign'}"})
    found, *path = done.stdout.splitlines()
    assert found == str(ROOT / "SemiSegLogic" / "__init__.py"), done.stderr
    assert str(tmp_path / "foreign") not in path


def test_a_package_that_is_too_old_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In an environment of some years ago the demo began, and ended in an error of PyTorch's."""
    make_wheel(tmp_path, "monai", "0.9.1")
    monkeypatch.syspath_prepend(str(tmp_path / "monai-0.9.1-py3-none-any.whl"))
    assert interpreter.missing(("numpy", "monai")) == ["monai"]


def test_it_does_not_go_round_in_circles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(running.INSIDE, sys.prefix)
    with pytest.raises(EnvironmentProblem, match="still lacks no_such_module"):
        running.ensure(["x"], modules=("no_such_module",))


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_is_the_inner_command_s_to_answer() -> None:
    inner = "import os, signal, time; os.kill(os.getppid(), signal.SIGINT); time.sleep(0.8); raise SystemExit(7)"
    outer = ("import os, sys; from SemiSegLogic.environment import running;"
             f"sys.exit(running._waited_for([sys.executable, '-c', {inner!r}], os.environ))")
    done = subprocess.run([sys.executable, "-c", outer], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (7, "")


def test_a_mac_with_an_intel_processor_is_told_before_anything_is_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "prepare", lambda *_, **__: pytest.fail("it would download in vain"))
    check = interpreter.check_processor
    monkeypatch.setattr(running, "check_processor", lambda: check("darwin", "x86_64"))
    with pytest.raises(EnvironmentProblem, match=r"Intel processors.*cannot train"):
        running.ensure(["x"], modules=("no_such_module",))


@pytest.mark.parametrize(("system", "machine"), [("darwin", "arm64"), ("win32", "AMD64"), ("linux", "x86_64")])
def test_other_processors_may_try(system: str, machine: str) -> None:
    interpreter.check_processor(system, machine)


def test_python_is_called_as_the_system_calls_it() -> None:
    assert interpreter.called("3.12", "win32") == "py -3.12"
    assert interpreter.called("3.12", "darwin") == "python3.12"
    assert interpreter.called(system="linux") == "python3"
