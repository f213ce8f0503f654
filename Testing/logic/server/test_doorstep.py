"""Connections that never say what they want, before TLS and after it."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from SemiSegLogic.server import doorstep
from Testing.support.certificates import make_certificate
from Testing.support.jobs import wait_until
from Testing.support.servers import RunningServer


@pytest.fixture
def pem(tmp_path: Path) -> tuple[Path, Path]:
    return make_certificate(tmp_path)


@contextmanager
def running(folder: Path, pem: tuple[Path, Path] | None) -> Iterator[RunningServer]:
    server = RunningServer(folder, pem)
    try:
        yield server
    finally:
        server.close()


def open_still(line: socket.socket) -> bool:
    line.setblocking(False)
    try:
        return line.recv(1) != b""
    except BlockingIOError:
        return True
    except ConnectionError:
        return False


@pytest.mark.parametrize(("safe", "said"), [
    (True, b""), (True, b"\x16\x03\x01"), (False, b""), (False, b"GET /v1 HTTP/1.1\r\n"),
], ids=["https, nothing", "https, half a greeting", "http, nothing", "http, half a request"])
def test_silent_connections_take_no_more_than_their_places_and_keep_nobody_out(
    tmp_path: Path, pem: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, safe: bool, said: bytes
) -> None:
    monkeypatch.setattr(doorstep, "MOST_SILENT", 10)
    with running(tmp_path / "server", pem if safe else None) as server, ExitStack() as all_lines:
        ada, lines = server.gateway(tmp_path / "ada"), list[socket.socket]()
        for _ in range(60):
            lines.append(all_lines.enter_context(socket.create_connection(("127.0.0.1", server.port))))
            lines[-1].sendall(said)
        began = time.monotonic()
        assert ada.check()
        assert time.monotonic() - began < 5.0
        wait_until(lambda: sum(map(open_still, lines)) <= 10, 5, "all but ten to be let go")
        assert ada.check()
        assert not any(map(open_still, lines[:50])), "those that had waited for longest are let go"
        assert sum(map(open_still, lines[50:])) >= 8


def test_a_connection_that_never_begins_tls_is_let_go(
    tmp_path: Path, pem: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doorstep, "GREETING_S", 0.5)
    with running(tmp_path / "server", pem) as server, socket.create_connection(("127.0.0.1", server.port)) as line:
        line.settimeout(10)
        assert line.recv(1) == b""
        assert server.gateway(tmp_path / "ada").check()


def test_a_request_that_comes_together_with_the_last_word_about_tls_is_answered(
    tmp_path: Path, pem: tuple[Path, Path]
) -> None:
    with running(tmp_path / "server", pem) as server, socket.create_connection(("127.0.0.1", server.port)) as line:
        line.settimeout(10)
        heard, said = ssl.MemoryBIO(), ssl.MemoryBIO()
        safe = ssl.create_default_context(cafile=pem[0]).wrap_bio(heard, said, server_hostname="127.0.0.1")
        greeted = False
        while not greeted:
            try:
                safe.do_handshake()
                greeted = True
            except ssl.SSLWantReadError:
                line.sendall(said.read())
                heard.write(line.recv(1 << 16))
        safe.write(b"GET /v1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        line.sendall(said.read())  # both at once
        answer = b""
        while b"401" not in answer:
            heard.write(line.recv(1 << 16))
            try:
                answer += safe.read(1 << 16)
            except ssl.SSLWantReadError:
                continue
        assert answer.startswith(b"HTTP/1.1 401")
