"""Who may use the server."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from SemiSegLogic.job import JobError
from SemiSegLogic.server.users import Users

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def users(tmp_path: Path) -> Users:
    return Users(tmp_path / "users.json")


def test_a_token_is_known_by_its_digest_alone(users: Users) -> None:
    ada, bob = users.invite("ada"), users.invite("bob")
    assert len(ada) >= 43  # 32 random bytes
    known = (users.account("ada"), users.account("bob"))
    assert (users.of(ada), users.of(bob), users.of("another"), users.of("")) == (*known, None, None)
    assert ada not in users.path.read_text()
    assert os.name == "nt" or users.path.stat().st_mode & 0o077 == 0


def test_a_new_token_takes_the_place_of_the_old_one_and_who_is_removed_is_out_at_once(users: Users) -> None:
    old = users.invite("ada")
    account = users.account("ada")
    new = users.invite("ada")
    assert (users.of(old), users.of(new), users.names) == (None, account, ["ada"])
    Users(users.path).remove("ada")  # by another process
    assert users.of(new) is None
    with pytest.raises(JobError, match=r"knows no user 'ada'.*nobody"):
        users.remove("ada")


def test_who_is_removed_stays_so_while_others_are_invited(users: Users) -> None:
    old = [f"old{number}" for number in range(4)]
    for name in old:
        users.invite(name)
    others = [administrator(users, "invite", *(f"new{k}-{n}" for n in range(25))) for k in (0, 1)]
    others.append(administrator(users, "remove", *old))
    assert [other.wait(60) for other in others] == [0, 0, 0]
    assert users.names == sorted(f"new{k}-{n}" for k in (0, 1) for n in range(25))


def administrator(users: Users, act: str, *names: str) -> subprocess.Popen[bytes]:
    """Another process, which does the same to one after the other."""
    program = ("import pathlib, sys\nfrom SemiSegLogic.server.users import Users\n"
               "for name in sys.argv[3:]: getattr(Users(pathlib.Path(sys.argv[1])), sys.argv[2])(name)")
    return subprocess.Popen([sys.executable, "-c", program, str(users.path), act, *names], cwd=ROOT)


@pytest.mark.parametrize("name", ["", "Ada", "../ada", "a/b", "a" * 33, "ada\n", "-a"])
def test_a_name_that_could_be_a_path_is_none(users: Users, name: str) -> None:
    with pytest.raises(JobError, match="cannot be the name of a user"):
        users.invite(name)
    assert users.names == []


def test_who_comes_after_a_removed_one_of_the_same_name_is_another_person(users: Users) -> None:
    users.invite("ada")
    first = users.account("ada")
    users.remove("ada")
    second = users.of(users.invite("ada"))
    assert second not in (None, first, "ada")
    assert users.account("ada") == second


def test_a_file_of_before_there_were_accounts_is_read(users: Users) -> None:
    users.path.write_text(json.dumps({"ada": hashlib.sha256(b"token").hexdigest()}))
    assert users.of("token") == "ada"
    assert users.of(users.invite("ada")) == "ada", "her files lie there"
    users.remove("ada")
    assert users.of(users.invite("ada")) != "ada"


@pytest.mark.parametrize("content", ["{", "[]", '{"ada": 1}', '{"ada": {"token": "x"}}',
                                     '{"ada": {"token": "x", "account": 1}}'])
def test_a_damaged_file_lets_nobody_in(users: Users, content: str) -> None:
    users.path.write_text(content)
    with pytest.raises(JobError, match=r"users\.json.*nvite"):
        users.of("token")


def test_strange_tokens_are_nobodys(users: Users) -> None:
    users.invite("ada")
    assert users.of("\udcff\ud800é") is None
