"""``semiseg serve`` and the commands that reach a server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from SemiSegLogic.cli.server_checks import server_checks
from SemiSegLogic.server.users import Users
from Testing.support.blobs import BlobStudy
from Testing.support.certificates import make_certificate, make_signed_certificate
from Testing.support.servers import RunningServer

Semiseg, Says = Callable[..., list[dict[str, Any]]], Callable[..., str]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    server = RunningServer(tmp_path / "server")
    yield server
    server.close()


def test_who_is_invited_gets_a_folder_that_works(server: RunningServer, semiseg: Semiseg, tmp_path: Path) -> None:
    given = tmp_path / "given"
    semiseg("serve", "invite", server.folder, "ada", "--address", server.address, "--into", given)
    assert sorted(path.name for path in given.iterdir()) == ["server.json", "server.token"]
    assert (given / "server.token").stat().st_mode & 0o077 == 0
    assert [finding.good for finding in server_checks(given / "server.json")] == [True, True, True]
    account = server.users.account("ada")
    assert semiseg("serve", "users", server.folder) == [{"event": "user", "name": "ada", "account": account}]
    semiseg("serve", "remove", server.folder, "ada")
    *_, last = server_checks(given / "server.json")
    assert (last.good, "does not accept the token" in last.found) == (False, True)


def test_who_is_invited_again_is_said_to_lose_the_earlier_token(says: Says, tmp_path: Path) -> None:
    words = ("serve", "invite", tmp_path / "server", "ada", "--address", "https://h:1", "--into")
    assert "The earlier token" not in says(*words, tmp_path / "first")
    assert "The earlier token of ada no longer works" in " ".join(says(*words, tmp_path / "again").split())


def test_a_certificate_of_ones_own_goes_along(semiseg: Semiseg, tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    server = RunningServer(tmp_path / "server", (certificate, key))
    try:
        semiseg("serve", "invite", server.folder, "ada", "--address", server.address, "--into", tmp_path / "given",
                "--certificate", certificate)
        assert all(finding.good for finding in server_checks(tmp_path / "given" / "server.json"))
    finally:
        server.close()


@pytest.mark.parametrize("given", ["the server's own", "the authority's", "both and the key"])
def test_a_certificate_that_a_hospital_signed_goes_along_without_its_key(
    semiseg: Semiseg, tmp_path: Path, given: str
) -> None:
    certificate, key, authority = make_signed_certificate(tmp_path)
    server = RunningServer(tmp_path / "server", (certificate, key))
    files = {"the server's own": [certificate], "the authority's": [authority],
             "both and the key": [key, certificate, authority]}[given]
    pem = tmp_path / "given.pem"
    pem.write_text("".join(path.read_text() for path in files))
    try:
        semiseg("serve", "invite", server.folder, "ada", "--address", server.address, "--into", tmp_path / "ada",
                "--certificate", pem)
        assert all(finding.good for finding in server_checks(tmp_path / "ada" / "server.json"))
        assert "PRIVATE" not in (tmp_path / "ada" / "certificate.pem").read_text()
    finally:
        server.close()


def test_an_invitation_that_cannot_be_made_changes_nothing(says: Says, tmp_path: Path) -> None:
    folder, there, new = tmp_path / "server", tmp_path / "there", tmp_path / "new"
    there.mkdir()
    _, key = make_certificate(tmp_path)
    for name, address, into, more, told in (
        ("ada", "https://h:1", there, (), "exists already"), ("Ada!", "https://h:1", new, (), "cannot be the name"),
        ("ada", "https://h:1", new, ("--certificate", tmp_path / "nowhere.pem"), "cannot be read"),
        ("ada", "https://h:1", new, ("--certificate", key), "contains no certificate"),
        ("ada", "h", new, (), "not the address of a server"), ("ada", "http://h:1", new, (), "plain http to another"),
    ):
        words = ("serve", "invite", folder, name, "--address", address, "--into", into, *more)
        assert told in says(*words, code=1)
    assert not new.exists()
    assert Users(folder / "users.json").names == []


def test_what_is_wrong_with_the_way_to_a_server_is_found_in_order(server: RunningServer, tmp_path: Path) -> None:
    described = server.describe(tmp_path / "ada")
    server.stop()
    *_, last = server_checks(described)
    assert (last.what, last.good) == ("Server reached", False)
    server.start()
    (tmp_path / "ada" / "server.token").chmod(0o644)
    assert [(finding.what, finding.good) for finding in server_checks(described)][1:] == [("Token file", False)]
    described.write_text(json.dumps({"server": server.address}))
    (only,) = server_checks(described)
    assert "does not say token" in only.found


def test_jobs_of_a_server_are_listed_by_its_file(server: RunningServer, semiseg: Semiseg, tmp_path: Path) -> None:
    assert semiseg("jobs", "--server", server.describe(tmp_path / "ada")) == []


def test_a_training_elsewhere_is_not_looked_for_here_in_vain(
    server: RunningServer, semiseg: Semiseg, says: Says, blobs: BlobStudy, tmp_path: Path
) -> None:
    described = server.describe(tmp_path / "ada")
    semiseg("train", blobs.study.folder, "--method", "supervised", "--server", described, "--seconds", "1")
    assert "add --server FILE" in says("follow", blobs.study.folder, code=1)
    told = semiseg("follow", blobs.study.folder, "--server", described)
    assert told[-1]["event"] in ("ended", "next", "quality")
    assert all(blobs.study.case(case.id).has_suggestion for case in blobs.cases[:1])
