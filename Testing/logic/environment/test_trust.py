"""A company's firewall signs every connection with a certificate that only the system's own list holds."""

from __future__ import annotations

import functools
import http.server
import ssl
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from SemiSegLogic.environment import EnvironmentProblem
from SemiSegLogic.environment.pip import Pip
from SemiSegLogic.environment.trust import of_the_system
from Testing.support.certificates import make_certificate
from Testing.support.wheels import make_wheel, no_network

OLD = (24, 2)
"""Until then pip asks its own list only."""


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The certificate of an index of one package, ``leaf``, which pip has been told to use."""
    certificate, key = make_certificate(tmp_path)
    make_wheel(tmp_path / "www" / "leaf", "leaf", "2.0")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path / "www"))
    monkeypatch.setattr(http.server.SimpleHTTPRequestHandler, "log_message", lambda *_: None)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as index:
        speaking = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        speaking.load_cert_chain(certificate, key)
        index.socket = speaking.wrap_socket(index.socket, server_side=True)
        threading.Thread(target=index.serve_forever, daemon=True).start()
        no_network(monkeypatch, PIP_INDEX_URL=f"https://127.0.0.1:{index.server_address[1]}/", PIP_RETRIES="1")
        monkeypatch.delenv("PIP_NO_INDEX")
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
            monkeypatch.delenv(name, raising=False)
        yield certificate
        index.shutdown()


def install(folder: Path) -> list[str]:
    Pip([sys.executable], folder / "environment").install(["--quiet", "--target", str(folder / "there"), "leaf"])
    return sorted(path.name for path in (folder / "there").iterdir() if "-" not in path.name)


def test_what_the_system_trusts_an_old_pip_is_made_to_trust(
    authority: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It asked for a certificate file, which IT had put where it belongs long before."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    assert install(tmp_path) == ["leaf"]
    if (Pip([sys.executable], tmp_path).version or OLD) < OLD:
        assert "with the certificates that this computer trusts" in capsys.readouterr().out


def test_what_the_system_does_not_trust_is_not_installed(authority: Path, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentProblem) as refused:
        install(tmp_path)
    assert "have this computer trust the company's certificate" in refused.value.text


def test_certificates_that_a_person_chose_are_the_only_ones(
    authority: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").mkdir()
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    monkeypatch.setenv("PIP_CERT", str(make_certificate(tmp_path / "other")[0]))
    with pytest.raises(EnvironmentProblem):
        install(tmp_path)


def test_where_the_system_keeps_a_list_of_its_own_kind_it_is_written_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Windows does."""
    nowhere = ssl.DefaultVerifyPaths(None, None, "SSL_CERT_FILE", "", "SSL_CERT_DIR", "")
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: nowhere)
    der = ssl.PEM_cert_to_DER_cert(f"{ssl.PEM_HEADER}\nAAEC\n{ssl.PEM_FOOTER}\n")

    class Context:
        def get_ca_certs(self, binary_form: bool) -> list[bytes]:
            return [der, der]

    monkeypatch.setattr(ssl, "create_default_context", Context)
    with of_the_system() as variables:
        written = Path(variables["PIP_CERT"]).read_text()
    assert written.count(ssl.PEM_HEADER) == 2
    assert ssl.PEM_cert_to_DER_cert(written[:written.index(ssl.PEM_FOOTER)] + ssl.PEM_FOOTER) == der
