"""The mean of both contestants' weights: what it is, when it is kept, what the card says of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from SemiSegLogic.engine.plan import Plan
from SemiSegLogic.methods import make
from SemiSegLogic.methods.base import Task
from SemiSegLogic.rounds import Round
from SemiSegLogic.runner import judging
from SemiSegLogic.runner.averaged import averaged
from SemiSegLogic.runner.cards import semi_supervision
from SemiSegLogic.runner.gate import Comparison, takes_over
from SemiSegLogic.runner.model import Model
from SemiSegLogic.runner.standing import AVERAGE
from SemiSegLogic.settings import Recommended
from Testing.support.blobs import BlobStudy, tiny
from Testing.support.rounds import run_here

PATCH = (8, 16, 16)
CPU = torch.device("cpu")


def model(name: str, seed: int, network: str = "fast") -> Model:
    torch.manual_seed(seed)
    method = make(name, {}, Task(1, 2, 3, PATCH, network, (0.5, 0.5)))
    return Model.of(method, name, Plan(3, 0, (1.0, 1.0, 1.0), PATCH), (1,), None)


def predicting(one: Model) -> dict[str, torch.Tensor]:
    return one.build(CPU).predictor().state_dict()


def test_it_predicts_with_the_mean_of_what_predicts_in_both() -> None:
    one, two = model("supervised", 1), model("mean_teacher", 2)
    method = averaged(one, two, CPU)
    assert method is not None
    found, mine, theirs = method.predictor().state_dict(), predicting(one), predicting(two)
    for name, value in found.items():
        expected = (mine[name] + theirs[name]) / 2 if value.is_floating_point() else mine[name]
        assert torch.equal(value, expected), name
    assert type(method) is type(one.build(CPU))


def test_of_ensembles_the_members_are_averaged_one_by_one() -> None:
    one, two = model("medl", 1), model("medl", 2)
    method = averaged(one, two, CPU)
    assert method is not None
    mine, theirs = predicting(one), predicting(two)
    name = next(name for name in mine if name.startswith("members.1.") and mine[name].is_floating_point())
    assert torch.equal(method.predictor().state_dict()[name], (mine[name] + theirs[name]) / 2)


@pytest.mark.parametrize("other", [("supervised", 2, "plain"), ("medl", 2, "fast")], ids=str)
def test_networks_of_another_make_have_no_mean(other: tuple[str, int, str]) -> None:
    assert averaged(model("supervised", 1), model(*other), CPU) is None


def test_it_draws_no_chance() -> None:
    one, two = model("supervised", 1), model("mean_teacher", 2)
    before = torch.get_rng_state()
    averaged(one, two, CPU)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(("difference", "kept"), [(0.02, True), (0.0, True), (-0.005, True), (-0.02, False)])
def test_it_is_kept_unless_shown_to_be_worse(difference: float, kept: bool) -> None:
    assert takes_over("average", Comparison(difference, 0.01, 5), stopped=False) is kept


@pytest.mark.parametrize("worse", [False, True])
def test_a_contest_ends_with_the_average_or_says_why_not(
    worse: bool, blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = judging.takes_over

    def decided(role: str, found: Comparison, stopped: bool) -> bool:
        return not worse if role == "average" else role != "candidate" and compared(role, found, stopped)

    monkeypatch.setattr(judging, "takes_over", decided)
    settings = Recommended(candidate="mean_teacher")
    this = Round.begin(blobs.study, tiny(24, 8), "recommended", settings, jobs=jobs)
    status = run_here(this)
    assert status.state == "done"
    assert AVERAGE in status.scores["held_out"]
    assert status.scores["kept"] == ("supervised" if worse else "mean_teacher")
    assert status.scores["averaged"] is not worse
    assert any(reason.startswith(AVERAGE) for reason in status.scores["reasons"])
    this.collect()
    text = (this.folder / "model.md").read_text()
    assert ("averaged, were kept" in text) is not worse
    assert ("did not help here" in text) is worse


def scores(**more: Any) -> dict[str, Any]:
    return {"held_out": {"supervised": 0.8, "supervised, longer": 0.8, "mean_teacher": 0.8, AVERAGE: 0.8}, **more}


def test_the_card_tells_the_four_endings_apart() -> None:
    assert "shown: mean_teacher was kept" in semi_supervision(scores(averaged=False), "mean_teacher")
    assert "of supervised and mean_teacher, averaged" in semi_supervision(scores(averaged=True), "mean_teacher")
    assert "did not help here: mean_teacher was not" in semi_supervision(scores(averaged=False), "supervised")
    assert "No semi-supervised" in semi_supervision({"held_out": {"supervised": 0.8}}, "supervised")
