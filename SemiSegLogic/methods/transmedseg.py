"""TransMedSeg: transferable semantics, re-implemented from the abstract.

M. Wang, J. Li, S. Wang, L. Lan, H. Tan, L. Yang, G. Yang: TransMedSeg: A Transferable Semantic Framework for
Semi-Supervised Medical Image Segmentation, 2025 (arXiv 2505.14753). The closed form (6) is that of S. Li et al.:
Transferable Semantic Augmentation for Domain Adaptation, CVPR 2021; the base is BCP (Bai et al., CVPR 2023).

Idea: features of unlabelled images lie elsewhere than those of labelled ones, class by class. Move every labelled
feature along its class's direction from labelled to unlabelled, spread it as the unlabelled class spreads, and ask the
classifier to be right on average over all that could come out. That average has a closed bound: no draw is needed.

    a, b, y_a, y_b     labelled patches             u, v        unlabelled patches       M   1 outside a random box
    L_R(p, t), w       loss over the region R and weight of pseudo-labels, as in bcp.py         f, f'  student, teacher
    f_i                feature of voxel i, the input of the head        z_i = W f_i + b  w_c row c of W
    m_s^c, S_s^c       mean, covariance of student features of labelled voxels of class c
    m_t^c, S_t^c       the same of teacher features of unlabelled voxels with pseudo-label c

    (1)  pre-training    x = a M + b (1-M),  L = L_all(f(x), y_a M + y_b (1-M)),  f' = f
    (2)  pseudo-labels   y^ = largest component of each class of argmax f'(.)
    (3)  mixes           x_in = a M + u (1-M),   x_out = v M + b (1-M)
    (4)  base            L_bcp = L_M(x_in, y_a) + w L_(1-M)(x_in, y^_u) + w L_M(x_out, y^_v) + L_(1-M)(x_out, y_b)
    (5)  statistics      d = m' - m;  m <- m + (1-k) d;  S <- k S + (1-k) S' + k (1-k) d d^T       m', S' of this step
    (6)  augmentation    T[y,c] = r (w_c - w_y).(m_t^y - m_s^y) + r/2 (w_c - w_y)^T S_t^y (w_c - w_y)
    (7)                  L_tsa = mean over labelled voxels of CE(z_i + T[y_i], y_i)
    (8)  self-training   L = L_bcp + q L_all(f(a, b), y_a y_b) + beta(progress) L_tsa [+ L_graph]
                         f' <- d f' + (1 - d) f
         r = strength * progress,   beta rises linearly over the first tenth

What is certain and what is ours: (1) to (4) and (6), (7) are the published ones of BCP and TSA. How they are joined,
(5), and every number in the settings beside BCP's are ours: the paper's text could not be read.
Where we differ and why:
- q = 1, no pre-training, the teacher predicts, Muon, one cycle, d = 0.97, one pair by default and all rows in one pass,
  for the reasons given in bcp.py [q = 0; a share of the run; the student; SGD 0.01; 0.99; two pairs or six; in two].
- The abstract augments the teacher's features towards the student's, notes on the paper the other way round; labels,
  and so a cross-entropy, exist for the student's. ``direction`` t2s has the other, which teaches the head alone.
- T needs a head that is linear per voxel: 3x3 heads become 1x1. A transposed head (network "fast") has one W for each
  place of a voxel in its kernel, and T one table for each. z is computed again from f before dropout.
- Statistics: voxels at ``margin`` from a paste border; teacher confidence in y^ above a bound; the teacher predicts
  without dropout, which would widen S_t. A class not seen on both sides has T = 0: plain cross-entropy. |T| stays
  within ``limit``.
- Voxels drawn evenly over classes (a cap for each), since background would fill (7).
- Sparse slices: (5) and (7) take judged voxels only as labelled; the unjudged ones of a, b count as unlabelled.
- The graph term of GraphCL is off by default; its attention layer is left out, as it has no meaning for one image.

Limit: as that of bcp.py, where patches cannot show a structure whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..engine.blocks.components import hard_labels
from ..engine.blocks.ema import ema_update
from ..engine.blocks.graph import GraphClustering
from ..engine.blocks.losses import judged
from ..engine.blocks.mixing import box_mask, copy_paste_loss, halves, mixed_loss, paste, region_loss
from ..engine.blocks.optim import build_optimisers
from ..engine.blocks.semantic_augmentation import (
    ClassStatistics,
    at,
    augmentation_table,
    away_from_edge,
    expected_cross_entropy,
    head_logits,
    head_stride,
    head_weight,
    judged_elsewhere,
    make_head_linear,
    sample_voxels,
    transfer,
    voxel_features,
)
from ..engine.nets import Network
from ..engine.nets.projection import tap_width
from ..geometry import IGNORE
from ..settings import SettingsError
from ..settings import TransMedSeg as TransMedSegSettings
from .base import PRETRAIN, Optimiser, Patches, Step, Task
from .student_teacher import PastedPairs


@dataclass(frozen=True)
class Lesson:
    """What the teacher says. ``known``, ``guessed`` pseudo-labels of labelled and unlabelled patches; ``trusted``
    (B',D,H,W) those of voxels nobody judged that it is sure of, else IGNORE; ``features`` (B',A,d,h,w) beside them.
    """

    known: Tensor
    guessed: Tensor
    trusted: Tensor
    features: Tensor


class TransMedSeg(PastedPairs):
    """A student on mixed images whose labelled features are moved towards the unlabelled ones; an averaged teacher."""

    def __init__(self, settings: TransMedSegSettings, task: Task):
        super().__init__(settings, task)
        width = tap_width(self.student, task.channels, "last")
        self.source, self.target = ClassStatistics(task.classes, width), ClassStatistics(task.classes, width)
        self.graph = self.graph_clustering() if settings.graph else None

    def new_student(self) -> Network:
        """With a linear classifier. Raises SettingsError when the network has none."""
        student = super().new_student()
        try:
            make_head_linear(student, self.task)
        except ValueError as error:
            raise SettingsError(f"transmedseg: {error} Choose the network fast, vnet or unet.") from error
        return student

    def graph_clustering(self) -> GraphClustering:
        """The term of GraphCL on the deepest features."""
        deepest = tap_width(self.student, self.task.channels, "bottleneck")
        return GraphClustering(deepest, self.settings.clusters, self.settings.graph_temperature)

    def optimisers(self, phase: str) -> list[Optimiser]:
        """The student's, and the graph's where there is one; fresh in each phase."""
        optimisers, s = super().optimisers(phase), self.settings
        if self.graph is not None:
            kind = "sgd" if s.optimiser == "sgd" else "adamw"
            optimisers += build_optimisers(kind, self.graph, s.learning_rate, s.weight_decay)
        return optimisers

    def losses(self, labelled: Patches, unlabelled: Patches, step: Step) -> dict[str, Tensor]:
        """Equation (1), or (2) to (8)."""
        mask = box_mask(labelled.image, self.settings.box)
        if step.phase == PRETRAIN or len(unlabelled.image) < len(labelled.image):
            return {"copy_paste": copy_paste_loss(self.student, labelled.image, labelled.label, mask)}
        lesson = self.teach(labelled, unlabelled)
        (a, b), (u, v) = halves(labelled.image), halves(unlabelled.image)
        (y_a, y_b), (g_a, g_b), (g_u, g_v) = halves(labelled.label), halves(lesson.known), halves(lesson.guessed)
        plain = labelled.image if self.settings.plain > 0 else labelled.image[:0]
        taps = self.student.features(torch.cat([paste(a, u, mask), paste(v, b, mask), plain]))
        inward, outward, whole = taps["logits"].split([len(a), len(b), len(plain)])
        true_in, true_out = paste(y_a, IGNORE, mask), paste(y_b, IGNORE, ~mask)
        w = self.settings.unlabelled_weight
        losses = {
            "inward": mixed_loss(inward, true_in, paste(g_a, g_u, mask), w),
            "outward": mixed_loss(outward, true_out, paste(g_v, g_b, mask), w),
        }
        if self.settings.augmentation > 0:
            true = torch.cat([true_in, true_out])
            mixed = taps["last"][: len(true)]
            losses["augmented"] = self.weight(step) * self.augmented_loss(mixed, true, mask, lesson, step)
        if len(whole):
            losses["plain"] = self.settings.plain * region_loss(whole, labelled.label, judged(labelled.label))
        if self.graph is not None:
            losses["graph"] = self.settings.graph_weight * self.graph(taps["bottleneck"])
        return losses

    @torch.no_grad()
    def teach(self, labelled: Patches, unlabelled: Patches) -> Lesson:
        """Equation (2), and what the target statistics are made of. Fully judged patches need no teacher."""
        self.teacher.eval()
        count = len(labelled.image)
        if whole := bool((labelled.label != IGNORE).all()):
            count = 0
        taps = self.teacher.features(torch.cat([labelled.image[:count], unlabelled.image]))
        share = torch.softmax(taps["logits"].float(), 1)
        label = hard_labels(share, self.settings.largest)
        confidence = share.gather(1, label.unsqueeze(1)).squeeze(1)  # in the label: small in a piece left out
        trusted = label.masked_fill(confidence < self.settings.confidence, IGNORE)
        trusted[:count] = judged_elsewhere(trusted[:count], labelled.label[:count])
        known = torch.full_like(labelled.label, IGNORE) if whole else label[:count]
        return Lesson(known, label[count:], trusted, taps["last"])

    def augmented_loss(self, last: Tensor, true: Tensor, mask: Tensor, lesson: Lesson, step: Step) -> Tensor:
        """Equations (5) to (7). ``last`` (B,A,d,h,w) student features of both mixes, ``true`` (B,D,H,W) their true
        labels, IGNORE elsewhere.
        """
        s, stride = self.settings, head_stride(self.student)
        places = sample_voxels(true, self.task.classes, s.voxels)
        features, offset = voxel_features(last, places, stride)
        label = at(true, places)
        clean = at(away_from_edge(mask, s.margin).expand_as(true), places)
        self.source.update(features.detach()[clean], label[clean], s.memory, s.least)
        sure = sample_voxels(lesson.trusted, self.task.classes, s.voxels)
        seen, seen_offset = voxel_features(lesson.features, sure, stride)
        seen_label = at(lesson.trusted, sure)
        self.target.update(seen, seen_label, s.memory, s.least)
        if s.direction == "t2s":
            features, offset, label = seen, seen_offset, seen_label
        with torch.autocast(last.device.type, enabled=False):
            logits = head_logits(self.student, features, offset)
            return expected_cross_entropy(logits, label, offset, self.table(step))

    def table(self, step: Step) -> Tensor:
        """Equation (6) as (O,K,K), gradient to W alone."""
        s = self.settings
        pair = (self.source, self.target) if s.direction == "s2t" else (self.target, self.source)
        shift, covariance = transfer(*pair)
        strength = s.strength * step.progress
        table = augmentation_table(
            head_weight(self.student), shift * float(s.use_mean), covariance * float(s.use_covariance), strength
        )
        return table.clamp(-s.limit, s.limit)

    def weight(self, step: Step) -> float:
        """beta of equation (8)."""
        ramp = self.settings.augmentation_ramp
        return self.settings.augmentation * (min(step.progress / ramp, 1.0) if ramp > 0 else 1.0)

    def after_step(self, step: Step) -> None:
        """The teacher: the student itself while pre-training, then the average of (8)."""
        ema_update(self.teacher, self.student, 0.0 if step.phase == PRETRAIN else self.settings.ema)
