"""What would go wrong with a training, said before it starts."""

from __future__ import annotations

import math
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from SemiSegLogic.errors import SemiSegError

from .annotations import axis_word, slice_numbers
from .exporting import some
from .words import _

if TYPE_CHECKING:
    from SemiSegLogic.study import AnnotatedSlice, Case, Study

LEVELS = ("stop", "warning", "good")
LEAST_GB = 2.0
LEAST_SHOWING = 4
"""Slices with a structure below which none is kept aside to measure (engine/quality/holding_out)."""
FEW = 4
"""One of so many cases, or fewer, is where patches are aimed at a structure more often (engine/data/repeats)."""
OTHER_SIZE = 3.0
"""Voxels this many times larger or smaller than usual make a case an outlier."""
PROGRAM_GB, COPY_BYTES, SUGGESTING_BYTES, STRUCTURE_GB = 0.6, 2, 8, 0.006
"""Memory of a training beside its steps: PyTorch and a network; per voxel of all images; per voxel of the largest one;
per structure, as volumes are suggested a few rows at a time. Checked against Testing/benchmarks/memory.py: 1.2 GB for
80 volumes of 200 x 140 x 88, where this says 1.2; with 40 structures a step grew by 0.34 GB, and suggesting by 0.22.
"""
IMAGES_BELOW = 5
"""Slices that make a volume; with fewer they are learned from one by one (engine/planning/planner.py)."""
KEPT_SHARE = 0.25
"""Of the free memory, at most, for all images: more are left on the disk (engine/data/keeping.py)."""
CONTRADICTIONS = {
    "gap": _("Slices of {case} marked 'nothing here' that lie between two slices with a structure: {slices}. Check "
             "them."),
    "others": _("Slices of {case} that {who} marked 'nothing here', although other people drew a structure on both "
                "sides: {slices}. Agree on one reading."),
    "crossing": _("In {case}, slices {slices} disagree along the line where they cross. Look at both, and correct "
                  "one."),
    "twins": _("{case} and {other} are the same image with different drawings: the model cannot learn both. Remove one "
               "of them."),
}  # fmt: skip
"""SemiSegLogic/study/contradictions.py's SENTENCES, for translators."""


@dataclass(frozen=True)
class Finding:
    """``level``: "stop" (cannot start), "warning" or "good"; ``text`` in plain words; ``about`` for the panel."""

    level: str
    text: str
    about: str = ""


def check(
    study: Study, here: bool = True, method: str = "recommended", settings: Mapping[str, Any] = MappingProxyType({})
) -> list[Finding]:
    """Everything that would spoil a training of this study by ``method``, ``here``: on this computer; the worst first.
    ``settings`` of the method that differ from their defaults. Reads labels: not for the main thread.
    """
    cases = [case for case in study.cases if case.folder.is_dir()]
    found = [*_damaged(cases)]
    if not found:
        found = [*_labels(study, cases), *_images(cases), *_spacings(cases)]
        found += _room(study, cases, method, settings) if here else []
    return sorted(found, key=lambda finding: LEVELS.index(finding.level))


def _damaged(cases: list[Case]) -> Iterator[Finding]:
    """Cases whose records or labels cannot be read: nothing else can be said then."""
    for case in cases:
        try:
            case.grid, case.annotated, case.image_path  # noqa: B018
            if case.places:
                case.labels()
        except SemiSegError as error:
            yield Finding("stop", str(error))


# --- labels ---------------------------------------------------------------------------------------------------


def _labels(study: Study, cases: list[Case]) -> Iterator[Finding]:
    judged = [case for case in cases if case.places]
    if not judged:
        text = _("No slice is done yet. Draw the structures on two or three slices and press Slice done.")
        yield Finding("stop", text)
    elif not len(study.structures):
        yield Finding("stop", _("The study has no structures yet. Add one under Label."))
    else:
        yield from _structures(study, judged)
        yield from _contradictions(judged)
        yield from _amount(judged, cases)


