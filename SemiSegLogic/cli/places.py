"""Where the jobs of a command run: on this computer, or on a cluster that a file describes."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from ..backends import LocalBackend
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
    """The place that the options choose. Raises ClusterError naming what is wrong with a cluster's file."""
    if options.cluster is None:
        return LocalBackend(jobs_folder(), places=options.places)
    from ..backends.cluster import Cluster
    from ..backends.ray_jobs import RayBackend

    return RayBackend(Cluster.read(options.cluster))
