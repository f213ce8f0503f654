"""The ranking a run writes: the same again, by any strategy, and following the labels that come in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from SemiSegLogic.engine.hardware.device import choose
from SemiSegLogic.engine.selection import STRATEGIES
from SemiSegLogic.files import FileError
from SemiSegLogic.geometry import SliceIndex, planes_of
from SemiSegLogic.job import Status
from SemiSegLogic.methods import make
from SemiSegLogic.runner import data as datas
from SemiSegLogic.runner.reporting import Reporter
from SemiSegLogic.runner.suggest import Suggester
from SemiSegLogic.runner.workplace import Workplace
from SemiSegLogic.settings import Training
from Testing.support.blobs import BlobStudy
from Testing.support.rounds import begin
from Testing.support.volumes import label_of

WIDTH = 32


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


def told_while_suggesting(suggester: Suggester, later: float = 0.0) -> list[Status]:
    """The status before each case."""
    told: list[Status] = []
    network = make("supervised", {}, suggester.data.task()).predictor()
    suggester.all_cases(network, lambda: told.append(suggester.reporter.status), lambda: later)
    return told


def test_which_case_of_how_many_is_told_and_the_time_left_once_it_is_known(blobs: BlobStudy, jobs: Path) -> None:
    suggester = _suggester(blobs, jobs, "random")
    suggester.reporter.update(fraction=0.4)
    assert suggester.seconds_of_all() == 0.0
    first = told_while_suggesting(suggester, later=100.0)
    assert [(status.suggesting, status.to_suggest) for status in first] == [(1, 3), (2, 3), (3, 3)]
    assert first[0].seconds_left is None, "nobody knows how long the first takes"
    assert all(status.seconds_left is not None and status.seconds_left > 100 for status in first[1:])
    assert [status.fraction for status in first] == [0.4] * 3, "training goes on: the bar is its"
    assert suggester.reporter.status.to_suggest == 0
    last = told_while_suggesting(suggester)
    assert all(status.seconds_left is not None and status.seconds_left > 0 for status in last)
    assert [status.fraction for status in last] == [pytest.approx(value) for value in (0.4, 0.6, 0.8)]


def test_a_pass_that_fails_leaves_nobody_waiting_for_a_case(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suggester = _suggester(blobs, jobs, "random")
    monkeypatch.setattr(suggester, "case", lambda *_: (_ for _ in ()).throw(FileError("the disk is full")))
    with pytest.raises(FileError):
        told_while_suggesting(suggester)
    assert suggester.reporter.status.to_suggest == 0


def test_disagreement_compares_with_what_was_suggested_before(blobs: BlobStudy, jobs: Path) -> None:
    suggester = _suggester(blobs, jobs, "disagreement")
    task = suggester.data.task()
    torch.manual_seed(1)
    suggester.all_cases(make("supervised", {}, task).predictor())
    name = next(iter(suggester.data.volumes))
    before = suggester.job.result(name)
    assert before is not None
    assert not suggester._profiles[name].changed.any()
    torch.manual_seed(2)
    suggester.all_cases(make("supervised", {}, task).predictor())  # another network
    after = suggester.job.result(name)
    assert after is not None
    assert (before.label != after.label).any()
    assert any(item.changed.any() for item in suggester._profiles.values())
