"""Fragments in a run: what nobody drew and only looks like the structure is not suggested, unless the person wants."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from SemiSegLogic.geometry import Grid, SliceIndex
from SemiSegLogic.rounds import Round
from SemiSegLogic.runner.model import Model
from SemiSegLogic.study import Study, write_image
from Testing.support.blobs import STRUCTURES, spread, tiny
from Testing.support.data.blob_images import SHAPE, blob
from Testing.support.rounds import finished, run_here

WIDTH = 32
DECOY = (slice(0, 3), slice(0, 3), slice(0, 3))  # as bright as the core, above every slice that is drawn


def decoys(folder: Path) -> Study:
    """Three volumes with a decoy each, two of them drawn."""
    study = Study.create(folder / "study", structures=STRUCTURES)
    for number in range(3):
        image, label = blob(SHAPE, number)
        image[DECOY] += 400
        path = folder / f"volume{number}.nrrd"
        write_image(path, image, Grid(SHAPE))
        case = study.add_case(path)
        if number < 2:
            case.set_slices(label, spread(label, 3), "ann")
    return study


@pytest.fixture(scope="module")
def on(tmp_path_factory: pytest.TempPathFactory, width: int) -> Round:
    """A training that leaves them out, as usual."""
    folder = tmp_path_factory.mktemp("on")
    return finished(decoys(folder), folder / "jobs", tiny(80, 0), method="supervised")


def test_what_only_looks_like_a_structure_is_left_out_and_the_card_says_so(
    on: Round, tmp_path: Path, jobs: Path
) -> None:
    off = finished(decoys(tmp_path), jobs, replace(tiny(80, 0), leave_out_fragments=False), method="supervised")
    label, plain = (run.job.result("c003").label for run in (on, off))  # type: ignore[union-attr]
    assert plain[DECOY].any(), "else this tests nothing"
    assert not label[DECOY].any()
    model = Model.load(on.job.weights)
    assert 1 in model.one_piece
    assert Model.load(off.job.weights).one_piece == ()
    assert on.card()["one_piece"] == [item.name for item in STRUCTURES if item.value in model.one_piece]
    assert "| Small fragments | left out of core" in on.job.card.with_suffix(".md").read_text()
    assert "| Small fragments | kept |" in off.job.card.with_suffix(".md").read_text()


def test_a_model_that_is_applied_later_leaves_them_out_and_what_is_drawn_stays(on: Round) -> None:
    case, other = on.study.cases[2], on.study.cases[1]
    label = np.zeros(SHAPE, np.uint8)
    label[DECOY] = 1
    case.set_slices(label, [SliceIndex(0, 1)], "ann")
    assert on.model is not None
    two = Round.apply(on.study, on.model, jobs=on.job.root.parent, device="cpu")
    assert run_here(two).state == "done"
    two.collect()
    assert (case.suggestion()[1] == label[1]).all()
    assert not other.suggestion()[DECOY].any()
