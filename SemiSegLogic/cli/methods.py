"""``semiseg methods``: what can be trained, in a sentence each, and what it costs."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.table import Table

from ..files import disk_errors
from ..pages import write_pages
from ..settings.costs import Cost, costs
from ..settings.recommended import CHOICES, CHOICES_ABOUT, RECOMMENDED
from .output import Output, add_json


def add(commands: Any) -> None:
    """The grammar."""
    methods = commands.add_parser("methods", help="list the methods: what they do, which data they suit, their cost")
    methods.add_argument("--pages", type=Path, metavar="FOLDER", help="write the help pages, with figures, into it")
    add_json(methods)
    methods.set_defaults(do=_methods)


def _methods(options: argparse.Namespace) -> None:
    out = Output(options.json)
    if options.pages:
        with disk_errors(options.pages):
            written = write_pages(options.pages)
        out.event("pages", f"{len(written)} files are in {options.pages}.", files=[str(path) for path in written])
    elif options.json:
        for name, settings in CHOICES.items():
            out.event("method", "", method=name, **vars(CHOICES_ABOUT[name]), settings=settings().to_dict(),
                      costs=[asdict(cost) for cost in costs(name)])
    else:
        out.console.print(_table())
        for cost in costs("supervised")[:1]:
            out.console.print("Time: of one step, relative to a step of supervised. Memory: needed for training. "
                              f"Measured on {cost.date} on {cost.device}.")


def _table() -> Table:
    table = Table("method", "what it does", "suits", "time of a step", "memory", "paper", show_lines=True)
    for name, about in CHOICES_ABOUT.items():
        found = [cost for cost in costs(name) if cost.kind == "cpu"]
        time, memory = _lines(found, "time"), _lines(found, "memory")
        if name == RECOMMENDED:
            time = memory = "as the method it chooses"
        table.add_row(name, about.does, about.suits, time, memory, about.paper)
    return table


def _lines(found: list[Cost], what: str) -> str:
    """One line for volumes, one for slices."""
    texts = (f"{cost.time:.1f} x" if what == "time" else f"{cost.memory} MB" for cost in found)
    return "\n".join(f"{text} ({cost.dims}D)" for text, cost in zip(texts, found, strict=True)) or "not measured"
