"""``semiseg doctor --cluster FILE``: what is wrong with a cluster, in words, with the remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from ..backends.description import PlaceError, Unreachable, read_token
from ..backends.ray.cluster import Cluster
from ..backends.ray.errand import NEEDED, WHERE, look_around
from ..backends.ray.rest import RayRest
from ..environment.requirements import OLDEST_PYTHON, pythons_in_words
from ..files import FileError
from ..job import JobError
from ..naming import counted
from .finding import Finding


def cluster_checks(file: Path) -> Iterator[Finding]:
    """One finding after the other, as they come; what needs something that is wrong is not looked at."""
    try:
        cluster = Cluster.read(file)
    except JobError as error:
        yield wrong("Cluster file", error)
        return
    yield Finding("Cluster file", True, str(file))
    shared = checked("Shared folder", cluster.require_folder, f"{cluster.folder} takes files")
    token = checked("Token file", lambda: read_token(cluster.token_file), str(cluster.token_file))
    yield shared
    yield token
    if not token.good:
        return
    try:
        ray = RayRest(cluster.ray, cluster.token_file, cluster.authority_file)
        ray.check()
    except PlaceError as error:
        yield wrong("Ray reached" if isinstance(error, Unreachable) else "Ray and the token", error)
        return
    yield Finding("Ray and the token", True, f"{cluster.ray} asks for a token and takes this one")
    places = _places(cluster, ray)
    yield places
    if shared.good and places.good:
        yield _python_there(cluster, ray)


def _places(cluster: Cluster, ray: RayRest) -> Finding:
    """Whether a job would ever find a place."""
    try:
        computers = ray.computers()
    except PlaceError as error:
        return wrong("Places", error)
    room = cluster.places(computers)
    wanted = f"{counted(cluster.gpus, 'graphics card')} and {counted(cluster.cpus, 'processor core')}"
    found = f"{counted(len(computers), 'computer')}; room for {counted(room, 'runner')} with {wanted} each"
    return Finding("Places", room > 0, found, 'Ask for less in the cluster file ("gpus", "cpus"), or add a computer.')


def _python_there(cluster: Cluster, ray: RayRest) -> Finding:
    """What a job would find on the computer where it is placed."""
    try:
        seen = look_around(cluster, ray)
    except (PlaceError, FileError) as error:
        return wrong("Python there", error)
    if seen is None:
        return Finding("Python there", True, "not looked at: every place is taken at present")
    if seen.missing:
        remedy = f"Install in it what SemiSeg needs ({', '.join(NEEDED[1:])}). {WHERE}"
        return Finding("Python there", False, f"{seen.version}, without {', '.join(seen.missing)}", remedy)
    good = tuple(map(int, seen.version.split(".")[:2])) >= OLDEST_PYTHON
    return Finding("Python there", good, f"{seen.version} with all packages, and the shared folder",
                   f"Name a Python {pythons_in_words()}. {WHERE}")


def checked(what: str, check: Callable[[], object], found: str) -> Finding:
    """``found`` where ``check`` raises no PlaceError, else its words."""
    try:
        check()
    except PlaceError as error:
        return wrong(what, error)
    return Finding(what, True, found)


def wrong(what: str, error: JobError | FileError) -> Finding:
    """What an error says."""
    if isinstance(error, JobError):
        return Finding(what, False, error.text, error.remedy)
    return Finding(what, False, str(error), "Free some space on the shared disk, or name another folder.")
