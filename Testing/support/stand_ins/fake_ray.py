"""A Ray that is none: its job interface on 127.0.0.1, with a token, places and a line, and real processes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from SemiSegLogic.backends.ray.cluster import Cluster

ROOT = Path(__file__).resolve().parents[3]
TOKEN = "a-token-of-plain-letters"


@dataclass
class Submitted:
    """A submission: ``order`` as it was posted."""

    order: dict[str, Any]
    status: str = "PENDING"
    message: str = ""
    process: subprocess.Popen[bytes] | None = None
    stopping: bool = False


class FakeRay:
    """Runs at most ``places`` entrypoints at a time, first come first served. ``open``: it asks for no token."""

    def __init__(self, places: int = 1, open_to_all: bool = False, certificate: Path | None = None) -> None:
        self.places, self.open = places, open_to_all
        self.submitted: dict[str, Submitted] = {}
        self.asked: list[tuple[str, str, str | None]] = []
        self.redirect = ""
        self.lock, self._over = threading.Lock(), threading.Event()
        self._certificate, self.port = certificate, 0
        self.up()
        threading.Thread(target=self._schedule, daemon=True).start()

    @property
    def address(self) -> str:
        """Of its dashboard."""
        return f"{'https' if self._certificate else 'http'}://127.0.0.1:{self.port}"

    def up(self) -> None:
        """Be reached, at the same address as before."""
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), _Handler)
        self._server.ray = self  # type: ignore[attr-defined]
        self.port = self._server.server_address[1]
        if self._certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self._certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def down(self) -> None:
        """Be out of reach; what runs goes on."""
        self._server.shutdown()
        self._server.server_close()

    def close(self) -> None:
        """End all that it started."""
        self._over.set()
        with contextlib.suppress(OSError):
            self.down()
        for one in self.submitted.values():
            if one.process is not None:
                _signal(one.process, signal.SIGKILL)
                one.process.wait()

    def stop(self, name: str) -> bool:
        """SIGTERM, and the end some seconds later, as Ray does; at once for what waits in the line."""
        with self.lock:
            one = self.submitted[name]
            if one.status == "PENDING":
                one.status, one.message = "STOPPED", "Job was intentionally stopped."
            if one.status != "RUNNING" or one.process is None or one.stopping:
                return False
            one.stopping = True
        patience = float(one.order["runtime_env"]["env_vars"].get("RAY_JOB_STOP_WAIT_TIME_S", 3))
        threading.Thread(target=_end, args=(one.process, patience), daemon=True).start()
        return True

    def fail_to_start(self, name: str) -> None:
        """What happens to a submission that waits longer than Ray's start timeout."""
        with self.lock:
            self.submitted[name].status = "FAILED"
            self.submitted[name].message = "Job supervisor actor failed to start within 900.0 seconds."

    def _schedule(self) -> None:
        while not self._over.wait(0.02):
            with self.lock:
                for one in self.submitted.values():
                    _look(one)
                running = sum(one.status == "RUNNING" for one in self.submitted.values())
                waiting = [one for one in self.submitted.values() if one.status == "PENDING"]
                for one in waiting[: self.places - running]:
                    one.process = subprocess.Popen(one.order["entrypoint"], shell=True, start_new_session=True)
                    one.status = "RUNNING"


def cluster_of(ray: FakeRay, token: Path, **changes: Any) -> Cluster:
    """``ray`` with the token in that file; its jobs lie beside it, and their runners are fake."""
    jobs = token.parent / "jobs"
    jobs.mkdir(exist_ok=True)
    values = {"ray": ray.address, "token": str(token), "jobs": str(jobs), "package": str(ROOT), "gpus": 0,
              "python": f"{sys.executable} -m Testing.support.stand_ins.fake_placed", **changes}
    return Cluster(**values)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        ray = self._ray()
        if self._refused(ray):
            return
        name = self.path.removeprefix("/api/jobs/")
        if self.path == "/api/version":
            self._answer(200, {"ray_version": "2.60.0"})
        elif self.path == "/api/v0/nodes":
            has = {"state": "ALIVE", "resources_total": {"CPU": float(ray.places), "GPU": float(ray.places)}}
            self._answer(200, {"data": {"result": {"result": [has]}}})
        elif name == "":
            self._answer(200, [])
        elif name in ray.submitted:
            one = ray.submitted[name]
            self._answer(200, {"status": one.status, "message": one.message, "entrypoint": one.order["entrypoint"]})
        else:
            self._answer(404, f"Job {name} does not exist")

    def do_POST(self) -> None:
        ray, body = self._ray(), self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self._refused(ray):
            return
        if self.path.endswith("/stop"):
            self._answer(200, {"stopped": ray.stop(self.path.removeprefix("/api/jobs/").removesuffix("/stop"))})
            return
        order = json.loads(body)
        with ray.lock:
            if order["submission_id"] in ray.submitted:
                self._answer(500, "Traceback\nValueError: Job with this submission_id already exists.\n.")
                return
            ray.submitted[order["submission_id"]] = Submitted(order)
        self._answer(200, {"submission_id": order["submission_id"]})

    def _ray(self) -> FakeRay:
        ray: FakeRay = self.server.ray  # type: ignore[attr-defined]
        ray.asked.append((self.command, self.path, self.headers.get("Authorization")))
        return ray

    def _refused(self, ray: FakeRay) -> bool:
        said = self.headers.get("Authorization")
        if ray.redirect:
            self.send_response(307)
            self.send_header("Location", ray.redirect + self.path)
            self.end_headers()
        elif said is None and not ray.open:
            self._answer(401, "Unauthorized: Missing authentication token")
        elif said is not None and said != f"Bearer {TOKEN}":
            self._answer(403, "Forbidden: Invalid authentication token")
        else:
            return False
        return True

    def _answer(self, code: int, content: Any) -> None:
        body = (content if isinstance(content, str) else json.dumps(content)).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Silent."""


def _look(one: Submitted) -> None:
    if one.status == "RUNNING" and one.process is not None and one.process.poll() is not None:
        code = one.process.returncode
        one.status = "STOPPED" if one.stopping else "SUCCEEDED" if code == 0 else "FAILED"
        one.message = f"Job entrypoint command ended with exit code {code}."


def _end(process: subprocess.Popen[bytes], patience: float) -> None:
    _signal(process, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    _signal(process, signal.SIGKILL)


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
