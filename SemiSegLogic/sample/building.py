"""The sample study: images by reference, and of the experts' labels only the slices a person would have drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..geometry import slice_mask
from ..study.annotations import all_slices
from ..study.store import Study
from ..study.structures import Structure
from .hippocampus import SampleCase, choose, read_reference
from .slices import broadest_axis, spread_slices, varied_offset

AUTHOR = "expert"
STRUCTURES = (
    Structure(1, "Hippocampus head (anterior)", (0.96, 0.62, 0.20)),
    Structure(2, "Hippocampus body and tail (posterior)", (0.22, 0.74, 0.86)),
)
PHANTOM_STRUCTURES = (
    Structure(1, "Phantom head", STRUCTURES[0].color),
    Structure(2, "Phantom tail", STRUCTURES[1].color),
)


@dataclass(frozen=True)
class SampleStudy:
    """``study`` knows the images and the annotated slices. The experts' whole labels stay outside its folder:
    ``references`` maps every case id to its file. ``annotated`` and ``held_out`` are case ids.
    """

    study: Study
    annotated: tuple[str, ...]
    held_out: tuple[str, ...]
    references: dict[str, Path]


@dataclass(frozen=True)
class Annotation:
    """How much of the experts' labels a sample study is given: of so many ``cases``, chosen by ``seed``, so many
    ``slices`` each, or all of them when ``whole``.
    """

    cases: int = 8
    slices: int = 3
    whole: bool = False
    seed: int = 0


def build_study(
    folder: Path, cases: Sequence[SampleCase], held_out: Sequence[SampleCase] = (),
    annotation: Annotation = Annotation(), *, copy: bool = False, name: str = "Hippocampus sample",
    structures: Sequence[Structure] = STRUCTURES, progress: Callable[[int, int], None] | None = None,
) -> SampleStudy:
    """A new study in ``folder`` with all of ``cases`` and ``held_out``; nothing is ever drawn in the latter.

    ``progress`` is told (cases done, all). Raises StudyError when the folder holds a study already, SampleError on a
    reference that cannot be read.
    """
    study = Study.create(folder, name, structures)
    chosen = choose(cases, annotation.cases, annotation.seed)
    everything = sorted([*cases, *held_out], key=lambda case: case.name)
    ids: dict[str, str] = {}
    for number, case in enumerate(everything, 1):
        ids[case.name] = study.add_case(case.image, copy=copy, name=case.name).id
        if progress:
            progress(number, len(everything))
    for number, case in enumerate(chosen):
        _hand_over(study, ids[case.name], case, annotation, varied_offset(number))
    return SampleStudy(
        study, tuple(ids[case.name] for case in chosen), tuple(ids[case.name] for case in held_out),
        {ids[case.name]: case.reference for case in everything},
    )


def _hand_over(study: Study, case_id: str, case: SampleCase, annotation: Annotation, offset: float) -> None:
    """Gives the study the chosen slices of the expert's label; the rest of it is blanked before it is handed on."""
    label = read_reference(case.reference)
    if annotation.whole:
        chosen = list(all_slices(label.shape, broadest_axis(label)))
    else:
        chosen = spread_slices(label, annotation.slices, offset=offset)
    drawn = np.where(slice_mask(label.shape, chosen), label, 0).astype(np.uint8)
    study.case(case_id).set_slices(drawn, chosen, AUTHOR)
