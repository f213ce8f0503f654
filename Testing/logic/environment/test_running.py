"""A command is run where its packages are."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from SemiSegLogic.environment import EnvironmentProblem, interpreter, running

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
