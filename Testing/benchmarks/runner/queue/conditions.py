"""On what runs are done, and where everything lies: none of it changes what they are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from SemiSegLogic.sample.folders import user_cache

ROOT = Path(__file__).resolve().parents[4]
"""The folder in which ``python -m Testing.benchmarks`` is understood."""


@dataclass(frozen=True)
class Conditions:
    """Folders: the ``data`` set, the ``protocols``, the ``results``, and ``work`` for what is unfinished. The
    ``device`` ("auto", "cpu" or "cuda") and the processor ``threads`` of a process, which ends after so many
    ``minutes`` (0: when all is done) and loses ``save_seconds`` of training at most when it is killed.
    """

    data: Path
    protocols: Path
    results: Path
    work: Path
    device: str = "auto"
    threads: int = 1
    minutes: float = 0.0
    save_seconds: float = 20.0


def work_folder() -> Path:
    """Where unfinished runs lie unless another place is named."""
    return user_cache() / "benchmarks"
