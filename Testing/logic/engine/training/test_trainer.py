"""The loop: budgets to the step and to the second, phases, interruptions, divergence."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from SemiSegLogic.engine.data.patches import Sampler
from SemiSegLogic.engine.training import checkpoint
from SemiSegLogic.engine.training.trainer import KEEP_GOOD_SECONDS, PATIENCE, Budget, Diverged, Progress, Trainer
from SemiSegLogic.geometry import SliceIndex
from SemiSegLogic.methods import make
from SemiSegLogic.methods.base import Method, Phase, Step
from Testing.support.engine import CPU, OneConv, plan_of, volume_of
from Testing.support.tiny_fit import blob_task
from Testing.support.volumes import picture, two_blobs

TWO_PHASES = (Phase("first", 0.3), Phase("second", 0.7))


class Clock:
    """Time that passes only when it is read: ``tick`` seconds between two looks."""

    def __init__(self, tick: float):
        self.now, self.tick = 0.0, tick

    def __call__(self) -> float:
        self.now += self.tick
        return self.now


def _sampler(patch: tuple[int, int, int] = (4, 4, 4)) -> Sampler:
    label = np.minimum(two_blobs(), 1)
    labelled = volume_of(picture(), label, (SliceIndex(0, 1), SliceIndex(0, 3)), values=(1,))
    return Sampler([labelled, volume_of(picture(seed=1))], plan_of(patch))


def _trainer(method: Method, budget: Budget, clock: Callable[[], float] | None = None) -> Trainer:
    return Trainer(method, _sampler(), CPU, budget, **({"clock": clock} if clock else {}))


def _forever(progress: Progress, share: float) -> bool:
    return True


def _weights(method: nn.Module) -> dict[str, Tensor]:
    return {key: value.clone() for key, value in method.state_dict().items()}


def _same(one: dict[str, Tensor], two: dict[str, Tensor]) -> bool:
    return one.keys() == two.keys() and all(torch.equal(value, two[key]) for key, value in one.items())


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("steps", [1, 7, 10])
def test_a_step_budget_is_met_exactly_whatever_the_clock(steps: int) -> None:
    method, shares = OneConv(), []
    trainer = _trainer(method, Budget(0.001, steps), Clock(5.0))
    trainer.fit(lambda progress, share: shares.append(share) or True)
    assert trainer.progress.step == method.calls == steps
    assert shares == pytest.approx([(n + 1) / steps for n in range(steps)])
    assert [step.index for step in method.seen] == list(range(steps))
    assert {step.total for step in method.seen} == {steps}


def test_a_time_budget_counts_training_only() -> None:
    method, clock = OneConv(), Clock(0.5)
    trainer = _trainer(method, Budget(5.0), clock)

    def slow(progress: Progress, share: float) -> bool:
        clock.now += 100
        return True

    trainer.fit(slow)
    assert trainer.progress.step == 10
    assert trainer.progress.elapsed == pytest.approx(5.0)
    progress = [step.progress for step in method.seen]
    assert progress == pytest.approx([n / 10 for n in range(10)], abs=0.06)


def test_stopping_and_going_on_takes_no_step_twice() -> None:
    method = OneConv()
    trainer = _trainer(method, Budget(0, 9))
    trainer.fit(lambda progress, share: progress.step < 4)
    assert trainer.progress.step == 4
    trainer.fit(_forever)
    assert [step.index for step in method.seen] == list(range(9))


@pytest.mark.parametrize(("steps", "first"), [(10, 3), (20, 6), (7, 3), (1, 1)])
def test_phases_share_a_step_budget(steps: int, first: int) -> None:
    method = OneConv(phases=TWO_PHASES)
    _trainer(method, Budget(0, steps)).fit(_forever)
    assert [step.phase for step in method.seen] == ["first"] * first + ["second"] * (steps - first)
    assert [step.index for step in method.seen] == [*range(first), *range(steps - first)]
    assert all(0 <= step.progress < 1 for step in method.seen)
    assert all(step.total >= step.index + 1 for step in method.seen)


def test_phases_share_a_time_budget() -> None:
    method = OneConv(phases=(Phase("a", 0.25), Phase("b", 0.5), Phase("c", 0.25)))
    _trainer(method, Budget(20.0), Clock(0.5)).fit(_forever)
    assert [step.phase for step in method.seen] == ["a"] * 10 + ["b"] * 20 + ["c"] * 10
    last = {step.phase: step for step in method.seen}
    assert last["b"].progress == pytest.approx(19 / 20, abs=0.03)


def test_the_rate_follows_the_method_on_top_of_the_optimisers_own() -> None:
    method = OneConv()
    method.rate = lambda step: 1 - step.progress  # type: ignore[method-assign]
    _trainer(method, Budget(0, 4)).fit(_forever)
    assert method.rates == pytest.approx([0.1, 0.075, 0.05, 0.025])


def test_a_step_is_clipped_descent_of_the_sum_of_losses() -> None:
    method = OneConv()
    trainer = _trainer(method, Budget(0, 1))
    twin = copy.deepcopy(method)
    state = torch.get_rng_state()
    trainer.fit(_forever)
    torch.set_rng_state(state)
    twin.optimisers("train")
    labelled, unlabelled = _sampler().draw(twin.need(Step("train", 0, 1)))
    loss = twin.losses(labelled, unlabelled, Step("train", 0, 1))["loss"]
    loss.backward()
    assert trainer.last_losses() == pytest.approx({"loss": loss.item()})
    norm = torch.cat([p.grad.flatten() for p in twin.net.parameters() if p.grad is not None]).norm()
    for mine, theirs in zip(method.net.parameters(), twin.net.parameters(), strict=True):
        assert theirs.grad is not None
        assert torch.allclose(mine, theirs - 0.1 * theirs.grad * min(1.0, 12 / float(norm)), atol=1e-6)


def test_gradients_of_networks_that_no_optimiser_moves_do_not_pile_up() -> None:
    method, sizes = OneConv(), []
    trainer = _trainer(method, Budget(0, 12))
    trainer.fit(lambda progress, share: sizes.append(float(method.other.bias.grad.abs().sum())) or True)  # type: ignore[union-attr]
    assert max(sizes) <= 2  # of one step: cross-entropy's gradient of two logits


def _method(name: str) -> Method:
    return make(name, {}, blob_task())


@pytest.mark.parametrize("name", ["supervised", "mean_teacher"])
def test_a_resumed_run_ends_with_the_same_weights_to_the_bit(name: str, tmp_path: Path) -> None:
    torch.manual_seed(3)
    straight = Trainer(_method(name), _sampler(), CPU, Budget(0, 12))
    straight.fit(_forever)
    torch.manual_seed(3)
    begun = Trainer(_method(name), _sampler(), CPU, Budget(0, 12))
    begun.fit(lambda progress, share: progress.step < 5)
    checkpoint.save(tmp_path / "model.ckpt", begun.state())
    torch.manual_seed(99)
    resumed = Trainer(_method(name), _sampler(), CPU, Budget(0, 12))
    resumed.restore(checkpoint.load(tmp_path / "model.ckpt", CPU.torch))
    assert resumed.progress.step == 5
    resumed.fit(_forever)
    assert resumed.progress.step == 12
    assert _same(straight.method.state_dict(), resumed.method.state_dict())
    assert straight.last_losses() == resumed.last_losses()


@pytest.mark.parametrize("stop", [2, 3, 4, 9])
def test_a_run_resumes_at_the_border_of_two_phases(stop: int) -> None:
    torch.manual_seed(3)
    straight = _trainer(OneConv(phases=TWO_PHASES), Budget(0, 10))
    straight.fit(_forever)
    torch.manual_seed(3)
    begun = _trainer(OneConv(phases=TWO_PHASES), Budget(0, 10))
    begun.fit(lambda progress, share: progress.step < stop)
    state = copy.deepcopy(begun.state())
    method = OneConv(phases=TWO_PHASES)
    resumed = _trainer(method, Budget(0, 10))
    resumed.restore(state)
    resumed.fit(_forever)
    assert method.seen == straight.method.seen[stop:]
    assert _same(straight.method.state_dict(), method.state_dict())


def test_going_on_with_smaller_patches_keeps_the_place_in_the_budget() -> None:
    first = _trainer(OneConv(phases=TWO_PHASES), Budget(0, 10))
    first.fit(lambda progress, share: progress.step < 6)
    method = OneConv(phases=TWO_PHASES)
    second = _trainer(method, Budget(0, 10))
    second.continue_at(first.progress)
    second.fit(_forever)
    assert [(step.phase, step.index) for step in method.seen] == [("second", n) for n in range(3, 7)]
    assert first.progress.step == 6


def test_an_undefined_loss_is_undone_at_half_the_rate_and_the_budget_still_met() -> None:
    method = OneConv(bad=range(3, 5))
    trainer = _trainer(method, Budget(0, 8))
    start = _weights(method)
    after = []
    trainer.fit(lambda progress, share: after.append(_same(_weights(method), start)) or True)
    assert (trainer.progress.step, trainer.progress.undone, method.calls) == (8, 2, 10)
    assert after == [False] * 3 + [True] * 2 + [False] * 5  # the good weights are those of the start
    assert method.rates == pytest.approx([0.1] * 4 + [0.05] + [0.025] * 5)


def test_a_loss_that_stays_undefined_ends_the_run_with_the_last_good_weights() -> None:
    method = OneConv(bad=range(6, 1000))
    trainer = _trainer(method, Budget(1000.0), Clock(KEEP_GOOD_SECONDS / 4))
    kept: dict[int, dict[str, Tensor]] = {}
    with pytest.raises(Diverged, match="Lower the learning"):
        trainer.fit(lambda progress, share: kept.update({progress.step: _weights(method)}) or True)
    assert method.calls == 6 + PATIENCE + 1
    assert _same(_weights(method), kept[5])  # the first state after more than KEEP_GOOD_SECONDS
    assert not _same(kept[5], kept[4])


def test_a_finite_loss_with_undefined_gradients_never_reaches_the_weights() -> None:
    method = OneConv()
    honest = method.losses

    def cruel(*arguments: object) -> dict[str, Tensor]:
        losses = honest(*arguments)  # type: ignore[arg-type]
        zero = (method.net.weight * 0).sum()
        return losses | {"root": torch.sqrt(zero)} if method.calls == 3 else losses

    method.losses = cruel  # type: ignore[method-assign,assignment]
    trainer = _trainer(method, Budget(0, 6))
    trainer.fit(lambda progress, share: bool(method.net.weight.isfinite().all()) or pytest.fail("broken weights"))
    assert (trainer.progress.step, trainer.progress.undone) == (6, 1)


def test_errors_of_a_method_pass_and_leave_the_progress() -> None:
    method = OneConv()
    trainer = _trainer(method, Budget(0, 6))
    trainer.fit(lambda progress, share: progress.step < 2)

    def broken(*_: object) -> dict[str, Tensor]:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory.")

    method.losses = broken  # type: ignore[method-assign,assignment]
    with pytest.raises(torch.cuda.OutOfMemoryError):
        trainer.fit(_forever)
    assert trainer.progress.step == 2


def test_all_threads_are_given_back_after_a_leg_by_time() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    try:
        for _ in range(2):
            _trainer(OneConv(), Budget(3.0), Clock(0.5)).fit(_forever)
            assert torch.get_num_threads() == 4
    finally:
        torch.set_num_threads(before)
