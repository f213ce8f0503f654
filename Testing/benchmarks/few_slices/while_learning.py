"""The first slices of a study while learning goes on: carried to their neighbours, or learned as they are drawn?

    python -m Testing.benchmarks.few_slices.while_learning --data FOLDER [--only atrium] [--seeds 2]

A session with the real worker in a process of its own: SCANS scans are opened one after the other, one or three slices
are drawn in each, DRAWING_S seconds apart, until the worker has taken all in and waits. FOLDER holds the data set of
each trial, as ``semiseg benchmark`` wants it; training scans only, no test case is looked at. ``first`` Dice of the
open scan in the first suggestion that knew the newest slice, ``later`` when the next one is done, means over the
scans; ``unseen`` that of SCANS more in which nothing was drawn, in the end. Drawn slices are part of what is measured.
Run it on a quiet computer. One row per (trial, carried or not, seed) is appended to results/live_first_slices.jsonl;
rows that are there are not run again. ``--table`` renders them.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from SemiSegLogic.backends import LocalBackend
from SemiSegLogic.rounds import Round
from SemiSegLogic.sample import spread_slices
from SemiSegLogic.sample.slices import varied_offset
from SemiSegLogic.settings import Training
from SemiSegLogic.study import Study
from Testing.benchmarks.runner.definitions.datasets import Collection
from Testing.benchmarks.shared.real_studies import (
    Drawn,
    call_done,
    draw_on,
    quality,
    study_of,
    until,
    wait_for_suggestion,
)
from Testing.benchmarks.shared.row_files import RowFile
from Testing.benchmarks.shared.trials import Comparison

SCANS, DRAWING_S = 4, 15.0
ORGANS = {"atrium": "few_slices_la", "hippocampus": "few_slices_hippocampus"}
COUNTS = {1: "1 slice a scan", 3: "3 slices a scan"}
TRIALS = {f"{organ}, {words}": (organ, count) for count, words in COUNTS.items() for organ in ORGANS}


@dataclass(frozen=True)
class Row:
    """One session: Dice, means over structures and scans."""

    trial: str
    carried: bool
    seed: int
    first: float
    later: float
    unseen: float


FILE = RowFile("live_first_slices", Row)


def run(name: str, carried: bool, seed: int, cases: Collection) -> Row:
    """One row."""
    _, count = TRIALS[name]
    chosen = np.random.default_rng(seed).permutation(sorted(cases.about.train))[: 2 * SCANS].tolist()
    first, later = [], []
    with tempfile.TemporaryDirectory() as folder:
        study = study_of(Path(folder) / "study", cases, chosen)
        backend = LocalBackend(Path(folder) / "jobs")
        training = Training(device="cpu", seed=seed, carry_outlines=carried)
        this = Round.live(study, training, jobs=backend.root)
        backend.submit(this.job)
        _wait_until_it_waits(backend, this)
        for drawn in script(study, cases, count):
            begun = time.monotonic()
            this.show(drawn.case.id)
            call_done(this, drawn)
            wait_for_suggestion(backend, this)
            first.append(quality(drawn.case, drawn.truth))
            draw_on(this, begun + DRAWING_S)
            later.append(quality(drawn.case, drawn.truth))
        _wait_until_it_waits(backend, this)
        this.collect()
        backend.stop(this.id)
        unseen = [quality(case, cases.case(case.name).label) for case in study.cases[SCANS:]]
    return Row(name, carried, seed, *(round(float(np.mean(some)), 4) for some in (first, later, unseen)))


def _wait_until_it_waits(backend: LocalBackend, this: Round) -> None:
    """All that was drawn is taken in and shown; a worker that went home has failed."""
    def waits() -> bool:
        status = backend.poll(this.id)
        assert not status.ended, status
        return status.phase == "waiting"

    until(waits)


def script(study: Study, cases: Collection, count: int) -> Iterator[Drawn]:
    """The slices in the order in which they are drawn, scan by scan: that in the middle first."""
    for number, case in enumerate(study.cases[:SCANS]):
        truth = cases.case(case.name).label
        places = spread_slices(truth, count, offset=varied_offset(number))
        order = sorted(places, key=lambda place: abs(place.index - places[len(places) // 2].index))
        for drawn in range(1, count + 1):
            yield Drawn(case, truth, tuple(order[:drawn]))


def table(found: list[Row]) -> str:
    """Markdown: means over the seeds."""
    lines = ["| trial | seeds | open scan at once: as drawn, carried | before the next: as drawn, carried | others in "
             "the end: as drawn, carried |", "|---|---|---|---|---|"]
    for name in TRIALS:
        rows = {(row.carried, row.seed): row for row in found if row.trial == name}
        seeds = sorted(seed for carried, seed in rows if carried and (False, seed) in rows)
        if seeds:
            cells = (", ".join(f"{np.mean([getattr(rows[carried, seed], key) for seed in seeds]):.3f}"
                               for carried in (False, True)) for key in ("first", "later", "unseen"))
            lines.append(f"| {name} | {len(seeds)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """See the module."""
    protocols = {name: ORGANS[organ] for name, (organ, _) in TRIALS.items()}
    Comparison(FILE, protocols, lambda _: (False, True), lambda row: row.carried, run, table).command(__doc__)


if __name__ == "__main__":
    main()
