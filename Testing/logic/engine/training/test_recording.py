"""Recorded steps with a stand-in for the graphs of a GPU: the same weights, and whatever cannot be recorded runs as
written, to the bit.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from SemiSegLogic.engine.blocks.ema import copy_of, ema_update, warm_decay
from SemiSegLogic.engine.blocks.optim import sigmoid_ramp
from SemiSegLogic.engine.data.patches import Sampler
from SemiSegLogic.engine.training import recording
from SemiSegLogic.engine.training.recording import LIVE, PLAIN, without_host_chance
from SemiSegLogic.engine.training.stepping import LiveStep, Outcome
from SemiSegLogic.engine.training.trainer import Budget, Means, Trainer
from SemiSegLogic.geometry import SliceIndex
from SemiSegLogic.methods import make
from SemiSegLogic.methods.base import Method, Need, Phase, Step
from Testing.support.engine import CPU, OneConv, plan_of, volume_of
from Testing.support.tiny_fit import blob_task
from Testing.support.volumes import picture, two_blobs

STEPS = 10
HOST = torch.device("cpu")


class StandIn:
    """Graphs without a GPU: what is recorded runs when it is replayed, and writes into the places of the recording.
    ``breaks_at`` names what raises ``error``; ``done`` is a list of what was asked for.
    """

    def __init__(self, breaks_at: str = "", error: Exception | None = None):
        self.breaks_at, self.error = breaks_at, error or RuntimeError("operation not permitted when recording")
        self.done: list[str] = []

    def watched(self, work: Callable[[], Outcome]) -> Outcome:
        self.done.append("watched")
        outcome = work()
        self._maybe("watched")
        return outcome

    def record(self, work: Callable[[], Outcome]) -> Callable[[], Outcome]:
        self.done.append("record")
        self._maybe("record")

        def replay() -> Outcome:
            self.done.append("replay")
            return work()

        return replay

    def _maybe(self, place: str) -> None:
        if place == self.breaks_at:
            raise self.error


def _sampler(patch: tuple[int, int, int] = (4, 4, 4)) -> Sampler:
    label = np.minimum(two_blobs(), 1)
    labelled = volume_of(picture(), label, (SliceIndex(0, 1), SliceIndex(0, 3)), values=(1,))
    return Sampler([labelled, volume_of(picture(seed=1))], plan_of(patch))


def _run(method: Method, graphs: StandIn | None, steps: int = STEPS, stop: int = STEPS) -> Trainer:
    torch.manual_seed(5)
    trainer = Trainer(method, _sampler(), CPU, Budget(0, steps), means=Means(graphs=graphs))
    trainer.fit(lambda progress, share: progress.step < stop)
    return trainer


def _real(name: str = "mean_teacher") -> Method:
    torch.manual_seed(1)
    return make(name, {}, blob_task())


def _tiny(**changes: Any) -> OneConv:
    torch.manual_seed(1)
    return OneConv(**changes)


def _equal(one: nn.Module, two: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), two.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def _close(one: nn.Module, two: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), two.state_dict().values(), strict=True)
    return all(torch.allclose(a.float(), b.float(), rtol=1e-3, atol=1e-4) for a, b in pairs)


@pytest.mark.parametrize(("name", "steps"), [("supervised", STEPS), ("mean_teacher", PLAIN + LIVE + 2)])
def test_replayed_steps_train_as_written_ones(name: str, steps: int) -> None:
    """Up to the rounding of the numbers of a step, which the teacher's yes or no soon makes much of."""
    plain, recorded, graphs = _real(name), _real(name), StandIn()
    _run(plain, None, steps)
    trainer = _run(recorded, graphs, steps)
    assert graphs.done == ["watched"] * LIVE + ["record"] + ["replay"] * (steps - PLAIN - LIVE)
    assert trainer.progress.step == steps
    assert _close(plain, recorded)


def test_numbers_of_the_step_follow_a_replay() -> None:
    """A recording keeps the tensors it was given: only what is written into them can change."""
    method, seen = _tiny(), []
    method.losses = _wrapped(method, lambda step: seen.append((float(step.index), float(step.progress))))  # type: ignore[method-assign]
    _run(method, StandIn())
    assert [index for index, _ in seen] == list(range(STEPS))
    assert [progress for _, progress in seen] == pytest.approx([n / STEPS for n in range(STEPS)])


def _wrapped(method: Method, look: Callable[[Step], object]) -> Callable[..., dict[str, Tensor]]:
    honest = method.losses

    def losses(labelled: Any, unlabelled: Any, step: Step) -> dict[str, Tensor]:
        found = honest(labelled, unlabelled, step)
        look(step)
        return found

    return losses


@pytest.mark.parametrize("place", ["watched", "record"])
def test_what_cannot_be_recorded_runs_as_written_to_the_bit(place: str) -> None:
    plain, refused, graphs = _real("supervised"), _real("supervised"), StandIn(place)
    straight = _run(plain, None)
    trainer = _run(refused, graphs)
    assert graphs.done.count(place) == 1
    assert "replay" not in graphs.done
    assert trainer.progress.step == STEPS
    if place == "watched":  # the first try is undone, so that nothing of it is left
        assert _equal(plain, refused)
        assert straight.last_losses() == trainer.last_losses()
    else:  # one watched step went before, its numbers rounded to the device's
        assert _close(plain, refused)


