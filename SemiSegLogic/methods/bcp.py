"""BCP: bidirectional copy-paste.

Y. Bai, D. Chen, Q. Li, W. Shen, Y. Wang: Bidirectional Copy-Paste for Semi-Supervised Medical Image Segmentation, CVPR
2023 (arXiv 2305.00673).

Idea: labelled and unlabelled images that are learned from side by side are learned differently. Paste a box of an
unlabelled image into a labelled one and the other way round, so that true labels and pseudo-labels surround each other
in every image the student sees. A phase of pasting among labelled images gives the first teacher.

    a, b      labelled patches with labels y_a, y_b          u, v    unlabelled patches
    M         1 around a box of 2/3 of each side, 0 inside    f, f'   student, teacher
    L_R(p,t)  (Dice + CE) / 2 over the region R               w       weight of pseudo-labels, 0.5

    (1)  pre-training:   x = a M + b (1-M),  L = L_all(f(x), y_a M + y_b (1-M)),  f' = f
    (2)  pseudo-labels:  y^ = largest component of each class of argmax f'(.)
    (3)  inward          x_in  = a M + u (1-M)
    (4)  outward         x_out = v M + b (1-M)
    (5)  L_in  = L_M(f(x_in), y_a)      + w L_(1-M)(f(x_in), y^_u)
    (6)  L_out = w L_M(f(x_out), y^_v)  + L_(1-M)(f(x_out), y_b)
    (7)  self-training:  L = L_in + L_out + q L_all(f(a, b), y_a y_b),   f' <- d f' + (1 - d) f      q = 0 as published

Where we differ and why (the paper's values are settings):
- The last term of (7), q = 1 by default [0]: of two labelled patches the mixes show half, and half of the judged voxels
  per step cost ``supervised`` itself 0.03 Dice in short runs with few slices.
- No pre-training by default, since a supervised first mask comes before, and it cost 0.008 Dice [a share of the run].
- Sparse slices: voxels of a, b that nobody judged take the teacher's pseudo-label and the weight w, as if pasted from
  an unlabelled image; pre-training leaves them out. A fully judged patch gives exactly (5) and (6).
- One Dice for 2D and 3D, per image, denominator sum p + sum t, over the classes the region holds [released: two
  definitions; a class the region lacks adds a constant].
- The teacher predicts without dropout, with averaged norm statistics [released: in training mode].
- Pseudo-labels are the argmax [3D: p >= 0.5, the same for two classes].
- A network sees all its rows in one pass, so that norm statistics are of all [x_in and x_out each by itself]: one pair
  per step would leave one image in a pass. The teacher predicts by default [the student].
- Muon, one cycle per phase, d = 0.97 and one pair per step by default [SGD 0.01, 0.99, two pairs or six]: runs last
  minutes.

Limit: what is pasted comes from another place; where patches show a part of a structure, it is another part, and far
too much is found. In 400 steps patches of a quarter of an atrium had a Dice of 0.839, those that show all of it, as in
the paper, 0.892 (Testing/benchmarks/results/protocols/la.md). So the plan makes them as coarse as that takes.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..engine.blocks.components import hard_labels
from ..engine.blocks.ema import ema_update
from ..engine.blocks.losses import judged
from ..engine.blocks.mixing import box_mask, copy_paste_loss, halves, mixed_loss, paste, region_loss
from ..geometry import IGNORE
from ..settings import BCP as BCPSettings
from .base import PRETRAIN, Patches, Step
from .student_teacher import PastedPairs


class BCP(PastedPairs):
    """A student that sees pasted images only, and its running average that labels the unlabelled ones."""

    settings: BCPSettings

    def losses(self, labelled: Patches, unlabelled: Patches, step: Step) -> dict[str, Tensor]:
        """Equation (1), or (2) to (7). Without unlabelled patches there is nothing to paste but labelled ones."""
        mask = box_mask(labelled.image, self.settings.box)
        if step.phase == PRETRAIN or len(unlabelled.image) < len(labelled.image):
            return {"copy_paste": copy_paste_loss(self.student, labelled.image, labelled.label, mask)}
        known, guessed = self.pseudo_labels(labelled, unlabelled)
        (a, b), (u, v) = halves(labelled.image), halves(unlabelled.image)
        (y_a, y_b), (g_a, g_b), (g_u, g_v) = halves(labelled.label), halves(known), halves(guessed)
        plain = labelled.image if self.settings.plain > 0 else labelled.image[:0]
        logits = self.student(torch.cat([paste(a, u, mask), paste(v, b, mask), plain]))
        inward, outward, whole = logits.split([len(a), len(b), len(plain)])
        w = self.settings.unlabelled_weight
        losses = {
            "inward": mixed_loss(inward, paste(y_a, IGNORE, mask), paste(g_a, g_u, mask), w),
            "outward": mixed_loss(outward, paste(y_b, IGNORE, ~mask), paste(g_v, g_b, mask), w),
        }
        return losses if len(whole) == 0 else {**losses, "plain": self.plain_loss(whole, labelled.label)}

    def plain_loss(self, logits: Tensor, label: Tensor) -> Tensor:
        """The last term of (7)."""
        return self.settings.plain * region_loss(logits, label, judged(label))

    @torch.no_grad()
    def pseudo_labels(self, labelled: Patches, unlabelled: Patches) -> tuple[Tensor, Tensor]:
        """Equation (2) for both batches, (B,D,H,W) int64 each. Fully judged patches need none: IGNORE throughout."""
        self.teacher.eval()
        if bool((labelled.label != IGNORE).all()):
            return torch.full_like(labelled.label, IGNORE), self.pseudo_label(unlabelled.image)
        both = self.pseudo_label(torch.cat([labelled.image, unlabelled.image]))
        return both[: len(labelled.image)], both[len(labelled.image) :]

    def pseudo_label(self, image: Tensor) -> Tensor:
        """(B,C,D,H,W) -> (B,D,H,W)."""
        return hard_labels(self.teacher(image), self.settings.largest)

    def after_step(self, step: Step) -> None:
        """The teacher: the student itself while pre-training, so that both start self-training alike; then (7)."""
        ema_update(self.teacher, self.student, 0.0 if step.phase == PRETRAIN else self.settings.ema)
