"""``semiseg demo``: the whole loop on the sample study, with a report of every number and picture.

Only a few slices of a few volumes are handed to the study; the experts' labels of the others serve to measure.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from ..backends import LocalBackend
from ..report import DataSource
from ..rounds import Round
from ..sample import Annotation, SampleStudy, build_study, choose, find, list_cases, split
from ..settings import CHOICES, RECOMMENDED, Training
from ..study import StudyError
from .counts import at_least_one, some_seconds
from .demo_report import DemoReport, Watch
from .following import follow, hand_over
from .output import Output, add_json

HELD_OUT = 20


def add(commands: Any) -> None:
    """The grammar."""
    demo = commands.add_parser("demo", help="run the whole loop on real MRI, in about two minutes")
    demo.add_argument("--data", type=Path, help="folder with Task04_Hippocampus (else SEMISEG_DATA, cache, download)")
    demo.add_argument("--out", type=Path, help="folder for the study and the report (default: semiseg-demo)")
    demo.add_argument("--cases", type=at_least_one, default=40, help="volumes besides the 20 test volumes (default 40)")
    demo.add_argument("--annotated", type=at_least_one, default=8, help="volumes with drawn slices (default 8)")
    demo.add_argument("--slices", type=at_least_one, default=3, help="drawn slices in each of them (default 3)")
    demo.add_argument("--whole", action="store_true", help="use whole drawn volumes instead of slices")
    demo.add_argument("--method", choices=list(CHOICES), default=RECOMMENDED,
                      help=f"default: {RECOMMENDED}; 'semiseg methods' says what each does")
    demo.add_argument("--seconds", type=some_seconds, default=70.0, help="time for training (default 70)")
    demo.add_argument("--first", type=some_seconds, default=20.0, help="time until the first suggestion (default 20)")
    demo.add_argument("--seed", type=int, default=0, help="random seed (default 0)")
    demo.add_argument("--offline", action="store_true", help="do not download the sample data")
    add_json(demo)
    demo.set_defaults(do=_demo)


def _demo(options: argparse.Namespace) -> int:
    out, begun = Output(options.json), time.monotonic()
    folder = _new(options.out) if options.out else _free(Path("semiseg-demo"))
    training = Training(seconds=options.seconds, first_mask_seconds=min(options.first, options.seconds),
                        seed=options.seed)
    sample, data = _sample(options, folder, out)
    this = Round.begin(sample.study, training, options.method, jobs=folder / "jobs")
    backend = LocalBackend(folder / "jobs")
    watch = Watch(this, folder / "first")
    status = follow(this, backend, out, watch, heard=hand_over(this, backend))
    if status.state != "done":
        return 1
    DemoReport(folder, this, sample, data, watch).write(begun, out)
    return 0


def _sample(options: argparse.Namespace, folder: Path, out: Output) -> tuple[SampleStudy, DataSource]:
    with out.counting("Sample data (bytes)") as on_progress:
        source = find(options.data, network=not options.offline, progress=on_progress)
    cases, notes = list_cases(source.folder)
    pool, held = split(cases)
    chosen, unseen = choose(pool, min(options.cases, len(pool)), options.seed), choose(held, min(HELD_OUT, len(held)))
    with out.counting("Building the study") as on_progress:
        annotation = Annotation(options.annotated, options.slices, options.whole, options.seed)
        sample = build_study(folder / "study", chosen, unseen, annotation, structures=source.structures,
                             progress=on_progress)
    for note in source.notes:
        out.event("data", note, phantom=source.phantom)
    return sample, DataSource(source.name, source.attribution, source.phantom, (*source.notes, *notes))


def _new(path: Path) -> Path:
    """``path``, where nobody's files lie that the demo might replace. Raises StudyError otherwise."""
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise StudyError(f"{path} is not an empty folder. Choose a new or empty folder for the demo.")
    return path


def _free(path: Path) -> Path:
    """``path``, or with a number behind it when that exists."""
    number, free = 2, path
    while free.exists():
        free, number = path.with_name(f"{path.name}-{number}"), number + 1
    return free
