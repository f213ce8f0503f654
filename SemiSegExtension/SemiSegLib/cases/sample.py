"""The sample study: real MRI with a few slices drawn by experts, made in one go. Called off the main thread."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

from SemiSegLogic.home import home
from SemiSegLogic.patience import rename

from ..words import _

NAME = "SemiSeg sample"
CASES, ANNOTATED, SLICES = 24, 6, 3
SIZE_MB = 27


def sample_folder() -> Path:
    """Where the sample study is made: among the person's documents. Raises NoHomeError."""
    documents = home() / "Documents"
    return (documents if documents.is_dir() else documents.parent) / NAME


def make_sample(folder: Path, told: Callable[[float], None]) -> Path:
    """The study in ``folder``, found or made whole; ``told`` hears how much is done, 0..1.

    Raises SampleError in words when the data cannot be had, StudyError or OSError when the disk refuses.
    """
    if (folder / "study.json").is_file():
        return folder
    from SemiSegLogic.sample import Annotation, build_study, find, list_cases

    source = find(phantoms=False, progress=lambda done, size: told(0.8 * done / size if size else 0.0))
    cases, _notes = list_cases(source.folder)
    building = folder.with_name(f"{folder.name}.building-{secrets.token_hex(3)}")
    try:
        build_study(
            building,
            cases[:CASES],
            annotation=Annotation(ANNOTATED, SLICES),
            copy=True,
            name=NAME,
            progress=lambda done, of: told(0.8 + 0.2 * done / of),
        )
        rename(building, folder)  # interrupted before, there is no study that lacks half of its cases
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return folder


def sample_question(folder: Path) -> str:
    """What the person is asked before anything is downloaded."""
    from SemiSegLogic.sample import ATTRIBUTION

    return _(
        "SemiSeg will download {size} MB once and make a study of brain MRI volumes ({cases}) in\n\n{folder}\n\nIn "
        "some of them ({annotated}) experts drew the hippocampus on slices ({slices} in all), so that you can press "
        "Train on my labels at once.\n\n{licence}"
    ).format(size=SIZE_MB, cases=CASES, folder=folder, slices=SLICES, annotated=ANNOTATED, licence=ATTRIBUTION)
