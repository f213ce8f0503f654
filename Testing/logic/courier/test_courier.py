"""Jobs done by a server, seen from the computer where they were ordered: real processes, real sockets."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from SemiSegLogic.backends.description import PlaceError, Unreachable
from SemiSegLogic.backends.processes import Process
from SemiSegLogic.backends.server.backend import Server, ServerBackend
from SemiSegLogic.backends.server.gateway import Gateway
from SemiSegLogic.courier import courier as couriers
from SemiSegLogic.courier import mirror as mirrors
from SemiSegLogic.courier import sending as sendings
from SemiSegLogic.courier.courier import Courier
from SemiSegLogic.courier.mirror import Mirror
from SemiSegLogic.courier.sending import Sending
from SemiSegLogic.files import digest_file
from SemiSegLogic.job import JobFolder, Status
from SemiSegLogic.job.travel import PIECE, given, marks
from Testing.support.jobs import drawn, make_job, wait_until
from Testing.support.running import FOREVER, kill_runner, wait_for, wait_for_step
from Testing.support.servers import RunningServer


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningServer]:
    monkeypatch.setattr("SemiSegLogic.server.orders._require_bounds", lambda spec: None)  # the fake runner's settings
    server = RunningServer(tmp_path / "server")
    yield server
    server.close()


@pytest.fixture
def backend(server: RunningServer, tmp_path: Path) -> Iterator[ServerBackend]:
    backend = ServerBackend(server.describe(tmp_path / "ada"), tmp_path / "home", look_every_s=0.1)
    yield backend
    for job_id in backend.jobs():
        backend.stop(job_id, patience_s=0)


def start(backend: ServerBackend, name: str, **behaviour: object) -> JobFolder:
    job = make_job(backend.root / name, **behaviour)
    assert backend.submit(job) == name
    return job


def there(server: RunningServer, job: JobFolder) -> JobFolder:
    """The server's folder of a job of ours."""
    return server.backend.folder(json.loads((job.root / "server.json").read_text())["name"])


def test_a_job_done_by_a_server_looks_like_any_other(server: RunningServer, backend: ServerBackend) -> None:
    backend.check()
    job = start(backend, "one")
    status = wait_for(backend, "one", "done")
    other = there(server, job)
    assert (status.results, status.method, job.results().keys()) == (other.reported().results, "fake", {"c001"})
    ours, theirs = job.result("c001"), other.result("c001")
    assert ours is not None
    assert theirs is not None
    assert ours.n == theirs.n == status.results["c001"]
    assert np.array_equal(ours.label, theirs.label)
    assert np.array_equal(ours.uncertainty, theirs.uncertainty)
    assert (job.ranking(), job.curves()) == (other.ranking(), other.curves())
    assert len(list(job.outputs.glob("*.npz"))) == 1
    assert backend.submit(job) == "one"  # once more changes nothing
    assert len(server.backend.jobs()) == 1
    assert "one" not in {part for line in server.told for part in line[2].split("/")}, "it hears no name of ours"


def test_what_was_sent_is_not_sent_again(server: RunningServer, backend: ServerBackend) -> None:
    start(backend, "one")
    wait_for(backend, "one", "done")
    sent = [line for line in server.told if line[1:3] == ("PUT", line[2]) and "/files/" in line[2]]
    assert len(sent) == 3  # two images and a label
    server.told.clear()
    start(backend, "two", sleep=0.0)
    wait_for(backend, "two", "done")
    assert [line for line in server.told if line[1] == "PUT" and "/files/" in line[2]] == []


