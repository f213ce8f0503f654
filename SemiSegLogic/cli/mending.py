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
    _command(parts, "repair", "replace damaged records of a study with their good copies", _repair, case=False)
    _command(parts, "versions", "list the saved versions of a case", _versions)
    restore = _command(parts, "restore", "restore an earlier version of a case", _restore)
    restore.add_argument("version", help="name of the version, as 'semiseg study versions' lists it")
    relocate = _command(parts, "relocate", "say where the image of a case is now", _relocate)
    relocate.add_argument("image", type=Path, help="the image file, where it is now")
    _command(parts, "accept", "accept the suggestion of a case as right in every slice", _accept)
    _command(parts, "reject", "discard the suggestion of a case; drawings stay", _reject)
    _command(parts, "remove", "remove a case from the study: its files go to the folder 'removed'", _remove)


def _command(parts: Any, name: str, about: str, do: Any, case: bool = True) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = parts.add_parser(name, help=about, description=f"{about[0].upper()}{about[1:]}.")
    command.add_argument("folder", type=Path, help="the study's folder")
    if case:
        command.add_argument("case", help="the case's name, as 'semiseg study status' lists it")
    command.set_defaults(do=do)
    add_json(command)
    return command


def _repair(options: argparse.Namespace) -> None:
    out, done = Output(options.json), Study.repair(options.folder)
    for sentence in done:
        out.event("repaired", sentence, text=sentence)
    if not done:
        out.event("sound", f"{options.folder} needs no repair: all its records can be read.")


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
        note = f"{one.note} (the current version)" if one.name == current else one.note
        table.add_row(escape(one.name), escape(one.author), escape(note), str(len(one.slices)))
    out.console.print(table)


def _restore(options: argparse.Namespace) -> None:
    case = Study.open(options.folder).called(options.case)
    case.restore(options.version, user_name())
    text = (f"{case.id} was restored to {options.version}, with {counted(len(case.places), 'slice')} done. Nothing was "
            "deleted: what was there before is kept as a version.")
    Output(options.json).event("restored", text, case=case.id, version=options.version)


def _relocate(options: argparse.Namespace) -> None:
    case = Study.open(options.folder).called(options.case)
    case.relocate(options.image)
    text = f"{case.id}: the image is now read from {case.image_path}, and is the same as before."
    Output(options.json).event("relocated", text, case=case.id, image=str(case.image_path))


def _accept(options: argparse.Namespace) -> None:
    case = Study.open(options.folder).called(options.case)
    case.accept(user_name())
    Output(options.json).event("accepted", f"{case.id} is accepted: every slice now counts as done.", case=case.id)


def _reject(options: argparse.Namespace) -> None:
    case = Study.open(options.folder).called(options.case)
    there = case.has_suggestion
    case.discard_suggestion()
    text = "no longer has a suggestion; drawings stay" if there else "has no suggestion: nothing was changed"
    Output(options.json).event("rejected", f"{case.id} {text}.", case=case.id, rejected=there)


def _remove(options: argparse.Namespace) -> None:
    study = Study.open(options.folder)
    place = study.remove_case(study.called(options.case).id)
    text = (f"{options.case} is no longer in the study. All its files are in {place}; if you move it back to "
            f"{study.folder / 'cases'}, the case is in the study again.")
    Output(options.json).event("removed", text, folder=str(place))
