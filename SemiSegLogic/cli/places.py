"""Where the jobs of a command run: on this computer, or on a server or a cluster that a file describes."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TypeAlias

from ..backends import LocalBackend
from ..backends.far import FarBackend, far_backend
from ..job import JobError
from ..rounds import jobs_folder

Place: TypeAlias = "LocalBackend | FarBackend"


def add_place(command: argparse.ArgumentParser) -> None:
    """The options that choose a place."""
    chosen = command.add_mutually_exclusive_group()
    chosen.add_argument("--server", "--cluster", type=Path, metavar="FILE", dest="far", help=(
        "run on the server or the Ray cluster that this file describes (see README), not on this computer"))
    chosen.add_argument("--places", type=int, default=0, choices=(1, 2), metavar="N", help=(
        "2: train the baseline and its candidate at the same time (default: 2 if there are two graphics cards)"))


def backend_of(options: argparse.Namespace) -> Place:
    """The place that the options choose; a far one is not asked anything yet. Raises PlaceError naming what is wrong
    with its file.
    """
    if options.far is None:
        return LocalBackend(jobs_folder(), runners=options.places)
    return far_backend(options.far, jobs_folder())


def ready(options: argparse.Namespace) -> Place:
    """The place that the options choose, once it is known to take jobs. Raises PlaceError naming the place's file, what
    is wrong and the remedy.
    """
    if options.far is None:
        return backend_of(options)
    place = far_backend(options.far, jobs_folder())
    try:
        place.check()
    except JobError as error:
        raise error.within(str(options.far)) from error
    return place
