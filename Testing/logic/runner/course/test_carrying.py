"""A run on a few slices: carried to their neighbours at first, as drawn after that, and the same after a kill."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from SemiSegLogic.engine.data import carrying, confirming
from SemiSegLogic.engine.data.carrying import Carrying
from SemiSegLogic.engine.data.confirming import Opinion, PlanesAlong, confirmed
from SemiSegLogic.engine.data.few_slices import FewSlices
from SemiSegLogic.engine.nets.ensemble import networks_in
from SemiSegLogic.engine.prediction.folding import folded
from SemiSegLogic.engine.prediction.predict import Predictor
from SemiSegLogic.engine.training.trainer import Trainer
from SemiSegLogic.geometry import IGNORE
from SemiSegLogic.rounds import Round
from SemiSegLogic.runner.model import Model
from Testing.support.blobs import make_study, tiny
from Testing.support.rounds import at_step, begin, finished, kill_at_step, run_here

OFTEN = tiny(12, 4, checkpoint_seconds=0.0)
BEGINNING = "Cases with one to three drawn slices along one axis: 2."


def slices_shown(monkeypatch: pytest.MonkeyPatch, this: Round) -> list[int]:
    """How many slices of the first case training may see anything of, before each step of a run."""
    shown: list[int] = []

    def look(trainer: Trainer, *arguments: Any) -> Any:
        label = trainer.sampler.volumes[0].label
        assert label is not None
        shown.append(int((label.all_voxels() != IGNORE).any(2).any(1).sum()))
        return step(trainer, *arguments)

    step = Trainer._step
    monkeypatch.setattr(Trainer, "_step", look)
    run_here(this)
    return shown


def beginnings(legs: list[tuple[int, float]]) -> list[bool]:
    """True before each step in the first part of a leg: (steps, share)."""
    return [step < steps * share for steps, share in legs for step in range(steps)]


def weights(this: Round) -> dict[str, torch.Tensor]:
    assert this.job.status().state == "done", this.job.status()
    return Model.load(this.job.weights).weights


LEGS = {1: [(4, 1 / 2), (8, 1 / 2)], 3: [(4, 1 / 4), (6, 1 / 4), (2, 1 / 6)]}
"""Steps of each leg, and the share that carries: a half, divided by how many slices of the first case it learns: of
three one is held out, and learned at last.
"""


@pytest.mark.parametrize("slices", LEGS)
def test_few_slices_are_carried_in_the_first_part_of_each_leg_and_the_card_says_so(
    tmp_path: Path, jobs: Path, monkeypatch: pytest.MonkeyPatch, slices: int
) -> None:
    blobs = make_study(tmp_path, slices=slices)
    this = begin(blobs.study, jobs, OFTEN, method="mean_teacher")
    shown = slices_shown(monkeypatch, this)
    assert [number > slices for number in shown] == beginnings(LEGS[slices])
    assert any(words.startswith(BEGINNING) for words in this.job.status().scores["reasons"])
    assert BEGINNING in (this.job.root / "model.md").read_text()


def test_where_more_slices_are_drawn_nothing_is_carried(
    tmp_path: Path, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    carried: list[str] = []
    monkeypatch.setattr(carrying, "carried_planes", lambda few: carried.append(few.volume.name))
    this = finished(make_study(tmp_path, slices=4).study, jobs, OFTEN)
    assert not any("drawn slices along one axis" in words for words in this.job.status().scores["reasons"])
    assert carried == []


def test_a_person_may_want_slices_learned_as_they_are_drawn(
    tmp_path: Path, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    this = begin(make_study(tmp_path, slices=1).study, jobs, replace(OFTEN, carry_outlines=False))
    assert set(slices_shown(monkeypatch, this)) == {1}
    assert not any("drawn slices along one axis" in words for words in this.job.status().scores["reasons"])


def test_a_second_round_from_a_model_carries_too_or_it_would_forget(
    tmp_path: Path, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = make_study(tmp_path, slices=1).study
    first = finished(study, jobs, OFTEN)
    this = begin(study, jobs, OFTEN, start_from=first.job.weights)
    assert [number > 1 for number in slices_shown(monkeypatch, this)] == beginnings(LEGS[1])
    assert any(words.startswith(BEGINNING) for words in this.job.status().scores["reasons"])


def opinions(monkeypatch: pytest.MonkeyPatch) -> list[torch.Tensor | None]:
    """What a leg's model thinks of the image of ones before its first step, leg by leg; None where it is not asked."""
    found: list[torch.Tensor | None] = []

    def note(carrying: Carrying, volumes: Any, until: float, opinion: Predictor | None = None) -> None:
        found.append(None if opinion is None else thought(opinion.network))
        begin_with(carrying, volumes, until, opinion)

    begin_with = Carrying.__init__
    monkeypatch.setattr(Carrying, "__init__", note)
    return found


