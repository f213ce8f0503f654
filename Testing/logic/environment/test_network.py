"""No network, an index that breaks off, a proxy that is not there: told in words, and gone on from later."""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from SemiSegLogic.environment import pip, prepare
from SemiSegLogic.environment.problem import EnvironmentProblem
from Testing.support.wheels import WANTED, make_wheel, no_network, works


def test_no_network_is_told_and_the_set_up_goes_on_later(
    shelf: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as without:
        without.setenv("PIP_FIND_LINKS", str(tmp_path / "nothing"))
        with pytest.raises(EnvironmentProblem, match=r"Connect to the internet.*offline bundle"):
            prepare(tmp_path / "env", WANTED, base)
    assert works(prepare(tmp_path / "env", WANTED, base))


@pytest.fixture
def broken_index() -> Iterator[str]:
    """An index on this computer whose downloads break off in the middle."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = b'<a href="/tree-1.0-py3-none-any.whl">tree-1.0-py3-none-any.whl</a>'
            self.send_response(200)
            whole = self.path.endswith("/")
            self.send_header("Content-Type", "text/html" if whole else "application/octet-stream")
            self.send_header("Content-Length", str(len(page) if whole else 100_000))
            self.end_headers()
            self.wfile.write(page if whole else b"x" * 5000)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def test_an_index_that_breaks_off_in_the_middle_is_told_and_tried_again(
    broken_index: str, shelf: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pip, "PAUSE_S", 0.0)
    with monkeypatch.context() as broken:
        broken.delenv("PIP_NO_INDEX")
        broken.delenv("PIP_FIND_LINKS")
        for key, value in (("PIP_INDEX_URL", broken_index), ("PIP_RETRIES", "0"), ("NO_PROXY", "*")):
            broken.setenv(key, value)
        with pytest.raises(EnvironmentProblem) as told:
            prepare(tmp_path / "env", WANTED, base)
    assert "Then try again" in told.value.text or "damaged" in told.value.text
    assert works(prepare(tmp_path / "env", WANTED, base))


@pytest.mark.parametrize("breaks", [2, 3])
def test_a_line_that_breaks_off_is_tried_again_before_anybody_is_asked(
    breaks: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only pips from 25.1 on can go on with a file; PyTorch for a graphics card is one of two gigabytes and more."""
    wheel = make_wheel(tmp_path / "index" / "leaf", "leaf", "2.0")
    (wheel.parent / "index.html").write_text(f'<a href="{wheel.name}">{wheel.name}</a>')
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if not self.path.endswith(".whl"):
                return super().do_GET()
            asked.append(self.path)
            content = wheel.read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if len(asked) <= breaks else content)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(tmp_path / "index")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    no_network(monkeypatch, PIP_INDEX_URL=f"http://127.0.0.1:{server.server_port}", NO_PROXY="*")
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setattr(pip, "PAUSE_S", 0.0)
    ours = pip.Pip([sys.executable], tmp_path)
    try:
        if breaks < pip.TRIES:
            ours.install(["--target", str(tmp_path / "here"), "leaf"])
            assert (tmp_path / "here" / "leaf" / "__init__.py").is_file()
        else:
            with pytest.raises(EnvironmentProblem, match="try again"):
                ours.install(["--target", str(tmp_path / "here"), "leaf"])
    finally:
        server.shutdown()
        server.server_close()


def test_a_proxy_that_is_not_there_is_told_by_its_name(
    shelf: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    for key, value in (("HTTPS_PROXY", "http://127.0.0.1:9"), ("PIP_RETRIES", "0"), ("NO_PROXY", ""),
                       ("PIP_INDEX_URL", "https://index.invalid/simple")):  # fmt: skip
        monkeypatch.setenv(key, value)
    with pytest.raises(EnvironmentProblem, match=r"proxy.*HTTPS_PROXY"):
        prepare(tmp_path / "env", WANTED, base)
