"""A look at a computer of a cluster from within: is the shared folder there, and a Python with all that a job needs?"""

from __future__ import annotations

import json
import secrets
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from ...files import disk_errors
from ..description import PlaceError
from .cluster import Cluster
from .rest import RayRest, RayWord

PATIENCE_S = 90.0  # Ray takes seconds to start anything, and a computer may be busy
LOOK_EVERY_S = 0.5
DISK_LAG_S = 5.0  # what is written there may be seen here a little later
NEEDED = ("SemiSegLogic", "torch", "monai", "numpy", "SimpleITK")
LOOK = (f"import importlib.util, json, sys; print(json.dumps([sys.version.split()[0], [name for name in {NEEDED!r} if "
        "importlib.util.find_spec(name) is None]]))")
WHERE = 'It is "python" in the cluster file, and "package" where SemiSegLogic is not installed in it.'


@dataclass(frozen=True)
class Seen:
    """On a computer of the cluster: its Python's ``version`` and the packages that are ``missing`` there."""

    version: str
    missing: tuple[str, ...]


def look_around(cluster: Cluster, ray: RayRest) -> Seen | None:
    """What a job of ``cluster`` would find; None when no place came free within PATIENCE_S. Raises PlaceError,
    Unreachable, FileError.
    """
    name = f"semiseg-look-{secrets.token_hex(4)}"
    folder = cluster.folder / name
    with disk_errors(folder):
        folder.mkdir(mode=0o700)
    try:
        ray.submit(name, cluster.errand(name, LOOK), cluster.gpus, cluster.cpus, {})
        word = _word_at_the_end(ray, name)
        return None if word is None else _seen(cluster, folder, word)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _word_at_the_end(ray: RayRest, name: str) -> RayWord | None:
    """None when it did not end in time; it is taken out of the line then."""
    give_up = time.monotonic() + PATIENCE_S
    while (word := ray.word(name)) is not None and word.waits_or_runs:
        if time.monotonic() > give_up:
            ray.stop(name)
            return None
        time.sleep(LOOK_EVERY_S)
    return word


def _seen(cluster: Cluster, folder: Path, word: RayWord) -> Seen:
    give_up = time.monotonic() + DISK_LAG_S
    while not (folder / "error.txt").exists() and time.monotonic() < give_up:
        time.sleep(LOOK_EVERY_S)
    if not (folder / "error.txt").exists():
        raise PlaceError(f"The cluster's computers do not see {folder}, or cannot write there: they look for "
                         f"{cluster.there(folder.name)}. Ray says: {word.message}",
                         'Give as "jobs_there" what that folder is called on them, on a disk that they share.')
    complaint = (folder / "error.txt").read_text(errors="replace").strip().splitlines()
    try:
        version, missing = json.loads((folder / "answer.txt").read_text())
        return Seen(str(version), tuple(map(str, missing)))
    except (OSError, ValueError, TypeError) as error:
        why = complaint[-1] if complaint else word.message
        raise PlaceError(f"The Python '{cluster.python}' cannot be run there: {why}", WHERE) from error
