"""Commands as a person or a program calls them, on a study of blobs, with files and jobs in a folder of their own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from SemiSegLogic.cli import run
from Testing.support.blobs import BlobStudy, make_study


@pytest.fixture(autouse=True)
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEMISEG_JOBS", str(tmp_path / "jobs"))
    return tmp_path / "jobs"


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStudy:
    return make_study(tmp_path)


@pytest.fixture
def semiseg(capsys: pytest.CaptureFixture[str]) -> Callable[..., list[dict[str, Any]]]:
    """Runs a command with --json; gives its events, each of them one line of JSON."""
    def call(*words: object, code: int = 0) -> list[dict[str, Any]]:
        capsys.readouterr()
        assert run([*map(str, words), "--json"]) == code
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return call


@pytest.fixture
def says(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs a command as a person does; gives everything that it printed, in one line."""
    def call(*words: object, code: int = 0) -> str:
        capsys.readouterr()
        assert run([*map(str, words)]) == code
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err
        return " ".join(f"{printed.out} {printed.err}".split())

    return call
