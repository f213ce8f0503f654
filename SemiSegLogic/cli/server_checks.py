"""``semiseg doctor --server FILE``: what is wrong with the way to a server, in words, with the remedy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .. import __version__
from ..backends.description import PlaceError, Unreachable, read_token
from ..backends.server.backend import Server
from ..backends.server.gateway import Gateway
from .cluster_checks import checked, wrong
from .finding import Finding


def server_checks(file: Path) -> Iterator[Finding]:
    """One finding after the other, as they come; what needs something that is wrong is not looked at."""
    try:
        server = Server.read(file)
    except PlaceError as error:
        yield wrong("Server file", error)
        return
    yield Finding("Server file", True, str(file))
    token = checked("Token file", lambda: read_token(server.token_file), str(server.token_file))
    yield token
    if not token.good:
        return
    try:
        version = Gateway(server).check()
    except PlaceError as error:
        yield wrong("Server reached" if isinstance(error, Unreachable) else "Server and the token", error)
        return
    yield Finding("Server and the token", True, f"{server.server} takes the token; it has SemiSeg {version}, this "
                                                f"computer {__version__}")
