"""SPCL: self-paced contrastive learning with meta-labels.

J. Peng, P. Wang, C. Desrosiers, M. Pedersoli: Self-Paced Contrastive Learning for Semi-supervised Medical Image
Segmentation with Meta-labels, NeurIPS 2021 (arXiv 2107.13741).

Idea: where in the body a slice lies and whose body it is comes free with every scan. Pull the deepest features of
slices that share such a meta-label together, push the others apart, and trust the easy pairs first, since meta-labels
are only roughly right. First the encoder alone learns so, then the whole network with the annotated slices.

    z_i       projection of the deepest features of view i, |z_i| = 1; 2N views, two of each of N slices
    m^k_i     meta-label k of view i: "partition" (position), "patient" (volume), "self" (the slice itself)
    P^k(i)    the j != i with m^k_j = m^k_i; never empty, as the other view of the slice is in it

    (1)  l_ij = -log exp(z_i.z_j / t) / sum over a != i of exp(z_i.z_a / t)
    (2)  L^k  = 1/(2N) sum_i 1/|P^k(i)| sum over j in P^k(i) of w_ij l_ij
    (3)  w_ij = max(0, 1 - l_ij / g)  (linear)   or   1[l_ij <= g]  (hard)          no gradient
    (4)  g    = g_first + (g_last - g_first) progress^p,    g_first >= 3/4 log(2N - 1)
    (5)  pre-training:       L = sum_k lambda_k L^k                                 encoder and projections only
    (6)  semi-supervised:    L = CE(f(x), y) [+ Dice] + s sum_k lambda_k L^k        judged voxels; all slices in L^k

Where we differ and why (paper value in brackets; RAdam, CE alone, s lambda and shares are settings):
- g_first is lifted to 3/4 log(2N - 1) in (4): features start almost alike, every l_ij is log(2N - 1), and a smaller g
  makes every weight 0 [not lifted; the released default g = 10000 switches self-pacing off].
- The partition is floor(position * parts) [thirds by index, which never reach the last part in a scan of 3 slices].
- A batch keeps one slice of every (volume, partition) in both phases [in pre-training on ACDC only], out of a wider
  draw; annotated slices may join it in phase two, their labels unused.
- A meta-label with one value in the batch is left out (without negatives all features collapse); when none is left,
  "self" (SimCLR) stands in: a single image, or images without position or patient.
- (5) sees volumes without any label, where there are such [all scans]: the sampler draws both phases alike.
- In (6) only labelled patches go through the decoder: the contrast needs none. Encoder batch statistics are shared.
- Dice beside cross-entropy for small structures, averaged weights for prediction, Muon: as in ``supervised``.
- The U-Net is that of the other methods, with dropout and bilinear interpolation [without; nearest].
- 3D patches take the position of their centre [2D slices]. The cardiac phase is not known here [third meta-label].
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..engine.blocks.contrast import age, awake, distinct, one_per_cell, paced_contrast, partition
from ..engine.blocks.ema import copy_of, ema_update, warm_decay
from ..engine.blocks.losses import partial_cross_entropy, soft_dice
from ..engine.blocks.optim import muon_with_adamw, one_cycle
from ..engine.blocks.optimisers import AdamW
from ..engine.blocks.perturb import weak
from ..engine.blocks.views import flipped, turned
from ..engine.nets import build
from ..engine.nets.projection import GlobalProjection, tap_width
from ..settings import SPCL as SPCLSettings
from .base import PRETRAIN, Method, Need, Optimiser, Patches, Phase, Step, Task, after_pretraining

TRAIN = "training"
ENCODER_RATE = 2e-4  # of RAdam in pre-training on every data set, whatever the second phase takes
WARM = {PRETRAIN: 10 / 80, TRAIN: 10 / 60}  # of RAdam, ten epochs of each phase


class SPCL(Method):
    """A network with one projection per meta-label on its deepest features."""

    def __init__(self, settings: SPCLSettings, task: Task):
        super().__init__()
        self.settings, self.task = settings, task
        self.network = build(task.network, task)
        self.average = copy_of(self.network)
        width = tap_width(self.network, task.channels, "bottleneck")
        self.projections = nn.ModuleDict({name: GlobalProjection(width) for name in ("partition", "patient", "self")})

    def phases(self) -> list[Phase]:
        """Pre-training of the encoder, then both losses."""
        return after_pretraining(self.settings.pretraining, TRAIN)

    def optimisers(self, phase: str) -> list[Optimiser]:
        """RAdam as published, with a rate of its own in pre-training, or Muon and AdamW. What gets no gradient (the
        decoder in pre-training) stays as it is.
        """
        s = self.settings
        if s.optimiser == "radam":
            parts = [*self.network.parameters(), *self.projections.parameters()]
            rate = ENCODER_RATE if phase == PRETRAIN else s.learning_rate
            return [torch.optim.RAdam(parts, lr=rate, weight_decay=s.weight_decay)]
        heads = AdamW(self.projections.parameters(), lr=s.learning_rate, weight_decay=s.weight_decay)
        return [*muon_with_adamw(self.network, s.learning_rate, s.weight_decay), heads]

    def rate(self, step: Step) -> float:
        """One cycle in each phase; RAdam warms up for ten epochs and falls to almost nothing."""
        radam = self.settings.optimiser == "radam"
        return one_cycle(step.progress, WARM[step.phase], 1e-3) if radam else one_cycle(step.progress)

    def need(self, step: Step) -> Need:
        """Twice as many candidates as contrasted slices, for one of each (volume, partition)."""
        s = self.settings
        if step.phase == PRETRAIN:
            return Need(0, 2 * s.contrasted_first, self.task.patch)
        return Need(s.batch, 2 * s.contrasted, self.task.patch)

    def losses(self, labelled: Patches, unlabelled: Patches, step: Step) -> dict[str, Tensor]:
        """Equation (5) or (6)."""
        if step.phase == PRETRAIN:
            return self.pretraining_losses(self.spread(unlabelled, self.settings.contrasted_first), step)
        return self.training_losses(labelled, self.spread(unlabelled, self.settings.contrasted), step)

    def pretraining_losses(self, slices: Patches, step: Step) -> dict[str, Tensor]:
        """Equation (5): geometry and grey drawn independently for both views; no mask is looked at."""
        one, two = weak(turned(slices.image)), weak(flipped(turned(slices.image), 0.8))
        deepest = self.network.encode(self.network.padded(torch.cat([one, two])))["bottleneck"]
        return self.contrast(deepest, slices.volume, slices.position, 1.0, step)

    def training_losses(self, labelled: Patches, slices: Patches, step: Step) -> dict[str, Tensor]:
        """Equation (6), one encoder pass over [labelled, view 1, view 2]: the views share geometry, not grey."""
        chosen = joined(slices, labelled) if self.settings.join else slices
        one, two = weak(chosen.image), flipped(weak(chosen.image), 0.8)
        maps = self.network.encode(self.network.padded(torch.cat([labelled.image, one, two])))
        known = len(labelled.image)
        depth, height, width = labelled.image.shape[2:]
        logits = self.network.decode({name: rows[:known] for name, rows in maps.items()})["logits"]
        logits = logits[:, :, :depth, :height, :width]
        deepest = maps["bottleneck"][known:]
        return {
            "cross_entropy": partial_cross_entropy(logits, labelled.label),
            "dice": self.settings.dice * soft_dice(logits, labelled.label),
            **self.contrast(deepest, chosen.volume, chosen.position, self.settings.weight, step),
        }

    def spread(self, patches: Patches, most: int) -> Patches:
        """At most one slice of every (volume, partition), ``most`` in all."""
        kept = one_per_cell(patches.volume, partition(patches.position[:, 0], self.settings.parts), most)
        return Patches(patches.image[kept], patches.label[kept], patches.position[kept], patches.volume[kept])

    def contrast(
        self, deepest: Tensor, volume: Tensor, position: Tensor, weight: float, step: Step
    ) -> dict[str, Tensor]:
        """Equations (1) to (4) for every meta-label. ``deepest`` (2N,F,d,h,w): all first views, then all second ones;
        ``volume`` (N,), ``position`` (N,3).
        """
        meta = self.meta_labels(volume, position)
        shares = self.shares(meta)
        nothing = torch.zeros((), device=deepest.device)
        return {
            f"contrast_{name}": weight * shares[name] * self.paced(name, deepest, label.repeat(2), step)
            if shares[name] > 0 else nothing
            for name, label in meta.items()
        }

    def meta_labels(self, volume: Tensor, position: Tensor) -> dict[str, Tensor]:
        """m^k of N slices, each (N,) int64."""
        return {
            "partition": partition(position[:, 0], self.settings.parts),
            "patient": volume,
            "self": torch.arange(len(volume), device=volume.device),
        }

    def shares(self, meta: dict[str, Tensor]) -> dict[str, float]:
        """lambda_k, 0 for a meta-label with a single value; "self" takes over when nothing else is left."""
        s = self.settings
        wanted = {"partition": s.partition_weight, "patient": s.patient_weight, "self": s.self_weight}
        shares = {name: wanted[name] if distinct(label) > 1 else 0.0 for name, label in meta.items()}
        return shares if any(shares.values()) else {**shares, "self": 1.0}

    def paced(self, name: str, deepest: Tensor, label: Tensor, step: Step) -> Tensor:
        """L^k of equation (2) at the age of equation (4)."""
        s = self.settings
        last = {"partition": s.partition_age, "patient": s.patient_age, "self": s.patient_age}[name]
        first = awake(s.first_age, len(deepest))
        now = age(step.progress, first, max(first, last), s.age_power)
        return paced_contrast(self.projections[name](deepest), label, s.temperature, now, s.pacing, s.restore)

    def after_step(self, step: Step) -> None:
        """The average starts with the second phase: during the first the decoder does not fit the encoder yet."""
        if step.phase == TRAIN:
            ema_update(self.average, self.network, warm_decay(self.settings.ema, step.index))

    def predictor(self) -> nn.Module:
        """The averaged network; the projections are left out."""
        return self.average


def joined(one: Patches, two: Patches) -> Patches:
    """Both batches as one, for what looks at no label."""
    return Patches(
        torch.cat([one.image, two.image]), torch.cat([one.label, two.label]),
        torch.cat([one.position, two.position]), torch.cat([one.volume, two.volume]),
    )
