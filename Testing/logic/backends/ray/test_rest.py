"""To whom the token goes, and to whom it does not."""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from pathlib import Path

import pytest

from SemiSegLogic.backends.description import PlaceError, Unreachable
from SemiSegLogic.backends.ray.backend import RayBackend
from SemiSegLogic.backends.ray.rest import RayRest
from Testing.support.certificates import make_certificate
from Testing.support.jobs import make_job
from Testing.support.stand_ins.fake_ray import FakeRay, cluster_of


@pytest.fixture
def backend(ray: FakeRay, token: Path) -> RayBackend:
    return RayBackend(cluster_of(ray, token))


def test_a_ray_that_takes_jobs_without_a_token_is_refused(ray: FakeRay, backend: RayBackend) -> None:
    ray.open = True
    with pytest.raises(PlaceError, match=r"accepts jobs from anybody.*RAY_AUTH_MODE=token"):
        backend.submit(make_job(backend.root / "one"))
    assert ray.submitted == {}
    assert [said for _, _, said in ray.asked if said] == []  # it never saw the token


def test_a_token_that_ray_does_not_take_is_named_by_its_file(backend: RayBackend, token: Path) -> None:
    token.write_text("another")
    with pytest.raises(PlaceError, match=f"does not accept the token in {token} .403.") as caught:
        backend.submit(make_job(backend.root / "one"))
    assert "another" not in str(caught.value)


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_token_that_others_can_read_is_not_used(backend: RayBackend, token: Path) -> None:
    token.chmod(0o640)
    with pytest.raises(PlaceError, match=f"chmod 600 {token}"):
        backend.submit(make_job(backend.root / "one"))


@pytest.mark.parametrize(("content", "words"), [("", "contains no token"), ("two words", "contains no token"),
                                                (None, "cannot be read")])
def test_a_token_file_without_a_token_is_named(
    backend: RayBackend, token: Path, content: str | None, words: str
) -> None:
    token.unlink() if content is None else token.write_text(content)
    with pytest.raises(PlaceError, match=words):
        backend.submit(make_job(backend.root / "one"))


@pytest.mark.parametrize("address", ["http://10.0.0.7:8265", "http://cluster.example:8265", "http://127.0.0.1.example"])
def test_plain_http_to_another_computer_is_refused(token: Path, address: str) -> None:
    with pytest.raises(PlaceError, match=r"anybody in between.*SSH tunnel"):
        RayRest(address, token)


@pytest.mark.parametrize("address", ["", "127.0.0.1:8265", "ftp://a", "https://user:word@host", "https://host/path",
                                     "https://[::1:8265"])
def test_an_address_that_is_none_is_refused(token: Path, address: str) -> None:
    with pytest.raises(PlaceError, match="not the address of a cluster"):
        RayRest(address, token)


@pytest.mark.parametrize("address", ["https://cluster.example:8265", "http://[::1]:8265", "http://localhost:8265/"])
def test_a_tunnel_and_a_certificate_are_good(token: Path, address: str) -> None:
    assert RayRest(address, token).address == address.rstrip("/")


def test_the_token_follows_no_redirect_and_no_proxy(
    ray: FakeRay, token: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = FakeRay()
    try:
        ray.redirect = other.address
        monkeypatch.setenv("http_proxy", other.address)
        with pytest.raises(PlaceError, match="307"):
            RayRest(ray.address, token).computers()
        assert other.asked == []
    finally:
        other.close()


def test_only_a_certificate_that_is_trusted_is_spoken_to(token: Path, tmp_path: Path) -> None:
    certificate = _certificate(tmp_path)
    ray = FakeRay(certificate=certificate)
    try:
        with pytest.raises(Unreachable, match=r'CERTIFICATE_VERIFY_FAILED.*as "authority"'):
            RayRest(ray.address, token).check()
        RayRest(ray.address, token, certificate).check()
    finally:
        ray.close()


def test_a_certificate_in_the_home_folder_is_found_as_the_token_is(
    tmp_path: Path, token: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = _certificate(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    ray = FakeRay(certificate=certificate)
    try:
        RayBackend(cluster_of(ray, token, authority="~/both.pem")).check()
    finally:
        ray.close()


def test_https_where_plain_http_is_spoken_is_told_as_that(ray: FakeRay, token: Path) -> None:
    with pytest.raises(Unreachable, match=r"not over https.*begins with http://"):
        RayRest(ray.address.replace("http://", "https://"), token).check()


@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 404 Not Found\r\nContent-Length: 100\r\n\r\nJob one",
    b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"status\": ",
], ids=["refused", "answered"])
@pytest.mark.parametrize("goes", [True, False], ids=["torn off", "silent"])
def test_an_answer_that_breaks_off_is_a_lost_connection(
    token: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes, goes: bool
) -> None:
    monkeypatch.setattr("SemiSegLogic.backends.https.TIMEOUT_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        answering = threading.Thread(target=_answer_in_part, args=(server, answer, goes))
        answering.start()
        with pytest.raises(Unreachable, match="cannot be reached"):
            RayRest(f"http://127.0.0.1:{server.getsockname()[1]}", token).word("one")
        answering.join()


def _answer_in_part(server: socket.socket, answer: bytes, goes: bool) -> None:
    """``goes``: the connection is torn off; else nothing more comes for a while."""
    connection, _ = server.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(answer)
        if goes:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 0, 0))
        else:
            time.sleep(1.0)


def _certificate(folder: Path) -> Path:
    """Key and self-signed certificate of 127.0.0.1 in one file."""
    certificate, key = make_certificate(folder)
    path = folder / "both.pem"
    path.write_text(key.read_text() + certificate.read_text())
    return path


def test_the_name_of_another_job_is_not_taken_for_ours(ray: FakeRay, token: Path) -> None:
    there = RayRest(ray.address, token)
    there.submit("one", "true", 0, 1, {})
    there.submit("one", "true", 0, 1, {})
    with pytest.raises(PlaceError, match="knows another job by the name one"):
        there.submit("one", "false", 0, 1, {})
