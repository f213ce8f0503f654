"""Keep learning while I draw, timed: from "slice done" to a suggestion on screen's case that has learned from it.

    python -m Testing.benchmarks.waiting.live --data FOLDER [--slices 20] [--seeds 0 1 2] [--drawing 12]

A session on the sample study with the real worker in a process of its own: the person draws three slices in one volume
after the other, each of which takes ``--drawing`` seconds. After the fifth slice the suggestion of the open case is
compared with that of a fresh training of 20 s on the same slices, predicted from one view and, as the recommended
method does, from several. Dice of the whole volume, drawn slices included in all. Run it on a quiet computer; one JSON
line per session is appended to results/live.jsonl.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from SemiSegLogic.backends import LocalBackend
from SemiSegLogic.rounds import Round
from SemiSegLogic.sample import SampleCase, choose, find, list_cases, read_reference, split, spread_slices
from SemiSegLogic.sample.building import STRUCTURES
from SemiSegLogic.sample.slices import varied_offset
from SemiSegLogic.settings import CHOICES, RECOMMENDED, Training
from SemiSegLogic.study import Study
from Testing.benchmarks.shared.real_studies import Drawn, call_done, draw_on, quality, until, wait_for_suggestion
from Testing.benchmarks.shared.row_files import FOLDER

RESULTS = FOLDER / "live.jsonl"
CASES, PER_CASE, COMPARED_AFTER, FRESH_S = 12, 3, 5, 20.0


@dataclass(frozen=True)
class Session:
    """``latency`` seconds by slice; ``dice`` of the open case in the first suggestion that knew the slice, ``later``
    when the next one was begun; ``live`` and ``fresh`` (one view; ``fresh_views``: several) after the fifth slice.
    """

    seed: int
    drawing: float
    latency: list[float]
    dice: list[float]
    later: list[float]
    live: float
    fresh: float
    fresh_views: float


def make_study(folder: Path, data: Path | None, seed: int) -> tuple[Study, list[SampleCase]]:
    """A study of CASES volumes in which nothing is drawn, and its cases in the sample."""
    pool, _ = split(list_cases(find(data, network=False, phantoms=False).folder)[0])
    chosen = choose(pool, CASES, seed)
    study = Study.create(folder, structures=STRUCTURES)
    for case in chosen:
        study.add_case(case.image, copy=False, name=case.name)
    return study, chosen


def script(study: Study, cases: list[SampleCase], slices: int) -> Iterator[Drawn]:
    """The slices in the order in which they are drawn: the middle of an organ first, then towards its ends."""
    for number in range(-(-slices // PER_CASE)):
        truth = read_reference(cases[number].reference)
        first, middle, last = spread_slices(truth, PER_CASE, offset=varied_offset(number))
        order = (middle, first, last)
        for count in range(1, min(PER_CASE, slices - number * PER_CASE) + 1):
            yield Drawn(study.cases[number], truth, order[:count])


def session(data: Path | None, seed: int, slices: int, drawing: float) -> Session:
    """One person, one morning."""
    with tempfile.TemporaryDirectory() as folder:
        study, cases = make_study(Path(folder) / "study", data, seed)
        backend = LocalBackend(Path(folder) / "jobs")
        this = Round.live(study, Training(device="cpu", seed=seed), jobs=backend.root)
        backend.submit(this.job)
        until(lambda: backend.poll(this.id).phase == "waiting")
        latency, first, later = [], [], []
        for drawn in script(study, cases, slices):
            this.show(drawn.case.id)
            begun = time.monotonic()
            call_done(this, drawn)
            wait_for_suggestion(backend, this)
            latency.append(time.monotonic() - begun)
            first.append(quality(drawn.case, drawn.truth))
            draw_on(this, begun + drawing)
            later.append(quality(drawn.case, drawn.truth))
        backend.stop(this.id)
        fresh, views = (_fresh(Path(folder) / name, data, seed, name) for name in ("supervised", RECOMMENDED))
    return Session(seed, drawing, latency, first, later, later[COMPARED_AFTER - 1], fresh, views)


def _fresh(folder: Path, data: Path | None, seed: int, method: str) -> float:
    """Dice of the same case after a training of FRESH_S seconds from nothing on the first five slices."""
    study, cases = make_study(folder / "study", data, seed)
    *_, last = drawn = list(script(study, cases, COMPARED_AFTER))
    for item in drawn:
        item.case.set_slices(item.truth, item.places[-1:], "expert")
    training = Training(seconds=FRESH_S, first_mask_seconds=FRESH_S, held_out=0.0, device="cpu", seed=seed)
    backend = LocalBackend(folder / "jobs")
    this = Round.begin(study, training, method, CHOICES[method](), jobs=backend.root)
    backend.submit(this.job)
    until(lambda: backend.poll(this.id).ended)
    assert backend.poll(this.id).state == "done", backend.poll(this.id)
    this.collect()
    return quality(last.case, last.truth)


def main() -> None:
    """See the module."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--data", type=Path)
    words.add_argument("--slices", type=int, default=20)
    words.add_argument("--seeds", type=int, nargs="+", default=[0])
    words.add_argument("--drawing", type=float, default=12.0)
    options = words.parse_args()
    for seed in options.seeds:
        found = session(options.data, seed, options.slices, options.drawing)
        with RESULTS.open("a") as file:
            file.write(json.dumps(asdict(found)) + "\n")
        print(f"seed {seed}: median {np.median(found.latency):.1f} s, longest {max(found.latency):.1f} s; open case "
              f"after {COMPARED_AFTER} slices {found.live:.3f}, fresh {FRESH_S:.0f} s {found.fresh:.3f}, "
              f"from several views {found.fresh_views:.3f}", flush=True)


if __name__ == "__main__":
    main()
