"""What is wrong with a cluster is said before anything is done: which file, what, and the remedy."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from SemiSegLogic.backends.ray.cluster import Cluster
from SemiSegLogic.rounds import Round
from SemiSegLogic.settings import Training
from Testing.support.blobs import BlobStudy
from Testing.support.stand_ins.fake_ray import TOKEN, FakeRay, cluster_of

Said = Callable[..., str]


@pytest.fixture
def cluster(tmp_path: Path, ray: FakeRay, token: Path) -> Path:
    return _written(tmp_path / "cluster.json", cluster_of(ray, token))


def _written(path: Path, cluster: Cluster, **changes: Any) -> Path:
    path.write_text(json.dumps({**asdict(cluster), **changes}))
    return path


def _commands(blobs: BlobStudy) -> list[list[str]]:
    """All that ask a cluster for something."""
    study = str(blobs.study.folder)
    return [["train", study, "--seconds", "5"], ["predict", study], ["jobs"], ["jobs", "stop", "one"],
            ["jobs", "resume", "one"]]


def _refused_everywhere(cluster: Path, blobs: BlobStudy, says: Said) -> str:
    """What every command says, which must be the same and name the cluster's file; none has done anything."""
    said = {says(*words, "--cluster", cluster, code=1) for words in _commands(blobs)}
    assert len(said) == 1
    (text,) = said
    assert str(cluster) in text
    assert TOKEN not in text
    assert not list((blobs.study.folder / "models").glob("*"))
    return text


def test_a_token_that_is_not_taken_is_named_with_both_files(
    cluster: Path, blobs: BlobStudy, token: Path, ray: FakeRay, says: Said
) -> None:
    token.write_text("another-word")
    text = _refused_everywhere(cluster, blobs, says)
    assert f"does not accept the token in {token}" in text
    assert "Copy the cluster's ~/.ray/auth_token there." in text
    assert "another-word" not in text
    assert ray.submitted == {}


def test_a_token_file_that_is_not_there_is_named(cluster: Path, blobs: BlobStudy, token: Path, says: Said) -> None:
    token.unlink()
    assert f"{token} cannot be read" in _refused_everywhere(cluster, blobs, says)


def test_an_address_where_nobody_answers_is_named(cluster: Path, blobs: BlobStudy, ray: FakeRay, says: Said) -> None:
    ray.down()
    text = _refused_everywhere(cluster, blobs, says)
    assert f"{ray.address} cannot be reached" in text
    assert "SSH tunnel" in text


def test_a_ray_without_a_token_gets_nothing(cluster: Path, blobs: BlobStudy, ray: FakeRay, says: Said) -> None:
    ray.open = True
    assert "RAY_AUTH_MODE=token" in _refused_everywhere(cluster, blobs, says)


@pytest.mark.parametrize(("code", "page", "words"), [
    (200, b"<html>Welcome</html>", "answered 200, which is not an answer of Ray"),
    (404, b"", "answered 404, which is not an answer of Ray"),
    (200, b'{"tiles": []}', "answered 200, which is not an answer of Ray"),
    (500, b"", "answered 500, which is not an answer of Ray"),
])
def test_what_answers_but_is_no_ray_is_told_apart(
    tmp_path: Path, cluster: Path, blobs: BlobStudy, says: Said, code: int, page: bytes, words: str
) -> None:
    with _another_server(code, page) as server:
        values = json.loads(cluster.read_text())
        _written(cluster, Cluster(**values), ray=server.address)
        text = _refused_everywhere(cluster, blobs, says)
        assert f"{server.address} {words}" in text
        assert "Ray's dashboard" in text
        assert server.heard_tokens == []  # the token goes to a Ray alone


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path, cluster: Path, blobs: BlobStudy, says: Said) -> None:
    _written(cluster, Cluster(**json.loads(cluster.read_text())), jobs=str(tmp_path / "not_mounted"))
    text = _refused_everywhere(cluster, blobs, says)
    assert f"{tmp_path / 'not_mounted'}, is not there" in text
    assert not (tmp_path / "not_mounted").exists()


def test_a_folder_that_takes_no_files_is_named(
    tmp_path: Path, cluster: Path, blobs: BlobStudy, says: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, content: bytes) -> int:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "write_bytes", refuse)
    text = _refused_everywhere(cluster, blobs, says)
    assert f"{tmp_path / 'jobs'}, does not accept files: Permission denied" in text


def test_a_card_is_refused_where_the_cluster_gives_jobs_none(cluster: Path, blobs: BlobStudy, says: Said) -> None:
    text = says("train", blobs.study.folder, "--device", "cuda", "--cluster", cluster, code=1)
    assert f"{cluster} requests none for a job" in text
    assert not list((blobs.study.folder / "models").glob("*"))


def test_a_good_cluster_has_its_queue_listed(cluster: Path, semiseg: Callable[..., Any]) -> None:
    assert semiseg("jobs", "--cluster", cluster) == []


def test_old_jobs_are_cleaned_also_while_the_cluster_is_away(cluster: Path, ray: FakeRay, says: Said) -> None:
    ray.down()
    assert "Nothing to clean" in says("jobs", "--clean", "--cluster", cluster)


def test_a_training_that_waits_cannot_be_followed_without_the_cluster(
    cluster: Path, blobs: BlobStudy, ray: FakeRay, says: Said
) -> None:
    this = Round.begin(blobs.study, Training(seconds=5.0), "supervised", jobs=Cluster.read(cluster).folder)
    ray.down()
    assert "cannot be reached" in says("follow", blobs.study.folder, "--cluster", cluster, code=1)
    assert this.job.submitted


class _another_server:
    """Something that answers ``code`` and ``page`` to whatever it is asked."""

    def __init__(self, code: int, page: bytes) -> None:
        heard = self.heard_tokens = list[str]()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.headers.get("Authorization"):
                    heard.append(self.headers["Authorization"])
                self.send_response(code)
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)

            def log_message(self, *_: Any) -> None:
                """Silent."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def __enter__(self) -> _another_server:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
