"""A job that orders no training: a model is applied."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from SemiSegLogic.geometry import SliceIndex
from SemiSegLogic.rounds import Round
from Testing.support.blobs import BlobStudy, tiny
from Testing.support.rounds import finished, run_here


def test_a_model_is_applied_without_training(blobs: BlobStudy, jobs: Path) -> None:
    one = finished(blobs.study, jobs, tiny(8, 4, precision="auto"))  # as models are applied
    before = blobs.cases[2].suggestion()
    blobs.cases[2].discard_suggestion()
    assert one.model is not None
    two = Round.apply(blobs.study, one.model, jobs=jobs, device="cpu")
    status = run_here(two)
    assert (status.state, status.method, status.step) == ("done", "mean_teacher", 0)
    assert len(two.collect()) == 3
    assert np.array_equal(blobs.cases[2].suggestion(), before)
    assert two.model is None
    blobs.cases[2].set_slices(blobs.truth["volume2"], [SliceIndex(0, 7)], "ann")
    assert (two.catch_up(), two.job.added_labels()) == ({}, []), "it learns from nothing"


def test_a_model_is_applied_to_a_study_whose_structures_changed(blobs: BlobStudy, jobs: Path) -> None:
    one = finished(blobs.study, jobs, tiny(50, 50))
    truth = blobs.truth["volume2"]
    for case in blobs.cases[:2]:
        case.unmark(case.places, "ann")
        case.discard_suggestion()
    blobs.cases[2].discard_suggestion()
    blobs.study.remove_structure(1)
    blobs.study.add_structure("third")
    assert one.model is not None
    two = Round.apply(blobs.study, one.model, jobs=jobs, device="cpu")
    assert run_here(two).state == "done"
    two.collect()
    found = blobs.cases[2].suggestion()
    assert set(np.unique(found)) <= {0, 2}  # neither the structure that is gone nor the one the model never saw
    assert (found[truth == 2] == 2).mean() > (found[truth == 0] == 2).mean()
