"""What a study keeps of a round: ``models/<run>``.

    cases.json       job case -> study case id; with it the run counts
    collected.json   job case -> number of the newest result that the study has
    model.pt, model.json, model.md, curves.jsonl   as the job left them
    deleted.json     there when a person deleted the model; its age counts
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..files import copy_file, read_json, write_json
from ..job import JobFolder

MODEL = ("model.pt", "model.json", "model.md")
"""Weights, card for programs, card for people."""
KEPT = (*MODEL, "curves.jsonl")


class RunFolder:
    """The folder of one run. Making one reads nothing."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def counts(self) -> bool:
        """Whether its job was handed over whole."""
        return self._cases.exists()

    @property
    def cases(self) -> dict[str, str]:
        """Job case -> study case id."""
        return dict(read_json(self._cases))

    def note_cases(self, names: Mapping[str, str]) -> None:
        """Say which case of the job is which of the study. Raises FileError."""
        write_json(self._cases, dict(names))

    @property
    def collected(self) -> dict[str, int]:
        """Job case -> number of the newest result that the study has."""
        return dict(read_json(self._collected)) if self._collected.exists() else {}

    def note_collected(self, done: Mapping[str, int]) -> None:
        """Say which results the study has. Raises FileError."""
        write_json(self._collected, dict(done))

    @property
    def model(self) -> Path | None:
        """The weights, once they are there."""
        path = self.path / "model.pt"
        return path if path.exists() else None

    def card(self) -> dict[str, Any]:
        """The model card; empty until it is there."""
        path = self.path / "model.json"
        return dict(read_json(path)) if path.exists() else {}

    def keep_model(self, job: JobFolder) -> None:
        """Take over what ``job`` has that is newer. A model that a person deleted may still lie in a job on a cluster:
        it stays away, until the run goes on and makes a newer one. Raises FileError.
        """
        for name in KEPT:
            source, target = job.root / name, self.path / name
            had = target if name not in MODEL or target.exists() else self._deleted
            if source.exists() and (not had.exists() or had.stat().st_mtime < source.stat().st_mtime):
                copy_file(source, target)

    def note_deleted(self) -> None:
        """Say that a person deleted the model. Raises FileError."""
        write_json(self._deleted, {"deleted": datetime.now(UTC).isoformat()})

    @property
    def _cases(self) -> Path:
        return self.path / "cases.json"

    @property
    def _deleted(self) -> Path:
        return self.path / "deleted.json"

    @property
    def _collected(self) -> Path:
        return self.path / "collected.json"
