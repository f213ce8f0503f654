"""M3HL: mutual mask mix with high-low level feature consistency.

Y. Liu, Z. Zhang, J. Yue, W. Guo, D. Li: M3HL: Mutual Mask Mix with High-Low Level Feature Consistency for
Semi-Supervised Medical Image Segmentation, MICCAI 2025 (arXiv 2508.03752).

Idea: cut labelled and unlabelled images into the same random mosaic and exchange the tiles, so that what one mixed
image shows of the unlabelled data the other one does not. Let the student's deepest and last features of the mixed
images agree with the teacher's of the unlabelled images as they are.

    a, b     labelled patches with labels y_a, y_b       u, v     unlabelled patches
    M        mosaic, per sample: 0 in a share of its tiles, 1 in the others          w  weight of pseudo-labels, 0.5
    h, l     deepest features (3D: max-pooled) and last ones; a prime marks the teacher's
    L_R(p,t) 1/2 (Dice_R + CE_R) over the region R       V  1 where somebody judged the voxel

    (1)  y^   = largest component of each class of argmax of the teacher's answer
    (2)  x_u  = M u + (1-M) a          x_l = M b + (1-M) v
    (3)  L_seg  = w L_M(x_u, y^_u) + L_(1-M)(x_u, y_a) + L_M(x_l, y_b) + w L_(1-M)(x_l, y^_v)
    (4)  L_low  = mean over pairs (m, k) of mean |l_m - l'_k|            m in {x_u, x_l},  k in {u, v}
    (5)  L_high = mean over pairs (m, k) of 1 - cos(h_m, h'_k)
    (6)  L    = L_seg + c (L_low + L_high) + q L_all(a, b; y_a, y_b),    c = 1/2, no ramp; q = 0 as published
    (7)  teacher <- d teacher + (1-d) student

Dice_R in 2D: 1 - 2 sum R p t / (sum R p^2 + sum R t^2), sums over the batch; in 3D: per image, without squares.

Where we differ and why (released code in brackets):
- Sparse slices: L_(1-M)(x_u, y_a) takes (1-M) V only; over (1-M)(1-V) the teacher's answer for a stands in, at weight
  w, as a region of its own. Likewise in x_l. Needs one teacher pass more; fully judged patches give exactly (3).
- The mosaic works in 3D too [its 3D function forgets to write the mask: nothing is mixed].
- Tiles are a number per axis [64 pixels; 28, 28, 20 voxels], so that they fit any patch; the last ones may be cut.
- Classes a region lacks are left out of its Dice [a constant of about 1 each].
- The last term of (6), q = 1 by default [0]: the mosaics show half of the judged voxels of two labelled patches.
- The teacher starts as a copy [two random starts]: the first pseudo-labels of a random teacher are noise. Where no
  first mask comes before, a supervised phase, ``pretraining``, prevents that [0].
- All four pairs in (4) and (5), though x_u shows nothing of v [so released; ``pairs="own"`` takes (x_u,u), (x_l,v)].
  ``mask_low`` restricts (4) to where x_u shows u and x_l shows v.
- The teacher answers in training mode, as released: averaged norm statistics lag behind in runs of less than some 200
  steps and come from mixed images. ``teacher="inference"`` was 0.005 Dice better on HC18 after 300 steps.
- l in the V-Net is the sum of skip and last upsampling, before its last convolutions, as published; elsewhere what the
  classifier sees. h in the V-Net is taken before its dropout [after], which would differ by chance on either side.
- x_u and x_l go through the student in one pass, u and v through the teacher, so that norm statistics are of both [each
  by itself]: one pair per step would leave one image in a pass.
- The teacher predicts [student]; Muon and one cycle per phase [SGD 0.01, constant in 2D, steps in 3D], d = 0.97 and one
  pair per step [0.99, two pairs or six]: runs last minutes.

Limit: as that of bcp.py, where patches cannot show a structure whole.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..engine.blocks.components import hard_labels
from ..engine.blocks.ema import ema_update
from ..engine.blocks.losses import judged, partial_cross_entropy, weighted_mean
from ..engine.blocks.mixing import halves, mosaic, paste, region_dice
from ..geometry import IGNORE
from ..settings import M3HL as M3HLSettings
from .base import PRETRAIN, Need, Patches, Phase, Step, after_pretraining
from .student_teacher import StudentTeacher

MIX = "mixing"
Features = tuple[Tensor, Tensor]  # low, high


class M3HL(StudentTeacher):
    """A student that sees mosaics, and its running average that sees the images themselves."""

    settings: M3HLSettings

    def phases(self) -> list[Phase]:
        """On labels alone, then mixing."""
        return after_pretraining(self.settings.pretraining, MIX)

    def need(self, step: Step) -> Need:
        """Pairs: half of the labelled patches are a, half are b; u and v likewise."""
        rows = 2 * self.settings.pairs_per_step
        return Need(rows, rows if step.phase == MIX else 0, self.task.patch)

    def losses(self, labelled: Patches, unlabelled: Patches, step: Step) -> dict[str, Tensor]:
        """Equation (6)."""
        if step.phase == PRETRAIN:
            logits = self.student(labelled.image)
            return {"segmentation": self.region_loss(logits, labelled.label, labelled.label != IGNORE)}
        (u, v), (a, b), (y_a, y_b) = halves(unlabelled.image), halves(labelled.image), halves(labelled.label)
        known = self.stand_in(labelled)
        guessed, of_u, of_v = self.teach(torch.cat([u, v]))
        (g_u, g_v), (g_a, g_b) = halves(guessed), halves(known)
        mask = mosaic(u, self.settings.tiles, self.settings.masked)
        plain = labelled.image if self.settings.plain > 0 else labelled.image[:0]
        taps = self.student.features(torch.cat([paste(u, a, mask), paste(b, v, mask), plain]))
        x_u, x_l, whole = taps["logits"].split([len(a), len(b), len(plain)])
        of_x_u, of_x_l = self.split(self.levels({name: rows[: 2 * len(a)] for name, rows in taps.items()}))
        w = self.settings.unlabelled_weight
        losses = {
            "mixed": self.mixed_loss(x_u, y_a, g_a, g_u, ~mask, w) + self.mixed_loss(x_l, y_b, g_b, g_v, mask, w),
            **self.feature_losses((of_x_u, of_x_l), (of_u, of_v), mask),
        }
        if len(whole):
            losses["plain"] = self.settings.plain * self.region_loss(whole, labelled.label, labelled.label != IGNORE)
        return losses

    def feature_losses(
        self, mixed: tuple[Features, Features], taught: tuple[Features, Features], mask: Tensor
    ) -> dict[str, Tensor]:
        """Equations (4) and (5): features of (x_u, x_l), and the teacher's of (u, v)."""
        (x_u, x_l), (u, v) = mixed, taught
        mask = self.student.padded(mask.unsqueeze(1).float()).squeeze(1) > 0  # as the images were
        shown = (mask, ~mask) if self.settings.mask_low else (torch.ones_like(mask), torch.ones_like(mask))
        pairs = [(x_u, u, shown[0]), (x_l, v, shown[1])]
        if self.settings.pairs == "all":
            pairs += [(x_u, v, shown[0]), (x_l, u, shown[1])]
        return {"low": self.settings.features * low_loss(pairs), "high": self.settings.features * high_loss(pairs)}

    @torch.no_grad()
    def teach(self, image: Tensor) -> tuple[Tensor, Features, Features]:
        """Equation (1) for u and v in one batch (2n,C,D,H,W): labels (2n,D,H,W), features of u, features of v."""
        self.teacher.train(self.settings.teacher == "training")
        taps = self.teacher.features(image)
        first, second = self.split(self.levels(taps))
        return hard_labels(taps["logits"], self.settings.largest), first, second

    @torch.no_grad()
    def stand_in(self, labelled: Patches) -> Tensor:
        """Equation (1) for labelled patches (B,D,H,W); IGNORE throughout, at no cost, where everything is judged."""
        if bool((labelled.label != IGNORE).all()):
            return torch.full_like(labelled.label, IGNORE)
        self.teacher.train(self.settings.teacher == "training")
        return hard_labels(self.teacher(labelled.image), self.settings.largest)

    def levels(self, taps: dict[str, Tensor]) -> Features:
        """l (B,F,d,h,w) and h (B,F',d',h',w')."""
        low, high = taps.get("merged", taps["last"]), taps["bottleneck"]
        if self.task.dims == 3:
            high = F.max_pool3d(high, [min(3, side) for side in high.shape[2:]], 2)
        return low, high

    def split(self, features: Features) -> tuple[Features, Features]:
        """First and second half of the batch."""
        (low_1, low_2), (high_1, high_2) = halves(features[0]), halves(features[1])
        return (low_1, high_1), (low_2, high_2)

    def mixed_loss(
        self, logits: Tensor, label: Tensor, known: Tensor, guessed: Tensor, region: Tensor, w: float
    ) -> Tensor:
        """Half of equation (3), for one mixed image. ``region`` (n,D,H,W) bool: where it shows the labelled patch, with
        ``label`` and, where that is IGNORE, the teacher's ``known``; ``guessed`` holds elsewhere.
        """
        seen = label != IGNORE
        loss = self.region_loss(logits, label, region & seen)
        loss = loss + w * self.region_loss(logits, guessed, ~region)
        if bool(seen.all()):
            return loss
        return loss + w * self.region_loss(logits, known, region & ~seen)

    def region_loss(self, logits: Tensor, target: Tensor, region: Tensor) -> Tensor:
        """L_R; 0 with zero gradient when the region is empty."""
        share, where = torch.softmax(logits.float(), 1), region.float() * judged(target)
        if self.task.dims == 2:
            dice = region_dice(share, target, where, smooth=1e-10, squared=True, per_image=False)
        else:
            dice = region_dice(share, target, where)
        return 0.5 * (dice + partial_cross_entropy(logits, target, where))

    def after_step(self, step: Step) -> None:
        """Equation (7); during the first phase the teacher is the student itself."""
        ema_update(self.teacher, self.student, 0.0 if step.phase == PRETRAIN else self.settings.ema)


def low_loss(pairs: list[tuple[Features, Features, Tensor]]) -> Tensor:
    """Equation (4). Each pair: student's features, teacher's, and where to compare (n,D,H,W) bool."""
    terms = []
    for (low, _), (taught, _), shown in pairs:
        where = F.interpolate(shown.unsqueeze(1).float(), size=low.shape[2:], mode="nearest")
        terms.append(weighted_mean((low.float() - taught.float()).abs().mean(1, keepdim=True), where))
    return torch.stack(terms).mean()


def high_loss(pairs: list[tuple[Features, Features, Tensor]]) -> Tensor:
    """Equation (5): one vector per sample, of all channels and places."""
    terms = [
        1 - F.cosine_similarity(high.float().flatten(1), taught.float().flatten(1), eps=1e-8).mean()
        for (_, high), (_, taught), _ in pairs
    ]
    return torch.stack(terms).mean()
