"""What people drew, looked through before a training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from SemiSegLogic.engine.data.repeats import Repeats
from SemiSegLogic.engine.quality.holding_out import FEWEST
from SemiSegLogic.geometry import Grid, SliceIndex
from SemiSegLogic.preflight import Finding, check
from SemiSegLogic.preflight.labels import LEAST_SHOWING, are_few
from SemiSegLogic.study import Study, write_image

SHAPE = (8, 12, 10)


def test_those_who_are_told_that_nothing_is_kept_aside_are_those_for_whom_nothing_is() -> None:
    assert LEAST_SHOWING == FEWEST


def test_few_are_those_that_training_looks_at_more_often_and_single_ones() -> None:
    for judged in range(1, 40):
        for cases in range(1, judged + 1):
            often = Repeats.of((frozenset({1}),) * cases + (frozenset[int](),) * (judged - cases)).times[1] > 1
            assert are_few(cases, judged) == (often or 1 == cases < judged)


@pytest.fixture
def thick(tmp_path: Path) -> Study:
    """Two volumes of thick slices along k, in which nothing is drawn."""
    study = Study.create(tmp_path / "study", structures=["core"])
    for name in ("one", "two"):
        image = np.random.default_rng(len(study.cases)).normal(size=SHAPE).astype(np.float32)
        write_image(tmp_path / f"{name}.nrrd", image, Grid(SHAPE, (8.0, 1.0, 1.0)))
        study.add_case(tmp_path / f"{name}.nrrd")
    return study


def _drawn(study: Study, number: int, *places: SliceIndex) -> None:
    label = np.zeros(SHAPE, np.uint8)
    label[2:6, 3:9, 3:8] = 1
    study.cases[number].set_slices(label, places, "ann")


def _of_kind(study: Study, *kinds: str) -> list[Finding]:
    return [finding for finding in check(study) if finding.kind in kinds]


def test_where_all_slices_lie_across_thick_ones_there_is_no_training(thick: Study) -> None:
    """The run said so, once it had begun: neither in which case, nor of which slices."""
    _drawn(thick, 1, *(SliceIndex(2, index) for index in (3, 4, 5, 6, 7)))
    (found,) = _of_kind(thick, "across", "all_across")
    assert (found.level, found.kind) == ("stop", "all_across")
    assert "lie across them: two (i = 3, i = 4, i = 5 and 2 more). Draw on slices such as k = 4." in found.words()


def test_where_some_slices_do_they_are_named_and_the_others_are_learned_from(thick: Study) -> None:
    _drawn(thick, 0, SliceIndex(0, 3), SliceIndex(0, 4))
    assert _of_kind(thick, "across", "all_across") == []
    _drawn(thick, 0, SliceIndex(1, 5))
    _drawn(thick, 1, SliceIndex(2, 4))
    (found,) = _of_kind(thick, "across", "all_across")
    assert (found.level, found.kind) == ("warning", "across")
    assert "lie across them: one (j = 5), two (i = 4)." in found.words()
