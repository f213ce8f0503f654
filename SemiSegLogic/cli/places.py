"""Where the jobs of a command run: on this computer, or on a cluster that a file describes."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from ..backends import LocalBackend
from ..job import JobError
from ..rounds import jobs_folder

Place: TypeAlias = "LocalBackend | RayBackend"

if TYPE_CHECKING:
    from ..backends.ray_jobs import RayBackend


def add_place(command: argparse.ArgumentParser) -> None:
    """The options that choose a place."""
    chosen = command.add_mutually_exclusive_group()
    chosen.add_argument("--cluster", type=Path, metavar="FILE", help=(
        "run on the Ray cluster that this file describes (see README) instead of this computer"))
    chosen.add_argument("--places", type=int, default=0, choices=(1, 2), metavar="N", help=(
        "train the baseline and its candidate at the same time where N is 2 (default: where there are two graphics "
        "cards)"))


def backend_of(options: argparse.Namespace) -> Place:
    """The place that the options choose; a cluster is not asked anything yet. Raises PlaceError naming what is wrong
    with its file.
    """
    if options.cluster is None:
        return LocalBackend(jobs_folder(), places=options.places)
    return cluster_in(options.cluster)


def cluster_in(file: Path) -> RayBackend:
    """The cluster that a file describes; it is not asked anything yet. Raises PlaceError naming what is wrong with
    the file.
    """
    from ..backends.cluster import Cluster
    from ..backends.ray_jobs import RayBackend

    cluster = Cluster.read(file)
    with _told_of(file):
        return RayBackend(cluster)


def ready(options: argparse.Namespace) -> Place:
    """The place that the options choose, once it is known to take jobs. Raises PlaceError naming the cluster's file,
    what is wrong and the remedy.
    """
    place = backend_of(options)
    if not isinstance(place, LocalBackend):
        with _told_of(options.cluster):
            place.check()
    return place


@contextmanager
def _told_of(file: Path) -> Iterator[None]:
    """What is wrong with a cluster is said with the file that describes it."""
    try:
        yield
    except JobError as error:
        raise error.within(str(file)) from error
