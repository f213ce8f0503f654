"""What a person asks for, in the study's words; :class:`JobSpec` says it in the job's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..settings import Settings, Training
from ..study import Case, Study, StudyError


@dataclass(frozen=True)
class Order:
    """``kind`` as in :class:`JobSpec`; the ``cases`` to hand over; the method's ``settings``, None: its defaults; the
    model.pt to ``start_from``, None: from nothing; the study case that is open on the person's screen.
    """

    kind: str
    cases: Sequence[Case]
    training: Training
    method: str = "supervised"
    settings: Settings | None = None
    start_from: Path | None = None
    open_case: str | None = None

    @property
    def called(self) -> str:
        """How the name of its run ends."""
        return {"train": self.method, "live": "live", "predict": "apply"}[self.kind]


def require_structures(study: Study) -> None:
    """Raises StudyError when there is nothing to look for."""
    if not study.structures.items:
        raise StudyError(f"{study.folder} has no structures. Add at least one, and draw it on a slice.")


def require_cases(study: Study) -> None:
    """Raises StudyError when there is nothing to look at."""
    if not study.cases:
        raise StudyError(f"{study.folder} has no cases. Add at least one volume.")


def require_drawing(study: Study) -> None:
    """Raises StudyError when there is nothing to learn from."""
    if not any(case.places for case in study.cases):
        raise StudyError(
            f"No slice is done in {study.folder}. Draw the structures on at least one slice and mark it as done."
        )
