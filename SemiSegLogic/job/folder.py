"""The job folder: one protocol for this computer, a server and a cluster.

    job.json                client, once, last            status.json, log.txt, curves.jsonl   runner
    in/<digest>.npy .npz .pt  client, once                model.ckpt, model.pt, model.json     runner
    in/labels-<n>.npz       client, while the job runs    out/<case>.<n>.npz, out/ranking.json runner
    open.json               client: the case on screen    launch.json client, process.json runner (see backends)
    stop                    client: save and stop         server.json, log-server.txt           courier (see courier)
    told.json               client: the labels handed in
    beside/                 a second runner, which trains the candidate of a contest (see backends/claims.py)

Data only, never code; nothing is pickled. Every file but the curve and the log is replaced as a whole.
"""

from __future__ import annotations

from .client import ClientSide
from .runner import RunnerSide


class JobFolder(ClientSide, RunnerSide):
    """A job on disk, seen by its client or by its runner: each uses its own side, and both may read. Making one reads
    nothing.
    """
