"""Which kind of far place a file describes: a server, or a cluster that shares a disk with this computer."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from .description import PlaceError, describes

if TYPE_CHECKING:
    from .ray.backend import RayBackend
    from .server.backend import ServerBackend

FarBackend: TypeAlias = "RayBackend | ServerBackend"


def far_backend(
    file: Path, home: Path, python: Sequence[str] = (sys.executable,), environment: Mapping[str, str] | None = None,
    *, own_python: bool = True,
) -> FarBackend:
    """The place that ``file`` describes; it is not asked anything yet. ``home`` is where this computer's own jobs lie;
    ``python`` and ``environment`` are for the courier to a server. Raises PlaceError naming what is wrong with the
    file.
    """
    if describes(file, "server"):
        from .server.backend import ServerBackend

        return ServerBackend(file, home, python, environment, own_python=own_python)
    from .ray.backend import RayBackend
    from .ray.cluster import Cluster

    cluster = Cluster.read(file)
    try:
        return RayBackend(cluster)
    except PlaceError as error:
        raise error.within(str(file)) from error
