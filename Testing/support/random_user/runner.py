"""A training that says at once what it found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from SemiSegLib.labelling.casework import patiently
from SemiSegLogic.study import Study
from Testing.support.clinician import FakeConnection, look

from .plain import stored_suggestion


class ScriptedRunner(FakeConnection):
    """A training whose results come in whenever it is looked at: ``results`` holds what is to come, a case's id and
    its label; ``arrived`` what came.
    """

    def __init__(self, study: Study) -> None:
        super().__init__()
        self.study = Study(study.folder)  # of its own, as the real connection's
        self.results: list[tuple[str, Any]] = []
        self.arrived: list[tuple[str, Any]] = []
        self.kind, self.stopped = "", False

    def start(self, order: Any) -> str:
        self.kind, self.stopped = "train", False
        return super().start(order)

    def start_live(self, *values: Any) -> str:
        self.kind, self.stopped = "live", False
        return super().start_live(*values)

    def stop(self, job: str) -> None:
        self.stopped = True

    def look(self, job: str) -> Any:
        changed = [self._put(job, *self.results.pop()) for _ in list(self.results)]
        found = look("stopped" if self.stopped else "running", tuple(changed))
        return replace(found, job=job, live=self.kind == "live")

    def _put(self, job: str, case: str, label: Any) -> str:
        doubt = np.full(label.shape, 90, np.uint8)
        patiently(lambda: self.study.case(case).put_suggestion(label, doubt, {"method": "bcp", "run": job}))
        self.arrived.append((case, stored_suggestion(self.study.case(case), label)))
        return case
