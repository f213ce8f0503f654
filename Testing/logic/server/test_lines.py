"""Connections that nobody uses."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from SemiSegLogic.backends.description import Unreachable
from SemiSegLogic.backends.server.gateway import Gateway
from SemiSegLogic.server import answering, lines
from Testing.support.jobs import wait_until
from Testing.support.servers import RunningServer


@pytest.fixture
def few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningServer]:
    """A server with room for eight that has little patience."""
    monkeypatch.setattr(answering, "MOST_AT_ONCE", 8)
    monkeypatch.setattr(lines, "SILENT_S", 1.0)
    monkeypatch.setattr(lines, "UNREAD_S", 1.0)
    server = RunningServer(tmp_path / "server")
    yield server
    server.close()


@pytest.mark.parametrize("said", [
    b"", b"GET /v1 HTTP/1.1\r\nHost: h\r\n", b"GET /v1 HTTP/1.1\r\nHost: h\r\n\r\n",
    b"PUT /v1/jobs/a HTTP/1.1\r\nHost: h\r\nContent-Length: 99\r\n\r\n{",
], ids=["nothing", "half a request", "a request", "a request with half of what belongs to it"])
def test_connections_without_a_token_do_not_keep_others_out(few: RunningServer, tmp_path: Path, said: bytes) -> None:
    ada = few.gateway(tmp_path / "ada")
    silent = [socket.create_connection(("127.0.0.1", few.port)) for _ in range(8)]
    for line in silent:
        line.sendall(said)
    try:
        wait_until(lambda: answers(ada), 20, "the server to have room again")
    finally:
        for line in silent:
            line.close()


def test_a_client_that_does_not_take_what_it_asked_for_is_let_go_and_a_slow_one_is_not(
    few: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, size = tmp_path / "model.pt", 30_000_000
    path.write_bytes(bytes(size))
    monkeypatch.setattr(few.desk, "file", lambda user, job, name: path)
    token = few.users.invite("ada")
    asking = "GET /v1/jobs/a/files/model.pt HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
    asking = f"{asking}Authorization: Bearer {token}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", few.port)) as deaf, \
         socket.create_connection(("127.0.0.1", few.port)) as slow:
        for line in (deaf, slow):
            line.settimeout(20)
            line.sendall(asking)
        assert taken(slow, rest_s=0.15) > size, "it takes three seconds"
        assert taken(deaf) < size


def taken(line: socket.socket, rest_s: float = 0.0) -> int:
    """Bytes that come until the line is closed; with a rest after each twentieth of the file."""
    count, rests = 0, 0
    with contextlib.suppress(ConnectionError):
        while piece := line.recv(1 << 16):
            count += len(piece)
            if rest_s and count // 1_500_000 > rests:
                rests += 1
                time.sleep(rest_s)
    return count


def answers(gateway: Gateway) -> bool:
    try:
        return bool(gateway.check())
    except Unreachable:
        return False