def thought(network: torch.nn.Module) -> torch.Tensor:
    with torch.no_grad():
        return network.eval()(torch.ones(1, 1, 16, 16, 16))


def test_a_leg_from_nothing_asks_nobody_and_one_that_goes_on_the_model_it_goes_on_from(
    tmp_path: Path, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, asked = make_study(tmp_path, slices=1).study, opinions(monkeypatch)
    first = finished(study, jobs, OFTEN)
    alone, then = asked
    assert alone is None
    assert then is not None
    finished(study, jobs, OFTEN, start_from=first.job.weights)
    again, then = asked[2:]
    network = networks_in(Model.load(first.job.weights).beginning().network)[0]
    earlier = Model.load(first.job.weights).build(torch.device("cpu")).predictor()
    earlier.load_state_dict(network)
    assert again is not None
    assert torch.allclose(again, thought(folded(earlier)))
    assert then is not None
    assert not torch.allclose(then, again)  # after more was learned


def test_a_model_that_does_not_know_a_structure_is_not_asked(
    tmp_path: Path, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = make_study(tmp_path, slices=1)
    first = finished(blobs.study, jobs, OFTEN)
    blobs.study.add_structure("cyst")
    asked = opinions(monkeypatch)
    finished(blobs.study, jobs, OFTEN, start_from=first.job.weights)
    assert asked[0] is None
    assert asked[1] is not None


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Round:
    """A run on few slices that nothing befell, in which a model is asked, as little as it has learned in four steps."""
    asked: list[str] = []

    def noted(planes: PlanesAlong, drawn: FewSlices, opinion: Opinion) -> PlanesAlong:
        asked.append(drawn.volume.name)
        return confirmed(planes, drawn, opinion)

    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(confirming, "TRUSTED", 0.0)
        patch.setattr(carrying, "confirmed", noted)
        this = finished(make_study(folder, slices=1).study, folder / "jobs", OFTEN, method="mean_teacher")
    assert asked == ["c001", "c002"]
    return this


@pytest.mark.parametrize("steps", [[3], [5], [6], [9], [2, 3, 2]], ids=str)
def test_a_killed_run_on_few_slices_ends_with_the_very_same_weights(
    tmp_path: Path, jobs: Path, monkeypatch: pytest.MonkeyPatch, whole: Round, steps: list[int]
) -> None:
    monkeypatch.setattr(confirming, "TRUSTED", 0.0)
    this = begin(make_study(tmp_path, slices=1).study, jobs, OFTEN, method="mean_teacher")
    for number in steps:
        kill_at_step(this, number)
    run_here(this)
    mine, theirs = weights(this), weights(whole)
    assert [name for name in mine if not torch.equal(mine[name], theirs[name])] == []


def test_memory_that_runs_out_while_they_are_shown_does_not_make_them_stay(
    tmp_path: Path, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    this = begin(make_study(tmp_path, slices=1, shape=(16, 16, 31)).study, jobs, OFTEN, method="mean_teacher")

    def fail(trainer: Trainer) -> None:
        raise torch.OutOfMemoryError("out of memory")

    at_step(monkeypatch, 2, fail)
    shown = slices_shown(monkeypatch, this)
    assert shown[0] > 1
    assert shown[-1] == 1
    assert this.job.status().state == "done"
