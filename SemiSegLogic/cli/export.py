"""``semiseg export``: segmentations for other programs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..errors import SemiSegError
from ..study import FORMATS, LabelError, Study, export_case
from .following import take_up
from .output import Output, add_json


def add(commands: Any) -> None:
    """The grammar."""
    export = commands.add_parser("export", help="write segmentations, re-read and verified")
    export.add_argument("folder", type=Path)
    export.add_argument("--to", type=Path, help="folder (default: exports in the study)")
    export.add_argument("--format", action="append", choices=FORMATS, help="default: seg.nrrd and nrrd")
    export.add_argument("--case", action="append", help="default: every case with a result")
    export.set_defaults(do=_export)
    add_json(export)


def _export(options: argparse.Namespace) -> int:
    """Every case for itself: one that cannot be written leaves the others alone."""
    study, out, failed = Study.open(options.folder), Output(options.json), 0
    take_up(study, out)
    chosen = [study.case(key).id for key in options.case] if options.case else _finished(study)
    if not chosen:
        raise LabelError(f"No case of {options.folder} has a result yet. Train first, then export.")
    for case_id in chosen:
        try:
            files = export_case(study.case(case_id), options.to or study.exports, options.format or FORMATS[:2])
        except SemiSegError as error:
            failed += 1
            out.problem(str(error), case=case_id)
            continue
        for file in files:
            out.event("exported", f"{file.path} (verified)", file=str(file.path), voxels=file.voxels)
    if failed and len(chosen) > 1:
        out.problem(f"{failed} of {len(chosen)} cases were not exported.", failed=failed)
    return min(failed, 1)


def _finished(study: Study) -> list[str]:
    """Cases with a result, and damaged ones, which then say why they have none."""
    return [row.id for row in study.status() if row.suggestion or row.problem or study.case(row.id).judged_whole]
