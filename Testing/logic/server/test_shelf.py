"""Files that come in pieces."""

from __future__ import annotations

import hashlib
import os
import random
import time
from pathlib import Path

import pytest

from SemiSegLogic.server import shelf as shelves
from SemiSegLogic.server.refusal import CONFLICT, FULL, NOT_FOUND, TOO_LARGE, WRONG, Refused
from SemiSegLogic.server.shelf import Shelf, days_ago

CONTENT = random.Random(0).randbytes(1000)
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "files", 5000)


def refused(code: int, act: object, *arguments: object) -> str:
    with pytest.raises(Refused) as caught:
        act(*arguments)  # type: ignore[operator]
    assert caught.value.code == code
    return caught.value.text


def test_pieces_make_a_file_that_is_there_only_when_it_is_whole(shelf: Shelf, tmp_path: Path) -> None:
    assert shelf.there(DIGEST) == (0, False)
    assert shelf.add(DIGEST, 0, 1000, CONTENT[:400]) == (400, False)
    assert not (shelf.folder / DIGEST).exists()
    refused(NOT_FOUND, shelf.give, DIGEST, tmp_path / "x")
    assert Shelf(shelf.folder, 5000).there(DIGEST) == (400, False)  # as one that was started anew sees it
    assert shelf.add(DIGEST, 400, 1000, CONTENT[400:]) == (1000, True)
    shelf.give(DIGEST, tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == CONTENT
    assert shelf.add(DIGEST, 0, 1000, CONTENT) == (1000, True)  # once more changes nothing
    assert [path.name for path in shelf.folder.iterdir()] == [DIGEST]


def test_a_piece_out_of_place_is_refused_and_changes_nothing(shelf: Shelf) -> None:
    shelf.add(DIGEST, 0, 1000, CONTENT[:400])
    assert "400 bytes" in refused(CONFLICT, shelf.add, DIGEST, 0, 1000, CONTENT[:400])
    refused(WRONG, shelf.add, DIGEST, 400, 500, CONTENT[400:])
    assert shelf.there(DIGEST) == (400, False)


def test_what_is_not_what_its_name_says_is_thrown_away(shelf: Shelf) -> None:
    refused(WRONG, shelf.add, DIGEST, 0, 1000, CONTENT[::-1])
    assert shelf.there(DIGEST) == (0, False)
    assert shelf.add(DIGEST, 0, 1000, CONTENT) == (1000, True)


@pytest.mark.parametrize("name", ["", "..", "../" + "a" * 61, "A" * 64, "a" * 63, "a" * 64 + "\n", "/etc/passwd"])
def test_a_name_that_is_no_digest_reaches_no_disk(shelf: Shelf, name: str, tmp_path: Path) -> None:
    refused(NOT_FOUND, shelf.there, name)
    refused(NOT_FOUND, shelf.add, name, 0, 1, b"x")
    refused(NOT_FOUND, shelf.give, name, tmp_path / "x")
    assert not shelf.folder.exists()


def test_nobody_takes_more_than_their_room(shelf: Shelf) -> None:
    shelf.add(DIGEST, 0, 1000, CONTENT)
    assert "your files take" in refused(FULL, shelf.add, "a" * 64, 0, 4001, b"x").lower()
    for size in (0, -1, shelves.LARGEST_FILE + 1):
        refused(WRONG if size < 1 else TOO_LARGE, shelf.add, "a" * 64, 0, size, b"x")


def test_a_full_disk_is_told_before_anything_is_taken(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelves, "ROOM_LEFT", 1 << 62)
    assert "disk is full" in refused(FULL, shelf.add, DIGEST, 0, 1000, CONTENT)
    assert not shelf.folder.exists()


def test_what_nobody_asked_for_is_cleared_away_and_what_a_job_uses_stays_with_it(shelf: Shelf, tmp_path: Path) -> None:
    other = hashlib.sha256(b"other").hexdigest()
    shelf.add(DIGEST, 0, 1000, CONTENT)
    shelf.add(other, 0, 5, b"other")
    shelf.give(DIGEST, tmp_path / "job.npy")
    for path in shelf.folder.iterdir():
        os.utime(path, (0, 0))
    shelf.give(DIGEST, tmp_path / "later.npy")  # asked for again
    assert shelf.clear(days_ago(14)) == 5
    assert (shelf.there(DIGEST), shelf.there(other)) == ((1000, True), (0, False))
    assert shelf.clear(time.time() + 10) == 0  # its room is still taken by the two jobs
    assert (tmp_path / "job.npy").read_bytes() == CONTENT


def test_where_no_links_can_be_made_it_is_copied(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    shelf.add(DIGEST, 0, 1000, CONTENT)
    monkeypatch.setattr(os, "link", no_links)
    shelf.give(DIGEST, tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == CONTENT


def test_a_file_has_its_name_only_once_a_power_cut_cannot_take_its_bytes(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    flush, name = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (done.append("flushed"), flush(handle)))
    monkeypatch.setattr(os, "replace", lambda *paths: (done.append("named"), name(*paths)))
    shelf.add(DIGEST, 0, 1000, CONTENT)
    assert done[:2] == ["flushed", "named"]
