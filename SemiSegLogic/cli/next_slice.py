"""``semiseg study next``: the slices worth a look, with reasons."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any

from ..engine.selection import DEFAULT, STRATEGIES, CaseMaps, next_slices, profiles, remarks, seed_of
from ..geometry import AXIS_NAMES
from ..rounds import NextSlice, Round
from ..study import Case, Study
from ..study.beginning import Beginning
from ..study.contradictions import contradictions
from ..study.first_slices import drawing_axes
from .counts import at_least_one
from .following import take_up
from .output import Output, add_json

FROM_MAPS = tuple(name for name in STRATEGIES if name != "disagreement")  # a study keeps one suggestion per case

NOTHING_TO_CHOOSE_BY = ("before the first training there are no suggestions to choose by; these slices are chosen from "
                        "the images alone.")


def add(parts: Any) -> None:
    """The grammar of ``study next``."""
    command = parts.add_parser("next", help="print the slices worth a look next, and why")
    command.add_argument("folder", type=Path, help="the study's folder")
    command.add_argument("--count", type=at_least_one, default=10, help="largest number of slices (default: 10)")
    command.add_argument("--strategy", choices=FROM_MAPS, metavar="NAME",
                         help=f"choose again, from the suggestions in the study: {', '.join(FROM_MAPS)} (default: what "
                              f"the newest training chose, by {DEFAULT})")
    command.set_defaults(do=_next)
    add_json(command)


def _next(options: argparse.Namespace) -> None:
    study, out = Study.open(options.folder), Output(options.json)
    take_up(study, out)
    with out.working("Checking the cases"):
        found, sentences = _chosen(study, options.strategy, options.count)
        contradicted = [one.words() for one in contradictions(study.cases)]
    for sentence in [*contradicted, *sentences]:
        out.event("remark", sentence, text=sentence)
    if not found and not sentences:
        out.event("remark", "No slice is left to suggest.", text="No slice is left to suggest.")
    names = {case.id: case.name for case in study.cases}
    for number, item in enumerate(found[: options.count], 1):
        text = f"{number}. {names[item.case]}, {AXIS_NAMES[item.place.axis]} = {item.place.index}: {item.reason}"
        out.event("next", text, case=item.case, axis=item.place.axis, index=item.place.index, reason=item.reason)


def _chosen(study: Study, strategy: str | None, count: int) -> tuple[list[NextSlice], list[str]]:
    """What the newest run named; from the suggestions in the study when a strategy is asked for or the run named
    nothing; before there is any, from the images alone. With what there is to remark.
    """
    latest = Round.latest(study)
    named = latest.next_slices() if latest is not None and strategy is None else []
    if named:
        return named, []
    suggested = [case for case in study.cases if case.has_suggestion]
    if suggested:
        return _from_maps(study, suggested, strategy or DEFAULT, count)
    beginning = Beginning(study)
    while beginning.look_at_more():
        pass
    first = [NextSlice(item.case, item.place, item.reason, 0.0) for item in beginning.slices(count)]
    if not study.cases:
        return first, [f"{study.folder} has no cases yet. Add volumes first."]
    return first, [] if strategy is None else [f"{strategy}: {NOTHING_TO_CHOOSE_BY}"]


def _from_maps(study: Study, cases: list[Case], strategy: str, count: int) -> tuple[list[NextSlice], list[str]]:
    names = {item.value: item.name for item in study.structures}
    axes = drawing_axes({case.id: case.grid for case in cases}, {case.id: case.annotated for case in cases})
    found = profiles([partial(_maps, case) for case in cases], [axes[case.id] for case in cases], tuple(sorted(names)))
    latest = Round.latest(study)
    seed = seed_of(latest.id if latest is not None else study.name, sum(len(case.places) for case in cases))
    ranked = next_slices(found, names, strategy, seed, count)
    return [NextSlice(item.case, item.place, item.reason, item.score) for item in ranked], remarks(found, names)


def _maps(case: Case) -> CaseMaps:
    return CaseMaps(case.id, case.suggestion(), case.uncertainty(), case.grid, tuple(case.places))
