"""What a client gets to hear, over real sockets."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import http.client
import io
import json
import os
import shutil
import socket
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from SemiSegLogic.backends.description import PlaceError, Unreachable
from SemiSegLogic.backends.ray.backend import RayBackend
from SemiSegLogic.backends.ray.submission import Submission
from SemiSegLogic.backends.server.backend import Server
from SemiSegLogic.backends.server.gateway import Gateway, NoRoom
from SemiSegLogic.files import digest_file, write_json
from SemiSegLogic.job import JobError, JobFolder, JobSpec
from SemiSegLogic.job.travel import PIECE, given
from SemiSegLogic.server import bodies, desk, giving
from SemiSegLogic.server import shelf as shelves
from SemiSegLogic.server.shelf import Shelf
from Testing.support.certificates import make_certificate
from Testing.support.jobs import drawn, specification, wait_until
from Testing.support.running import FOREVER
from Testing.support.servers import RunningServer
from Testing.support.stand_ins.fake_ray import TOKEN, FakeRay, cluster_of

JOB = "0123456789abcdef" * 2


def ordered(gateway: Gateway, folder: Path, name: str = JOB, **behaviour: object) -> JobFolder:
    """A job of this computer, sent and handed over as ``name``."""
    job = JobFolder.create(folder)
    job.submit(specification(job, method_settings={}, **behaviour))  # type: ignore[arg-type]
    send(gateway, job, name)
    return job


def send(gateway: Gateway, job: JobFolder, name: str = JOB) -> None:
    digests = {item: digest_file(job.inputs / item) for item in given(job.spec())}
    for item, digest in digests.items():
        gateway.send(job.inputs / item, digest, lambda there: None)
    gateway.order(name, job.spec(), digests)


def raw(
    server: RunningServer, method: str, path: str, body: bytes = b"", token: str | None = None
) -> tuple[int, bytes]:
    """An answer to a request as it stands, not as our client would put it."""
    line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    line.request(method, path, body, {"Authorization": f"Bearer {token}"} if token else {})
    answer = line.getresponse()
    found = answer.status, answer.read()
    line.close()
    return found


def test_an_order_is_done_and_what_came_out_is_brought(server: RunningServer, ada: Gateway, tmp_path: Path) -> None:
    assert ada.check()
    ordered(ada, tmp_path / "job")
    wait_until(lambda: (seen := ada.look(JOB)) and seen[0].state == "done", 60, "the job to be done")
    status, files, _ = ada.look(JOB)  # type: ignore[misc]
    assert {"out/ranking.json", "curves.jsonl", "log.txt", f"out/c001.{status.results['c001']}.npz"} <= set(files)
    for name, (size, _) in files.items():
        assert ada.bring(JOB, name, tmp_path / "brought")
        assert (tmp_path / "brought").stat().st_size == size
    job = server.backend.folder(JOB)
    assert (job.root / "out" / "ranking.json").read_bytes() == (ada.bring(JOB, "out/ranking.json", tmp_path / "r") and
                                                               (tmp_path / "r").read_bytes())
    account = server.users.account("ada")
    assert {(line[0], line[3]) for line in server.told} == {(account, 200)}


def test_without_a_token_that_is_known_nothing_is_answered(server: RunningServer, tmp_path: Path) -> None:
    token = server.users.invite("ada")
    for path in ("/v1", f"/v1/jobs/{JOB}", f"/v1/files/{'a' * 64}", f"/v1/jobs/{JOB}/files/status.json"):
        for wrong in (None, "", "x", token[:-1], token + "x", "\xe9"):
            code, body = raw(server, "GET", path, token=wrong)
            assert (code, b"semiseg" in body.lower()) == (401, False)
    assert raw(server, "GET", "/docs")[0] == raw(server, "GET", "/openapi.json")[0] == 404
    assert raw(server, "GET", "/v1", token=token)[0] == 200
    with pytest.raises(PlaceError, match=r"does not accept the token in .*server\.token"):
        Gateway(Server.read(server.describe(tmp_path / "c", token="an-old-one"))).check()


def test_another_users_job_and_files_are_as_good_as_none(
    server: RunningServer, ada: Gateway, bob: Gateway, tmp_path: Path
) -> None:
    job = ordered(ada, tmp_path / "job")
    assert bob.look(JOB) is None
    image = digest_file(job.inputs / given(job.spec())[0])
    assert server.shelf("bob").there(image) == (0, False)
    for act in (lambda: bob.stop(JOB, 1), lambda: bob.resume(JOB), lambda: bob.show(JOB, None),
                lambda: bob.add_labels(JOB, 1, b"")):
        with pytest.raises(PlaceError, match="has no job"):
            act()
    assert not bob.bring(JOB, "curves.jsonl", tmp_path / "x")
    assert not (tmp_path / "x").exists()
    with pytest.raises(PlaceError, match="There is another job"):
        send(bob, job)


def test_who_comes_after_a_removed_one_of_the_same_name_finds_nothing_of_theirs(
    server: RunningServer, ada: Gateway, tmp_path: Path
) -> None:
    job = ordered(ada, tmp_path / "job")
    wait_until(lambda: ada.look(JOB)[0].state == "done", 60, "the job to be done")  # type: ignore[index]
    image = digest_file(job.inputs / given(job.spec())[0])
    server.users.remove("ada")
    other = server.gateway(tmp_path / "other", "ada")
    assert other.look(JOB) is None
    assert not other.bring(JOB, "out/ranking.json", tmp_path / "x")
    assert other._say("GET", f"/v1/files/{image}") == {"size": 0, "whole": False}
    with pytest.raises(PlaceError, match="has no job"):
        other.resume(JOB)


@pytest.mark.parametrize("name", [
    "status.json", "job.json", "owner.json", "model.ckpt", "in/labels-1.npz", "../../users.json", "out/../job.json",
    "%2e%2e/%2e%2e/users.json", "out/c001.1.npz/../../job.json", "/etc/passwd", "..%2f..%2fusers.json", "process.json",
])
def test_only_what_a_runner_gives_back_can_be_had(
    server: RunningServer, ada: Gateway, tmp_path: Path, name: str
) -> None:
    ordered(ada, tmp_path / "job")
    token = (tmp_path / "ada" / "server.token").read_text()
    code, body = raw(server, "GET", f"/v1/jobs/{JOB}/files/{name}", token=token)
    assert code == 404
    assert b"structures" not in body


@pytest.mark.parametrize("job_id", ["..", "%2e%2e", "a%2fb", "a%00b", ".hidden", "x" * 101])
def test_a_job_of_a_name_that_could_be_a_path_is_refused(
    server: RunningServer, ada: Gateway, tmp_path: Path, job_id: str
) -> None:
    token = (tmp_path / "ada" / "server.token").read_text()
    before = sorted(path.name for path in server.folder.rglob("*"))
    for method, rest in (("PUT", ""), ("GET", ""), ("POST", "/stop?patience=1"), ("PUT", "/labels/1")):
        assert raw(server, method, f"/v1/jobs/{job_id}{rest}", b"{}", token)[0] in (404, 405, 422)
    assert sorted(path.name for path in server.folder.rglob("*")) == before


def test_an_order_out_of_bounds_is_refused_in_words_and_leaves_nothing(
    server: RunningServer, ada: Gateway, tmp_path: Path
) -> None:
    job = JobFolder.create(tmp_path / "job")
    spec = specification(job)
    digests = {item: digest_file(job.inputs / item) for item in given(spec)}
    for item, digest in digests.items():
        ada.send(job.inputs / item, digest, lambda there: None)
    for changes, words in (
        ({"method": "os"}, "no method of this server"), ({"method_settings": {"x": 1}}, "no setting 'x'"),
        ({"training": {"seconds": 1e9}}, "must lie in"), ({"training": {"path": "/etc"}}, "no setting 'path'"),
        ({"method": "mn", "method_settings": {"weights": "/home/ada/weights"}}, "takes no paths"),
    ):
        with pytest.raises(PlaceError, match=words):
            ada.order(JOB, dataclasses.replace(spec, **changes), digests)  # type: ignore[arg-type]
    for files in ({}, {**digests, "../x.npy": "a" * 64}, dict.fromkeys(digests, "../../users.json")):
        with pytest.raises(PlaceError, match=r"not those that it needs|no name of a file"):
            ada.order(JOB, spec, files)
    with pytest.raises(PlaceError, match="was not sent yet"):
        ada.order(JOB, spec, dict.fromkeys(digests, "a" * 64))
    swapped = dict(zip(digests, reversed(digests.values()), strict=True))  # images and label in each other's place
    with pytest.raises(PlaceError):
        ada.order(JOB, spec, swapped)
    assert list((server.folder / "jobs").iterdir()) == []
    ada.order(JOB, spec, digests)
    ada.order(JOB, spec, digests)  # once more changes nothing
    with pytest.raises(PlaceError, match="There is another job"):
        ada.order(JOB, dataclasses.replace(spec, training={"seconds": 5.0}), digests)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"spec": {}, "files": {}}', b"[" * 100_000, b"\xff\xfe",
                                  b'{"spec": {"format": 1e400}, "files": {}}', b'{"files": {}}',
                                  b'{"spec": {"\\ud800": 1}, "files": {}}'])
def test_what_is_no_order_is_refused_in_words(
    server: RunningServer, ada: Gateway, tmp_path: Path, body: bytes
) -> None:
    token = (tmp_path / "ada" / "server.token").read_text()
    code, answer = raw(server, "PUT", f"/v1/jobs/{JOB}", body, token)
    assert code == 422
    assert json.loads(answer)["text"]


@pytest.mark.parametrize("newer", [{"format": 3}, {"hint": "new"}])
def test_an_order_of_a_newer_client_says_where_to_update(
    server: RunningServer, ada: Gateway, tmp_path: Path, newer: dict[str, object]
) -> None:
    plain = {**specification(JobFolder.create(tmp_path / "job"), method_settings={}).to_dict(), **newer}
    with pytest.raises(PlaceError, match=r"server does not understand.*(format|hint).* Update SemiSeg on both"):
        ada._say("PUT", f"/v1/jobs/{JOB}", json.dumps({"spec": plain, "files": {}}).encode())


@pytest.mark.parametrize("patience", ["nan", "x", ""])
def test_a_patience_that_is_no_number_is_refused(
    server: RunningServer, ada: Gateway, tmp_path: Path, patience: str
) -> None:
    ordered(ada, tmp_path / "job", training={"steps": 5})
    token = (tmp_path / "ada" / "server.token").read_text()
    assert raw(server, "POST", f"/v1/jobs/{JOB}/stop?patience={patience}", token=token)[0] == 422


def test_a_body_larger_than_a_piece_is_refused(server: RunningServer, ada: Gateway, tmp_path: Path) -> None:
    token = (tmp_path / "ada" / "server.token").read_text()
    path = f"/v1/files/{'a' * 64}?offset=0&total={PIECE + 1}"
    assert raw(server, "PUT", path, bytes(PIECE + 1), token)[0] == 413
    assert server.shelf("ada").there("a" * 64) == (0, False)


def test_a_client_that_dawdles_is_let_go(
    server: RunningServer, ada: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "PATIENCE_S", 0.3)
    token = (tmp_path / "ada" / "server.token").read_text()
    line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    line.putrequest("PUT", f"/v1/jobs/{JOB}")
    for name, value in (("Authorization", f"Bearer {token}"), ("Content-Length", "1000")):
        line.putheader(name, value)
    line.endheaders(b"{")
    assert line.getresponse().status == 408
    assert ada.check()


def test_nobody_fills_the_memory_with_what_they_begin_to_send(
    server: RunningServer, ada: Gateway, bob: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "MOST_AT_ONCE", 2)
    token, content = (tmp_path / "ada" / "server.token").read_text(), b"content"
    path, digest = tmp_path / "file", hashlib.sha256(content).hexdigest()
    path.write_bytes(content)
    lines = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(2)]
    head = f"PUT /v1/jobs/{JOB} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {token}\r\nContent-Length: 9\r\n\r\n"
    for line in lines:
        line.sendall(f"{head}{{".encode())
    time.sleep(0.5)
    with pytest.raises(Unreachable, match="You send 2 things"):
        ada.send(path, digest, lambda there: None)
    bob.send(path, digest, lambda there: None)
    for line in lines:
        line.close()
    wait_until(lambda: len(server.told) > 4 and sum(told[3] == 408 for told in server.told) == 2, 20, "both to be over")
    ada.send(path, digest, lambda there: None)


def test_nobody_takes_every_place_with_files_that_they_do_not_read(
    server: RunningServer, ada: Gateway, bob: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(giving, "MOST_AT_ONCE", 2)
    for gateway, job in ((ada, "a" * 32), (bob, "b" * 32)):
        ordered(gateway, tmp_path / job, job)
        wait_until(lambda: gateway.look(job)[0].ended, 60, "the job to be done")  # type: ignore[index]  # noqa: B023
        server.backend.folder(job).weights.write_bytes(bytes(20_000_000))
    token = (tmp_path / "ada" / "server.token").read_text()
    head = f"GET /v1/jobs/{'a' * 32}/files/model.pt HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {token}\r\n\r\n"
    lines = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(2)]
    for line in lines:
        line.sendall(head.encode())
        assert line.recv(12) == b"HTTP/1.1 200"
    with pytest.raises(Unreachable, match="2 files are on their way to you"):
        ada.bring("a" * 32, "model.pt", tmp_path / "x")
    assert bob.bring("b" * 32, "model.pt", tmp_path / "x")
    for line in lines:
        line.close()

    def brought() -> bool:
        with contextlib.suppress(Unreachable):
            return ada.bring("a" * 32, "model.pt", tmp_path / "x")
        return False

    wait_until(brought, 20, "her places to be free")


def test_labels_come_in_order_and_once(server: RunningServer, ada: Gateway, tmp_path: Path) -> None:
    here = ordered(ada, tmp_path / "job", training={"steps": 5})
    for seed in (3, 4):
        here.add_labels("c002", drawn(seed=seed))
    first, second = ((here.inputs / f"labels-{n}.npz").read_bytes() for n in (1, 2))
    with pytest.raises(PlaceError, match="Labels 1 come before labels 2"):
        ada.add_labels(JOB, 2, second)
    for number, content in ((1, first), (1, second), (2, second)):
        ada.add_labels(JOB, number, content)
    there = server.backend.folder(JOB)
    assert [(there.inputs / f"labels-{n}.npz").read_bytes() for n in there.added_labels()] == [first, second]
    assert ada.look(JOB)[2] == 2  # type: ignore[index]


def test_labels_that_are_damaged_on_the_server_are_taken_anew(
    server: RunningServer, ada: Gateway, tmp_path: Path
) -> None:
    here = ordered(ada, tmp_path / "job", training={"steps": 5})
    here.add_labels("c002", drawn(seed=3))
    content, there = (here.inputs / "labels-1.npz").read_bytes(), server.backend.folder(JOB)
    ada.add_labels(JOB, 1, content)
    (there.inputs / "labels-1.npz").write_bytes(content[:100])
    with pytest.raises(PlaceError):
        ada.add_labels(JOB, 1, content[:200])
    assert (there.inputs / "labels-1.npz").read_bytes() == content[:100]
    for number in (0, -1, 1):
        ada.add_labels(JOB, number, content)
    assert (there.inputs / "labels-1.npz").read_bytes() == content
    assert [path.name for path in there.inputs.iterdir() if "labels" in path.name] == ["labels-1.npz"]


def test_labels_count_among_the_files_that_a_user_may_have(
    server: RunningServer, ada: Gateway, bob: Gateway, tmp_path: Path
) -> None:
    """Of those that came while a job ran nobody kept count: only the disk's end ended them."""
    here = ordered(ada, tmp_path / "job", training={"steps": 5})
    for seed in (3, 4, 5):
        here.add_labels("c002", drawn(seed=seed))
    contents = [(here.inputs / f"labels-{n}.npz").read_bytes() for n in (1, 2, 3)]
    shelf = server.shelf("ada")
    sent = sum(path.stat().st_size for path in shelf.folder.iterdir())
    shelf._room = sent + len(contents[0]) + len(contents[1])
    for number in (1, 2):
        ada.add_labels(JOB, number, contents[number - 1])
    assert server.desk.labels_of(server.users.account("ada")) == len(contents[0]) + len(contents[1])
    with pytest.raises(NoRoom, match="Your files take"):
        ada.add_labels(JOB, 3, contents[2])
    assert server.backend.folder(JOB).added_labels() == [1, 2]
    more = tmp_path / "more"
    more.write_bytes(b"one more")
    with pytest.raises(NoRoom, match="Your files take"):
        ada.send(more, digest_file(more), lambda there: None)
    ada.add_labels(JOB, 2, contents[1])  # which is there
    assert server.desk.labels_of(server.users.account("bob")) == 0
    wait_until(lambda: ada.look(JOB)[0].ended, 60, "the job to end")  # type: ignore[index]
    server.desk.clear(time.time() + 60)
    assert server.desk.labels_of(server.users.account("ada")) == 0


