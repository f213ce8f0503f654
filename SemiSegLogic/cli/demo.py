"""``semiseg demo``: the whole loop on the sample study, with a report of every number and picture.

Only a few slices of a few volumes are handed to the study; the experts' labels of the others serve to measure.
"""

from __future__ import annotations

import argparse
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..backends import LocalBackend
from ..job import Status
from ..report import (
    CaseView,
    DataSource,
    Picture,
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
from ..sample import SampleStudy, build_study, choose, find, list_cases, read_reference, split
from ..settings import CHOICES, RECOMMENDED, Training
from ..study import export_case
from .following import follow
from .output import Output, add_json

HELD_OUT = 20


def add(commands: Any) -> None:
    """The grammar."""
    demo = commands.add_parser("demo", help="see the main job happen on real MRI, in about two minutes")
    demo.add_argument("--data", type=Path, help="folder with Task04_Hippocampus (else SEMISEG_DATA, cache, download)")
    demo.add_argument("--out", type=Path, help="folder of study and report (default: semiseg-demo)")
    demo.add_argument("--cases", type=int, default=40, help="volumes besides the 20 held out (default 40)")
    demo.add_argument("--annotated", type=int, default=8, help="volumes with annotated slices (default 8)")
    demo.add_argument("--slices", type=int, default=3, help="annotated slices in each of them (default 3)")
    demo.add_argument("--whole", action="store_true", help="annotate whole volumes instead of slices")
    demo.add_argument("--method", choices=list(CHOICES), default=RECOMMENDED)
    demo.add_argument("--seconds", type=float, default=70.0, help="time for training (default 70)")
    demo.add_argument("--first", type=float, default=20.0, help="time until the first suggestion (default 20)")
    demo.add_argument("--seed", type=int, default=0)
    demo.add_argument("--offline", action="store_true", help="do not look for data on the network")
    add_json(demo)
    demo.set_defaults(do=_demo)


@dataclass
class Watch:
    """Keeps the first suggestions before better ones replace them, and the seconds at which things happened."""

    this: Round
    keep: Path
    times: dict[str, float] = field(default_factory=dict)

    def __call__(self, status: Status) -> None:
        """Look at one status."""
        if status.first_mask and "first suggestion" not in self.times:
            self.times["first suggestion"] = self.first_seconds()
            self.keep.mkdir(parents=True, exist_ok=True)
            for name, (_, path) in self.this.job.results().items():
                shutil.copyfile(path, self.keep / f"{name}.npz")

    def first_seconds(self) -> float:
        """Seconds of training until the first model: the clock of the curve's last point of the first leg."""
        points = [point for point in self.this.job.curves() if point["leg"] == "first mask"]
        return float(points[-1]["training_seconds"]) if points else 0.0


def _demo(options: argparse.Namespace) -> int:
    out, begun = Output(options.json), time.monotonic()
    folder = options.out or _free(Path("semiseg-demo"))
    sample, data = _sample(options, folder, out)
    training = Training(seconds=options.seconds, first_mask_seconds=min(options.first, options.seconds),
                        seed=options.seed)
    this = Round.begin(sample.study, training, options.method, jobs=folder / "jobs")
    backend = LocalBackend(folder / "jobs")
    backend.submit(this.job)
    watch = Watch(this, folder / "first")
    status = follow(this, backend, out, watch)
    if status.state != "done":
        return 1
    _report(folder, this, sample, data, watch, begun, out)
    return 0


def _sample(options: argparse.Namespace, folder: Path, out: Output) -> tuple[SampleStudy, DataSource]:
    with out.counting("Sample data (bytes)") as told:
        source = find(options.data, network=not options.offline, progress=told)
    cases, notes = list_cases(source.folder)
    pool, held = split(cases)
    chosen, unseen = choose(pool, min(options.cases, len(pool)), options.seed), choose(held, min(HELD_OUT, len(held)))
    with out.counting("Building the study") as told:
        sample = build_study(
            folder / "study", chosen, unseen, annotated=options.annotated, slices_per_case=options.slices,
            whole=options.whole, seed=options.seed, structures=source.structures, progress=told,
        )
    for note in source.notes:
        out.event("data", note, phantom=source.phantom)
    return sample, DataSource(source.name, source.attribution, source.phantom, (*source.notes, *notes))


def _report(
    folder: Path, this: Round, sample: SampleStudy, data: DataSource, watch: Watch, begun: float, out: Output
) -> None:
    untouched = [case.id for case in sample.study.cases if case.id not in sample.annotated]
    first, final = _first_scores(this, sample, untouched, watch), _final_scores(sample, untouched)
    exported = _export(folder, sample, untouched)
    _pictures(folder, this, sample, final, watch, data)
    card, times = this.card(), watch.times | {"everything": time.monotonic() - begun}
    slices = sum(len(case.places) for case in sample.study.cases)
    facts = {
        "Annotated": f"{slices} slices in {len(sample.annotated)} volumes", "Untouched volumes": str(len(untouched)),
        "Method": f"{card['asked_for']} (kept: {card['method']})", "Device": card["device"],
        "Dice on held-out slices": str(card["scores"].get("held_out")),
    }
    sections = (
        Section("First suggestion", f"After {times['first suggestion']:.0f} s of supervised training.", first),
        Section("At the end", f"The model that was kept: {card['method']}.", final),
    )
    pictures = (Picture("contact_sheet.png", "Slices drawn, suggestions, uncertainty"),
                Picture("learning_curve.png", "Learning curve"))
    path, _ = write_report(
        folder, title="SemiSeg demo", data=data, structures=tuple(sample.study.structures), sections=sections,
        pictures=pictures, facts=facts, times=times, exported=exported,
    )
    shutil.rmtree(watch.keep)
    _say(out, path, this, first, final, times)


def _say(
    out: Output, path: Path, this: Round, first: Scores, final: Scores, times: dict[str, float]
) -> None:
    out.event("dice", f"Mean Dice on untouched volumes: first {mean_dice(first):.3f} "
              f"({times['first suggestion']:.0f} s of training), at the end {mean_dice(final):.3f}",
              first=mean_dice(first), final=mean_dice(final), times=times)
    for item in this.next_slices()[:1]:
        out.event("next", f"Next slice to look at: {item.case}, {'kji'[item.place.axis]} = {item.place.index}. "
                  f"{item.reason}", case=item.case, axis=item.place.axis, index=item.place.index, reason=item.reason)
    out.event("report", f"Report: {path}", report=str(path))


def _first_scores(this: Round, sample: SampleStudy, untouched: list[str], watch: Watch) -> Scores:
    scores: dict[str, dict[int, Score]] = {}
    for name, case_id in this.cases.items():
        if case_id in untouched:
            with np.load(watch.keep / f"{name}.npz", allow_pickle=False) as arrays:
                scores[case_id] = _score(sample, case_id, arrays["label"])
    return scores


def _final_scores(sample: SampleStudy, untouched: list[str]) -> Scores:
    return {case_id: _score(sample, case_id, sample.study.case(case_id).suggestion()) for case_id in untouched}


def _score(sample: SampleStudy, case_id: str, label: Any) -> dict[int, Score]:
    case, truth = sample.study.case(case_id), read_reference(sample.references[case_id])
    return evaluate(label, truth, case.grid.spacing, [item.value for item in case.structures])


def _export(folder: Path, sample: SampleStudy, untouched: list[str]) -> list[str]:
    lines = []
    for case_id in untouched:
        files = export_case(sample.study.case(case_id), folder / "export")
        lines.append(", ".join(f"{file.path.name}{' (verified)' if file.verified else ''}" for file in files))
    return lines


def _pictures(
    folder: Path, this: Round, sample: SampleStudy, final: Scores, watch: Watch, data: DataSource
) -> None:
    shown = spread_over_ranks(final, 6)
    views = [_view(sample, case_id, f"Dice {mean_dice({case_id: final[case_id]}):.2f}") for case_id in shown]
    drawn = [_view(sample, case_id, "") for case_id in sample.annotated]
    slices = sum(len(view.slices) for view in drawn)
    contact_sheet(
        folder / "contact_sheet.png", drawn, views, tuple(sample.study.structures),
        title=f"{slices} slices drawn, {len(final)} whole volumes segmented",
        below=f"Cases from the best to the worst. Mean Dice against the experts {mean_dice(final):.2f}.",
        footer=data.attribution,
    )
    points = [point | {"seconds": point["training_seconds"]} for point in this.job.curves()]
    learning_curve(
        folder / "learning_curve.png", points, [(watch.times["first suggestion"], "first suggestion")],
        title="Learning curve", below="Dice on annotated slices that training did not see, and training loss",
    )


def _view(sample: SampleStudy, case_id: str, caption: str) -> CaseView:
    case = sample.study.case(case_id)
    return CaseView(
        case.name, case.image(), case.grid, case.labels(), tuple(case.places), case.suggestion(),
        read_reference(sample.references[case_id]), case.uncertainty(), caption,
    )


def _free(path: Path) -> Path:
    """``path``, or with a number behind it when that exists."""
    number, free = 2, path
    while free.exists():
        free, number = path.with_name(f"{path.name}-{number}"), number + 1
    return free
