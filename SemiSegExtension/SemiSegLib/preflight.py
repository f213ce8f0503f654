"""What would go wrong with a training, said before it starts."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from SemiSegLogic.errors import SemiSegError

from .words import _

if TYPE_CHECKING:
    from SemiSegLogic.study import Case, Study

LEAST_GB = 2.0


@dataclass(frozen=True)
class Finding:
    """``level``: "stop" (cannot start), "warning" or "good"; ``text`` in plain words; ``about`` for the panel."""

    level: str
    text: str
    about: str = ""


def check(study: Study) -> list[Finding]:
    """Everything that would spoil a training of this study; the worst first. Reads labels: not for the main thread."""
    cases, findings = study.cases, []
    judged = [case for case in cases if case.places]
    findings += _labels(study, judged)
    findings += _images(cases)
    free = shutil.disk_usage(study.folder).free / 1e9
    if free < LEAST_GB:
        findings.append(
            Finding(
                "stop",
                _("Only {free:.1f} GB are free on the study's disk; {need:.0f} GB are needed.").format(
                    free=free, need=LEAST_GB
                ),
            )
        )
    return sorted(findings, key=lambda finding: ("stop", "warning", "good").index(finding.level))


def _labels(study: Study, judged: list[Case]) -> list[Finding]:
    if not judged:
        return [
            Finding("stop", _("No slice is done yet. Draw the structures on two or three slices and press Slice done."))
        ]
    users: dict[str, list[str]] = {item.name: [] for item in study.structures}
    if not users:
        return [Finding("stop", _("The study has no structures yet. Add one under Label."))]
    for case in judged:
        values = set(np.unique(case.labels()).tolist())
        for item in study.structures:
            if item.value in values:
                users[item.name].append(case.name)
    missing = [name for name, where in users.items() if not where]
    if len(missing) == len(users):
        return [Finding("stop", _("Nothing is drawn on any slice that is done. Draw at least one structure."))]
    found = [
        Finding("warning", _("{name} is not drawn anywhere, so the model cannot learn it.").format(name=name))
        for name in missing
    ]
    slices = sum(len(case.places) for case in judged)
    found.append(
        Finding(
            "good",
            _("Slices done: {slices}, in {cases} of {all} cases.").format(
                slices=slices, cases=len(judged), all=len(study.cases)
            ),
        )
    )
    return found


def _images(cases: list[Case]) -> list[Finding]:
    found, spacings = [], {}
    for case in cases:
        try:
            spacings[case.name] = np.array(case.grid.spacing)
            if not case.image_path.exists():
                found.append(
                    Finding(
                        "stop",
                        _("The image of {name} has gone: {path}. Put it back or remove the case.").format(
                            name=case.name, path=case.image_path
                        ),
                    )
                )
        except SemiSegError as error:
            found.append(Finding("stop", str(error)))
    if len(spacings) > 2:
        middle = np.median(list(spacings.values()), axis=0)
        for name, spacing in spacings.items():
            if (np.maximum(spacing / middle, middle / spacing) > 3).any():
                text = _("{name} has voxels of another size than the others ({spacing} mm); its result may be worse.")
                found.append(
                    Finding("warning", text.format(name=name, spacing=" x ".join(f"{s:.2g}" for s in spacing)))
                )
    return found
