"""MEDL: two networks that share no gradient, sparse labels, the ramp, and that it learns."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from SemiSegLogic.engine.blocks.evidence import Opinion, curriculum, dirichlet, fisher_loss, fuse, opinion, reliability
from SemiSegLogic.engine.blocks.losses import partial_cross_entropy, soft_dice
from SemiSegLogic.geometry import IGNORE
from SemiSegLogic.methods.base import Need, Patches, Step, Task
from SemiSegLogic.methods.medl import MEDL, pseudo_loss
from SemiSegLogic.settings import MEDL as Settings
from SemiSegLogic.settings import SettingsError
from Testing.support.method_checks import check_bfloat16, check_nothing_judged, check_resume, made_batches
from Testing.support.tiny_fit import blob_task, fit

STEP = Step("train", 3, 10)


def _method(task: Task | None = None, **values: object) -> MEDL:
    torch.manual_seed(0)
    return MEDL(Settings.from_dict(values), task or blob_task())


def _made(seed: int = 0, classes: int = 3) -> tuple[Tensor, Tensor, Opinion]:
    """Logits (2,K,2,3,4), a sparse label and what both networks say together."""
    torch.manual_seed(seed)
    logits = torch.randn(2, classes, 2, 3, 4, requires_grad=True)
    label = torch.randint(0, classes, (2, 2, 3, 4))
    label[:, 1] = IGNORE
    other = torch.randn(2, classes, 2, 3, 4)
    return logits, label, fuse(opinion(dirichlet(logits)), opinion(dirichlet(other))).detach()


def _slow_mean(values: list[Tensor], count: int) -> Tensor:
    return torch.stack(values).sum() / max(count, 1)


def test_every_term_agrees_with_its_equation_in_value_and_gradient() -> None:
    method, (logits, label, fused) = _method(), _made()
    got = method.network_losses(logits, dirichlet(logits), fused, label, STEP)
    z = logits.detach().double().requires_grad_()
    share, alpha = torch.softmax(z, 1), dirichlet(z)
    pseudo, trust = fused.belief.argmax(1), reliability(fused).double()
    doubt = 0.5 * opinion(alpha).vacuity.detach() + 0.5 * fused.vacuity
    known = label != IGNORE
    w_known = curriculum(doubt, known.float(), 0.3, 0.5).double()
    w_guess = curriculum(fused.vacuity, (~known).float(), 0.3, 0.5).double()
    fisher = fisher_loss(alpha, pseudo, 0.01)
    entropy, weighted, guessed, evidential = [], [], [], []
    for b, d, h, w in torch.ones_like(label).nonzero().tolist():
        v = (b, d, h, w)
        if known[v]:
            entropy.append(-share[b, label[v], d, h, w].log())
            weighted.append(w_known[v] * entropy[-1])
        else:
            guessed.append(-trust[v] * share[b, pseudo[v], d, h, w].log())
            evidential.append(w_guess[v] * fisher[v])
    ramp = math.exp(-5 * (1 - 0.3 / 0.4) ** 2)
    wanted = {
        "supervised": _slow_mean(entropy, len(entropy)) + _slow_dice(share, label, known.double()),
        "pseudo": ramp * (_slow_mean(guessed, len(guessed)) + _slow_dice(share, pseudo, trust * ~known)),
        "curriculum": _slow_mean(weighted, len(weighted)),
        "evidential": 0.1 * ramp * _slow_mean(evidential, len(evidential)),
    }
    assert set(got) == set(wanted)
    for name, value in wanted.items():
        assert got[name].item() == pytest.approx(value.item(), abs=1e-5), name
        fast = torch.autograd.grad(got[name], logits, retain_graph=True)[0]
        slow = torch.autograd.grad(value, z, retain_graph=True)[0]
        assert torch.allclose(fast.double(), slow, atol=1e-5), name


def _slow_dice(share: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """1 - mean over foreground classes of (2 sum w p t + 1) / (sum w p + sum w t + 1)."""
    scores = []
    for c in range(1, share.shape[1]):
        truth, p = (target == c).double(), share[:, c]
        mass = (weight * p).sum() + (weight * truth).sum()
        scores.append((2 * (weight * p * truth).sum() + 1) / (mass + 1))
    return 1 - torch.stack(scores).mean()


def test_no_gradient_reaches_the_other_network_from_a_networks_loss() -> None:
    method = _method()
    labelled, unlabelled = made_batches(method, blob_task(), STEP)
    image = torch.cat([labelled.image, unlabelled.image])
    label = torch.cat([labelled.label, unlabelled.label])
    one, two = method.first(image), method.second(image)
    fused = method.fused(dirichlet(one), dirichlet(two)).detach()
    losses = method.network_losses(one, dirichlet(one), fused, label, STEP)
    torch.stack(list(losses.values())).sum().backward()
    assert all(p.grad is None for p in method.second.parameters())
    assert any(p.grad is not None for p in method.first.parameters())


def test_both_networks_together_send_each_only_its_own_gradient() -> None:
    method, task = _method(), blob_task()
    labelled, unlabelled = made_batches(method, task, STEP)
    method.eval()  # batch statistics would couple nothing here, dropout would
    torch.stack(list(method.losses(labelled, unlabelled, STEP).values())).sum().backward()
    together = next(method.first.parameters()).grad
    assert together is not None
    image = torch.cat([labelled.image, unlabelled.image])
    label = torch.cat([labelled.label, unlabelled.label])
    one, two = method.first(image), method.second(image).detach()
    fused = method.fused(dirichlet(one), dirichlet(two)).detach()
    own = sum(method.network_losses(one, dirichlet(one), fused, label, STEP).values())
    assert torch.allclose(torch.autograd.grad(own, next(method.first.parameters()))[0], together, atol=1e-6)


def test_labels_of_unjudged_slices_and_logits_there_do_not_touch_the_labelled_terms() -> None:
    method, (logits, label, fused) = _method(), _made()
    before = method.network_losses(logits, dirichlet(logits), fused, label, STEP)
    changed = torch.where((label == IGNORE).unsqueeze(1), torch.randn_like(logits), logits)
    after = method.network_losses(changed, dirichlet(changed), fused, label, STEP)
    assert torch.equal(before["supervised"], after["supervised"])
    assert torch.equal(before["curriculum"], after["curriculum"])
    assert not torch.equal(before["pseudo"], after["pseudo"])


def test_without_evidential_terms_it_is_two_supervised_networks() -> None:
    method = _method(evidential_weight=0.0, curriculum=0.0, ramp=1.0)
    labelled, _ = made_batches(method, blob_task(), STEP)
    none = Patches(*(part[:0] for part in vars(labelled).values()))
    start = Step("train", 0, 10)
    full = labelled.label.masked_fill(labelled.label == IGNORE, 0)
    dense = Patches(labelled.image, full, labelled.position, labelled.volume)
    method.eval()
    losses = method.losses(dense, none, start)
    both = [method.first(dense.image), method.second(dense.image)]
    plain = sum(soft_dice(z, dense.label) + partial_cross_entropy(z, dense.label) for z in both)
    assert torch.allclose(losses["supervised"], torch.as_tensor(plain))
    assert losses["pseudo"].item() == losses["evidential"].item() == 0


def test_untrusted_pseudo_labels_weigh_nothing() -> None:
    logits, label, _ = _made()
    pseudo, guessed = torch.zeros_like(label), torch.ones(label.shape)
    loss = pseudo_loss(logits, pseudo, torch.zeros(label.shape), guessed)
    assert loss.item() == 0
    assert torch.autograd.grad(loss, logits)[0].abs().max() == 0


def test_the_ramp_rises_to_the_full_weight_and_the_printed_form_has_none_on_pseudo_labels() -> None:
    logits, label, fused = _made()
    terms = [
        _method(curriculum=0.0).network_losses(logits, dirichlet(logits), fused, label, Step("train", i, 100))
        for i in (0, 10, 20, 30, 40, 99)
    ]
    for name in ("pseudo", "evidential"):
        values = [abs(term[name].item()) for term in terms]
        assert values == sorted(values)
        assert values[-1] == values[-2]
        assert values[0] == pytest.approx(values[-1] * math.exp(-5), rel=1e-4)
    literal = _method(curriculum=0.0, ramp_pseudo=False)
    first = literal.network_losses(logits, dirichlet(logits), fused, label, Step("train", 0, 100))
    assert first["pseudo"].item() == pytest.approx(terms[-1]["pseudo"].item())


def test_the_fused_label_loss_teaches_both_networks() -> None:
    method = _method(fused_label_loss=True)
    labelled, unlabelled = made_batches(method, blob_task(), STEP)
    method.losses(labelled, unlabelled, STEP)["fused"].backward()
    for network in (method.first, method.second):
        assert any(p.grad is not None and p.grad.abs().max() > 0 for p in network.parameters())


def test_prediction_is_the_mean_of_both_and_uncertainty_that_of_their_fusion() -> None:
    method = _method(evidence="exp").eval()
    image = torch.randn(1, 1, 8, 16, 16)
    with torch.no_grad():
        one, two = method.first(image), method.second(image)
    mean = (torch.softmax(one, 1) + torch.softmax(two, 1)) / 2
    assert torch.allclose(method.probabilities(image), mean, atol=1e-6)
    unsure = method.uncertainty(image)
    assert torch.equal(unsure[:, 0], method.fused(dirichlet(one, "exp"), dirichlet(two, "exp")).vacuity)
    assert unsure.min() > 0
    assert unsure.max() <= 1


def test_the_two_architectures_differ_and_a_network_without_partner_is_refused() -> None:
    for name in ("fast", "vnet", "unet"):
        method = _method(Task(1, 2, 2, (1, 32, 32), name, (0.8, 0.2)))
        assert type(method.first) is not type(method.second)
    with pytest.raises(SettingsError, match="partner"):
        _method(Task(1, 2, 2, (1, 32, 32), "segformer", (0.8, 0.2)))


def test_losses_are_those_of_the_pseudo_labels_both_agree_on() -> None:
    method, task = _method(), blob_task()
    labelled, unlabelled = made_batches(method, task, STEP)
    method.eval()
    image = torch.cat([labelled.image, unlabelled.image])
    label = torch.cat([labelled.label, unlabelled.label])
    with torch.no_grad():
        logits = [method.first(image), method.second(image)]
        fused = fuse(*(opinion(dirichlet(z)) for z in logits))
        guessed = (label == IGNORE).float()
        ramp = math.exp(-5 * (1 - 0.3 / 0.4) ** 2)
        wanted = sum(
            ramp
            * (
                soft_dice(z, fused.belief.argmax(1), reliability(fused) * guessed)
                + (reliability(fused) * guessed * F.cross_entropy(z, fused.belief.argmax(1), reduction="none")).sum()
                / guessed.sum()
            )
            for z in logits
        )
    assert method.losses(labelled, unlabelled, STEP)["pseudo"].item() == pytest.approx(float(wanted), abs=1e-5)


def test_a_step_is_equation_nine_of_both_networks_with_every_setting_in_its_place() -> None:
    task = blob_task(3, 3)
    method = _method(
        task, evidence="exp", class_aware=False, own_share=0.2, curriculum=1.0, fisher=0.3, evidential_weight=0.7,
        ramp=0.6, fused_label_loss=True,
    ).eval()
    labelled, unlabelled = made_batches(method, task, STEP)
    got = method.losses(labelled, unlabelled, STEP)
    label = torch.cat([labelled.label, unlabelled.label])
    known, guessed = (label != IGNORE).float(), (label == IGNORE).float()
    with torch.no_grad():
        logits = [net(torch.cat([labelled.image, unlabelled.image])) for net in (method.first, method.second)]
        alphas = [1 + (4 * z.tanh()).exp() for z in logits]
        fused = fuse(*(opinion(alpha) for alpha in alphas), class_aware=False)
        pseudo, ramp = fused.belief.argmax(1), math.exp(-5 * (1 - 0.3 / 0.6) ** 2)
        w_guess = curriculum(fused.vacuity, guessed, 0.3, 1.0)
        wanted = dict.fromkeys(("supervised", "pseudo", "curriculum", "evidential"), 0.0)
        for z, alpha in zip(logits, alphas, strict=True):
            doubt = 0.2 * 3 / alpha.sum(1) + 0.8 * fused.vacuity
            w_known = curriculum(doubt, known, 0.3, 1.0)
            wanted["supervised"] += float(soft_dice(z, label) + partial_cross_entropy(z, label))
            wanted["pseudo"] += ramp * float(pseudo_loss(z, pseudo, reliability(fused), guessed))
            entropy = F.cross_entropy(z, label.masked_fill(label == IGNORE, 0), reduction="none")
            wanted["curriculum"] += float((w_known * entropy).sum() / known.sum())
            fisher = w_guess * fisher_loss(alpha, pseudo, 0.3)
            wanted["evidential"] += 0.7 * ramp * float(fisher[guessed > 0].sum() / guessed.sum())
        shares = (fused.belief + fused.vacuity.unsqueeze(1) / 3).log()
        wanted["fused"] = float(soft_dice(shares, label) + partial_cross_entropy(shares, label))
    assert {name: value.item() for name, value in got.items()} == pytest.approx(wanted, rel=1e-4)


def test_needs_are_those_of_the_settings() -> None:
    assert _method(batch=3, unlabelled=1).need(STEP) == Need(3, 1, blob_task().patch)


def test_runs_in_bfloat16_with_float32_losses() -> None:
    check_bfloat16(_method(), blob_task(), STEP)


def test_a_batch_without_a_judged_voxel_is_finite_and_teaches_no_label() -> None:
    losses = check_nothing_judged(_method(), blob_task(), STEP)
    assert losses["supervised"].item() == losses["curriculum"].item() == 0


def test_a_restored_state_takes_the_same_next_step() -> None:
    check_resume(_method, blob_task(), "train")


@pytest.mark.parametrize(("dims", "classes"), [(3, 2), (2, 2), (2, 3)])
def test_learns_blobs_from_a_few_slices(dims: int, classes: int) -> None:
    task = blob_task(dims, classes)
    assert fit(_method(task), task, steps=30 if dims == 3 else 40) > (0.6 if classes == 2 else 0.3)
