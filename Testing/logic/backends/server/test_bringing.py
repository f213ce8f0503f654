"""Downloads over a line that breaks: real server, real sockets, and a line between them that is cut."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from SemiSegLogic.backends.description import PlaceError, Unreachable
from SemiSegLogic.backends.https import Answer
from SemiSegLogic.backends.server.backend import Server
from SemiSegLogic.backends.server.bringing import parts_of
from SemiSegLogic.backends.server.gateway import Gateway
from Testing.support.servers import RunningServer
from Testing.support.stand_ins.torn_line import TornLine

SIZE = 3_000_000
CONTENT, OTHER = (random.Random(seed).randbytes(SIZE) for seed in (0, 1))
JOB, NAME = "0123456789abcdef" * 2, "out/c001.1.npz"


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """The file on the server."""
    path = tmp_path / "there.npz"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def server(tmp_path: Path, there: Path) -> Iterator[RunningServer]:
    server = RunningServer(tmp_path / "server")
    server.desk.file = lambda user, job_id, name: there  # type: ignore[method-assign]
    yield server
    server.close()


@pytest.fixture
def line(server: RunningServer) -> Iterator[TornLine]:
    line = TornLine(server.port)
    yield line
    line.close()


@pytest.fixture
def described(server: RunningServer, line: TornLine, tmp_path: Path) -> Path:
    path = server.describe(tmp_path / "ada")
    path.write_text(path.read_text().replace(str(server.port), str(line.port)))
    return path


def torn(line: TornLine, described: Path, target: Path, after: int) -> None:
    """A download that breaks off after so many bytes."""
    line.lasts = after
    with pytest.raises(Unreachable, match=r"cannot be reached: (the connection broke|.*Connection reset)"):
        Gateway(Server.read(described)).bring(JOB, NAME, target)
    line.lasts = 1 << 40
    assert not target.exists(), "nobody reads half a result"


def test_what_came_before_the_line_broke_does_not_come_again(line: TornLine, described: Path, tmp_path: Path) -> None:
    target = tmp_path / "c001.1.npz"
    for _ in range(3):
        torn(line, described, target, 900_000)
    heard: list[int] = []
    assert Gateway(Server.read(described)).bring(JOB, NAME, target, heard.append)
    assert target.read_bytes() == CONTENT
    assert sum(heard) == SIZE, "what was there counts as having come"
    assert line.carried < SIZE + 10_000
    assert parts_of(target) == []


@pytest.mark.parametrize("other", [OTHER, OTHER[:1_000_000], CONTENT + b"more", b"", b"x"])
def test_a_file_that_is_another_meanwhile_comes_whole(
    line: TornLine, described: Path, there: Path, tmp_path: Path, other: bytes
) -> None:
    target = tmp_path / "c001.1.npz"
    torn(line, described, target, 2_000_000)
    about = there.stat()
    there.write_bytes(other)
    if len(other) == SIZE:
        os.utime(there, ns=(about.st_atime_ns, about.st_mtime_ns))  # which tells nothing
    assert Gateway(Server.read(described)).bring(JOB, NAME, target)
    assert target.read_bytes() == other
    assert parts_of(target) == []


def test_what_was_damaged_on_its_way_or_on_our_disk_is_brought_anew(
    line: TornLine, described: Path, tmp_path: Path
) -> None:
    target = tmp_path / "c001.1.npz"
    torn(line, described, target, 2_000_000)
    (part,) = parts_of(target)
    with part.open("r+b") as stream:
        stream.write(b"spoilt")
    with pytest.raises(Unreachable, match="damaged on its way"):
        Gateway(Server.read(described)).bring(JOB, NAME, target)
    assert not target.exists()
    assert Gateway(Server.read(described)).bring(JOB, NAME, target)
    assert target.read_bytes() == CONTENT


def test_one_that_was_whole_when_its_courier_was_killed_is_put_in_place(
    line: TornLine, described: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "c001.1.npz"
    with monkeypatch.context() as patch:
        patch.setattr("SemiSegLogic.backends.server.bringing.Part.put_in_place", lambda part: None)
        Gateway(Server.read(described)).bring(JOB, NAME, target)
    assert not target.exists()
    line.carried = 0
    assert Gateway(Server.read(described)).bring(JOB, NAME, target)
    assert target.read_bytes() == CONTENT
    assert line.carried < 10_000


def test_a_disk_that_is_full_is_not_taken_for_the_network(described: Path, tmp_path: Path) -> None:
    target = tmp_path / "gone" / "c001.1.npz"
    with pytest.raises(OSError, match="No such file") as caught:
        Gateway(Server.read(described)).bring(JOB, NAME, target)
    assert not isinstance(caught.value, Unreachable)


def test_a_proxys_word_is_not_taken_for_the_servers(
    described: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = Gateway(Server.read(described))
    monkeypatch.setattr(gateway._https, "download", lambda *rest: Answer(404, b"<html>not found</html>"))
    with pytest.raises(Unreachable, match="is not available just now"):
        gateway.bring(JOB, NAME, tmp_path / "x")
    monkeypatch.setattr(gateway._https, "download", lambda path, wish, begin, told: begin(False, ""))
    with pytest.raises(PlaceError, match="Update SemiSeg"):
        gateway.bring(JOB, NAME, tmp_path / "x")
