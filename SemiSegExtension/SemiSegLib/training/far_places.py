"""A server or cluster that a file describes, as a place to train. Called off the main thread only: a network may not
answer.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..words import _

if TYPE_CHECKING:
    from SemiSegLogic.backends.far import FarBackend


@dataclass(frozen=True)
class PlaceFile:
    """The file at ``path`` as it was looked at: ``words`` for the person, ``usable`` whether it takes jobs now."""

    path: str
    words: str = ""
    usable: bool = False


def look_at(path: str) -> PlaceFile:
    """Whether the place that a file describes takes jobs, or in words what is wrong and what to do."""
    from SemiSegLogic.errors import SemiSegError

    try:
        backend = far_place(path)
        backend.check()
    except SemiSegError as error:
        return PlaceFile(path, str(error))
    if backend.sends_images:
        text = _(
            "The server at {address} answers and accepts jobs. Images, your drawings and the names of structures are "
            "sent there; no names of patients or files."
        )
    else:
        text = _("The cluster at {address} answers and accepts jobs; they are kept in {folder}.")
    return PlaceFile(path, text.format(address=backend.address, folder=backend.root), usable=True)


def usable_far_place(path: str, environment: Mapping[str, str] | None = None) -> FarBackend | None:
    """The place that a file describes; None for "" and where the file is no use any more: nothing can be found there
    then.
    """
    from SemiSegLogic.errors import SemiSegError

    try:
        return far_place(path, environment) if path else None
    except SemiSegError:
        return None


def far_place(path: str, environment: Mapping[str, str] | None = None) -> FarBackend:
    """The place that a file describes; nothing is asked of it yet. What goes to a server and comes from it is seen to
    by Slicer's own Python in ``environment`` (None: nothing is to be begun), which no set-up is needed for. Raises
    PlaceError in words.
    """
    from SemiSegLogic.backends.far import far_backend
    from SemiSegLogic.home import expanded
    from SemiSegLogic.rounds import jobs_folder

    return far_backend(expanded(Path(path)), jobs_folder(), [sys.executable], environment or {}, own_python=False)
