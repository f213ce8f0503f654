"""Where PyTorch's builds are is asked of light-the-torch."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from SemiSegLogic.environment import Requirements, prepare
from SemiSegLogic.environment.indexes import index_of
from SemiSegLogic.environment.problem import EnvironmentProblem
from Testing.support.wheels import make_wheel, no_network

KNOWS = """
class Channel: STABLE = 1
def get_index_urls(builds, channel): return ["https://wheels.example/" + build for build in builds]
"""


def shelve(shelf: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """A shelf with a light-the-torch of which module _patch is ``code``, and nothing else to be had."""
    make_wheel(shelf, "light_the_torch", "0.8.1", modules={"_patch": code})
    make_wheel(shelf, "packaging", "24.0")
    no_network(monkeypatch, PIP_FIND_LINKS=shelf.as_uri())


@pytest.mark.parametrize("system", ["win32", "darwin"])
def test_the_processors_build_is_in_the_usual_index_but_for_linux(system: str) -> None:
    assert index_of("cpu", system) is None


@pytest.mark.parametrize(("build", "system"), [("cpu", "linux"), ("cu130", "win32")])
def test_the_address_is_the_one_that_light_the_torch_gives(
    build: str, system: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelve(tmp_path, monkeypatch, KNOWS)
    assert index_of(build, system) == f"https://wheels.example/{build}"


@pytest.mark.skipif(os.name == "nt", reason="shell scripts")
def test_a_python_without_pip_is_no_hindrance_to_its_environments(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Debian's, with the package python3-venv and without python3-pip: "No module named pip" ended every set-up."""
    make_wheel(tmp_path, "torch", "2.0")
    shelve(tmp_path, monkeypatch, KNOWS)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    wanted = Requirements(("torch",), "digest1")
    assert prepare(tmp_path / "env", wanted, base, build="cu126").is_ready("digest1")


def test_a_light_the_torch_that_changed_is_told_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelve(tmp_path, monkeypatch, "Channel = None")
    with pytest.raises(EnvironmentProblem, match=r"'cu126'.*offline bundle") as problem:
        index_of("cu126", "linux")
    assert "get_index_urls" in str(problem.value), "its own words are in the details"


def test_without_a_network_the_reason_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_network(monkeypatch)
    with pytest.raises(EnvironmentProblem, match="index"):
        index_of("cu126", "linux")
