"""MEDL: mutual evidential deep learning.

Y. He, Y. Bi, L. Li, C.-M. Pun, W. Jiao, Z. Jin: Mutual Evidential Deep Learning for Medical Image Segmentation, IEEE
BIBM 2024 (arXiv 2505.12418).

Idea: two networks of different architecture report evidence, not only probabilities, and so how much they do not know.
What they say together is the pseudo-label, trusted voxel by voxel as far as they know and agree; learning moves from
certain to uncertain voxels during the run; and where a class has much evidence already, a mistaken label costs less.

    e, alpha = e + 1, S = sum_n alpha_n     evidence of a network in one voxel, K classes
    known, guessed                          voxels that a person judged, all others
    t                                       progress of the run in [0, 1)

    Numbers as in the paper; what has none there has none here.
    (1)  opinion     belief b_n = e_n / S, uncertainty u = K / S, sum b_n + u = 1
    (3)  fusion      b^f_n ~ b1_n b2_n + c (b1_n u2 + b2_n u1),  u^f ~ u1 u2,  c = 1 / (1 + K) by (2): a class is one
                     of K, not knowing is all K
         label       y^ = argmax b^f
    (4)  trust       r = 1 - e^(u^f) H(b^f + u^f / K) / (e log2 K)
    (5)  own doubt   u_i' = (u_i + u^f) / 2
    (6)  curriculum  w(t, v) = X tanh((2 t - 1) psi_v) + 1,  psi_v in (-1, 1) the rank of the voxel's doubt
    (7)  evidential  l_I = w {sum_n [(y^_n - alpha_n/S)^2 + alpha_n (S - alpha_n) / (S^2 (S+1))] psi1(alpha_n)
                              - f log |I(alpha)|}, ranked by u^f
         supervised  L_l = Dice + CE                                   known voxels
         pseudo      L_u = Dice_r + mean r CE                          guessed voxels, against y^
    (8)  weighted    L_w = mean w CE, ranked by u_i'                   known voxels
    (9)  each        L = L_l + g(t) L_u + L_w + G g(t) mean l_I        l_I over guessed voxels
                     g(t) = exp(-5 (1 - t / 0.4)^2), then 1
         prediction  mean of both networks' softmax

Where we differ and why:
- (4): the printed reliability has no minus sign and is of b^f alone, which calls a voxel without evidence reliable.
  Ours is 1 for certain, 0 for vacuous; how it masks is not printed, here it weighs each voxel in CE and Dice.
- (6): as printed (rank 1 = most uncertain) training would start with the hardest voxels, against the text. Rank 1 is
  the most certain here. Progress of the run replaces epochs; X is not published: 0.5.
- (9): as printed L_u counts in full from the first step; here it ramps up (``ramp_pseudo`` off is the printed form).
- Not published and chosen: evidence softplus(logit), CE and Dice (of the structures) on softmax, f 0.01, G 0.1.
- Sparse slices: guessed voxels of labelled patches count as unlabelled ones; V counts judged voxels.
- ``fused_label_loss`` adds Dice + CE of the fused opinion, which the paper's ablation hints at; off as in the text.
- The pair is V-Net and V-Net with ResNet-34 encoder ("vnet"), U-Net and U-Net with ResNet-34 encoder ("unet"), or the
  fast network and a plain one of the same size ("fast"): different architectures, without which (3) has no point.
- Muon and one cycle by default [SGD 0.01, a tenth of it after every 2500 of 6000 steps]: runs last minutes.

Limit: what both networks guess of an unlabelled image is all that teaches them there. From a slice of one scan they may
come to find nothing in others (79 atria, Dice 0.59 -> 0.00); the first mask is kept then (engine/quality/lost.py).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..engine.blocks.evidence import Opinion, curriculum, dirichlet, fisher_loss, fuse, opinion, reliability
from ..engine.blocks.losses import judged, partial_cross_entropy, soft_dice, weighted_mean
from ..engine.blocks.optim import build_optimisers, rate_factor, sigmoid_ramp
from ..engine.nets import build_pair
from ..engine.nets.ensemble import MeanOf
from ..settings import MEDL as MEDLSettings
from .base import Method, Need, Optimiser, Patches, Step, Task


class MEDL(Method):
    """Two networks, two opinions."""

    def __init__(self, settings: MEDLSettings, task: Task):
        super().__init__()
        self.settings, self.task = settings, task
        self.first, self.second = build_pair(task.network, task)

    def optimisers(self, phase: str) -> list[Optimiser]:
        """One set per network: their losses share no gradient."""
        s = self.settings
        return [
            optimiser
            for network in (self.first, self.second)
            for optimiser in build_optimisers(s.optimiser, network, s.learning_rate, s.weight_decay)
        ]

    def rate(self, step: Step) -> float:
        """The chosen curve."""
        return rate_factor(self.settings.schedule, step.progress, step.index)

    def need(self, step: Step) -> Need:
        """Labelled and unlabelled patches of one shape."""
        return Need(self.settings.batch, self.settings.unlabelled, self.task.patch)

    def losses(self, labelled: Patches, unlabelled: Patches, step: Step) -> dict[str, Tensor]:
        """Equation (9) of both networks."""
        image, label = torch.cat([labelled.image, unlabelled.image]), torch.cat([labelled.label, unlabelled.label])
        logits = [self.first(image).float(), self.second(image).float()]
        alphas = [dirichlet(z, self.settings.evidence) for z in logits]
        fused = self.fused(*alphas)
        shared = fused.detach()
        each = [self.network_losses(*own, shared, label, step) for own in zip(logits, alphas, strict=True)]
        losses = {name: each[0][name] + each[1][name] for name in each[0]}
        if self.settings.fused_label_loss:
            losses["fused"] = supervised_loss(fused.shares().clamp_min(1e-8).log(), label)
        return losses

    def fused(self, first: Tensor, second: Tensor) -> Opinion:
        """Equation (3) from both networks' alpha (B,K,D,H,W)."""
        return fuse(opinion(first), opinion(second), self.settings.class_aware)

    def network_losses(
        self, logits: Tensor, alpha: Tensor, fused: Opinion, label: Tensor, step: Step
    ) -> dict[str, Tensor]:
        """Equation (9) of one network, term by term; ``fused`` carries no gradient."""
        s, known = self.settings, judged(label)
        pseudo, guessed = fused.belief.max(1).indices, 1 - known
        doubt = s.own_share * opinion(alpha).vacuity.detach() + (1 - s.own_share) * fused.vacuity
        eager = curriculum(doubt, known, step.progress, s.curriculum)
        eager_guess = curriculum(fused.vacuity, guessed, step.progress, s.curriculum)
        ramp = sigmoid_ramp(step.progress, s.ramp)
        return {
            "supervised": supervised_loss(logits, label),
            "pseudo": (ramp if s.ramp_pseudo else 1.0) * pseudo_loss(logits, pseudo, reliability(fused), guessed),
            "curriculum": partial_cross_entropy(logits, label, eager),
            "evidential": s.evidential_weight * ramp
            * weighted_mean(eager_guess * fisher_loss(alpha, pseudo, s.fisher), guessed),
        }

    def predictor(self) -> nn.Module:
        """Both networks, averaged."""
        return MeanOf(self.first, self.second)

    @torch.no_grad()
    def uncertainty(self, image: Tensor) -> Tensor:
        """u^f of equation (3), (B,1,D,H,W) in (0,1]."""
        alphas = [dirichlet(network(image), self.settings.evidence) for network in (self.first, self.second)]
        return self.fused(*alphas).vacuity.unsqueeze(1)


def supervised_loss(logits: Tensor, label: Tensor) -> Tensor:
    """L_l: logits (B,K,D,H,W), label (B,D,H,W)."""
    return soft_dice(logits, label) + partial_cross_entropy(logits, label)


def pseudo_loss(logits: Tensor, pseudo: Tensor, trust: Tensor, guessed: Tensor) -> Tensor:
    """L_u. CE is divided by the number of guessed voxels, not by their trust: little trust, little loss."""
    dice = soft_dice(logits, pseudo, trust * guessed)
    return dice + weighted_mean(trust * cross_entropy(logits, pseudo), guessed)


def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """CE per voxel (B,D,H,W)."""
    return F.cross_entropy(logits, target, reduction="none")
