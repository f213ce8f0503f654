"""A server that is gone after each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from SemiSegLogic.backends.server.gateway import Gateway
from Testing.support.servers import RunningServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    server = RunningServer(tmp_path / "server")
    yield server
    server.close()


@pytest.fixture
def ada(server: RunningServer, tmp_path: Path) -> Gateway:
    return server.gateway(tmp_path / "ada", "ada")


@pytest.fixture
def bob(server: RunningServer, tmp_path: Path) -> Gateway:
    return server.gateway(tmp_path / "bob", "bob")
