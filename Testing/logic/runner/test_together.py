"""How a contest ends that is open: both sides predict together, go on together, and are told of in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from SemiSegLogic.engine.plan import Plan
from SemiSegLogic.engine.quality import Measured, SliceScore
from SemiSegLogic.engine.training.trainer import Budget, Trainer
from SemiSegLogic.geometry import SliceIndex
from SemiSegLogic.methods import ENSEMBLE, make
from SemiSegLogic.methods.base import Method, Task
from SemiSegLogic.runner.judging import Jury
from SemiSegLogic.runner.legs import Leg
from SemiSegLogic.runner.model import Model
from SemiSegLogic.runner.together import together, widening
from SemiSegLogic.runner.warm import fits, start_from
from SemiSegLogic.settings import Recommended
from SemiSegLogic.settings.recommended import recommend
from Testing.logic.runner.test_recommended import USUAL, ordered
from Testing.support.blobs import BlobStudy
from Testing.support.rounds import kill_at_step, run_here

PATCH = (8, 16, 16)
TASK = Task(1, 3, 3, PATCH, "fast", (0.4, 0.3, 0.3))
CPU = torch.device("cpu")
WHOLE = Leg("supervised", {}, Budget(0, 9), "whole", None)
Dice = dict[str, tuple[float, ...]]


def model(name: str, seed: int = 1) -> Model:
    torch.manual_seed(seed)
    return Model.of(make(name, {}, TASK), name, Plan(3, 0, (1.0, 1.0, 1.0), PATCH), (1, 2), None)


def shares(method: Method) -> torch.Tensor:
    return method.eval().probabilities(torch.rand(1, 1, *PATCH, generator=torch.Generator().manual_seed(3)))


def judged(patch: pytest.MonkeyPatch, dice: Dice) -> None:
    """Let the jury find these Dice on the slices held out: of the mean of both, and of a network alone."""
    def measure(jury: Jury, network: torch.nn.Module) -> Measured:
        kinds = {type(part).__name__ for part in network.modules()}
        found = dice["both"] if "MeanOf" in kinds else dice["alone"]
        return Measured(tuple(SliceScore("c001", SliceIndex(0, n), (round(1000 * d),) * 2, (1000,) * 2, (1000,) * 2)
                              for n, d in enumerate(found)))

    patch.setattr(Jury, "measure", measure)


def test_both_predict_the_mean_from_the_views_that_both_do() -> None:
    one, other = replace(model("supervised"), mirror=2, zooms=(0.9,)), replace(model("mean_teacher", 2), mirror=2)
    both = together(one, other)
    expected = (shares(one.build(CPU)) + shares(other.build(CPU))) / 2
    assert torch.allclose(shares(both.build(CPU)), expected, atol=1e-6)
    assert (both.method, both.mirror, both.zooms, both.held_out) == (ENSEMBLE, 2, (), None)


def test_both_have_seen_what_either_has() -> None:
    one, other = (replace(model("supervised"), seen=seen) for seen in ((("a", 0, 1),), (("a", 0, 1), ("b", 2, 3))))
    assert together(one, other).seen == (("a", 0, 1), ("b", 2, 3))
    assert together(one, replace(other, seen=None)).seen is None


def test_a_file_gives_back_both(tmp_path: Path) -> None:
    both = together(model("supervised"), model("medl", 2))
    both.save(tmp_path / "model.pt")
    again = Model.load(tmp_path / "model.pt")
    assert torch.equal(shares(both.build(CPU)), shares(again.build(CPU)))


@pytest.mark.parametrize("second", ["mean_teacher", "medl"])
def test_every_network_of_both_goes_on_from_its_own_weights(second: str) -> None:
    both = together(model("supervised"), model(second, 2))
    method = make(ENSEMBLE, both.settings, TASK)
    assert start_from(method, both, (1, 2)) > 0
    assert torch.equal(shares(method), shares(both.build(CPU)))
    turned = make(ENSEMBLE, both.settings, TASK)
    start_from(turned, both, (2, 1))
    assert torch.allclose(shares(turned)[:, [0, 2, 1]], shares(both.build(CPU)), atol=1e-5)


def test_learners_begin_where_their_averages_are() -> None:
    both = together(model("supervised"), model("mean_teacher", 2))
    method = make(ENSEMBLE, both.settings, TASK)
    start_from(method, both, (1, 2))
    state = method.state_dict()
    for learner, average in (("0.network", "0.average"), ("1.student", "1.teacher")):
        names = [name for name in state if name.startswith(f"members.{learner}.")]
        assert names
        assert all(torch.equal(state[name], state[name.replace(learner, average)]) for name in names)


def test_a_later_round_goes_on_from_the_baseline_of_both() -> None:
    both = together(model("supervised"), model("mean_teacher", 2))
    assert fits(both, TASK)
    supervised = make("supervised", {}, TASK)
    start_from(supervised, both, (1, 2))
    assert torch.equal(shares(supervised), shares(both.build(CPU).members[0]))  # type: ignore[index,arg-type]


def test_a_step_of_both_counts_for_two() -> None:
    both = together(model("supervised"), model("mean_teacher", 2))
    assert widening(WHOLE, both) == replace(WHOLE, name=ENSEMBLE, settings=both.settings, budget=Budget(0, 4))
    assert widening(replace(WHOLE, budget=Budget(9.0)), both).budget == Budget(9.0)
    one = model("mean_teacher")
    assert widening(WHOLE, one) == replace(WHOLE, name="mean_teacher", settings=one.settings)


def test_both_are_allowed_where_predicting_twice_costs_little_of_the_time() -> None:
    found = [recommend(replace(USUAL, voxels=voxels), Recommended(), 60) for voxels in (10**6, 8 * 10**6, 10**8)]
    assert [(len(one.zooms), one.together) for one in found] == [(2, True), (2, False), (0, False)]
    assert recommend(replace(USUAL, voxels=10**9, gpu=True), Recommended(), 60).together
    assert not recommend(USUAL, Recommended(together=False), 60).together
    assert not recommend(USUAL, Recommended(candidate="none"), 60).together


@pytest.mark.parametrize(("dice", "kept"), [
    ({"alone": (0.5, 0.6, 0.7, 0.8), "both": (0.5, 0.6, 0.7, 0.8)}, ENSEMBLE),
    ({"alone": (0.5, 0.6, 0.7, 0.8), "both": (0.6, 0.7, 0.8, 0.9)}, ENSEMBLE),
    ({"alone": (0.5, 0.6, 0.7, 0.8), "both": (0.4, 0.5, 0.6, 0.7)}, "supervised"),
])
def test_an_open_contest_keeps_both_unless_that_is_shown_to_be_worse(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch, dice: Dice, kept: str
) -> None:
    judged(monkeypatch, dice)
    this = ordered(blobs, jobs, candidate="mean_teacher")
    status = run_here(this)
    told = " ".join(status.scores["reasons"])
    assert (status.state, status.scores["kept"], Model.load(this.job.weights).method) == ("done", kept, kept)
    assert "which of them is better stays open. Both together:" in told
    assert ("both are kept" in told) is (kept == ENSEMBLE)
    this.collect()
    text = (this.folder / "model.md").read_text()
    if kept == ENSEMBLE:
        assert "Whether semi-supervision helped is open: mean_teacher was shown neither" in text
        assert "| Method | supervised and mean_teacher (asked for: recommended) |" in text
        assert "Settings of supervised: " in text
        assert "Settings of mean_teacher: " in text
    else:
        assert "Semi-supervision did not help here: mean_teacher was not better" in text


def test_who_does_not_want_both_gets_the_baseline(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged(monkeypatch, {"alone": (0.5, 0.6), "both": (0.9, 0.9)})
    status = run_here(ordered(blobs, jobs, candidate="mean_teacher", together=False))
    assert status.scores["kept"] == "supervised"
    assert "Both together" not in " ".join(status.scores["reasons"])


def test_killed_while_both_learn_from_all_slices_it_ends_as_if_nothing_had_happened(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged(monkeypatch, {"alone": (0.5, 0.6), "both": (0.5, 0.6)})
    plain, broken = (ordered(blobs, jobs / name, candidate="mean_teacher") for name in ("plain", "broken"))
    steps: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        step = Trainer._step
        patch.setattr(Trainer, "_step", lambda *given: (steps.append(1), step(*given))[1])
        run_here(plain)
    kill_at_step(broken, len(steps))  # in the last step of the last leg
    run_here(broken)
    one, two = (Model.load(run.job.weights) for run in (plain, broken))
    assert one.method == two.method == ENSEMBLE
    assert [name for name in one.weights if not torch.equal(one.weights[name], two.weights[name])] == []
    assert one.judged is not None
