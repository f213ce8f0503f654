"""What clients hear of the server's computer."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import pytest

from SemiSegLogic.backends.description import PlaceError, Unreachable
from SemiSegLogic.backends.server.gateway import Gateway
from SemiSegLogic.files import FileError
from SemiSegLogic.job import JobError, Status
from SemiSegLogic.server.discretion import Discretion
from Testing.support.servers import RunningServer

JOB = "0123456789abcdef" * 2


@pytest.mark.parametrize(("told", "heard"), [
    ("/srv/semi seg/jobs/ab12/in/x.npy is damaged: it is not JSON.", "x.npy is damaged: it is not JSON."),
    ("There is no job in /srv/semi seg/jobs.", "There is no job in jobs."),
    ("[Errno 28] No space left: '/mnt/data/cache/x.npy'", "[Errno 28] No space left: 'x.npy'"),
    ('File "/opt/py/lib/python3.11/site-packages/torch/nn.py", line 3', 'File "nn.py", line 3'),
    ("Copy ~/.ray/auth_token there, or C:\\Users\\Jo\\x.pem.", "Copy auth_token there, or x.pem."),
    ("The Ray at http://10.0.0.5:8265 refused (401).", "The Ray at its address refused (401)."),
    ("Run: chmod 600 /etc/ssl/key.pem", "Run: chmod 600 key.pem"),
    ("Look into /var/log/semiseg/.", "Look into semiseg."),
    ("c001.grid and/or 3/4 of 'training': 1e-3 / 2 https", "c001.grid and/or 3/4 of 'training': 1e-3 / 2 https"),
])
def test_of_a_path_the_last_name_is_told(told: str, heard: str) -> None:
    assert Discretion([Path("/srv/semi seg"), Path("/srv/semi seg/jobs")]).words(told) == heard


def test_a_status_tells_no_path_either() -> None:
    error = {"text": "/srv/jobs/a/in/x.npz is missing.", "remedy": "Look into /srv/jobs/a/log.txt."}
    heard = Discretion([]).status(Status("failed", message="Failed: /srv/jobs/a/in/x.npz", step=3, error=error))
    assert heard == Status("failed", message="Failed: x.npz", step=3, error={
        "text": "x.npz is missing.", "remedy": "Look into log.txt."})


def test_whose_disk_is_full_is_said() -> None:
    error = {"text": "The disk of /srv/jobs/a is full: free some space first.", "remedy": "Resume it."}
    heard = Discretion([]).status(Status("lost", error=error))
    assert heard.error == {**error, "text": "On the server: The disk of a is full: free some space first."}


@pytest.mark.parametrize(("error", "kind", "heard"), [
    (FileError("{root}/job.json was not written: the disk is full."), PlaceError,
     "On the server: job.json was not written: the disk is full. Tell whoever looks after it."),
    (JobError("{root}/in/x.npz is damaged.", "Delete {root}/in/x.npz."), PlaceError, "x.npz is damaged. Delete x.npz."),
    (PlaceError("Ray at http://head:8265 does not take the token in {root}/token.", "Copy it."), PlaceError,
     "On the server: Ray at its address does not take the token in token. Tell whoever"),
    (Unreachable("The cluster at http://h:8265 cannot be reached."), Unreachable, "at its address cannot be reached"),
])
def test_what_goes_wrong_on_the_server_is_told_without_its_paths_and_kept_whole_in_its_log(
    server: RunningServer, ada: Gateway, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
    error: JobError, kind: type[JobError], heard: str,
) -> None:
    root = str(server.folder / "jobs" / JOB)
    for name, text in vars(error).items():
        setattr(error, name, text.replace("{root}", root))
    error.args = tuple(text.replace("{root}", root) for text in error.args)

    def broken(user: str, job_id: str) -> None:
        raise error

    monkeypatch.setattr(server.desk, "look", broken)
    with pytest.raises(kind) as caught:
        ada.look(JOB)
    assert heard in str(caught.value)
    assert str(server.folder) not in str(caught.value)
    assert str(error) in caplog.text


@pytest.mark.skipif(os.name == "nt", reason="backslashes are escaped in the log")
def test_a_list_of_users_that_is_damaged_is_told_to_nobody_but_the_log(
    server: RunningServer, ada: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    server.users.path.write_text("{")
    with caplog.at_level(logging.ERROR), pytest.raises(Unreachable, match="cannot tell who may use it") as caught:
        ada.check()
    assert "users.json" not in str(caught.value)
    assert str(server.users.path) in caplog.text
    server.users.path.write_text(json.dumps({}))


def test_what_libraries_print_into_a_log_is_brought_without_paths(
    server: RunningServer, ada: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = server.folder / "log.txt"
    log.write_bytes(f'  File "{log}", line 3\n\xe9'.encode("latin-1"))
    monkeypatch.setattr(server.desk, "file", lambda user, job_id, name: log)
    assert ada.bring(JOB, "log.txt", tmp_path / "log-server.txt")
    assert (tmp_path / "log-server.txt").read_text() == '  File "log.txt", line 3\n\ufffd'
