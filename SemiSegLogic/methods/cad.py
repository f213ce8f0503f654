"""CAD: confidence-aware adaptive displacement, re-implemented from the abstract.

W. Xiao, Z. Xu, G. Liang, Y. Deng, Y. Xiao: CAD: Confidence-Aware Adaptive Displacement for Semi-Supervised Medical
Image Segmentation, 2025 (arXiv 2502.00536). Its frame is that of H. Chi et al.: Adaptive Bidirectional Displacement
(ABD), CVPR 2024, on BCP (Bai et al., CVPR 2023).

Idea: two students, one on a plain and one on a disturbed view, teach each other. Where a student is least sure the
image itself is changed: the largest unsure region gives way to a window both can read, and the students must agree on
the outcome. At first only small, clearly unsure regions; later larger ones, and a stricter view of what sure is.

    a, b, y_a, y_b   labelled patches      u, v   unlabelled patches      M   1 outside a random box
    x^1, x^2         weak and strong view of one geometry    F_1, F_2, F_T   students, teacher = average of F_1
    p_n = softmax F_n(x^n),   c_n = max over classes of p_n  (no gradient)      D(p, y)  Dice loss, sum p^2 + sum y^2
    L_R(p, y)        (Dice + CE) / 2 over the region R, as in bcp.py            w  weight of pseudo-labels

    (1)  pre-training   x = a M + b (1-M),  L = L_all(F_1(x), y_a M + y_b (1-M)),   F_2 = F_T = F_1
    (2)  pseudo-labels  y^n = largest component of each class of argmax F_T(x^n)
    (3)  mixes          x^n_in = a^n M + u^n (1-M),  x^n_out = v^n M + b^n (1-M),  one M for both views
    (4)  L_mix^n        = L_M(x_in, y_a) + w L_(1-M)(x_in, y^n_u) + w L_M(x_out, y^n_v) + L_(1-M)(x_out, y_b)
    (5)  L_cps(p, q)    = D(p, argmax q) + D(q, argmax p)
    (6)  region         L = largest component of {c_1 < t},  R = least sure window in its box,  side <= s
    (7)  displacement   x~^1 = x^1 with R <- x^2[Q],  Q of the surest windows of x^2 with mean c_2 >= t, > mean_R c_1,
                        the one of least KL(mean_R p_1 | mean_Q p_2);   x~^2 alike, both from untouched views
    (8)  escalation     t = 1/K + (1 - 1/K) (t0 + (t1 - t0) g),  s = side (s0 + (s1 - s0) g),  g = min(1, progress / .8)
    (9)  L = L_mix^1 + L_mix^2 + q sum_n L_all(F_n(a^n, b^n), y)
           + r [lambda L_cps(p_1, p_2) + lambda~ L_cps(F_1(x~), F_2(x~))],  r = exp(-5 (1 - g')^2)
         F_T <- d F_T + (1-d) F_1

What is certain and what is ours: the names and purpose of (6) to (8) are the paper's; (1) to (5) and (9) are ABD's and
BCP's as published; every formula and number in (6) to (8) is ours, since the text could not be read.
Where we differ from ABD and why:
- q = 1, no pre-training by default and all mixes of a student in one pass, for the reasons given in bcp.py [q = 0;
  10 000 steps; in two].
- r ramps the agreement up, g' = progress / ramp [r = 1, after 10 000 steps of pre-training]: early in a short run the
  students are wrong together, and agreement keeps them so (``ramp`` 0 is ABD's).
- Rows that were not displaced are left out of the last term of (9): they would repeat the third.
- Judged voxels are never replaced; they may be a source [ABD replaces them]. Sparse slices: the unjudged voxels of a
  labelled patch take the teacher's label at weight w.
- Cut-out: no label and no pseudo-label is asked for where it hides the image [ABD asks for background, so that grey
  boxes are learned as background]. The agreement (5) is asked for there too, as in ABD.
- D over the classes the target holds [all: an absent class adds a constant near 1 while any mass is left].
- The Dice of L_R is BCP's as we have it, per image and without squares [as D, with all classes].
- The teacher predicts labels without dropout, and predicts at the end [student 1]. KL of mean probabilities, not of
  softmaxed mean logits. Muon, one cycle, d = 0.97 and one pair by default [SGD 0.01, 0.99, six]: runs last minutes.
- Without unlabelled patches (1) is all there is. Beyond a volume's border its last voxel repeats in a patch, which (6)
  cannot tell from the image.

Limit: as that of bcp.py, where patches cannot show a structure whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..engine.blocks.components import hard_labels
from ..engine.blocks.displacement import Rule, displace, escalation, largest_window, relative_threshold
from ..engine.blocks.ema import copy_of, ema_update
from ..engine.blocks.losses import judged
from ..engine.blocks.mixing import box_mask, copy_paste_loss, halves, mixed_loss, paste, region_dice, region_loss
from ..engine.blocks.optim import build_optimisers, rate_factor, sigmoid_ramp
from ..engine.blocks.perturb import strong
from ..engine.blocks.views import cut_out
from ..engine.nets import build
from ..geometry import IGNORE
from ..settings import CAD as CADSettings
from .base import PRETRAIN, Method, Need, Optimiser, Patches, Phase, Step, Task, after_pretraining
from .student_teacher import SELF_TRAIN


@dataclass(frozen=True)
class View:
    """One view of all patches: images ``known`` and ``free`` (unlabelled), true and pseudo-labels; IGNORE in holes."""

    known: Tensor
    free: Tensor
    label: Tensor
    known_pseudo: Tensor
    free_pseudo: Tensor


@dataclass(frozen=True)
class Mixed:
    """Inward, then outward mixes of a view: ``image`` (B,C,D,H,W); ``label`` true or IGNORE, ``pseudo`` (B,D,H,W)."""

    image: Tensor
    label: Tensor
    pseudo: Tensor


class CAD(Method):
    """Two students of one architecture and the running average of the first."""

    def __init__(self, settings: CADSettings, task: Task):
        super().__init__()
        self.settings, self.task = settings, task
        self.first, self.second = build(task.network, task), build(task.network, task)
        self.second.load_state_dict(self.first.state_dict())
        self.teacher = copy_of(self.first)

    def phases(self) -> list[Phase]:
        """Pre-training, unless a model to start from makes it needless (share 0), then self-training."""
        return after_pretraining(self.settings.pretraining, SELF_TRAIN)

    def optimisers(self, phase: str) -> list[Optimiser]:
        """One set per student; pre-training has one student."""
        s = self.settings
        students = [self.first] if phase == PRETRAIN else [self.first, self.second]
        return [o for net in students for o in build_optimisers(s.optimiser, net, s.learning_rate, s.weight_decay)]

    def rate(self, step: Step) -> float:
        """The chosen curve, once per phase."""
        return rate_factor(self.settings.schedule, step.progress, step.index)

    def need(self, step: Step) -> Need:
        """Pairs: half of the labelled patches are a, half are b; u and v likewise."""
        rows = 2 * self.settings.pairs
        return Need(rows, rows if step.phase == SELF_TRAIN else 0, self.task.patch)

    def losses(self, labelled: Patches, unlabelled: Patches, step: Step) -> dict[str, Tensor]:
        """Equation (1), or (2) to (9)."""
        s, mask = self.settings, box_mask(labelled.image, self.settings.box)
        if step.phase == PRETRAIN or len(unlabelled.image) < len(labelled.image):
            return {"copy_paste": copy_paste_loss(self.first, labelled.image, labelled.label, mask)}
        views = self.views(labelled, unlabelled)
        weak, disturbed = (mix(view, mask) for view in views)
        (one, plain_one), (two, plain_two) = (
            self.answers(student, mixed, view)
            for student, mixed, view in zip((self.first, self.second), (weak, disturbed), views, strict=True)
        )
        agree = sigmoid_ramp(step.progress, s.ramp)
        losses = {
            "mixed_weak": mix_loss(one, weak, s.unlabelled_weight),
            "mixed_strong": mix_loss(two, disturbed, s.unlabelled_weight),
            "cross": agree * s.cross * cross_loss(one, two),
        }
        if s.plain > 0:
            losses["plain"] = s.plain * (plain_one + plain_two)
        if s.displaced > 0:
            losses["displaced"] = agree * s.displaced * self.displaced_loss(weak, disturbed, one, two, step)
        if s.teacher_consistency > 0:
            losses["teacher"] = agree * s.teacher_consistency * self.teacher_loss(one, weak.image)
        return losses

    def answers(self, student: nn.Module, mixed: Mixed, view: View) -> tuple[Tensor, Tensor]:
        """A student's logits of the mixes, and its loss on the labelled patches as they are, in one pass."""
        plain = view.known if self.settings.plain > 0 else view.known[:0]
        logits = student(torch.cat([mixed.image, plain]))
        rows = len(mixed.image)
        return logits[:rows], region_loss(logits[rows:], view.label[: len(plain)], judged(view.label[: len(plain)]))

    def views(self, labelled: Patches, unlabelled: Patches) -> tuple[View, View]:
        """Weak view (the patch as drawn) and strong view of all patches, with equation (2) on each."""
        rows = len(labelled.image)
        image = torch.cat([labelled.image, unlabelled.image])
        disturbed, hole = cut_out(strong(image), self.settings.cut_out)
        pseudo = self.pseudo_label(image)
        other = pseudo if self.settings.pseudo_view == "weak" else self.pseudo_label(disturbed)
        other, label = other.masked_fill(hole, IGNORE), labelled.label.masked_fill(hole[:rows], IGNORE)
        return (
            View(image[:rows], image[rows:], labelled.label, pseudo[:rows], pseudo[rows:]),
            View(disturbed[:rows], disturbed[rows:], label, other[:rows], other[rows:]),
        )

    @torch.no_grad()
    def pseudo_label(self, image: Tensor) -> Tensor:
        """Equation (2), (B,C,D,H,W) -> (B,D,H,W)."""
        return hard_labels(self.teacher.eval()(image), self.settings.largest)

    def displaced_loss(self, weak: Mixed, disturbed: Mixed, one: Tensor, two: Tensor, step: Step) -> Tensor:
        """Equations (6) and (7), then (5) of both students on what was displaced; 0 when nothing was."""
        p, q = torch.softmax(one.detach().float(), 1), torch.softmax(two.detach().float(), 1)
        rule, keep = self.rule(step, weak.image), weak.label != IGNORE
        first, moved = displace(weak.image, p, disturbed.image, q, rule, keep)
        second, also = displace(disturbed.image, q, weak.image, p, rule, keep)
        image = torch.cat([first[moved], second[also]])
        if len(image) == 0:
            return torch.zeros((), device=image.device)
        return cross_loss(self.first(image), self.second(image))

    def rule(self, step: Step, image: Tensor) -> Rule:
        """Equation (8)."""
        s, (depth, height, width) = self.settings, image.shape[2:]
        g = escalation(step.progress, s.escalation, s.curve)
        by_share = s.quantile_first + (s.quantile_last - s.quantile_first) * g
        return Rule(
            threshold=relative_threshold(g, self.task.classes, s.threshold_first, s.threshold_last),
            largest=largest_window(g, (depth, height, width), s.window_first, s.window_last),
            fewest=s.fewest,
            candidates=s.candidates,
            aligned=s.source == "aligned",
            regions=1 + round((s.regions - 1) * g),
            quantile=by_share if s.unsure == "quantile" else 0.0,
        )

    def teacher_loss(self, logits: Tensor, image: Tensor) -> Tensor:
        """Mean squared difference of probabilities between student 1 and the teacher (off in ABD)."""
        with torch.no_grad():
            target = torch.softmax(self.teacher.eval()(image).float(), 1)
        return F.mse_loss(torch.softmax(logits.float(), 1), target)

    def after_step(self, step: Step) -> None:
        """While pre-training all networks are student 1; then the teacher follows it as in (9)."""
        if step.phase == PRETRAIN:
            ema_update(self.second, self.first, 0.0)
        ema_update(self.teacher, self.first, 0.0 if step.phase == PRETRAIN else self.settings.ema)

    def predictor(self) -> nn.Module:
        """The teacher, or student 1 as in ABD."""
        return self.first if self.settings.inference == "student" else self.teacher


