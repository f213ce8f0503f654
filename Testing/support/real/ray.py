"""A contest on a real Ray: ``python -m Testing.support.real.ray FOLDER`` in network and process namespaces of its own.

Ray binds to every address that it finds and starts processes that outlive it; in namespaces of its own it has this
computer's own address only, and all of it ends with this process. (``ray stop`` would end every Ray of the computer.)
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from SemiSegLogic.backends.claims import Claims
from SemiSegLogic.backends.ray.backend import RayBackend
from SemiSegLogic.backends.ray.cluster import Cluster
from SemiSegLogic.backends.ray.rest import RayRest
from SemiSegLogic.backends.ray.submission import Submission
from SemiSegLogic.rounds import Round
from Testing.support.blobs import make_study, tiny
from Testing.support.stand_ins.seconds import contest

ROOT = Path(__file__).resolve().parents[3]
ADDRESS = "http://127.0.0.1:8265"
PATIENCE_S = 240.0


def start_ray(home: Path, own: str, cores: int) -> None:
    """A head node with a token and ``cores`` processor cores; its sockets in ``own``, whose name must be short."""
    token = home / ".ray" / "auth_token"
    token.parent.mkdir(parents=True)
    token.write_text(secrets.token_urlsafe(32))
    token.chmod(0o600)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    environment = {**os.environ, "HOME": str(home), "RAY_AUTH_MODE": "token", "RAY_USAGE_STATS_ENABLED": "0",
                   "RAY_JOB_START_TIMEOUT_SECONDS": "604800"}
    options = ["--head", f"--num-cpus={cores}", "--node-ip-address=127.0.0.1", "--dashboard-host=127.0.0.1",
               "--dashboard-port=8265", f"--temp-dir={own}", "--disable-usage-stats"]
    with (home / "start.txt").open("wb") as log:
        subprocess.run([sys.executable, "-m", "ray.scripts.scripts", "start", *options], env=environment, check=True,
                       stdout=log, stderr=log)


def main(folder: Path, own: str) -> dict[str, Any]:
    """A contest with two places, then one that is stopped and resumed; what was seen, as plain data."""
    begun = time.monotonic()
    start_ray(folder, own, cores=2)
    started = time.monotonic() - begun
    token = folder / ".ray" / "auth_token"
    (folder / "jobs").mkdir()
    backend = RayBackend(Cluster(ray=ADDRESS, token=str(token), jobs=str(folder / "jobs"), gpus=0, cpus=1,
                                 python=sys.executable, package=str(ROOT)))
    rest = RayRest(ADDRESS, token)
    study = make_study(folder).study
    seen = followed(backend, rest, contest(study, backend.root, tiny(200, 20)))
    return {"ray_started_s": round(started, 1), "contest": seen,
            "stopped": stopped_and_resumed(backend, rest, contest(study, backend.root, tiny(4000, 20)))}


def followed(backend: RayBackend, rest: RayRest, this: Round) -> dict[str, Any]:
    """Submit a round and watch it to its end: how long each part took, and how long both trained at the same time."""
    begun, both, running = time.monotonic(), list[float](), 0.0
    backend.submit(this.job)
    while not (status := backend.poll(this.id)).ended and time.monotonic() - begun < PATIENCE_S:
        running = running or (time.monotonic() - begun if status.state == "running" else 0.0)
        if both_train(this):
            both.append(time.monotonic() - begun)
        time.sleep(0.1)
    took = time.monotonic() - begun
    wait(lambda: is_over(rest, this))
    return {"state": status.state, "message": status.message, "first_word_s": round(running, 1),
            "took_s": round(took, 1), "both_trained_s": round(both[-1] - both[0], 1) if both else 0.0,
            "reasons": status.scores.get("reasons", []), "scores": status.scores.get("held_out", {}),
            "ray": words(rest, this), "collected": len(this.collect()),
            "beside_points": sum(bool(point.get("beside")) for point in this.job.curves())}


def stopped_and_resumed(backend: RayBackend, rest: RayRest, this: Round) -> dict[str, Any]:
    """Stop a contest while both train; both go home, and a resumed one goes on."""
    backend.submit(this.job)
    wait(lambda: both_train(this))
    begun = time.monotonic()
    status = backend.stop(this.id)
    stop_s = time.monotonic() - begun
    wait(lambda: is_over(rest, this))
    ended, before = words(rest, this), status.step
    backend.resume(this.id)
    wait(lambda: both_train(this) and backend.poll(this.id).step > before)
    again = words(rest, this)
    backend.stop(this.id)
    return {"state": status.state, "stop_s": round(stop_s, 1), "ray": ended, "resumed": again}


def both_train(this: Round) -> bool:
    """Whether both runners are at their legs of the contest."""
    claim = Claims(this.job).newest()
    second = claim.status() if claim is not None else None
    return (second is not None and second.state == "running" and second.phase == "mean_teacher, the candidate"
            and this.job.reported().phase == "supervised")


def is_over(rest: RayRest, this: Round) -> bool:
    """Whether Ray runs nothing of the round any more."""
    return not {"PENDING", "RUNNING"} & set(words(rest, this).values())


def words(rest: RayRest, this: Round) -> dict[str, str]:
    """What Ray says of each submission."""
    made = Submission.read(this.job)
    assert made is not None
    found = {name: rest.word(name) for name in made.names}
    return {name.removeprefix(this.id) or "runner": word.state if word else "" for name, word in found.items()}


def wait(condition: Any) -> None:
    """Until ``condition`` holds; AssertionError when it does not for long."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)


if __name__ == "__main__":
    chosen = Path(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as short:
        (chosen / "seen.json").write_text(json.dumps(main(chosen, short), indent=1))