def test_an_upload_that_broke_off_goes_on_where_it_was(server: RunningServer, tmp_path: Path) -> None:
    content = random.Random(0).randbytes(PIECE + PIECE // 2)
    digest = hashlib.sha256(content).hexdigest()
    (tmp_path / "x").write_bytes(content)
    ada = server.gateway(tmp_path / "ada")
    server.shelf("ada").add(digest, 0, len(content), content[:PIECE])
    heard: list[int] = []
    ada.send(tmp_path / "x", digest, heard.append)
    assert heard == [len(content)]
    assert (server.shelf("ada").folder / digest).read_bytes() == content


def test_a_long_download_is_not_taken_for_a_dead_courier(
    server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(couriers, "SILENT_S", 0.0)
    backend = ServerBackend(server.describe(tmp_path / "ada"), tmp_path / "home")
    job = make_job(backend.root / "one", steps=3, sleep=0.0)
    said: list[str] = []
    written = job.write_status
    monkeypatch.setattr(job, "write_status", lambda status: (said.append(status.message), written(status)))
    assert Courier(job, Gateway(backend.server)).run().state == "done"
    assert [words for words in said if words.startswith("Downloading results from the server: 0 of 0 MB")]


def test_what_is_wished_during_a_long_download_is_passed_on_and_a_stop_waits_for_what_still_comes(
    server: RunningServer, backend: ServerBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirrors, "PASS_ON_EVERY_S", 0.0)
    job, gateway = make_job(backend.root / "one", **FOREVER), Gateway(backend.server)
    sending = Sending(job, gateway, lambda words: None)
    sending.send()
    other = there(server, job)
    wait_until(lambda: other.reported().step > 1, 60, "the job to be under way")
    other.weights.write_bytes(bytes(3_000_000))
    heard: list[tuple[bool, list[int]]] = []

    def say(words: str) -> None:
        heard.append((other.stop_requested(), other.added_labels()))
        if len(heard) == 1:
            job.add_labels("c002", drawn(seed=3))
            job.request_stop(0.0)

    Mirror(job, gateway, sending.name, say).exchange()
    assert (heard[0], heard[-1]) == ((False, []), (True, [1]))
    assert not job.stop_overdue(margin_s=60.0), "it would be ended by force while its model comes"


def test_results_that_an_earlier_courier_brought_are_not_brought_again(
    server: RunningServer, backend: ServerBackend
) -> None:
    job = make_job(backend.root / "one", steps=3, sleep=0.0)
    for _ in range(2):
        server.told.clear()
        assert Courier(job, Gateway(backend.server)).run().state == "done"
    assert not [line for line in server.told if "/files/out/c" in line[2]]
    [(_, result)] = job.results().values()
    result.write_bytes(b"")
    assert Courier(job, Gateway(backend.server)).run().state == "done"
    assert job.result("c001") is not None


def test_what_is_left_of_a_result_that_is_there_no_more_goes(server: RunningServer, backend: ServerBackend) -> None:
    job = start(backend, "one", **FOREVER)
    wait_for_step(backend, "one", 2)
    old, newest = (job.outputs / f".c001.{n}.npz.{'a' * 32}.part" for n in (1, 99_999_999))
    for path in (old, newest):
        path.write_bytes(b"half")
    wait_until(lambda: not newest.exists(), 20, "it to go")
    backend.stop("one")
    assert list(job.outputs.glob(".*.part")) == []


def test_a_courier_that_is_killed_over_a_download_is_followed_by_one_that_brings_the_rest(
    server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = ServerBackend(server.describe(tmp_path / "ada"), tmp_path / "home")
    job = make_job(backend.root / "one", steps=3, sleep=0.0)
    assert Courier(job, Gateway(backend.server)).run().state == "done"
    model = there(server, job).weights
    model.write_bytes(random.Random(0).randbytes(3_000_000))
    tag = hashlib.sha256(model.read_bytes()).hexdigest()[:32]
    (job.root / f".model.pt.{tag}.part").write_bytes(model.read_bytes()[:2_000_000])  # it had come so far
    heard: list[int] = []
    assert Gateway(backend.server).bring(there(server, job).root.name, "model.pt", job.weights, heard.append)
    assert heard[0] == 2_000_000 - 1
    assert job.weights.read_bytes() == model.read_bytes()


def test_a_courier_whose_job_was_deleted_goes_home(server: RunningServer, backend: ServerBackend) -> None:
    job = start(backend, "one", **FOREVER)
    wait_for_step(backend, "one", 2)
    courier = Process.from_dict(json.loads((job.root / "process.json").read_text()))
    assert courier.alive
    shutil.rmtree(job.root)
    wait_until(lambda: not courier.alive, 20, "the courier to end")
    assert not job.root.exists()


def test_what_was_looked_through_once_is_not_looked_through_again_when_the_network_fails(
    server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    monkeypatch.setattr(sendings, "digest_file", lambda path: (looked.append(path.name), digest_file(path))[1])
    backend = ServerBackend(server.describe(tmp_path / "ada"), tmp_path / "home")
    gateway, asked, failures = Gateway(backend.server), [], iter([False, False, True])

    def failing(method: str, *rest: Any, **more: Any) -> Any:
        if method == "PUT" and next(failures, False):
            raise Unreachable("The network is gone.")
        return ask(method, *rest, **more)

    ask = gateway._https.ask
    monkeypatch.setattr(gateway._https, "ask", failing)
    job = make_job(backend.root / "one", steps=3, sleep=0.0)
    assert Courier(job, gateway, wait=asked.append).run().state == "done"
    assert len(asked) > 1
    assert sorted(looked) == sorted(given(job.spec()))


def test_a_stop_reaches_the_server_and_the_best_model_comes_home(
    server: RunningServer, backend: ServerBackend
) -> None:
    job = start(backend, "one", **FOREVER)
    wait_for_step(backend, "one", 2)
    assert backend.stop("one").state == "stopped"
    assert there(server, job).reported().state == "stopped"
    assert job.results()["c001"][0] == there(server, job).results()["c001"][0]


def test_new_labels_and_the_case_on_screen_reach_the_server(server: RunningServer, backend: ServerBackend) -> None:
    job = start(backend, "one", **FOREVER)
    wait_for_step(backend, "one", 1)
    job.set_open("c002")
    assert (job.add_labels("c002", drawn(seed=3)), job.add_labels("c001", drawn(seed=4))) == (1, 2)
    wait_until(lambda: backend.poll("one").labels_used == 2, 60, "the labels to be used")
    wait_until(lambda: there(server, job).opened() == "c002", 60, "the case to be known")
    for n in (1, 2):
        ours, theirs = (folder.inputs / f"labels-{n}.npz" for folder in (job, there(server, job)))
        assert ours.read_bytes() == theirs.read_bytes()
    job.set_open(None)
    wait_until(lambda: there(server, job).opened() is None, 60, "no case to be on screen")


def test_drawings_that_were_damaged_here_are_not_sent_until_they_are_replaced(
    server: RunningServer, backend: ServerBackend
) -> None:
    job = start(backend, "one", **FOREVER)
    wait_for_step(backend, "one", 1)
    path = job.inputs / "labels-1.npz"
    path.write_bytes(b"no labels")
    assert job.add_labels("c001", drawn(seed=4)) == 2
    wait_until(lambda: backend.poll("one").labels_unread == [1], 60, "it to be told")
    assert there(server, job).added_labels() == []
    job.replace_labels(1, by=2)
    wait_until(lambda: backend.poll("one").labels_used == 2, 60, "the labels to be used")
    wait_until(lambda: backend.poll("one").labels_unread == [], 60, "nothing to be told any more")


def test_drawings_that_are_damaged_on_the_server_are_sent_anew(server: RunningServer, backend: ServerBackend) -> None:
    """Nobody but its client has them whole: what was drawn would have been learned from only when it changed again."""
    job = start(backend, "one", **FOREVER)
    wait_for_step(backend, "one", 1)
    theirs = there(server, job).inputs / "labels-1.npz"
    theirs.write_bytes(b"no labels")
    wait_until(lambda: backend.poll("one").labels_unread == [1], 60, "it to be told")
    assert job.add_labels("c001", drawn(seed=4)) == 1
    wait_until(lambda: backend.poll("one").labels_used == 1, 60, "the labels to be used")
    wait_until(lambda: backend.poll("one").labels_unread == [], 60, "nothing to be told any more")
    assert theirs.read_bytes() == (job.inputs / "labels-1.npz").read_bytes()


def test_a_server_without_room_for_new_labels_is_told_and_the_training_goes_on(
    server: RunningServer, backend: ServerBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = start(backend, "one", **FOREVER)
    wait_for_step(backend, "one", 1)
    with monkeypatch.context() as full:
        full.setattr("SemiSegLogic.server.shelf.ROOM_LEFT", 1 << 60)
        job.add_labels("c002", drawn(seed=3))
        job.set_open("c002")
        told = wait_until(lambda: "New slices could not be sent: The server's disk is full." in (
            s := backend.poll("one")).message and s, 60, "the words")
        wait_until(lambda: backend.poll("one").step > told.step, 60, "what comes meanwhile")
        wait_until(lambda: there(server, job).opened() == "c002", 60, "the case to be known")
    wait_until(lambda: backend.poll("one").labels_used == 1, 60, "the labels to be used")
    assert "could not be sent" not in backend.poll("one").message


def test_a_network_that_is_gone_is_waited_for(server: RunningServer, backend: ServerBackend) -> None:
    server.stop()
    with pytest.raises(Unreachable, match="cannot be reached"):
        backend.check()
    start(backend, "one", steps=150, sleep=0.05)
    waiting = wait_until(lambda: (s := backend.poll("one")).message.endswith("tries again.") and s, 60, "the words")
    assert waiting.state == "queued"
    server.start()
    before = wait_for_step(backend, "one", 2)
    server.stop()
    silent = wait_until(lambda: (s := backend.poll("one")).message.endswith("tries again.") and s, 60, "the words")
    assert silent.state == "running"
    assert silent.step >= before.step
    assert "What runs there goes on" in silent.message
    server.start()
    assert wait_for(backend, "one", "done").error is None


def test_a_courier_that_was_killed_is_followed_by_another(server: RunningServer, backend: ServerBackend) -> None:
    job = start(backend, "one", **FOREVER)
    wait_for_step(backend, "one", 2)
    kill_runner(job)
    wait_for(backend, "one", "lost")
    begun = there(server, job).reported().step
    assert there(server, job).reported().state == "running"
    assert backend.resume("one") == "one"
    status = wait_until(lambda: (s := backend.poll("one")).step > begun and s, 60, "the job to go on")
    assert status.scores["resumed_at"] == 0  # the server's runner was never begun anew
    assert len(server.backend.jobs()) == 1


def test_a_runner_that_died_on_the_server_is_lost_here_and_can_be_resumed(
    server: RunningServer, backend: ServerBackend
) -> None:
    job = start(backend, "one", **FOREVER)
    reached = wait_for_step(backend, "one", 3).step
    kill_runner(there(server, job))
    lost = wait_for(backend, "one", "lost")
    assert lost.error is not None
    assert "Resume" in lost.error["remedy"]
    backend.resume("one")
    again = wait_until(lambda: (s := backend.poll("one")).state == "running" and s.step > reached and s, 60, "to go on")
    assert again.scores["resumed_at"] >= reached - 1


def test_a_token_that_was_taken_away_is_told_and_a_new_one_goes_on(
    server: RunningServer, backend: ServerBackend, tmp_path: Path
) -> None:
    job = start(backend, "one", **FOREVER)
    wait_for_step(backend, "one", 2)
    server.users.invite("ada")  # and the new token is not here yet
    failed = wait_for(backend, "one", "failed")
    assert failed.error is not None
    assert "does not accept the token" in failed.error["text"]
    assert there(server, job).reported().state == "running"
    server.describe(tmp_path / "ada")
    backend.resume("one")
    wait_until(lambda: backend.poll("one").step > failed.step, 60, "the job to go on")


def test_a_job_is_stopped_before_a_server_that_is_gone_heard_of_it(
    server: RunningServer, backend: ServerBackend
) -> None:
    server.stop()
    job = start(backend, "one")
    wait_until(lambda: "tries again" in backend.poll("one").message, 60, "the words")
    backend.stop("one", wait=False)
    server.start()
    stopped = wait_for(backend, "one", "stopped")
    assert stopped.message == "Stopped before it was sent to the server."
    assert server.backend.jobs() == {}
    assert job.results() == {}


def test_a_stop_that_never_reached_the_server_is_not_said_to_have(
    server: RunningServer, backend: ServerBackend
) -> None:
    job = start(backend, "one", **FOREVER)
    wait_for_step(backend, "one", 2)
    server.stop()
    stopped = backend.stop("one", patience_s=0)
    assert stopped.state == "stopped"
    assert "The server may not have been told" in stopped.message
    assert not server.backend.poll(there(server, job).root.name).ended
    server.start()
    backend.resume("one")
    wait_for(backend, "one", "running")
    assert backend.stop("one").message != stopped.message
    assert there(server, job).reported().state == "stopped"


def test_a_job_that_the_server_cleared_away_is_not_begun_in_secret(
    server: RunningServer, backend: ServerBackend
) -> None:
    job = start(backend, "one", **FOREVER)
    wait_for_step(backend, "one", 2)
    backend.stop("one")
    server.desk.clear(time.time() + 3600.0)
    backend.resume("one")
    failed = wait_for(backend, "one", "failed")
    assert failed.error is not None
    assert "has deleted the job" in failed.error["text"]
    assert "Train again" in failed.error["remedy"]
    assert job.results()["c001"][0] >= 1  # what came is kept


def test_what_the_server_refuses_is_told_in_its_words(
    server: RunningServer, backend: ServerBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()  # the real bounds: the fake runner's settings are out of them
    start(backend, "one", **FOREVER)
    failed = wait_for(backend, "one", "failed")
    assert failed.error == {"text": "Supervised has no setting 'steps'. It has: " + failed.error["text"].split(": ")[1],
                            "remedy": "Change the setting, or update SemiSeg on the server."}
    assert list((server.folder / "jobs").iterdir()) == []


@pytest.mark.parametrize(("content", "words"), [
    ('{"server": "http://example.org:8443", "token": "server.token"}', "plain http to another computer"),
    ('{"server": "https://h:1/x", "token": "server.token"}', "not the address of a server"),
    ('{"server": "https://h:1"}', "does not say token"), ('{"server": 5, "token": "t"}', "must be of type str"),
    ('{"server": "https://h:1", "token": "t", "verify": false}', "no setting 'verify'"),
])
def test_a_file_that_describes_no_server_is_named_with_the_value(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "server.json"
    path.write_text(content)
    (tmp_path / "server.token").touch(mode=0o600)
    with pytest.raises(PlaceError, match=words):
        ServerBackend(path, tmp_path / "home").check()


def test_the_token_lies_beside_the_file_from_whichever_folder_one_looks(
    server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    described = server.describe(tmp_path / "ada")
    monkeypatch.chdir(tmp_path)
    assert Server.read(Path("ada") / "server.json").token_file == described.parent / "server.token"
    ServerBackend(Path("ada") / "server.json", tmp_path / "home").check()


@pytest.mark.parametrize("files", [[], {"../x": [1, 2]}, {"job.json": [1, 2]}, {"log.txt": [1]},
                                   {"log.txt": ["1", 2]}, {"out/c1.1.npz": [1, 2]}, {"out/../c001.1.npz": [1, 2]}])
def test_a_server_cannot_make_us_write_elsewhere(files: object) -> None:
    with pytest.raises(Exception, match="The list of files"):
        marks(files)


def test_a_status_that_a_server_makes_up_is_refused() -> None:
    with pytest.raises(Exception, match="state"):
        Status.from_dict({**Status("done").to_dict(), "state": "hacked"})
