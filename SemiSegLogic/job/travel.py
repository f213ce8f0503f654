"""What of a job travels between the client's computer and a server. Every name comes from the order itself or from the
short list below, so neither side ever takes a path from the other.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import IO

from .errors import JobError
from .paths import JobPaths
from .specification import JobSpec

PROGRAM, PROTOCOL = "semiseg", 1
"""By which a client knows a server, and both know that they mean the same."""
PIECE = 4 << 20
"""Bytes of a file that are sent at once."""
RETURNED = ("curves.jsonl", "log.txt", "model.pt", "model.json", "model.md", "out/ranking.json")
_RESULT = re.compile(r"out/c\d{3,9}\.[1-9]\d{0,8}\.npz", re.ASCII)

TAG_DIGITS = 32
Mark = tuple[int, int]
"""Bytes and time of last change (ns) of a file: it is another when either differs."""


def given(spec: JobSpec) -> list[str]:
    """The names in ``in/`` of all that an order needs, each once."""
    names = [f"{case.image}.npy" for case in spec.cases]
    names += [f"{case.label}.npz" for case in spec.cases if case.label is not None]
    names += [f"{spec.start_from}.pt"] if spec.start_from is not None else []
    return list(dict.fromkeys(names))


def tag_of(stream: IO[bytes], size: int) -> str:
    """A word for the content of the next ``size`` bytes, by which both sides know that they speak of the same: 128 bits
    of their SHA-256.
    """
    digest = hashlib.sha256()
    while size > 0 and (piece := stream.read(min(PIECE, size))):
        size -= len(piece)
        digest.update(piece)
    return digest.hexdigest()[:TAG_DIGITS]


def is_returned(name: str) -> bool:
    """Whether ``name`` is that of a file which a runner gives back, from the job's folder on."""
    return name in RETURNED or is_result(name)


def is_result(name: str) -> bool:
    """Whether ``name`` is that of a case's result, which never changes: a newer one has another number."""
    return _RESULT.fullmatch(name) is not None


def returned(job: JobPaths) -> dict[str, Mark]:
    """What the runner has given back by now; results of cases first, the model last. Raises JobError when the folder
    cannot be read.
    """
    try:
        results = sorted(f"out/{path.name}" for path in job.outputs.iterdir())
    except OSError as error:
        raise JobError(f"{job.outputs} cannot be read: {error.strerror}.", "Start the job again.") from error
    found = {}
    for name in (*filter(is_returned, results), *RETURNED):
        try:
            about = (job.root / name).stat()
        except OSError:  # there is none, or a newer result has just taken its place
            continue
        found[name] = (about.st_size, about.st_mtime_ns)
    return found


def marks(plain: object) -> Mapping[str, Mark]:
    """What :func:`returned` gave, from plain data of another computer. Raises JobError on a name or number that cannot
    be.
    """
    if not isinstance(plain, dict):
        raise JobError(f"The list of files is {plain!r:.60}.", "Update SemiSeg on both computers.")
    for name, mark in plain.items():
        numbers = isinstance(mark, list) and len(mark) == 2 and all(type(number) is int for number in mark)
        if not is_returned(name) or not numbers:
            raise JobError(f"The list of files holds {name!r:.60}: {mark!r:.60}.", "Update SemiSeg on both computers.")
    return {name: (mark[0], mark[1]) for name, mark in plain.items()}
