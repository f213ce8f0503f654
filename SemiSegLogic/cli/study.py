"""``semiseg study``: make a study, add volumes, hand over labels, see how it stands, mend it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Column, Table

from ..study import CaseRow, DuplicateError, ImageError, Study
from . import label, mending, next_slice
from .following import take_up
from .output import Output, add_json

FLAGS = {"good": "probably good", "look": "look here", "unknown": "too few labels"}


def add(commands: Any) -> None:
    """The grammar of ``study``."""
    study = commands.add_parser("study", help="create a study; add volumes and labels; show its state; repair it")
    parts = study.add_subparsers(dest="part", required=True, metavar="WHAT")
    new = parts.add_parser("new", help="create a study")
    new.add_argument("folder", type=Path, help="where: a folder that does not exist yet, or an empty one")
    new.add_argument("--structure", action="append", required=True, metavar="NAME", help="once per structure")
    new.set_defaults(do=_new)
    more = parts.add_parser("add", help="add volumes: NRRD, NIfTI or a folder with one DICOM series")
    more.add_argument("folder", type=Path, help="the study's folder")
    more.add_argument("images", type=Path, nargs="+", help="files, or folders with one DICOM series each")
    more.add_argument("--reference", action="store_true", help="leave the files where they are instead of copying")
    more.add_argument("--duplicates", action="store_true", help="add images even if they are in the study already")
    more.set_defaults(do=_add)
    label.add(parts)
    status = parts.add_parser("status", help="list the cases")
    status.add_argument("folder", type=Path, help="the study's folder")
    status.set_defaults(do=_status)
    next_slice.add(parts)
    mending.add(parts)
    for command in (new, more, status):
        add_json(command)


def _new(options: argparse.Namespace) -> None:
    study = Study.create(options.folder, structures=options.structure)
    values = {item.name: item.value for item in study.structures}
    Output(options.json).event("study", f"Created study {options.folder}.", folder=str(options.folder), values=values)


def _add(options: argparse.Namespace) -> int:
    """Every image for itself: one that cannot be taken in leaves the others alone."""
    study, out, refused = Study.open(options.folder), Output(options.json), 0
    does = "Reading and checking" if options.reference else "Reading, checking and copying"
    for number, image in enumerate(options.images, 1):
        which = f"{image.name} ({number} of {len(options.images)})" if len(options.images) > 1 else image.name
        try:
            with out.working(f"{does} {which}"):
                case = study.add_case(image, copy=not options.reference, duplicates=options.duplicates)
        except (ImageError, DuplicateError) as error:
            refused += 1
            remedy = " (--duplicates allows it.)" if isinstance(error, DuplicateError) else ""
            out.problem(f"{error.whole}{remedy}", file=str(image))
        else:
            out.event("case", f"{case.id}: {case.name}, {case.grid.shape} voxels", case=case.id, shape=case.grid.shape)
    if refused and len(options.images) > 1:
        out.problem(
            f"Images not added: {refused} of {len(options.images)}. The others are in the study.", refused=refused)
    return min(refused, 1)


def _status(options: argparse.Namespace) -> None:
    study, out = Study.open(options.folder), Output(options.json)
    take_up(study, out)
    rows = study.status()
    if options.json:
        for row in rows:
            done = sorted([place.axis, place.index] for place in row.done)
            out.event("case", "", **{**vars(row), "done": done})
        return
    out.console.print(_table(study.name, rows))
    for row in rows:
        if row.problem:
            out.event("problem", f"{row.name}: {row.problem} {row.in_terminal}".rstrip())


def _table(name: str, rows: list[CaseRow]) -> Table:
    columns = ("voxels (k, j, i)", "status", "drawn", "empty", "suggestion")
    table = Table(Column("case", overflow="fold"), *columns, title=escape(name))
    for row in rows:
        shape = " x ".join(map(str, row.shape))
        suggestion = FLAGS.get(row.flag, "yes") if row.suggestion else ""
        drawn, empty = ("", "") if row.status == "damaged" else (str(row.drawn), str(row.empty))
        status = "fully drawn" if row.whole and row.status != "accepted" else row.status
        table.add_row(escape(row.name), shape, status, drawn, empty, suggestion)
    return table