def bomb(shape: tuple[int, ...]) -> bytes:
    """Labels of that many zeros, which pack to next to nothing."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in {"case": np.array("c002"), "shape": np.array(shape), "slices": np.zeros((0, 2), np.int64),
                            "along0": np.zeros(shape, np.uint8), "along1": np.zeros((0, 1, 1), np.uint8),
                            "along2": np.zeros((0, 1, 1), np.uint8)}.items():
            with archive.open(f"{name}.npy", "w") as stream:
                np.lib.format.write_array(stream, array)
    return packed.getvalue()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no labels", bomb((64, 1024, 1024)), bomb((4, 6, 5))])
def test_labels_that_are_damaged_or_too_large_are_refused(
    server: RunningServer, ada: Gateway, tmp_path: Path, content: bytes
) -> None:
    ordered(ada, tmp_path / "job", training={"steps": 5})
    with pytest.raises(PlaceError):
        ada.add_labels(JOB, 1, content)
    there = server.backend.folder(JOB)
    assert there.added_labels() == []
    assert [path.name for path in there.inputs.iterdir() if path.name.startswith(".")] == []


def test_nobody_fills_the_line(
    server: RunningServer, ada: Gateway, bob: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "MOST_UNFINISHED", 1)
    monkeypatch.setattr("SemiSegLogic.server.orders._require_bounds", lambda spec: None)  # the fake runner's settings
    job = JobFolder.create(tmp_path / "job")
    job.submit(specification(job, method_settings=FOREVER))
    send(ada, job, "a" * 32)
    with pytest.raises(PlaceError, match="You have 1 jobs"):
        send(ada, job, "b" * 32)
    send(bob, job, "c" * 32)  # each counts alone
    ada.stop("a" * 32, 5.0)
    wait_until(lambda: ada.look("a" * 32)[0].ended, 60, "the job to stop")  # type: ignore[index]
    send(ada, job, "b" * 32)


def test_who_has_enough_jobs_resumes_none(
    server: RunningServer, ada: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "MOST_UNFINISHED", 1)
    monkeypatch.setattr("SemiSegLogic.server.orders._require_bounds", lambda spec: None)
    job = JobFolder.create(tmp_path / "job")
    job.submit(specification(job, method_settings=FOREVER))
    first, second = "a" * 32, "b" * 32
    send(ada, job, first)
    ada.stop(first, 0.0)
    wait_until(lambda: ada.look(first)[0].ended, 60, "the job to stop")  # type: ignore[index]
    send(ada, job, second)
    with pytest.raises(PlaceError, match="You have 1 jobs"):
        ada.resume(first)
    ada.resume(second)  # it goes on, which changes nothing


def test_a_disk_that_is_nearly_full_takes_neither_orders_nor_labels(
    server: RunningServer, ada: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = ordered(ada, tmp_path / "job", training={"steps": 5})
    job.add_labels("c002", drawn(seed=3))
    monkeypatch.setattr(shelves, "ROOM_LEFT", 1 << 62)
    with pytest.raises(PlaceError, match="disk is full"):
        ada.add_labels(JOB, 1, (job.inputs / "labels-1.npz").read_bytes())
    with pytest.raises(PlaceError, match="disk is full"):
        send(ada, job, "b" * 32)
    assert server.backend.folder(JOB).added_labels() == []
    assert [path.name for path in (server.folder / "jobs").iterdir() if path.is_dir()] == [JOB]


def test_an_order_that_was_taken_in_but_not_begun_is_begun(
    server: RunningServer, ada: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_process(job_id: str) -> None:
        raise JobError("Python cannot be started: Resource temporarily unavailable.")

    for number, again in enumerate((lambda: server.desk.go_on(), lambda: ada.resume(f"{1:032d}"))):
        name = f"{number:032d}"
        with monkeypatch.context() as patch:
            patch.setattr(server.backend, "_start", no_process)
            with pytest.raises(PlaceError, match="cannot be started"):
                ordered(ada, tmp_path / name, name)
        assert ada.look(name)[0].state == "queued"  # type: ignore[index]
        again()
        wait_until(lambda: ada.look(name)[0].state == "done", 60, "the job to be done")  # type: ignore[index]  # noqa: B023


class SlowCopies:
    """Copies to another disk, which wait until they may go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun, self.may_go_on = threading.Event(), threading.Event()
        self._copy = shelves.copy_file
        monkeypatch.setattr(os, "link", self._no_links)
        monkeypatch.setattr(shelves, "copy_file", self._slowly)

    def _no_links(self, *_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    def _slowly(self, source: Path, target: Path) -> None:
        self.begun.set()
        assert self.may_go_on.wait(30)
        self._copy(source, target)


@contextlib.contextmanager
def taking_in(slow: SlowCopies, gateway: Gateway, folder: Path) -> Iterator[list[Exception]]:
    """While an order is being taken in whose files are copied; what was said against it by the end of the block."""
    said: list[Exception] = []

    def order() -> None:
        try:
            ordered(gateway, folder)
        except JobError as error:
            said.append(error)

    thread = threading.Thread(target=order)
    thread.start()
    try:
        assert slow.begun.wait(20)
        yield said
    finally:
        slow.may_go_on.set()
        thread.join(30)


def test_while_files_are_copied_others_are_answered(
    server: RunningServer, ada: Gateway, bob: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ordered(bob, tmp_path / "bobs", "b" * 32)
    with taking_in(SlowCopies(monkeypatch), ada, tmp_path / "job") as said:
        answered = threading.Thread(target=bob.look, args=["b" * 32])
        answered.start()
        answered.join(5)
        assert not answered.is_alive()
        assert ada.look(JOB) is None, "it is not there before it is whole"
        with pytest.raises(Unreachable, match="is being taken in"):
            send(ada, JobFolder(tmp_path / "job"))
        assert server.desk.clear(time.time() + 1e9) in ([], ["b" * 32]), "a clock that jumps takes nothing away"
    assert said == []
    wait_until(lambda: ada.look(JOB)[0].state == "done", 60, "the job to be done")  # type: ignore[index]


def test_an_order_that_is_being_taken_in_counts(
    server: RunningServer, ada: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "MOST_UNFINISHED", 1)
    with taking_in(SlowCopies(monkeypatch), ada, tmp_path / "job"), pytest.raises(PlaceError, match="You have 1 jobs"):
        send(ada, JobFolder(tmp_path / "job"), "b" * 32)


def test_a_folder_that_is_deleted_while_it_is_filled_is_told_and_can_be_sent_again(
    server: RunningServer, ada: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with taking_in(SlowCopies(monkeypatch), ada, tmp_path / "job") as said:
        shutil.rmtree(server.folder / "jobs" / JOB)
    assert len(said) == 1
    assert not (server.folder / "jobs" / JOB).exists()
    send(ada, JobFolder(tmp_path / "job"))
    wait_until(lambda: ada.look(JOB)[0].state == "done", 60, "the job to be done")  # type: ignore[index]


def test_what_a_server_left_that_was_killed_over_an_order_is_begun_anew(
    server: RunningServer, ada: Gateway, tmp_path: Path
) -> None:
    half = JobFolder.create(server.folder / "jobs" / JOB)
    (half.root / desk.OWNER).write_text('{"user": "ada"}')
    (half.inputs / ".0a1b2c3d.tmp.image.npy").write_bytes(b"half")
    ordered(ada, tmp_path / "job")
    wait_until(lambda: ada.look(JOB)[0].state == "done", 60, "the job to be done")  # type: ignore[index]
    assert not list(half.inputs.glob(".*.tmp.*"))


def test_a_copy_does_not_fill_the_disk_of_the_jobs(
    server: RunningServer, ada: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = SlowCopies(monkeypatch)
    slow.may_go_on.set()
    free = shutil.disk_usage(tmp_path)._replace(free=shelves.ROOM_LEFT + 100)
    job = JobFolder.create(tmp_path / "job")
    spec = specification(job)
    digests = {item: digest_file(job.inputs / item) for item in given(spec)}
    for item, digest in digests.items():
        ada.send(job.inputs / item, digest, lambda there: None)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: free)
    with pytest.raises(PlaceError, match="disk is full"):
        ada.order(JOB, spec, digests)
    assert not slow.begun.is_set()
    assert list((server.folder / "jobs").glob("*/job.json")) == []


def test_an_upload_that_breaks_off_is_written_down_and_nobody_is_alarmed(
    server: RunningServer, ada: Gateway, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    token = (tmp_path / "ada" / "server.token").read_text()
    with socket.create_connection(("127.0.0.1", server.port)) as line:
        head = f"PUT /v1/jobs/{JOB} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {token}\r\nContent-Length: 9\r\n\r\n"
        line.sendall(f"{head}{{".encode())
        time.sleep(0.3)
    line = (server.users.account("ada"), "PUT", f"/v1/jobs/{JOB}", 408)
    wait_until(lambda: line in server.told, 20, "it to be written down")
    assert caplog.records == []


def test_what_nobody_thought_of_is_written_down_too(
    server: RunningServer, ada: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(user: str, job_id: str) -> None:
        raise RuntimeError("oh")

    monkeypatch.setattr(server.desk, "look", broken)
    with pytest.raises(PlaceError, match="answered 500"):
        ada.look(JOB)
    assert server.told[-1] == (server.users.account("ada"), "GET", f"/v1/jobs/{JOB}", 500)


def test_a_cluster_behind_the_server_that_is_away_is_waited_for(
    server: RunningServer, ada: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(user: str, job_id: str) -> None:
        raise Unreachable("The cluster cannot be reached.")

    monkeypatch.setattr(server.desk, "resume", away)
    with pytest.raises(Unreachable, match="The cluster cannot be reached"):
        ada.resume(JOB)


def test_old_jobs_are_cleared_away_and_running_ones_are_not(
    server: RunningServer, ada: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("SemiSegLogic.server.orders._require_bounds", lambda spec: None)
    ordered(ada, tmp_path / "job")
    wait_until(lambda: ada.look(JOB)[0].state == "done", 60, "the job to be done")  # type: ignore[index]
    endless = JobFolder.create(tmp_path / "endless")
    endless.submit(specification(endless, method_settings=FOREVER))
    send(ada, endless, "e" * 32)
    half = server.folder / "jobs" / "half"
    half.mkdir()
    (half / desk.OWNER).write_text('{"user": "ada"}')  # the server was killed while it took this order in
    os.utime(half / desk.OWNER, (0, 0))
    assert server.desk.clear(0.0) == []
    assert sorted(server.desk.clear(1.0)) == ["half"]
    in_an_hour = server.backend.folder(JOB).last_heartbeat() + 3600.0
    assert server.desk.clear(in_an_hour) == [JOB]
    assert ada.look(JOB) is None
    assert not ada.look("e" * 32)[0].ended  # type: ignore[index]


def test_what_was_at_work_when_the_computer_went_down_goes_on(
    server: RunningServer, ada: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from Testing.support.running import kill_runner

    monkeypatch.setattr("SemiSegLogic.server.orders._require_bounds", lambda spec: None)
    job = JobFolder.create(tmp_path / "job")
    job.submit(specification(job, method_settings=FOREVER))
    send(ada, job)
    wait_until(lambda: ada.look(JOB)[0].step > 3, 60, "some steps")  # type: ignore[index]
    kill_runner(server.backend.folder(JOB))
    wait_until(lambda: ada.look(JOB)[0].state == "lost", 60, "the job to be lost")  # type: ignore[index]
    assert server.desk.go_on() == [JOB]
    wait_until(lambda: ada.look(JOB)[0].state == "running", 60, "the job to go on")  # type: ignore[index]
    assert server.desk.go_on() == []


def test_over_https_a_strange_certificate_is_not_spoken_to(tmp_path: Path) -> None:
    server = RunningServer(tmp_path / "server", make_certificate(tmp_path))
    try:
        described = server.describe(tmp_path / "ada")
        assert Gateway(Server.read(described)).check()
        plain = json.loads(described.read_text())
        described.write_text(json.dumps({**plain, "authority": ""}))
        with pytest.raises(Unreachable, match=r'CERTIFICATE_VERIFY_FAILED.*as "authority"'):
            Gateway(Server.read(described)).check()
    finally:
        server.close()


def test_a_spec_goes_through_json_unchanged(tmp_path: Path) -> None:
    job = JobFolder.create(tmp_path / "job")
    spec = specification(job)
    assert JobSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec
    with pytest.raises(JobError):
        JobSpec.from_dict(json.loads(json.dumps({**spec.to_dict(), "more": 1})))


def test_a_cluster_may_stand_behind_a_server(tmp_path: Path) -> None:
    ray = FakeRay(places=0)
    token = tmp_path / "shared" / "token"
    token.parent.mkdir()
    token.touch(mode=0o600)
    token.write_text(TOKEN)
    backend = RayBackend(cluster_of(ray, token))
    behind = desk.Desk(backend)
    shelf = Shelf(tmp_path / "files", 10**9)
    job = JobFolder.create(tmp_path / "job")
    spec = specification(job)
    digests = {item: digest_file(job.inputs / item) for item in given(spec)}
    for item, digest in digests.items():
        content = (job.inputs / item).read_bytes()
        shelf.add(digest, 0, len(content), content)
    try:
        behind.take("ada", JOB, {"spec": json.loads(json.dumps(spec.to_dict())), "files": digests}, shelf)
        assert behind.look("ada", JOB)[0].state == "queued"
        assert backend.folder(JOB).spec() == spec
        assert JOB in ray.submitted
        behind.stop("ada", JOB, 5.0)
        assert behind.look("ada", JOB)[0].state == "stopped"
    finally:
        ray.close()


def test_nobody_waits_for_a_cluster_that_gives_no_answer_to_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else's request, and an order, stood still for as long as Ray was waited for."""
    monkeypatch.setattr("SemiSegLogic.backends.https.TIMEOUT_S", 3.0)
    token = tmp_path / "shared" / "token"
    token.parent.mkdir()
    token.touch(mode=0o600)
    token.write_text(TOKEN)
    with socket.create_server(("127.0.0.1", 0)) as mute:  # takes connections in, and says nothing
        silent = f"http://127.0.0.1:{mute.getsockname()[1]}"
        ray = FakeRay(places=0)
        backend = RayBackend(dataclasses.replace(cluster_of(ray, token), ray=silent))
        ray.close()
        behind = desk.Desk(backend)
        for user, job_id in (("ada", "a" * 32), ("bob", "b" * 32)):
            job = backend.folder(job_id)
            JobFolder.create(job.root)
            write_json(job.root / "owner.json", {"user": user})
            job.submit(specification(job))
        Submission.of(backend.folder("a" * 32), 1, False).write(backend.folder("a" * 32))  # of it Ray is asked
        waits = threading.Thread(target=behind.look, args=("ada", "a" * 32))
        waits.start()
        time.sleep(0.3)
        assert waits.is_alive(), "Ray is waited for"
        began = time.monotonic()
        assert behind.look("bob", "b" * 32)[0].state == "queued"
        behind.show("bob", "b" * 32, None)
        assert time.monotonic() - began < 1.0
        assert waits.is_alive(), "still"
        waits.join(20)
        keeping = threading.Thread(target=behind.see_to_stops)
        keeping.start()
        keeping.join(20)
        assert not keeping.is_alive()


@pytest.mark.parametrize("name", ["running.lock", "turns.json", "a" * 31, "A" * 32, "jane-doe-1950"])
def test_no_job_takes_the_name_of_what_lies_beside_the_jobs_or_of_anything_but_a_courier(
    server: RunningServer, ada: Gateway, tmp_path: Path, name: str
) -> None:
    with pytest.raises(PlaceError, match="no name of a job"):
        ordered(ada, tmp_path / "job", name)
    ordered(ada, tmp_path / "other")
    wait_until(lambda: ada.look(JOB)[0].state == "done", 60, "the job to be done")  # type: ignore[index]