def mix(view: View, mask: Tensor) -> Mixed:
    """Equation (3)."""
    (a, b), (u, v) = halves(view.known), halves(view.free)
    (y_a, y_b), (g_a, g_b), (g_u, g_v) = halves(view.label), halves(view.known_pseudo), halves(view.free_pseudo)
    return Mixed(
        torch.cat([paste(a, u, mask), paste(v, b, mask)]),
        torch.cat([paste(y_a, IGNORE, mask), paste(y_b, IGNORE, ~mask)]),
        torch.cat([paste(g_a, g_u, mask), paste(g_v, g_b, mask)]),
    )


def mix_loss(logits: Tensor, mixed: Mixed, weight: float) -> Tensor:
    """Equation (4)."""
    rows = zip(logits.chunk(2), mixed.label.chunk(2), mixed.pseudo.chunk(2), strict=True)
    inward, outward = (mixed_loss(z, y, pseudo, weight) for z, y, pseudo in rows)
    return inward + outward


def cross_loss(one: Tensor, two: Tensor) -> Tensor:
    """Equation (5) of two logits (B,K,D,H,W); targets are hard and carry no gradient."""
    p, q = torch.softmax(one.float(), 1), torch.softmax(two.float(), 1)
    return against(p, q.detach().max(1).indices) + against(q, p.detach().max(1).indices)


def against(share: Tensor, target: Tensor) -> Tensor:
    """D of equation (5): ``share`` (B,K,D,H,W) against ``target`` (B,D,H,W), summed over the batch, squares below."""
    return region_dice(share, target, torch.ones_like(share[:, 0]), squared=True, per_image=False)
