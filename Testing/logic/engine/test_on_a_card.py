"""Training on a graphics card that is pretended: nothing mixes host and card, and nobody waits without need."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from SemiSegLogic.engine.data.patches import Sampler
from SemiSegLogic.engine.data.volumes import Classes, Volume, load_volume, set_label
from SemiSegLogic.engine.hardware.device import Device
from SemiSegLogic.engine.planning.plan import Plan
from SemiSegLogic.engine.training.recording import LIVE, PLAIN, CudaGraphs
from SemiSegLogic.engine.training.stepping import Outcome
from SemiSegLogic.engine.training.trainer import Budget, Means, Trainer
from SemiSegLogic.geometry import Grid, SliceIndex, sparse_label
from SemiSegLogic.methods import METHODS, make
from SemiSegLogic.methods.base import Method, Need
from Testing.support.engine import plan_of
from Testing.support.pretended_gpu import PretendedGpu, pretended_gpu
from Testing.support.tiny_fit import blob_task
from Testing.support.volumes import picture, two_blobs

CARD = torch.device("cuda")
STEPS = PLAIN + LIVE + 3
RECORDED = {"supervised", "mean_teacher", "medl"}
"""The other methods decide on the host by what they see: components of a mask, voxels of a class, an ellipse."""
CHANGES = {"mn": {"slice_network": "fast"}}


@pytest.fixture
def gpu() -> Iterator[PretendedGpu]:
    with pretended_gpu() as card:
        yield card


def _device(half: bool = True) -> Device:
    return Device(CARD, half, memory=8 << 30)


def _volume(image: NDArray[np.float32], plan: Plan, drawn: tuple[int, ...] = (), kept: torch.device = CARD) -> Volume:
    grid = Grid(image.shape)
    volume = load_volume("c001", image, grid, plan, kept)
    volume.where = CARD
    if drawn:
        places = tuple(SliceIndex(0, index) for index in drawn)
        set_label(volume, sparse_label(np.minimum(two_blobs(), 1), places), places, Classes((1,)))
    return volume


def _sampler(patch: tuple[int, int, int], dims: int = 3, kept: torch.device = CARD) -> Sampler:
    plan = plan_of(patch, dims=dims)
    return Sampler([_volume(picture(), plan, (1, 3), kept), _volume(picture(seed=1), plan, kept=kept)], plan)


def _trained(name: str, record: bool = True, half: bool = True, steps: int = STEPS) -> tuple[Method, Trainer]:
    task = blob_task(2 if name == "ersr" else 3)
    torch.manual_seed(1)
    method = make(name, CHANGES.get(name, {}), task).to(CARD)
    trainer = Trainer(method, _sampler(task.patch, task.dims), _device(half), Budget(0, steps),
                      means=Means(record=record))
    trainer.fit(lambda progress, share: True)
    return method, trainer


def test_the_pretended_card_refuses_what_a_real_one_refuses(gpu: PretendedGpu) -> None:
    here, there = torch.ones(3), torch.ones(3, device=CARD)
    assert [one.device.type for one in (here, there, there * torch.tensor(2.0))] == ["cpu", "cuda", "cuda"]
    for mixed in (lambda: here + there, lambda: torch.stack([here.sum(), there.sum()])):
        with pytest.raises(RuntimeError, match="at least two devices"):
            mixed()
    with pytest.raises(TypeError, match="cuda:0 device type"):
        there.numpy()
    assert gpu.waits == []
    assert (float(there.sum()), there.cpu().tolist(), there[there > 0].shape) == (3.0, [1.0] * 3, (3,))
    assert len(gpu.waits) == 3
    torch.cuda.set_sync_debug_mode("error")
    with pytest.raises(RuntimeError, match="synchronizing"):
        bool(there.any())


def test_a_pretended_recording_freezes_numbers_and_draws_anew(gpu: PretendedGpu) -> None:
    total, drawn, number = torch.zeros((), device=CARD), torch.zeros(2, device=CARD), 1.0
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        total.add_(number)
        drawn.copy_(torch.rand(2, device=CARD))
    assert (float(total), drawn.tolist()) == (0.0, [0.0, 0.0])
    number, seen = 5.0, []
    for _ in range(3):
        graph.replay()
        seen.append(drawn.tolist())
    assert float(total) == 3.0
    assert len({tuple(pair) for pair in seen}) == 3
    with pytest.raises(RuntimeError, match="capturing"), torch.cuda.graph(graph):
        float(total)


def test_after_a_recording_that_fails_all_is_as_it_was(gpu: PretendedGpu) -> None:
    """Whatever came next would otherwise run beside what is under way on the other stream, and read it before it is
    written; and no memory could be given back any more.
    """
    before, number = torch.cuda.current_stream(), torch.ones((), device=CARD)
    with pytest.raises(RuntimeError, match="capturing"):
        CudaGraphs().record(lambda: Outcome({"loss": number}, torch.tensor(float(number))))
    assert torch.cuda.current_stream() is before
    torch.cuda.empty_cache()  # refused as long as the allocator takes itself to be recording
    assert torch.rand(2, device=CARD).device.type == "cuda"  # refused as long as the generator does
    CudaGraphs().record(lambda: Outcome({}, number + 1))()
    assert torch.cuda.current_stream() is before


def test_a_step_is_recorded_on_the_stream_on_which_it_was_tried(gpu: PretendedGpu) -> None:
    """Libraries set themselves up for every stream at its first use: hipBLASLt fails in the middle of a recording."""
    outside, used, graphs = torch.cuda.current_stream(), [], CudaGraphs()

    def work() -> Outcome:
        used.append(torch.cuda.current_stream())
        return Outcome({}, torch.ones((), device=CARD) + 1)

    assert gpu.kept > 0
    graphs.watched(work)
    assert gpu.kept == 0  # of what was kept for the other stream, this one could have taken nothing
    graphs.watched(work)
    graphs.record(work)
    assert used[0] is used[1] is used[2] is not outside
    assert torch.cuda.current_stream() is outside


@pytest.mark.parametrize("name", METHODS)
def test_every_method_trains_and_predicts_on_a_card(name: str, gpu: PretendedGpu) -> None:
    method, trainer = _trained(name)
    assert trainer.progress.step == STEPS
    assert all(value.device.type == "cuda" for value in method.state_dict().values())
    shares = method.probabilities(torch.randn(1, 1, *method.task.patch, device=CARD))
    assert (shares.device.type, shares.shape[1]) == ("cuda", 2)
    assert (name in RECORDED) == (sum(graph.replays for graph in gpu.graphs) == STEPS - PLAIN - LIVE)
    assert (name in RECORDED) == (trainer.refusal == "")


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_a_recording_with_its_numbers_frozen_trains_as_the_steps_written_out(name: str, gpu: PretendedGpu) -> None:
    """What Python computes is not in a recording: rates, ramps and counters have to come from the card."""
    written, _ = _trained(name, record=False, half=False)
    recorded, trainer = _trained(name, half=False)
    assert trainer.refusal == ""
    for key, value in written.state_dict().items():
        other = recorded.state_dict()[key]
        assert torch.allclose(value.float(), other.float(), rtol=1e-3, atol=1e-4), key


@pytest.mark.parametrize("name", ["supervised", "mean_teacher"])
def test_the_host_never_waits_while_it_trains(name: str, gpu: PretendedGpu) -> None:
    """Neither to draw patches, nor to step, nor to see whether the step before was a number."""
    task = blob_task()
    method = make(name, {}, task).to(CARD)
    trainer = Trainer(method, _sampler(task.patch), _device(), Budget(0, 20), means=Means())
    begun = len(gpu.waits)
    trainer.fit(lambda progress, share: True)
    assert gpu.waits[begun:] == []
    assert sum(graph.replays for graph in gpu.graphs) == 20 - PLAIN - LIVE


@pytest.mark.parametrize("turned", [True, False])
def test_drawing_patches_makes_nobody_wait(turned: bool, gpu: PretendedGpu) -> None:
    """Patches of dense volumes are turned freely, those of a few slices in the plane."""
    plan = plan_of((4, 8, 8))
    drawn = tuple(range(two_blobs().shape[0])) if turned else (1, 3)
    sampler = Sampler([_volume(picture(), plan, drawn), _volume(picture(seed=1), plan)], plan)
    need = Need(3, 3, (4, 8, 8))
    sampler.draw(need)  # tables of what is held out go to the card once
    before = len(gpu.waits)
    labelled, unlabelled = sampler.draw(need)
    assert gpu.waits[before:] == []
    assert labelled.image.device.type == unlabelled.label.device.type == "cuda"
    assert labelled.volume.device.type == labelled.position.device.type == "cuda"


def test_volumes_that_stay_on_the_host_give_the_same_patches(gpu: PretendedGpu) -> None:
    need = Need(2, 2, (4, 8, 8))
    batches = []
    for kept in (CARD, torch.device("cpu")):
        sampler = _sampler((4, 8, 8), kept=kept)
        torch.manual_seed(3)
        before = len(gpu.waits)
        batches.append(sampler.draw(need))
        assert gpu.waits[before:] == []
    for one, two in zip(*batches, strict=True):
        assert torch.equal(one.image, two.image)
        assert torch.equal(one.label, two.label)
