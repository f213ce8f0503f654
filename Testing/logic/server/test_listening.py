"""Where a server may listen."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from SemiSegLogic.job import JobError
from SemiSegLogic.server.listening import Listening
from Testing.support.certificates import lock, make_certificate


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_this_computer_alone_needs_no_certificate(host: str) -> None:
    Listening(host).require_safe()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "gpu.example.org", ""])
def test_a_network_needs_a_certificate_or_a_proxy(host: str) -> None:
    with pytest.raises(JobError, match=r"could read the tokens.*--certificate.*SSH tunnel.*--behind-proxy"):
        Listening(host).require_safe()
    Listening(host, behind_proxy=True).require_safe()


def test_a_certificate_and_a_key_that_nobody_else_reads(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    Listening("0.0.0.0", certificate=certificate, key=key).require_safe()
    with pytest.raises(JobError, match="needs its key"):
        Listening("0.0.0.0", certificate=certificate).require_safe()
    with pytest.raises(JobError, match=r"no file .*nowhere\.pem"):
        Listening("0.0.0.0", certificate=certificate, key=tmp_path / "nowhere.pem").require_safe()
    if os.name == "posix":
        key.chmod(0o644)
        with pytest.raises(JobError, match=f"chmod 600 {key}"):
            Listening("0.0.0.0", certificate=certificate, key=key).require_safe()


def test_a_key_with_a_passphrase_is_refused_with_what_to_do(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    lock(key)
    with pytest.raises(JobError, match=f"has a passphrase.*openssl pkey -in {key}"):
        Listening("0.0.0.0", certificate=certificate, key=key).require_safe()
