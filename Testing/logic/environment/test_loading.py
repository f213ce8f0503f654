"""The last step of a set-up: what was installed is loaded, with real pip and small real packages."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from SemiSegLogic.environment import EnvironmentProblem, Requirements, prepare
from SemiSegLogic.environment.folder import EnvironmentFolder
from SemiSegLogic.environment.requirements import NEEDED
from Testing.support.wheels import make_wheel, no_network, works

LOADED = Requirements(("tree",), "digest1", modules=("tree", "leaf"))


def torch(shelf: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> Requirements:
    """A PyTorch that is pretended, and what asks for it."""
    make_wheel(shelf, "torch", "2.0", code=code)
    no_network(monkeypatch, PIP_FIND_LINKS=str(shelf))
    return Requirements(("torch",), "digest1", modules=("torch",))


def test_this_copy_asks_for_all_that_it_needs() -> None:
    assert Requirements.of_this_copy().modules == NEEDED


@pytest.mark.parametrize("setting", [
    "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PIP_DRY_RUN", "PIP_NO_DEPS", "PIP_REQUIRE_VIRTUALENV",
])  # fmt: skip
def test_a_persons_settings_of_pip_lead_no_package_elsewhere(
    setting: str, shelf: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With most of these the set-up was called ready, and nothing was there; the others ended it."""
    folders = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT")
    monkeypatch.setenv(setting, str(tmp_path / "elsewhere") if setting in folders else "1")
    assert works(prepare(tmp_path / "env", LOADED, base))
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("setting", ["user = true", "require-virtualenv = true", "no-deps = true", "dry-run = true"])
def test_neither_do_those_in_a_file(
    setting: str, shelf: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pip.conf").write_text(f"[global]\n{setting}\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    assert works(prepare(tmp_path / "env", LOADED, base))


def test_packages_that_went_elsewhere_all_the_same_are_told_with_the_setting_and_come_with_the_next_set_up(
    shelf: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder in pip's file cannot be taken back by a variable."""
    (tmp_path / "pip.conf").write_text(f"[install]\ntarget = {tmp_path / 'elsewhere'}\n")
    with monkeypatch.context() as led_astray:
        led_astray.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
        with pytest.raises(EnvironmentProblem, match=r"pip put tree, leaf somewhere else.*pip config list.*Remove it"):
            prepare(tmp_path / "env", LOADED, base)
    assert not EnvironmentFolder(tmp_path / "env").is_ready("digest1")
    assert works(prepare(tmp_path / "env", LOADED, base))


def test_a_package_that_a_power_cut_left_half_written_is_found_and_the_next_set_up_begins_anew(
    shelf: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pip takes it for whole, whenever it is asked: every set-up was called ready, and no training began."""
    wanted = torch(shelf, monkeypatch, "from types import SimpleNamespace\ndef ones(*_):\n    return SimpleNamespace("
                                       "mm=lambda _: SimpleNamespace(numpy=lambda: None))")  # fmt: skip
    environment = prepare(tmp_path / "env", wanted, base)
    (next(environment.root.rglob("torch/__init__.py"))).write_bytes(b"\0" * 64)
    environment.marks.take_back()
    with pytest.raises(EnvironmentProblem, match=r"cannot be loaded .*null bytes.*Try again"):
        prepare(tmp_path / "env", wanted, base)
    assert prepare(tmp_path / "env", wanted, base).is_ready("digest1")


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_processor_that_is_too_old_is_told(
    shelf: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = torch(shelf, monkeypatch, "import os, signal; os.kill(os.getpid(), signal.SIGILL)")
    with pytest.raises(EnvironmentProblem, match="processor is too old"):
        prepare(tmp_path / "env", wanted, base)


def test_a_library_that_windows_lacks_is_told_with_what_brings_it(
    shelf: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = "OSError: [WinError 126] The specified module could not be found. Error loading c10.dll"
    wanted = torch(shelf, monkeypatch, f"raise OSError({words!r})")
    with pytest.raises(EnvironmentProblem, match=r"c10\.dll.*Visual C\+\+ Redistributable"):
        prepare(tmp_path / "env", wanted, base)
