"""Where a server may listen, and what it writes down."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from SemiSegLogic.backends import LocalBackend
from SemiSegLogic.job import JobError
from SemiSegLogic.server.listening import Listening
from SemiSegLogic.server.serving import Keeping, Serving
from Testing.support.jobs import wait_until

ROOT = Path(__file__).resolve().parents[3]


def test_a_server_without_users_or_beside_another_does_not_begin(tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    serving = Serving(tmp_path, LocalBackend(tmp_path / "jobs"), Keeping())
    with pytest.raises(JobError, match="Nobody may use the server"):
        serving.run(Listening(port=0), lambda address: None)


@pytest.mark.skipif(os.name == "nt", reason="ends the server with a signal")
def test_the_process_serves_writes_down_who_asked_and_gives_way_to_no_other(tmp_path: Path) -> None:
    folder, given = tmp_path / "server", tmp_path / "given"
    semiseg = [sys.executable, "-m", "SemiSegLogic", "serve"]
    address = "http://127.0.0.1:18443"
    folder.mkdir(mode=0o755)  # by the administrator
    subprocess.run([*semiseg, "invite", folder, "ada", "--address", address, "--into", given], cwd=ROOT, check=True)
    token = (given / "server.token").read_text().strip()
    log = (tmp_path / "printed.txt").open("wb")
    server = subprocess.Popen([*semiseg, "run", folder, "--port", "0"], cwd=ROOT, stdout=subprocess.PIPE, stderr=log)
    try:
        assert server.stdout is not None
        said = server.stdout.readline().decode()
        port = int(re.search(r"http://127\.0\.0\.1:(\d+)", said)[1])  # type: ignore[index]
        wait_until(lambda: _hello(port, token) == 200, 30, "the server to answer")
        assert _hello(port, "wrong") == 401
        told = (folder / "requests.log").read_text()
        assert re.search(r"ada\.[0-9a-f]{8} GET /v1 200\n", told)
        assert re.search(r"- GET /v1 401\n", told)
        assert token not in told
        assert _hello(port, token, "/v1/%1b[31m%0a%C3%A9") == 404
        assert (folder / "requests.log").read_text().splitlines()[-1].endswith(r" GET /v1/\x1b[31m\n\xe9 404")
        assert [path.name for path in folder.iterdir() if path.stat().st_mode & 0o077] == []
        other = subprocess.run([*semiseg, "run", folder, "--port", "0"], cwd=ROOT, capture_output=True, text=True)
        assert (other.returncode, "A server works in" in other.stderr) == (1, True)
    finally:
        server.send_signal(signal.SIGINT)
        assert server.wait(30) in (0, 130, -signal.SIGINT)
        log.close()


def _hello(port: int, token: str, path: str = "/v1") -> int:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        line.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        return line.getresponse().status
    except OSError:
        return 0
    finally:
        line.close()


@pytest.mark.parametrize("words", [("--gigabytes", "inf"), ("--gigabytes", "nan"), ("--gigabytes", "0"),
                                   ("--days", "-1"), ("--days", "nan"), ("--days", "two")])
def test_what_is_kept_is_a_number_above_nothing(tmp_path: Path, words: tuple[str, str]) -> None:
    command = [sys.executable, "-m", "SemiSegLogic", "serve", "run", tmp_path / "server", *words]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert said.returncode == 2
    assert f"'{words[1]}' is not a number of {words[0][2:]} above 0" in said.stderr
    assert not (tmp_path / "server").exists()
