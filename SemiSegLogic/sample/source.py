"""Finding the sample study's data: this computer first, then the official source, phantoms when there is no network."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ..home import expanded
from ..study.structures import Structure
from .building import PHANTOM_STRUCTURES, STRUCTURES
from .download import Progress, download, official_source
from .folders import TASK, SampleError, dataset_in, unpack, user_cache
from .hippocampus import ATTRIBUTION
from .phantom import write_phantoms

DATA_VARIABLE = "SEMISEG_DATA"
PHANTOM_COUNT = 48
IN_TERMINAL = f"Or give the folder that holds it with --data (or in {DATA_VARIABLE})."


@dataclass(frozen=True)
class Source:
    """``folder`` with imagesTr and labelsTr. ``phantom``: made here, not real. ``notes``: where it came from, and what
    was tried before, in words for the report.
    """

    folder: Path
    phantom: bool
    notes: tuple[str, ...]

    @property
    def name(self) -> str:
        """What the data set is called in a report."""
        return "Phantoms made by SemiSeg" if self.phantom else "Medical Segmentation Decathlon, Task04 Hippocampus"

    @property
    def attribution(self) -> str:
        """Licence and authors."""
        return "No patient's data; made by this program." if self.phantom else ATTRIBUTION

    @property
    def structures(self) -> tuple[Structure, ...]:
        """Structures 1 and 2 with names and colours."""
        return PHANTOM_STRUCTURES if self.phantom else STRUCTURES


def find(
    data: Path | None = None, *, network: bool = True, phantoms: bool = True, progress: Progress | None = None,
) -> Source:
    """The sample data: in ``data``, in SEMISEG_DATA, in the user's cache, downloaded once, or phantoms instead.

    Raises SampleError when ``data`` is given and holds nothing, or when nothing is found and ``phantoms`` is False.
    """
    cache = user_cache()
    notes: list[str] = []
    found = _given(data, cache) or _from_variable(cache, notes) or _cached(cache)
    if found is None and network:
        found = _downloaded(cache, notes, progress)
    if found is not None:
        folder, origin = found
        return Source(folder, False, (*notes, f"Real MRI, {TASK}, {origin}."))
    if not phantoms:
        raise SampleError(" ".join([f"{TASK} is not on this computer.", *notes, _remedy(cache)]), IN_TERMINAL)
    return _stand_in(cache, notes)


def _remedy(cache: Path) -> str:
    """What helps in the panel as well as in a terminal."""
    return (f"Connect to the internet; or download {TASK}.tar (27 MB, from medicaldecathlon.com) on another computer "
            f"and put it into the folder {cache}.")


Found = tuple[Path, str] | None
"""The data set's folder, and how it was come by."""


def _given(data: Path | None, cache: Path) -> Found:
    if data is None:
        return None
    folder = dataset_in(data, cache)
    if folder is None:
        raise SampleError(f"{data} holds neither {TASK} (with imagesTr and labelsTr) nor {TASK}.tar. "
                          f"{_remedy(cache)}", IN_TERMINAL)
    return folder, "from the folder given"


def _from_variable(cache: Path, notes: list[str]) -> Found:
    named = os.environ.get(DATA_VARIABLE)
    folder = dataset_in(expanded(Path(named)), cache) if named else None
    if named and folder is None:
        notes.append(f"{DATA_VARIABLE} points to {named}, which contains no {TASK}.")
    return (folder, f"from the folder in {DATA_VARIABLE}") if folder else None


def _cached(cache: Path) -> Found:
    folder = dataset_in(cache, cache)
    return (folder, "downloaded earlier") if folder else None


def _downloaded(cache: Path, notes: list[str], progress: Progress | None) -> Found:
    try:
        address, md5 = official_source()
        archive = download(address, md5, cache / f"{TASK}.tar", progress)
        return unpack(archive, cache), f"downloaded from {address}, md5 checked"
    except SampleError as problem:  # not lost: the caller is told, and phantoms stand in or the search fails
        notes.append(str(problem))
        return None


def _stand_in(cache: Path, notes: list[str]) -> Source:
    folder = write_phantoms(cache / "phantoms", PHANTOM_COUNT)
    told = f"The real sample data is not available, so SemiSeg uses {PHANTOM_COUNT} phantoms that it made. "
    told += f"{_remedy(cache)} {IN_TERMINAL}"
    return Source(folder, True, (*notes, told))
