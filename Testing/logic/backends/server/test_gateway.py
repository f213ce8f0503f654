"""What a client makes of slow lines, of proxies and of other clients; a real server, real sockets."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from SemiSegLogic.backends.description import PlaceError, Unreachable
from SemiSegLogic.backends.https import Answer
from SemiSegLogic.backends.server import gateway as module
from SemiSegLogic.backends.server.backend import Server
from SemiSegLogic.backends.server.gateway import Gateway
from Testing.support.certificates import make_certificate
from Testing.support.jobs import wait_until
from Testing.support.servers import RunningServer

CONTENT = random.Random(0).randbytes(2 << 20)
DIGEST = hashlib.sha256(CONTENT).hexdigest()
JOB = "0123456789abcdef" * 2


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    server = RunningServer(tmp_path / "server")
    yield server
    server.close()


@pytest.fixture
def ada(server: RunningServer, tmp_path: Path) -> Gateway:
    return server.gateway(tmp_path / "ada")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    return path


def test_two_who_send_the_same_file_do_not_disturb_each_other(
    server: RunningServer, ada: Gateway, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ada, "_piece", 1 << 18)
    shelf, others = server.shelf("ada"), [1 << 18]

    def told(there: int) -> None:
        if there in others:  # another courier was quicker with the next piece
            shelf.add(DIGEST, there, len(CONTENT), CONTENT[there:there + 100_000])

    ada.send(file, DIGEST, told)
    assert (shelf.folder / DIGEST).read_bytes() == CONTENT
    assert [line[3] for line in server.told if line[1] == "PUT"].count(409) == 1


def test_a_slow_line_and_a_proxy_that_takes_little_get_shorter_pieces(
    server: RunningServer, ada: Gateway, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, most = ada._https.ask, 300_000

    def refusing(method: str, path: str, content: bytes | None = None, *rest: Any, **more: Any) -> Answer:
        if len(content or b"") > 1 << 20:
            return Answer(413, b"<html>Request Entity Too Large</html>")
        if len(content or b"") > most:
            raise Unreachable("timed out")
        return asked(method, path, content, *rest, **more)

    monkeypatch.setattr(ada._https, "ask", refusing)
    for _ in range(2):  # the courier comes again
        with pytest.raises(Unreachable):
            ada.send(file, DIGEST, lambda there: None)
    heard: list[int] = []
    while not heard or heard[-1] < len(CONTENT):  # it tries how long they may be by now
        with contextlib.suppress(Unreachable):
            ada.send(file, DIGEST, heard.append)
    assert (server.shelf("ada").folder / DIGEST).read_bytes() == CONTENT
    assert len(heard) < 20
    most = 0
    for _ in range(9):
        with pytest.raises(Unreachable):
            ada.send(file, "a" * 64, heard.append)
    assert ada._piece == module.SMALLEST_PIECE


@pytest.mark.parametrize(("code", "body"), [
    (404, b"<html>not found</html>"), (403, b"forbidden"), (200, b"<html>Welcome to our network</html>"), (520, b""),
    (503, b"Service Unavailable"),
])
def test_what_a_proxy_says_is_not_taken_for_the_servers_word(
    ada: Gateway, monkeypatch: pytest.MonkeyPatch, code: int, body: bytes
) -> None:
    monkeypatch.setattr(ada._https, "ask", lambda *rest, **more: Answer(code, body))
    with pytest.raises(Unreachable, match=rf"not available just now \({code}\)"):
        ada.look(JOB)


def test_a_proxy_that_takes_too_little_is_not_waited_for(ada: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ada._https, "ask", lambda *rest, **more: Answer(413, b"<html>Request Entity Too Large</html>"))
    with pytest.raises(PlaceError, match=r"nothing as large through.*client_max_body_size") as caught:
        ada.add_labels(JOB, 1, b"labels")
    assert not isinstance(caught.value, Unreachable), "waiting would not help"


def test_the_server_itself_is_believed(ada: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ada.look(JOB) is None
    monkeypatch.setattr(ada._https, "ask", lambda *rest, **more: Answer(500, b"Internal Server Error"))
    with pytest.raises(PlaceError, match="answered 500") as caught:
        ada.look(JOB)
    assert not isinstance(caught.value, Unreachable), "waiting would not help"


def test_a_certificate_that_has_expired_is_to_be_renewed(tmp_path: Path) -> None:
    server = RunningServer(tmp_path / "server", make_certificate(tmp_path, days=-1))
    try:
        with pytest.raises(Unreachable, match=r"expired.*renew its certificate.*clock of this computer"):
            server.gateway(tmp_path / "ada").check()
    finally:
        server.close()


@pytest.mark.parametrize("address", ["https://h:port", "https://h:99999", "https://[::1"])
def test_a_port_that_is_none_is_no_address(tmp_path: Path, address: str) -> None:
    with pytest.raises(PlaceError, match="not the address of a server"):
        Gateway(Server(server=address, token="t"))


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A word for each that this computer makes."""
    made: list[str] = []

    def counted(line: http.client.HTTPConnection, connect: Any = http.client.HTTPConnection.connect) -> None:
        made.append(line.host)
        connect(line)

    monkeypatch.setattr(http.client.HTTPConnection, "connect", counted)
    return made


def nobody_connected(server: RunningServer) -> bool:
    return not server._server.server_state.connections


def test_all_pieces_go_over_one_connection_which_is_let_go_then(
    server: RunningServer, ada: Gateway, file: Path, monkeypatch: pytest.MonkeyPatch, connections: list[str]
) -> None:
    """Each made its own, and agreed on TLS anew."""
    monkeypatch.setattr(ada, "_piece", 1 << 18)
    ada.send(file, DIGEST, lambda there: None)
    assert (server.shelf("ada").folder / DIGEST).read_bytes() == CONTENT
    assert len([line for line in server.told if line[1] == "PUT"]) > 3
    assert len(connections) == 1
    wait_until(lambda: nobody_connected(server), 10, "its place to be free")
    ada.check()
    ada.check()
    assert len(connections) == 3, "what is asked once in a while takes no place in between"
    wait_until(lambda: nobody_connected(server), 2, "its place to be free")


@pytest.mark.parametrize("safe", [False, True])
def test_a_server_that_closes_the_connection_between_two_pieces_gets_the_next_over_another(
    tmp_path: Path, file: Path, connections: list[str], safe: bool
) -> None:
    """As one that was restarted, and proxies in front of one after some time or some requests."""
    server = RunningServer(tmp_path / "server", make_certificate(tmp_path) if safe else None)
    try:
        ada, closed = server.gateway(tmp_path / "ada"), list[int]()
        ada._piece = 1 << 18

        def told(there: int) -> None:
            if len(closed) < 2:
                closed.append(there)
                server.stop()
                server.start()

        ada.send(file, DIGEST, told)
        assert (server.shelf("ada").folder / DIGEST).read_bytes() == CONTENT
        assert len(connections) == 3
    finally:
        server.close()


def test_a_refusal_and_an_answer_that_broke_off_leave_no_connection_to_go_on_with(
    server: RunningServer, ada: Gateway, connections: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with ada.one_connection():
        with pytest.raises(PlaceError):
            ada.stop(JOB, 1.0)
        ada.check()
        assert len(connections) == 1, "a refusal was read to its end"
        with monkeypatch.context() as short:
            short.setattr("SemiSegLogic.backends.https.LARGEST_ANSWER", 5)
            with pytest.raises(PlaceError):
                ada.check()
        ada.check()
        assert len(connections) == 2, "what was left of an answer would be taken for the next"
