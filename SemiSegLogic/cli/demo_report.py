"""The report of a demo: every number and picture of the whole loop, against the experts' labels."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..job import Status
from ..naming import counted
from ..report import (
    CaseView,
    DataSource,
    Picture,
    Report,
    Score,
    Scores,
    Section,
    contact_sheet,
    evaluate,
    learning_curve,
    mean_dice,
    spread_over_ranks,
    write_report,
)
from ..rounds import Round
from ..sample import SampleStudy, read_reference
from ..study import export_case
from .output import Output

SHOWN = 6  # volumes on the contact sheet
FIRST = "first suggestion"


@dataclass
class Watch:
    """Keeps the first suggestions before better ones replace them, and the seconds at which things happened."""

    this: Round
    keep: Path
    times: dict[str, float] = field(default_factory=dict)

    def __call__(self, status: Status) -> None:
        """Look at one status."""
        if status.first_mask and FIRST not in self.times:
            self.times[FIRST] = self.first_seconds()
            self.keep.mkdir(parents=True, exist_ok=True)
            for name, (_, path) in self.this.job.results().items():
                shutil.copyfile(path, self.keep / f"{name}.npz")

    def first_seconds(self) -> float:
        """Seconds of training until the first model: the clock of the curve's last point of the first leg."""
        points = [point for point in self.this.job.curves() if point["leg"] == "first suggestion"]
        return float(points[-1]["training_seconds"]) if points else 0.0


class DemoReport:
    """Of the round ``this`` on ``sample``, written into ``folder``. Volumes of which nothing was handed over serve to
    measure.
    """

    def __init__(self, folder: Path, this: Round, sample: SampleStudy, data: DataSource, watch: Watch):
        self.folder, self.this, self.sample, self.data, self.watch = folder, this, sample, data, watch
        self.study = sample.study
        self.untouched = [case.id for case in self.study.cases if case.id not in sample.annotated]
        self.first, self.final = self._first_scores(), self._final_scores()

    def write(self, begun: float, out: Output) -> None:
        """All of it, said to ``out``; the demo began at the monotonic time ``begun``."""
        exported = self._export()
        self._picture_cases()
        self._picture_learning()
        times = {f"training until the {FIRST}": self.watch.times[FIRST], "everything": time.monotonic() - begun}
        path, _ = write_report(self.folder, Report(
            title="SemiSeg demo", data=self.data, structures=tuple(self.study.structures), sections=self._sections(),
            pictures=(Picture("contact_sheet.png", "Slices drawn, suggestions, uncertainty"),
                      Picture("learning_curve.png", "Learning curve")),
            facts=self._facts(), times=times, exported=exported,
        ))
        shutil.rmtree(self.watch.keep)
        self._say(out, path, times)

    def _sections(self) -> tuple[Section, Section]:
        seconds, kept = self.watch.times[FIRST], self.this.card()["method"]
        return (Section("First suggestion", f"After {seconds:.0f} s of supervised training.", self.first),
                Section("At the end", f"The model that was kept: {kept}.", self.final))

    def _facts(self) -> dict[str, str]:
        card, slices = self.this.card(), sum(len(case.places) for case in self.study.cases)
        return {
            "Annotated": f"{counted(slices, 'slice')} in {counted(len(self.sample.annotated), 'volume')}",
            "Untouched volumes": str(len(self.untouched)),
            "Method": f"{card['asked_for']} (kept: {card['method']})", "Device": card["device"],
            "Dice on slices kept aside": _held_out(card["scores"]),
        }

    def _say(self, out: Output, path: Path, times: dict[str, float]) -> None:
        first, final = mean_dice(self.first), mean_dice(self.final)
        out.event("dice", f"Mean Dice on untouched volumes: first {first:.3f} ({self.watch.times[FIRST]:.0f} s of "
                  f"training), at the end {final:.3f}", first=first, final=final, times=times)
        for item in self.this.next_slices()[:1]:
            axis, index = item.place.axis, item.place.index
            out.event("next", f"Next slice to look at: {item.case}, {'kji'[axis]} = {index}. {item.reason}",
                      case=item.case, axis=axis, index=index, reason=item.reason)
        out.event("report", f"Report: {path}", report=str(path))

    # --- scores -------------------------------------------------------------------------------------------------

    def _first_scores(self) -> Scores:
        scores: dict[str, dict[int, Score]] = {}
        for name, case_id in self.this.cases.items():
            if case_id in self.untouched:
                with np.load(self.watch.keep / f"{name}.npz", allow_pickle=False) as arrays:
                    scores[case_id] = self._score(case_id, arrays["label"])
        return scores

    def _final_scores(self) -> Scores:
        return {case_id: self._score(case_id, self.study.case(case_id).suggestion()) for case_id in self.untouched}

    def _score(self, case_id: str, label: NDArray[np.uint8]) -> dict[int, Score]:
        case, truth = self.study.case(case_id), read_reference(self.sample.references[case_id])
        return evaluate(label, truth, case.grid.spacing, [item.value for item in case.structures])

    # --- files --------------------------------------------------------------------------------------------------

    def _export(self) -> list[str]:
        lines = []
        for case_id in self.untouched:
            files = export_case(self.study.case(case_id), self.folder / "export")
            lines.append(", ".join(f"{file.path.name}{' (verified)' if file.verified else ''}" for file in files))
        return lines

    def _picture_cases(self) -> None:
        shown = spread_over_ranks(self.final, SHOWN)
        views = [self._view(case_id, f"Dice {mean_dice({case_id: self.final[case_id]}):.2f}") for case_id in shown]
        drawn = [self._view(case_id, "") for case_id in self.sample.annotated]
        slices = sum(len(view.slices) for view in drawn)
        contact_sheet(
            self.folder / "contact_sheet.png", drawn, views, tuple(self.study.structures),
            title=f"{counted(slices, 'slice')} drawn, {counted(len(self.final), 'whole volume')} segmented",
            below=f"Cases from the best to the worst. Mean Dice against the experts {mean_dice(self.final):.2f}.",
            footer=self.data.attribution,
        )

    def _picture_learning(self) -> None:
        points = [point | {"seconds": point["training_seconds"]} for point in self.this.job.curves()]
        learning_curve(
            self.folder / "learning_curve.png", points, [(self.watch.times[FIRST], FIRST)], title="Learning curve",
            below="Dice on annotated slices that training did not see, and training loss",
        )

    def _view(self, case_id: str, caption: str) -> CaseView:
        case = self.study.case(case_id)
        return CaseView(
            case.name, case.image(), case.grid, case.labels(), tuple(case.places), case.suggestion(),
            read_reference(self.sample.references[case_id]), case.uncertainty(), caption,
        )


def _held_out(scores: Mapping[str, Any]) -> str:
    """What each model reached, as its card says it."""
    known = {name: dice for name, dice in scores.get("held_out", {}).items() if dice is not None}
    return "; ".join(f"{name} {dice:.3f}" for name, dice in known.items()) or "none were held out"
