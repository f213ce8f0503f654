"""Certificates of 127.0.0.1: one that nobody else signed, and one of a hospital's own authority."""

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
    _run(command, again)
    key.chmod(0o600)
    return certificate, key


def make_signed_certificate(folder: Path) -> tuple[Path, Path, Path]:
    """Certificate, key, and the certificate of the authority that signed it, as a hospital makes one that does not know
    the newest rules: it does not say what its key may be used for.
    """
    certificate, key, request = folder / "certificate.pem", folder / "key.pem", folder / "request.pem"
    authority, its_key, facts = folder / "authority.pem", folder / "authority.key", folder / "facts"
    facts.write_text("subjectAltName=IP:127.0.0.1")
    _run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=Hospital",
          "-keyout", str(its_key), "-out", str(authority)],
         ["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1", "-keyout", str(key),
          "-out", str(request)],
         ["openssl", "x509", "-req", "-in", str(request), "-CA", str(authority), "-CAkey", str(its_key),
          "-CAcreateserial", "-days", "2", "-extfile", str(facts), "-out", str(certificate)])
    key.chmod(0o600)
    return certificate, key, authority


def lock(key: Path) -> None:
    """Put a passphrase on a key, as OpenSSL does unless it is told not to."""
    _run(["openssl", "pkey", "-in", str(key), "-aes256", "-passout", "pass:secret", "-out", f"{key}.locked"])
    Path(f"{key}.locked").replace(key)
    key.chmod(0o600)


def _run(*commands: list[str]) -> None:
    try:
        for each in commands:
            subprocess.run(each, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("openssl is not here to make a certificate")
