"""A certificate of 127.0.0.1 that nobody else signed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest


def make_certificate(folder: Path, days: int = 2) -> tuple[Path, Path]:
    """Certificate and key, both PEM; skips the test where openssl is not here to make them. Of ``days`` below 0 it has
    expired.
    """
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
               "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    again = ["openssl", "x509", "-in", str(certificate), "-signkey", str(key), "-days", str(days),
             "-out", str(certificate)]
    try:
        for each in (command, again):
            subprocess.run(each, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("openssl is not here to make a certificate")
    key.chmod(0o600)
    return certificate, key