def test_a_refused_recording_leaves_optimisers_and_chance_as_they_were() -> None:
    whole, broken = StandIn(), StandIn("record")
    one, two = _real(), _real()
    _run(one, whole, stop=PLAIN + LIVE)
    state = torch.get_rng_state()
    trainer = _run(two, broken, stop=PLAIN + LIVE)
    assert _equal(one, two)
    assert torch.equal(state, torch.get_rng_state())
    before = [value.clone() for one in trainer.optimisers for value in _moments(one)]
    step = trainer.where()
    trainer._work(*trainer.sampler.draw(two.need(step)), step)  # tries, and takes the step as written
    assert broken.done[-1] == "record"
    after = [value for one in trainer.optimisers for value in _moments(one)]
    assert not all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def _moments(optimiser: Any) -> list[Tensor]:
    return [value for state in optimiser.state_dict()["state"].values() for value in state.values()]


def test_chance_on_the_host_is_found_out() -> None:
    outcome = Outcome({}, torch.zeros(()))
    assert without_host_chance(lambda: outcome) is outcome
    with pytest.raises(RuntimeError, match="random numbers on the host"):
        without_host_chance(lambda: Outcome({}, torch.rand(())))


def test_optimisers_of_torch_are_not_recorded() -> None:
    method, graphs = _tiny(), StandIn()
    method.optimisers = lambda phase: [torch.optim.SGD(method.net.parameters(), lr=0.1)]  # type: ignore[method-assign]
    method.optimiser = method.optimisers("train")[0]  # type: ignore[assignment]
    _run(method, graphs)
    assert graphs.done == []


def test_another_phase_and_another_need_are_recorded_anew() -> None:
    method, graphs = _tiny(phases=(Phase("a", 0.5), Phase("b", 0.5))), StandIn()
    method.need = lambda step: Need(1 + (step.phase == "b" and step.index > 4), 1, method.shape)  # type: ignore[method-assign]
    _run(method, graphs, 20, 20)
    assert graphs.done.count("record") == 3


LACK = torch.cuda.OutOfMemoryError("CUDA out of memory.")


@pytest.mark.parametrize("place", ["watched", "record"])
def test_memory_that_runs_out_while_recording_is_done_without(place: str) -> None:
    plain, refused = _real("supervised"), _real("supervised")
    _run(plain, None)
    trainer = _run(refused, StandIn(place, LACK))
    assert trainer.progress.step == STEPS
    assert trainer.refusal == str(LACK)
    assert _equal(plain, refused) if place == "watched" else _close(plain, refused)


def test_memory_that_runs_out_for_the_state_to_go_back_to_is_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, refused = _real("supervised"), _real("supervised")
    _run(plain, None)

    def copied(state: object) -> object:
        raise LACK

    monkeypatch.setattr(recording, "copy", SimpleNamespace(deepcopy=copied))
    assert _run(refused, StandIn()).refusal == str(LACK)
    assert _equal(plain, refused)


def test_memory_that_is_too_little_for_the_step_as_written_too_is_told() -> None:
    method = _real()
    trainer = _run(method, StandIn("watched", LACK), stop=PLAIN)
    method.losses = _wrapped(method, _lacking)  # type: ignore[method-assign]
    with pytest.raises(torch.cuda.OutOfMemoryError):
        trainer.fit(lambda progress, share: True)


def _lacking(step: Step) -> None:
    raise LACK


def test_a_replayed_step_that_is_no_number_is_undone() -> None:
    method, graphs = _tiny(bad=range(7, 8)), StandIn()
    good = {key: value.clone() for key, value in method.state_dict().items()}
    states = []
    trainer = Trainer(method, _sampler(), CPU, Budget(0, 9), means=Means(graphs=graphs))
    trainer.fit(lambda progress, share: states.append(all(
        torch.equal(value, good[key]) for key, value in method.state_dict().items()
    )) or True)
    assert trainer.progress.undone == 1
    assert states.index(True) == 7
    assert bool(method.net.weight.isfinite().all())


def test_a_live_step_is_a_step() -> None:
    live = LiveStep("train", HOST)
    live.follow(Step("train", 3, 10))
    assert isinstance(live, Step)
    assert (live.phase, float(live.index), float(live.total)) == ("train", 3.0, 10.0)
    assert live.progress == pytest.approx(0.3)
    places = (live.index, live.progress)
    live.follow(Step("train", 4, 10))
    assert live.index is places[0]
    assert live.progress is places[1]


@pytest.mark.parametrize("progress", [0.0, 0.2, 0.4, 0.9])
def test_ramps_and_decays_of_tensors_are_those_of_numbers(progress: float) -> None:
    assert float(sigmoid_ramp(torch.tensor(progress), 0.4)) == pytest.approx(sigmoid_ramp(progress, 0.4))  # type: ignore[arg-type]
    assert sigmoid_ramp(torch.tensor(progress), 0.0) == 1.0  # type: ignore[arg-type]
    step = round(100 * progress)
    assert float(warm_decay(0.97, torch.tensor(float(step)))) == pytest.approx(warm_decay(0.97, step))  # type: ignore[arg-type]


def test_an_average_with_a_decay_on_the_device_is_the_same() -> None:
    student = nn.Sequential(nn.Conv3d(1, 2, 1), nn.BatchNorm3d(2))
    one, two = copy_of(student), copy_of(student)
    nn.init.normal_(student[0].weight)
    ema_update(one, student, 0.9)
    ema_update(two, student, torch.tensor(0.9))  # type: ignore[arg-type]
    assert torch.allclose(one[0].weight, two[0].weight)
    assert not torch.equal(one[0].weight, student[0].weight)
