"""Certificates as a server shows them."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from fastapi import FastAPI

from SemiSegLogic.job import JobError
from SemiSegLogic.server.answering import serving
from SemiSegLogic.server.listening import Listening
from Testing.support.certificates import lock, make_certificate
from Testing.support.servers import RunningServer


def test_a_certificate_that_is_renewed_is_shown_to_whoever_connects_next(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    server = RunningServer(tmp_path / "server", (certificate, key))
    try:
        first = shown(server)
        assert first == certificate.read_text()
        renewed = tmp_path / "renewed"
        renewed.mkdir()
        new_certificate, new_key = make_certificate(renewed)
        os.replace(new_certificate, certificate)
        assert shown(server) == first, "its key is not there yet"
        os.replace(new_key, key)
        assert shown(server) == certificate.read_text() != first
        certificate.unlink()
        assert shown(server) != first
    finally:
        server.close()


@pytest.mark.parametrize("content", ["", "no pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate_is_named(tmp_path: Path, content: str) -> None:
    certificate, key = make_certificate(tmp_path)
    certificate.write_text(content)
    with pytest.raises(JobError, match=r"certificate\.pem and .*key\.pem cannot be used.*two PEM files"):
        serving(FastAPI(), Listening(certificate=certificate, key=key))


def test_nobody_is_asked_for_the_passphrase_of_a_renewed_key_while_everybody_waits(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    lock(key)
    program = ("import pathlib, sys\nfrom SemiSegLogic.server.answering import Certificate\n"
               "Certificate(*map(pathlib.Path, sys.argv[1:]))")
    command = [sys.executable, "-c", program, str(certificate), str(key)]
    said = subprocess.run(command, cwd=Path(__file__).resolve().parents[3], stdin=subprocess.DEVNULL,
                          start_new_session=True, capture_output=True, text=True, check=False, timeout=60)
    assert (said.returncode, "ssl.SSLError" in said.stderr, "pass phrase" in said.stderr) == (1, True, False)


def shown(server: RunningServer) -> str:
    """The certificate, as PEM; the name of the host is not told, for it is an address."""
    return ssl.get_server_certificate(("127.0.0.1", server.port), timeout=20)