def _structures(study: Study, judged: list[Case]) -> Iterator[Finding]:
    from SemiSegLogic.study.values import SPECK, counts_of

    users: dict[int, list[str]] = defaultdict(list)
    voxels = np.zeros(256, np.int64)
    for case in judged:
        counts = counts_of(case.labels())
        voxels += counts
        for value in np.flatnonzero(counts).tolist():
            users[value].append(case.name)
    drawn = [item for item in study.structures if users[item.value]]
    if not drawn:
        yield Finding("stop", _("Nothing is drawn on any slice that is done. Draw at least one structure."))
        return
    for item in drawn:
        if voxels[item.value] <= SPECK:
            text = _("Very little is drawn of {name} (voxels: {n}, in {cases}): too little to learn from. Draw it on "
                     "several slices, or erase it if it was drawn by mistake.")  # fmt: skip
            cases = ", ".join(users[item.value])
            yield Finding("warning", text.format(name=item.name, n=voxels[item.value], cases=cases))
    yield from _missing([item.name for item in study.structures if item not in drawn])
    more = [(item.name, users[item.value]) for item in drawn if voxels[item.value] > SPECK]
    yield from _in_few([(name, cases) for name, cases in more if _are_few(len(cases), len(judged))])


def _are_few(cases: int, judged: int) -> bool:
    """Whether a structure drawn in so many of the ``judged`` cases may have been forgotten in the others."""
    return cases < judged and (cases == 1 or FEW * cases <= judged)


def _missing(names: list[str]) -> Iterator[Finding]:
    """The structures that nobody drew, in one finding: a study may have a hundred."""
    if len(names) == 1:
        text = _("{name} is not drawn anywhere, so the model cannot learn it.")
        yield Finding("warning", text.format(name=names[0]))
    elif names:
        text = _("Not drawn anywhere, so the model cannot learn them ({n}): {names}.")
        yield Finding("warning", text.format(n=len(names), names=some(names, ", ")))


def _in_few(names: list[tuple[str, list[str]]]) -> Iterator[Finding]:
    """The structures that are drawn in few cases, each with those, in one finding."""
    if len(names) == 1:
        text = _("{name} is drawn in {cases} only. On slices done in other cases it counts as not there. Draw it "
                 "wherever it can be seen; otherwise the model learns to leave it out.")  # fmt: skip
        yield Finding("warning", text.format(name=names[0][0], cases=some(names[0][1], ", ")))
    elif names:
        text = _("Drawn in few cases ({n}): {names}. On slices done in other cases they count as not there. Draw them "
                 "wherever they can be seen; otherwise the model learns to leave them out.")  # fmt: skip
        told = [_("{name} (in {cases})").format(name=name, cases=some(cases, ", ")) for name, cases in names]
        yield Finding("warning", text.format(n=len(names), names=some(told, ", ")))


def _contradictions(judged: list[Case]) -> Iterator[Finding]:
    """What no model can follow: found as the command line finds it, said in this Slicer's language."""
    from SemiSegLogic.study.contradictions import contradictions

    for found in contradictions(judged):
        one_axis = len({item.axis for item in found.slices}) == 1
        name = partial(_number if one_axis else _view_and_number, found.case)
        yield Finding("warning", found.words(name, CONTRADICTIONS))


def _number(_case: Case, item: AnnotatedSlice) -> str:
    return slice_numbers({item.place})


def _view_and_number(case: Case, item: AnnotatedSlice) -> str:
    return f"{axis_word(case.grid, item.axis)} {_number(case, item)}"


