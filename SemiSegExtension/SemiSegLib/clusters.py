"""A cluster that a file describes, as a place to train. Called off the main thread only: a network may not answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .words import _

if TYPE_CHECKING:
    from SemiSegLogic.backends.ray_jobs import RayBackend


@dataclass(frozen=True)
class ClusterFile:
    """The file at ``path`` as it was looked at: ``words`` for the person, ``usable`` whether it takes jobs now."""

    path: str
    words: str = ""
    usable: bool = False


def look_at(path: str) -> ClusterFile:
    """Whether the cluster that a file describes takes jobs, or in words what is wrong and what to do."""
    from SemiSegLogic.errors import SemiSegError

    try:
        backend = cluster_of(path)
        backend.check()
    except SemiSegError as error:
        return ClusterFile(path, str(error))
    text = _("The cluster at {address} answers and takes jobs; they lie in {folder}.")
    return ClusterFile(path, text.format(address=backend.cluster.ray, folder=backend.root), usable=True)


def usable_cluster(path: str) -> RayBackend | None:
    """The cluster that a file describes; None for "" and where the file is no use any more: nothing can be found there
    then.
    """
    from SemiSegLogic.errors import SemiSegError

    try:
        return cluster_of(path) if path else None
    except SemiSegError:
        return None


def cluster_of(path: str) -> RayBackend:
    """The cluster that a file describes; nothing is asked of it yet. Raises PlaceError in words."""
    from SemiSegLogic.backends.cluster import Cluster
    from SemiSegLogic.backends.ray_jobs import RayBackend

    return RayBackend(Cluster.read(Path(path).expanduser()))
