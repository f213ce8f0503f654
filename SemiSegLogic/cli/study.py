"""``semiseg study``: make a study, add volumes, hand over labels, see how it stands; and ``semiseg export``."""

from __future__ import annotations

import argparse
import getpass
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.markup import escape
from rich.table import Table

from ..geometry import AXIS_NAMES, SliceIndex
from ..study import FORMATS, LabelError, Study, all_slices, drawn_slices, export_case
from . import next_slice
from .output import Output, add_json


def add(commands: Any) -> None:
    """The grammar of ``study`` and ``export``."""
    study = commands.add_parser("study", help="make a study, add volumes, labels; show how it stands")
    parts = study.add_subparsers(dest="part", required=True, metavar="WHAT")
    new = parts.add_parser("new", help="make a study")
    new.add_argument("folder", type=Path)
    new.add_argument("--structure", action="append", required=True, metavar="NAME", help="once per structure")
    new.set_defaults(do=_new)
    more = parts.add_parser("add", help="add volumes: NRRD, NIfTI or a folder with one DICOM series")
    more.add_argument("folder", type=Path)
    more.add_argument("images", type=Path, nargs="+")
    more.add_argument("--reference", action="store_true", help="leave the files where they are instead of copying")
    more.set_defaults(do=_add)
    label = parts.add_parser("label", help="take annotated slices from a mask file")
    label.add_argument("folder", type=Path)
    label.add_argument("case")
    label.add_argument("mask", type=Path)
    label.add_argument("--slices", action="append", metavar="AXIS:N,N,...",
                       help="which slices count, e.g. k:10,20 (default: those with voxels; 'all': the whole mask)")
    label.add_argument("--axis", choices=AXIS_NAMES, default="k", help="axis of the drawn slices when none are named")
    label.add_argument("--name", action="append", default=[], metavar="NAME=VALUE",
                       help="which value of the mask is which structure")
    label.set_defaults(do=_label)
    status = parts.add_parser("status", help="list the cases")
    status.add_argument("folder", type=Path)
    status.set_defaults(do=_status)
    next_slice.add(parts)
    export = commands.add_parser("export", help="write segmentations, re-read and verified")
    export.add_argument("folder", type=Path)
    export.add_argument("--to", type=Path, help="folder (default: exports in the study)")
    export.add_argument("--format", action="append", choices=FORMATS, help="default: seg.nrrd and nrrd")
    export.add_argument("--case", action="append", help="default: every case with a result")
    export.set_defaults(do=_export)
    for command in (new, more, label, status, export):
        add_json(command)


def _new(options: argparse.Namespace) -> None:
    study = Study.create(options.folder, structures=options.structure)
    values = {item.name: item.value for item in study.structures}
    Output(options.json).event("study", f"Made the study {options.folder}.", folder=str(options.folder), values=values)


def _add(options: argparse.Namespace) -> None:
    study, out = Study.open(options.folder), Output(options.json)
    for image in options.images:
        case = study.add_case(image, copy=not options.reference)
        out.event("case", f"{case.id}: {case.name}, {case.grid.shape} voxels", case=case.id, shape=case.grid.shape)


def _label(options: argparse.Namespace) -> None:
    case = Study.open(options.folder).case(options.case)
    names = dict(_pair(item) for item in options.name) or None

    def chosen(label: NDArray[np.uint8]) -> Iterable[SliceIndex]:
        return _slices(options.slices, label, AXIS_NAMES.index(options.axis))

    places = case.import_mask(options.mask, chosen, getpass.getuser(), names)
    listed = ", ".join(f"{AXIS_NAMES[place.axis]}:{place.index}" for place in places[:12])
    text = f"{case.id}: {len(places)} slices taken from {options.mask.name} ({listed}{', ...' * (len(places) > 12)})."
    Output(options.json).event("labelled", text, case=case.id, slices=[[p.axis, p.index] for p in places])


def _pair(text: str) -> tuple[str, int]:
    name, _, value = text.rpartition("=")
    if not name or not value.isdigit():
        raise LabelError(f"'{text}' does not say which structure has which value. Write it as --name Liver=3.")
    return name, int(value)


def _slices(chosen: list[str] | None, label: NDArray[np.uint8], axis: int) -> Iterable[SliceIndex]:
    """The slices named as ``k:10,20``; by default those with voxels along ``axis``; ``all`` is every slice."""
    if chosen is None:
        return drawn_slices(label, axis)
    k, j, i = label.shape
    if chosen == ["all"]:
        return all_slices((k, j, i), axis)
    found = []
    for item in chosen:
        name, _, numbers = item.partition(":")
        if name not in AXIS_NAMES or not all(number.strip().isdigit() for number in numbers.split(",")):
            raise LabelError(f"'{item}' names no slices. Write an axis (k, j or i) and numbers, e.g. --slices k:10,20.")
        found += [SliceIndex(AXIS_NAMES.index(name), int(number)) for number in numbers.split(",")]
    return found


def _status(options: argparse.Namespace) -> None:
    study, out = Study.open(options.folder), Output(options.json)
    rows = study.status()
    if options.json:
        for row in rows:
            out.event("case", "", **vars(row))
        return
    table = Table("case", "voxels (k, j, i)", "status", "drawn", "empty", "suggestion", title=escape(study.name))
    for row in rows:
        shape = " x ".join(map(str, row.shape))
        suggestion = "yes" if row.suggestion else ""
        state = escape(row.problem or row.status)
        table.add_row(escape(row.name), shape, state, str(row.drawn), str(row.empty), suggestion)
    out.console.print(table)


def _export(options: argparse.Namespace) -> None:
    study, out = Study.open(options.folder), Output(options.json)
    cases = [study.case(key) for key in options.case] if options.case else [
        case for case in study.cases if case.has_suggestion or case.judged_whole
    ]
    if not cases:
        raise LabelError(f"No case of {options.folder} has a result yet. Train first, then export.")
    for case in cases:
        for file in export_case(case, options.to or study.exports, options.format or ("seg.nrrd", "nrrd")):
            out.event("exported", f"{file.path} (verified)", file=str(file.path), voxels=file.voxels)
