"""``semiseg export``: segmentations for other programs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..errors import SemiSegError
from ..study import FORMATS, CaseRow, LabelError, Study, choose, export_case, mend_record
from .following import take_up
from .output import Output, add_json

NAMED = 5
"""So many cases that nobody accepted are named in one line; the others are counted."""


def add(commands: Any) -> None:
    """The grammar."""
    export = commands.add_parser("export", help="export segmentations; each file is read back and verified")
    export.add_argument("folder", type=Path, help="the study's folder")
    export.add_argument("--to", type=Path, help="folder (default: exports in the study)")
    export.add_argument("--format", action="append", choices=FORMATS, help="default: seg.nrrd and nrrd")
    which = export.add_mutually_exclusive_group()
    which.add_argument("--case", action="append", help="default: every case with a result")
    which.add_argument("--finished", action="store_true", help="only cases that are accepted or fully drawn")
    export.set_defaults(do=_export)
    add_json(export)


def _export(options: argparse.Namespace) -> int:
    """Every case for itself: one that cannot be written leaves the others alone."""
    study, out = Study.open(options.folder), Output(options.json)
    take_up(study, out)
    chosen, unaccepted = _chosen(study, options)
    written = [case_id for case_id in chosen if _write(study, case_id, options, out)]
    failed = len(chosen) - len(written)
    if failed and len(chosen) > 1:
        out.problem(f"Not exported: {failed} of {len(chosen)} cases.", failed=failed)
    _tell_unaccepted([row for row in unaccepted if options.finished or row.id in written], options, out)
    return min(failed, 1)


def _tell_unaccepted(rows: list[CaseRow], options: argparse.Namespace, out: Output) -> None:
    if rows:
        done = "Left out" if options.finished else "Exported as a model suggested them"
        text = f"{done}, because nobody has accepted them yet (semiseg study accept): {_named(rows)}."
        out.event("unaccepted", text, cases=[row.id for row in rows])


def _chosen(study: Study, options: argparse.Namespace) -> tuple[list[str], list[CaseRow]]:
    """Ids of the cases to write, and the cases that only have a suggestion, written or not. Raises LabelError when
    there are none to write.
    """
    if options.case:
        return [study.called(key).id for key in options.case], []
    found = choose(study.status(), suggestions=not options.finished)
    if not found.cases:
        if found.unaccepted:
            raise LabelError(f"No case of {study.folder} is finished. Nobody has accepted the suggestions for "
                             f"{_named(found.unaccepted)}: accept them (semiseg study accept), or export them as they "
                             "are, without --finished.")
        raise LabelError(f"No case of {study.folder} has a result yet. Train first, or draw every slice of a case, "
                         "then export.")
    return [row.id for row in found.cases], found.unaccepted


def _write(study: Study, case_id: str, options: argparse.Namespace, out: Output) -> bool:
    case = study.case(case_id)
    try:
        with out.working(f"Writing and verifying {case_id}"):
            remark = mend_record(case)
            files = export_case(case, options.to or study.exports, options.format or FORMATS[:2])
    except SemiSegError as error:
        out.problem(error.whole, case=case_id)
        return False
    whose = "" if case.name == case_id else f"{case.name}: "
    for file in files:
        out.event("exported", f"{whose}{file.path} (verified)", file=str(file.path), voxels=file.voxels, case=case_id)
    if remark:
        out.event("remark", f"{case_id}: {remark}", text=remark, case=case_id)
    return True


def _named(rows: list[CaseRow]) -> str:
    more = f" and {len(rows) - NAMED} more" if len(rows) > NAMED else ""
    return ", ".join(row.name for row in rows[:NAMED]) + more
