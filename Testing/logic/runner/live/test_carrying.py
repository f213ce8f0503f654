"""Few slices in a live run: carried to their neighbours after every news, and as drawn once that is taken in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from SemiSegLogic.rounds import Round
from SemiSegLogic.runner.live import endless
from SemiSegLogic.runner.live import session as session_module
from SemiSegLogic.settings import Training
from Testing.support.blobs import BlobStudy, make_study, spread
from Testing.support.rounds import run_here

Seen = list[tuple[float, tuple[int, ...]]]


@pytest.fixture
def study(tmp_path: Path) -> BlobStudy:
    """Three volumes, one slice drawn in two of them."""
    return make_study(tmp_path, slices=1)


def session(monkeypatch: pytest.MonkeyPatch, study: BlobStudy, jobs: Path, more: bool = False, **training: Any) -> Seen:
    """A live run until all labels are taken in, with ``more`` after that a slice of the third volume; what was seen
    before each step: how far the newest labels were taken in, and how many slices of each volume anything was shown of.
    """
    monkeypatch.setattr(endless, "SETTLES_S", 0.3)
    monkeypatch.setattr(session_module, "LOOK_EVERY_S", 0.0)
    options: Any = {"device": "cpu", "precision": "float32", **training}
    this = Round.live(study.study, Training(**options), jobs=jobs, open_case="volume0")
    seen: Seen = []
    to_do = [lambda: draw(study, this)] * more + [this.job.request_stop]

    def look(trainer: endless.Endless, *arguments: Any) -> Any:
        labels = [volume.label for volume in trainer.sampler.volumes]
        seen.append((trainer.settled, tuple(0 if label is None else int(label.shown(0).sum()) for label in labels)))
        if trainer.settled == 1 and to_do:
            to_do.pop(0)()
        return step(trainer, *arguments)

    step = endless.Endless._step
    monkeypatch.setattr(endless.Endless, "_step", look)
    run_here(this)
    assert this.job.status().state == "stopped", this.job.status()
    return seen


def draw(study: BlobStudy, this: Round) -> None:
    """A slice of the third volume is marked as done."""
    case = study.cases[2]
    case.set_slices(study.truth[case.id], spread(study.truth[case.id], 1), "ann")
    this.add_labels(case)


def test_they_are_carried_until_news_are_half_taken_in(
    study: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = session(monkeypatch, study, jobs)
    (first, second, third), *rest = {shown for settled, shown in seen if settled < 0.5}
    assert min(first, second) > third + 1
    assert rest == []
    assert {shown for settled, shown in seen if settled >= 0.5} == {(1, 1, 0)}


def test_with_news_all_are_carried_again(study: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = session(monkeypatch, study, jobs, more=True)
    anew = next(number for number in range(1, len(seen)) if seen[number][0] < seen[number - 1][0])
    assert seen[0][1][2] == 0
    assert seen[anew - 1][1] == (1, 1, 0)
    assert seen[anew][1][:2] == seen[0][1][:2]
    assert min(seen[anew][1]) > 1
    assert seen[-1] == (1.0, (1, 1, 1))


def test_a_person_may_want_slices_learned_as_they_are_drawn(
    study: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = session(monkeypatch, study, jobs, carry_outlines=False)
    assert {shown for _, shown in seen} == {(1, 1, 0)}
