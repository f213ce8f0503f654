"""Two methods that predict as one: the mean of what they say, the sum of what each loses."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from SemiSegLogic.methods import make
from SemiSegLogic.methods.base import Method, Step, Task
from SemiSegLogic.methods.ensemble import Ensemble
from SemiSegLogic.settings import SettingsError
from Testing.support.method_checks import check_bfloat16, check_nothing_judged, check_resume, made_batches
from Testing.support.tiny_fit import blob_task, fit

STEP = Step("train", 3, 10)


def of(*names: str, task: Task | None = None, **settings: object) -> Ensemble:
    torch.manual_seed(0)
    members = [{"method": name, "settings": settings if number else {}} for number, name in enumerate(names)]
    method = make("ensemble", {"members": members}, task or blob_task())
    assert isinstance(method, Ensemble)
    return method


def reached(method: Method, losses: list[Tensor]) -> set[str]:
    """Numbers of the members that a gradient of ``losses`` reaches."""
    learning = {name: p for name, p in method.named_parameters() if p.requires_grad}
    found = torch.autograd.grad(sum(losses), list(learning.values()), allow_unused=True, retain_graph=True)  # type: ignore[arg-type]
    return {name.split(".")[1] for name, slope in zip(learning, found, strict=True) if slope is not None}


def test_it_predicts_the_mean_of_its_members() -> None:
    method, image = of("supervised", "mean_teacher").eval(), torch.randn(2, 1, 8, 16, 16)
    one, other = (member.probabilities(image) for member in method.members)  # type: ignore[operator]
    assert not torch.allclose(one, other, atol=1e-3)
    assert torch.allclose(method.probabilities(image), (one + other) / 2, atol=1e-6)


def test_each_member_loses_what_it_would_alone_on_the_patches_that_it_wants() -> None:
    method = of("supervised", "mean_teacher", batch=3, consistency=0.0)
    method.train()
    need = method.need(STEP)
    assert (need.labelled, need.unlabelled) == (3, 2)
    labelled, unlabelled = made_batches(method, blob_task(), STEP)
    losses = method.losses(labelled, unlabelled, STEP)
    assert list(losses) == ["cross_entropy 1", "dice 1", "cross_entropy 2", "dice 2", "consistency 2"]
    supervised = method.members[0].losses(labelled.first(2), unlabelled.first(0), STEP)  # type: ignore[operator]
    assert losses["dice 1"].item() == pytest.approx(supervised["dice"].item())
    assert losses["cross_entropy 1"].item() == pytest.approx(supervised["cross_entropy"].item())


def test_no_gradient_passes_from_one_member_to_another() -> None:
    method = of("supervised", "mean_teacher")
    method.train()
    losses = method.losses(*made_batches(method, blob_task(), STEP), STEP)
    for number in "12":
        own = [value for name, value in losses.items() if name.endswith(number)]
        assert reached(method, own) == {str(int(number) - 1)}


def test_members_are_in_the_last_phase_of_their_methods() -> None:
    method = of("supervised", "spcl", pretraining=0.5)
    labelled, unlabelled = made_batches(method, blob_task(), STEP)
    method.train()
    losses = method.losses(labelled, unlabelled, STEP)
    assert [phase.name for phase in method.phases()] == ["train"]
    assert "cross_entropy 2" in losses or "dice 2" in losses  # its pre-training has no such loss


def test_averages_of_both_follow_their_networks() -> None:
    method = of("supervised", "mean_teacher")
    with torch.no_grad():
        for p in (p for p in method.parameters() if p.requires_grad):
            p.add_(1.0)
    method.after_step(Step("train", 0, 10))
    state = method.state_dict()
    followed = {"members.0.network": "members.0.average", "members.1.student": "members.1.teacher"}
    for network, average in followed.items():
        names = [name.removeprefix(network) for name, _ in method.named_parameters() if name.startswith(network)]
        assert names
        assert all(torch.equal(state[network + name], state[average + name]) for name in names)


def test_what_every_method_promises() -> None:
    task = blob_task()
    check_resume(lambda: of("supervised", "mean_teacher"), task, "train")
    check_bfloat16(of("supervised", "mean_teacher"), task, STEP)
    check_nothing_judged(of("supervised", "mean_teacher"), task, STEP)


def test_it_learns() -> None:
    assert fit(of("supervised", "mean_teacher"), blob_task()) > 0.7


def test_settings_make_it_again_and_bad_ones_are_refused() -> None:
    method = of("supervised", "medl")
    again = make("ensemble", method.settings.to_dict(), method.task)
    again.load_state_dict(method.state_dict())
    for members in ([], [{"method": "supervised", "settings": {}}], ["supervised", "medl"]):
        with pytest.raises(SettingsError, match="two methods"):
            make("ensemble", {"members": members}, method.task)
    with pytest.raises(SettingsError, match="no method 'ensemble'"):
        make("ensemble", {"members": [{"method": "ensemble", "settings": {}}] * 2}, method.task)
