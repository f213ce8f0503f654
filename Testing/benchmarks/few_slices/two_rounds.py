"""Two rounds of *Train on my labels* on a slice in each of a few scans: carried to their neighbours, or as drawn?

    python -m Testing.benchmarks.few_slices.two_rounds --data FOLDER [--only atrium] [--seeds 2]

One slice in each of SCANS scans is drawn and the recommended method trains for the time that the panel proposes; then
one in each of SCANS more, and a second round goes on from the first one's model. Another SCANS scans stay untouched:
Dice of their suggestions, means over structures and scans, after each round. Real workers, the product's own course and
views. FOLDER holds the data set of each trial, as ``semiseg benchmark`` wants it; training scans only, no test case is
looked at. Run it on a quiet computer. One row per (trial, carried or not, seed) is appended to
results/rounds_of_few_slices.jsonl; rows that are there are not run again. ``--table`` renders them.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from SemiSegLogic.backends import LocalBackend
from SemiSegLogic.rounds import Round
from SemiSegLogic.sample import spread_slices
from SemiSegLogic.sample.slices import varied_offset
from SemiSegLogic.settings import CHOICES, RECOMMENDED, Training
from SemiSegLogic.study import Study
from Testing.benchmarks.runner.definitions.datasets import Collection
from Testing.benchmarks.shared.real_studies import quality, study_of, until
from Testing.benchmarks.shared.row_files import RowFile
from Testing.benchmarks.shared.trials import Comparison

SCANS, ROUNDS = 4, 2
TRIALS = {"atrium": "few_slices_la", "hippocampus": "few_slices_hippocampus"}


@dataclass(frozen=True)
class Row:
    """Two rounds: Dice of the untouched scans after each, and how many steps its last stretch took."""

    trial: str
    carried: bool
    seed: int
    dice: list[float]
    steps: list[int]


FILE = RowFile("rounds_of_few_slices", Row)


def run(name: str, carried: bool, seed: int, cases: Collection) -> Row:
    """One row."""
    count = (ROUNDS + 1) * SCANS
    chosen = np.random.default_rng(seed).permutation(sorted(cases.about.train))[:count].tolist()
    training, model = Training(device="cpu", seed=seed, carry_outlines=carried), None
    scores, steps = [], []
    with tempfile.TemporaryDirectory() as folder:
        study, backend = study_of(Path(folder) / "study", cases, chosen), LocalBackend(Path(folder) / "jobs")
        for number in range(ROUNDS):
            _draw(study, cases, range(number * SCANS, (number + 1) * SCANS))
            this = Round.begin(study, training, RECOMMENDED, CHOICES[RECOMMENDED](), jobs=backend.root,
                               start_from=model)
            steps.append(_train(backend, this))
            model = this.model
            untouched = [quality(case, cases.case(case.name).label) for case in study.cases[-SCANS:]]
            scores.append(round(float(np.mean(untouched)), 4))
    return Row(name, carried, seed, scores, steps)


def _draw(study: Study, cases: Collection, numbers: range) -> None:
    """The middle slice, or one near it, in each of some scans."""
    for number in numbers:
        case = study.cases[number]
        truth = cases.case(case.name).label
        case.set_slices(truth, spread_slices(truth, 1, offset=varied_offset(number)), "expert")


def _train(backend: LocalBackend, this: Round) -> int:
    """To the end, the results collected; how many steps the last stretch took."""
    backend.submit(this.job)
    until(lambda: backend.poll(this.id).ended)
    status = backend.poll(this.id)
    assert status.state == "done", status
    this.collect()
    return status.step


def table(found: list[Row]) -> str:
    """Markdown: means over the seeds."""
    lines = ["| trial | seeds | after the first round: as drawn, carried | after the second: as drawn, carried |",
             "|---|---|---|---|"]
    for name in TRIALS:
        rows = {(row.carried, row.seed): row for row in found if row.trial == name}
        seeds = sorted(seed for carried, seed in rows if carried and (False, seed) in rows)
        if seeds:
            cells = (", ".join(f"{np.mean([rows[carried, seed].dice[number] for seed in seeds]):.3f}"
                               for carried in (False, True)) for number in range(ROUNDS))
            lines.append(f"| {name} | {len(seeds)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """See the module."""
    Comparison(FILE, TRIALS, lambda _: (False, True), lambda row: row.carried, run, table).command(__doc__)


if __name__ == "__main__":
    main()