def _amount(judged: list[Case], cases: list[Case]) -> Iterator[Finding]:
    slices = sum(len(case.places) for case in judged)
    showing = sum(item.state == "drawn" for case in judged for item in case.annotated)
    text = _("Slices done: {slices}. Cases with such slices: {cases} of {all}.")
    yield Finding("good", text.format(slices=slices, cases=len(judged), all=len(cases)))
    if len(cases) == 1:
        text = _("The study has only one case: the model learns this image and will know little about others. Add more "
                 "images; you need not draw on them.")  # fmt: skip
        yield Finding("warning", text)
    elif showing < LEAST_SHOWING:
        text = _("Slices done that show a structure: {n}. With so few, the first suggestion will be rough, and its "
                 "quality cannot be measured. Five or more, in several cases, are a good start.")  # fmt: skip
        yield Finding("warning", text.format(n=showing))


# --- images ---------------------------------------------------------------------------------------------------


def _images(cases: list[Case]) -> Iterator[Finding]:
    for case in cases:
        if not case.image_path.exists():
            text = _("The image of {name} is missing: {path}. Put it back or remove the case.")
            yield Finding("stop", text.format(name=case.name, path=case.image_path))


def _spacings(cases: list[Case]) -> Iterator[Finding]:
    """Compared in the patient's axes: an axial and a sagittal scan of the same voxels are no outliers."""
    spacings = {case.name: np.array(case.grid.orientation().triple(case.grid.spacing)) for case in cases}
    if len(spacings) < 3:
        return
    middle = np.median(list(spacings.values()), axis=0)
    for name, spacing in spacings.items():
        if (np.maximum(spacing / middle, middle / spacing) > OTHER_SIZE).any():
            text = _("The voxels of {name} have another size than those of the other cases ({spacing} mm); its "
                     "suggestion may be worse.")
            yield Finding("warning", text.format(name=name, spacing=" x ".join(f"{s:.2g}" for s in spacing)))


# --- the computer ---------------------------------------------------------------------------------------------


def _room(study: Study, cases: list[Case], method: str, settings: Mapping[str, Any]) -> Iterator[Finding]:
    free, voxels = shutil.disk_usage(study.folder).free / 1e9, sum(math.prod(case.grid.shape) for case in cases)
    need = LEAST_GB + COPY_BYTES * voxels / 1e9
    if free < need:
        text = _("Only {free:.1f} GB are free on the study's disk; {need:.1f} GB are needed.")
        yield Finding("stop", text.format(free=free, need=need))
    yield _memory(study, cases, method, settings)


def _memory(study: Study, cases: list[Case], method: str, settings: Mapping[str, Any]) -> Finding:
    """Whether there is enough besides what this Slicer and all other programs hold now."""
    from SemiSegLogic.free_memory import available_memory

    free = available_memory()
    wanted = memory_needed(study, cases, method, settings, free)
    text = _("Training will need about {wanted:.1f} GB of memory.").format(wanted=wanted)
    if free is None:
        return Finding("good", text)
    text += " " + _("Free on this computer: {free:.1f} GB.").format(free=free / 1e9)
    if wanted <= free / 1e9:
        return Finding("good", text)
    choosing = wanted > 1.2 * memory_needed(study, cases, free=free)
    remedy = _("Close other programs, or choose a method or settings that need less memory.") if choosing else ""
    return Finding("warning", text + " " + (remedy or _("Close other programs.")))


def memory_needed(
    study: Study, cases: list[Case], method: str = "recommended", settings: Mapping[str, Any] = MappingProxyType({}),
    free: int | None = None,
) -> float:
    """About how many GB a training by ``method`` takes on the processor, where so many bytes are ``free``."""
    from SemiSegLogic.settings.memory import CPU_VOXELS, step_bytes, trained

    sizes = [math.prod(case.grid.shape) for case in cases]
    images = COPY_BYTES * sum(sizes)
    if free is not None:
        images = min(images, round(KEPT_SHARE * free))
    dims = 2 if all(min(case.grid.shape) < IMAGES_BELOW for case in cases) else 3
    step = CPU_VOXELS * step_bytes(trained(method, settings), "fast", False, 1 + len(study.structures), dims)
    others = PROGRAM_GB + STRUCTURE_GB * len(study.structures)
    return others + (step + images + SUGGESTING_BYTES * max(sizes, default=0)) / 1e9
