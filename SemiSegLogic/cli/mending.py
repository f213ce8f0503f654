"""``semiseg study repair, versions, restore, relocate, accept, reject, remove``: what the messages of a study name as
remedies, and the last word of a person on a case.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Column, Table

from ..naming import counted
from ..study import Study
from ..study.lock import user_name
from .output import Output, add_json


def add(parts: Any) -> None:
    """The grammar."""
    _command(parts, "repair", "replace damaged records of a study by their copies", _repair, case=False)
    _command(parts, "versions", "list what was drawn on a case, version by version", _versions)
    restore = _command(parts, "restore", "make an earlier version of a case count again", _restore)
    restore.add_argument("version", help="as 'semiseg study versions' names it")
    relocate = _command(parts, "relocate", "say where the image of a case is now", _relocate)
    relocate.add_argument("image", type=Path, help="the same image where it is now")
    _command(parts, "accept", "accept the suggestion of a case as right in every slice", _accept)
    _command(parts, "reject", "discard the suggestion of a case; what people drew stays", _reject)
    _command(parts, "remove", "take a case out of the study, into its folder 'removed'", _remove)


def _command(parts: Any, name: str, about: str, do: Any, case: bool = True) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = parts.add_parser(name, help=about, description=f"{about[0].upper()}{about[1:]}.")
    command.add_argument("folder", type=Path, help="the study's folder")
    if case:
        command.add_argument("case", help="its name, as 'semiseg study status' lists it")
    command.set_defaults(do=do)
    add_json(command)
    return command


def _repair(options: argparse.Namespace) -> None:
    out, done = Output(options.json), Study.repair(options.folder)
    for sentence in done:
        out.event("repaired", sentence, text=sentence)
    if not done:
        out.event("sound", f"{options.folder} needs no repair: its records can all be read.")


def _versions(options: argparse.Namespace) -> None:
    case, out = Study.open(options.folder).called(options.case), Output(options.json)
    found, current = case.versions(), case.version
    if out.machine:
        for one in found:
            out.event("version", "", version=one.name, author=one.author, note=one.note, slices=len(one.slices),
                      current=one.name == current)
        return
    table = Table(Column("version", no_wrap=True), "by", "what was done", "slices", title=escape(case.name))
    for one in found:
        note = f"{one.note} (this one counts)" if one.name == current else one.note
        table.add_row(escape(one.name), escape(one.author), escape(note), str(len(one.slices)))
    out.console.print(table)


def _restore(options: argparse.Namespace) -> None:
    case = Study.open(options.folder).called(options.case)
    case.restore(options.version, user_name())
    text = (f"{case.id} is as it was in {options.version}, with {counted(len(case.places), 'slice')} judged. Nothing "
            "was removed: what counted before is kept as a version.")
    Output(options.json).event("restored", text, case=case.id, version=options.version)


def _relocate(options: argparse.Namespace) -> None:
    case = Study.open(options.folder).called(options.case)
    case.relocate(options.image)
    text = f"{case.id}: the image is now read from {case.image_path}, and is the same."
    Output(options.json).event("relocated", text, case=case.id, image=str(case.image_path))


def _accept(options: argparse.Namespace) -> None:
    case = Study.open(options.folder).called(options.case)
    case.accept(user_name())
    Output(options.json).event("accepted", f"{case.id} is accepted: every slice counts as judged now.", case=case.id)


def _reject(options: argparse.Namespace) -> None:
    case = Study.open(options.folder).called(options.case)
    there = case.has_suggestion
    case.discard_suggestion()
    text = "no longer has a suggestion; what people drew stays" if there else "has no suggestion: nothing was changed"
    Output(options.json).event("rejected", f"{case.id} {text}.", case=case.id, rejected=there)


def _remove(options: argparse.Namespace) -> None:
    study = Study.open(options.folder)
    place = study.remove_case(study.called(options.case).id)
    text = (f"{options.case} is no longer in the study. All its files are in {place}; moved back to "
            f"{study.folder / 'cases'}, it is a case again.")
    Output(options.json).event("removed", text, folder=str(place))
