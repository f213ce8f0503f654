"""The ranking a run writes: the same again, by any strategy, and following the labels that come in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from SemiSegLogic.engine.device import choose
from SemiSegLogic.engine.selection import STRATEGIES
from SemiSegLogic.geometry import SliceIndex, label_of, planes_of
from SemiSegLogic.job import Status
from SemiSegLogic.methods import make
from SemiSegLogic.runner import data as datas
from SemiSegLogic.runner.reporting import Reporter
from SemiSegLogic.runner.suggest import Suggester
from SemiSegLogic.runner.workplace import Workplace
from SemiSegLogic.settings import Training
from Testing.support.blobs import BlobStudy
from Testing.support.rounds import begin


def _suggester(blobs: BlobStudy, jobs: Path, strategy: str) -> Suggester:
    job, device = begin(blobs.study, jobs).job, choose("cpu")
    data = datas.load(job, device, lambda done, of: None)
    return Suggester(Workplace(job, device, Training(), Reporter(job, Status("running"))), data, strategy)


@pytest.mark.parametrize("strategy", list(STRATEGIES))
def test_the_ranking_is_the_same_until_a_label_comes_in(blobs: BlobStudy, jobs: Path, strategy: str) -> None:
    suggester = _suggester(blobs, jobs, strategy)
    network = make("supervised", {}, suggester.data.task()).predictor()
    suggester.all_cases(network)
    first = suggester.job.ranking()
    suggester.all_cases(network)
    assert suggester.job.ranking() == first
    assert first
    case, place = first[0]["case"], SliceIndex(first[0]["axis"], first[0]["index"])
    shape = suggester.data.volumes[case].grid.shape
    label = np.full(shape, 255, np.uint8)
    np.moveaxis(label, place.axis, 0)[place.index] = 1
    entry = suggester.job.spec().case(case)
    known = label_of(suggester.job.label(entry.label), shape) if entry.label else label
    drawn = planes_of(np.where(label != 255, label, known), (*entry.slices, place))
    suggester.data.take_planes(case, drawn, 1)
    suggester.put_ranking()
    assert (case, place) not in [
        (item["case"], SliceIndex(item["axis"], item["index"])) for item in suggester.job.ranking()
    ]


def test_disagreement_compares_with_what_was_suggested_before(blobs: BlobStudy, jobs: Path) -> None:
    suggester = _suggester(blobs, jobs, "disagreement")
    task = suggester.data.task()
    suggester.all_cases(make("supervised", {}, task).predictor())
    name = next(iter(suggester.data.volumes))
    before = suggester.job.result(name)
    assert before is not None
    assert not suggester._profiles[name].changed.any()
    suggester.all_cases(make("supervised", {}, task).predictor())  # another network
    after = suggester.job.result(name)
    assert after is not None
    assert (before.label != after.label).any()
    assert any(item.changed.any() for item in suggester._profiles.values())
