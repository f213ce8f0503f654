"""ERSR: ellipse-constrained refinement of pseudo-labels, and symmetric regularisation.

L. Zhou, Z. Chen, Y. Shen et al.: ERSR: An Ellipse-constrained pseudo-label refinement and symmetric regularization
framework for semi-supervised fetal head segmentation in ultrasound images, IEEE JBHI 2025 (arXiv 2508.19815).

Idea: a head, a ventricle or a vessel cut across is an ellipse. Trust the teacher where its outline is smooth, replace
its guess by the ellipse that fits it, and ask the student for the same answer on images made of one half of the
structure and its mirror image.

    p  teacher's probability of the structure (H,W)    Q  student's    u  distance from the ellipse's long axis
    R  reflection at that axis      left = [u < 0], right = [u >= 0]   rho  elliptic radius, 1 on the ellipse
    t  share of the phase that is done                 T  threshold

    (1)  L_sup  = 1/2 (CE(x, y) + Dice + Focal)                     judged pixels of labelled slices
    (2)  s      = mean of z(edge score) and z(contour score)        lower is better; z over the pool of samples
    (3)  keep   = the best r(t) of the pool, at least 0.8 n_u and one; r(t) = 0.5 + 0.5 exp(-5 (1 - t)^2)
    (4)  p'     = max(p, clip(T + (1 - rho)^2)) inside, p exp(-(rho - 1)/2) outside;      Y^ = [p' > T]
    (5)  L_seg  = MSE(Q, Y^)
    (6)  L_aug  = MSE([Q_left, Q_right], [S_left, S_right]),   S_left = left Q + R(left Q), S_right likewise
    (7)  L_mir  = MSE(left Q', left R(Q'))                          Q' = Q_left and Q_right
    (8)  L      = L_sup + lambda(t) (L_seg + L_aug + L_mir),        lambda(t) = exp(-5 (1 - t)^2)
    (9)  teacher <- a teacher + (1 - a) student,                    a = min(1 - 1/(step + 1), decay)

Where we differ and why (released code in brackets):
- (1) takes logits in all three terms [a second sigmoid in the focal one], Dice over the batch [per image].
- (2) measures gradient per perimeter and the bending of the outline [gradient and distance of background pixels, which
  rank an empty map best; ``score="released"``]. The pool keeps the latest samples by volume and slice [by their place
  in the batch]. Empty and full maps are never chosen.
- Ten times lambda in (8), in full after a tenth of the phase [over all of it]: within 1000 steps on fetal heads the
  published weight gave nothing, ours 0.006 Dice over supervised (Testing/benchmarks/results/hc18.md).
- (4) refits without outlying outline points, as a bite would tilt the ellipse; leaves out points on the image's frame.
- An ellipse teaches only if it covers the map, is not slender, centred in the image and of an annotated size;
  otherwise [p > 1/2] stands in (5), and (6), (7) are left out, as for near circles, whose axis means nothing. A map
  that is nowhere above T teaches nothing, one below ``empty_below`` teaches background [both: background].
- The half lies over its mirror image, that over the background [intensities add up]; its grey values are stretched to
  the whole range when it was disturbed [always], so that an undisturbed one looks as it did. Where R leaves the image,
  nothing is compared [the border is smeared]. Pixels of the axis are their own mirror image [S up to 2 there; L_mir
  never 0].
- Several structures: (4) for each one in ``elliptical``, plain pseudo-labels for others; where ellipses overlap the
  larger p' wins; (6) and (7) for one structure per image, drawn.
- Crops at the resolution at which prediction works; a cut ellipse is still one [whole slices; ``whole_slice``].
- The averaged teacher predicts [student], Muon [SGD] and shares of the run instead of 10 000 + 10 000 iterations.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..engine.blocks.ellipse import Guard, Map, read, without_overlap
from ..engine.blocks.ema import ema_update, warm_decay
from ..engine.blocks.losses import focal, partial_cross_entropy, soft_dice, weighted_mean
from ..engine.blocks.optim import rate_factor, sigmoid_ramp
from ..engine.blocks.outline import blank, contour_score, edge_score, released_scores
from ..engine.blocks.score_pool import ScorePool
from ..engine.blocks.symmetry import Mirror, mirrored_images
from ..engine.nets import Network
from ..settings import ERSR as ERSRSettings
from ..settings import SettingsError
from .base import PRETRAIN, Need, Patches, Phase, Step, Task, after_pretraining
from .student_teacher import StudentTeacher

TRAIN = "training"


@dataclass(frozen=True)
class Guess:
    """What the teacher's maps become. For n images and F structures: ``target`` (n,F,H,W) in [0,1], ``weight`` (n,F)
    0 or 1, ``axis`` (n,4) as in engine.blocks.symmetry, ``structure`` (n,) whose axis it is, -1 where there is none.
    """

    target: Tensor
    weight: Tensor
    axis: Tensor
    structure: Tensor


class ERSR(StudentTeacher):
    """Student and teacher on slices, and the sizes and scores they have seen."""

    smallest: Tensor
    largest: Tensor

    def __init__(self, settings: ERSRSettings, task: Task):
        if task.dims != 2:
            raise SettingsError("ERSR sees slices, as ellipses are planar. For volumes choose m3hl or bcp.")
        super().__init__(settings, task)
        self.elliptical = settings.elliptical_classes(task.values or range(1, task.classes))
        self.pool = ScorePool(settings.pool, 2)
        self.register_buffer("smallest", torch.full((task.classes,), torch.inf))
        self.register_buffer("largest", torch.zeros(task.classes))

    @classmethod
    def to_predict(cls, settings: ERSRSettings, task: Task) -> ERSR:
        """Whatever is elliptical: that is for learning only, and the study's structures may be others by now."""
        return cls(replace(settings, elliptical="all"), task)

    def new_student(self) -> Network:
        """It sees whole slices as published, or crops."""
        student = super().new_student()
        student.whole_slice = self.task.patch[1:] if self.settings.whole_slice else None
        return student

    @property
    def pixel_height(self) -> float:
        """In pixel widths: an ellipse is one, and an axis upright on the other, in millimetres alone."""
        return self.settings.pixel_height * self.task.spacing[1] / self.task.spacing[2]

    def phases(self) -> list[Phase]:
        """Supervised pre-training, then everything."""
        return after_pretraining(self.settings.pretraining, TRAIN)

    def rate(self, step: Step) -> float:
        """One cycle in each phase; as published constant in pre-training, then poly."""
        constant = step.phase == PRETRAIN and self.settings.schedule == "poly"
        return rate_factor("constant" if constant else self.settings.schedule, step.progress, step.index)

    def need(self, step: Step) -> Need:
        """Whole slices as published, or crops: patches are planned to be half as large again as the structures."""
        s = self.settings
        return Need(s.batch, 0 if step.phase == PRETRAIN else s.unlabelled, self.task.patch, s.whole_slice)

    def losses(self, labelled: Patches, unlabelled: Patches, step: Step) -> dict[str, Tensor]:
        """Equation (8)."""
        self.note_sizes(labelled.label)
        supervised = self.supervised(labelled)
        if step.phase == PRETRAIN:
            return supervised
        weight = self.settings.consistency * sigmoid_ramp(step.progress, self.settings.ramp)
        symmetric = self.consistency(unlabelled.image, self.guess(unlabelled, step))
        return {**supervised, **{name: weight * value for name, value in symmetric.items()}}

    def supervised(self, labelled: Patches) -> dict[str, Tensor]:
        """Equation (1)."""
        logits = self.student(labelled.image)
        return {
            "cross_entropy": 0.5 * partial_cross_entropy(logits, labelled.label),
            "dice": 0.5 * soft_dice(logits, labelled.label, smooth=1e-5),
            "focal": 0.5 * focal(logits, labelled.label),
        }

    @torch.no_grad()
    def guess(self, unlabelled: Patches, step: Step) -> Guess:
        """Equations (2) to (4), on the processor, without gradients."""
        self.teacher.eval()
        logits = self.teacher(unlabelled.image)[:, :, 0]
        maps = torch.softmax(logits.float(), 1)[:, 1:].cpu().numpy()
        kept = self.keep(maps, sample_keys(unlabelled), step.progress)
        empty = maps.max((1, 2, 3)) < self.settings.empty_below
        guesses = [self.read(p) if k or e else nothing(p) for p, k, e in zip(maps, kept, empty, strict=True)]
        target, weight, axis, structure = (torch.from_numpy(np.stack(part)) for part in zip(*guesses, strict=True))
        device = unlabelled.image.device
        return Guess(target.to(device), weight.to(device), axis.to(device), structure.to(device))

    def keep(self, maps: Map, keys: Tensor, progress: float) -> list[bool]:
        """Equations (2) and (3): which of ``maps`` (n,F,H,W) may teach."""
        scores = torch.tensor([self.scores(p) for p in maps])
        usable = scores.isfinite().all(1)
        pool = self.pool
        pool.put(keys[usable.to(keys.device)], scores[usable].to(pool.score.device))
        share = 0.5 + 0.5 * sigmoid_ramp(progress, 1.0)
        least, normalised = max(int(0.8 * len(maps)), 1), self.settings.score == "paper"
        chosen: list[bool] = pool.best(scores.to(pool.score.device), share, least, normalised).tolist()
        return chosen

    def scores(self, maps: Map) -> tuple[float, float]:
        """Edge and contour score of ``maps`` (F,H,W): the mean over elliptical structures that show, or infinity."""
        shown = [maps[value - 1] for value in self.elliptical if not blank(maps[value - 1])]
        if not shown:
            return np.inf, np.inf
        released = self.settings.score == "released"
        both = [released_scores(p) if released else (edge_score(p), contour_score(p)) for p in shown]
        edge, contour = np.mean(both, axis=0)
        return float(edge), float(contour)

    def read(self, maps: Map) -> tuple[Map, Map, Map, NDArray[np.int64]]:
        """Equation (4) for ``maps`` (F,H,W): target (F,H,W), weight (F,), axis (4,), structure ()."""
        s = self.settings
        target, value, weight, axes = (maps > 0.5).astype(np.float32), maps.copy(), np.ones(len(maps), np.float32), {}
        for place in (value - 1 for value in self.elliptical):
            seen = read(maps[place], self.guard(place + 1), s.threshold, s.empty_below, self.pixel_height)
            target[place], value[place], weight[place] = seen.soft if s.soft else seen.hard, seen.soft, seen.teaches
            if seen.ellipse and seen.ellipse.short <= s.roundest * seen.ellipse.long:
                axes[place] = seen.ellipse
        chosen = list(axes)[int(torch.randint(len(axes), ()))] if axes else -1
        axis = np.array(axes[chosen].axis if axes else (0, 0, 1, 0), np.float32)
        return target if s.soft else without_overlap(target, value), weight, axis, np.array(chosen)

    def guard(self, value: int) -> Guard:
        """What an ellipse of structure ``value`` must be like to teach; any size until one was annotated."""
        s = self.settings
        if not self.largest[value] > 0:
            return Guard(s.overlap, s.slender)
        return Guard(s.overlap, s.slender, (0.3 * float(self.smallest[value]), 3 * float(self.largest[value])))

    @torch.no_grad()
    def note_sizes(self, label: Tensor) -> None:
        """Least and greatest annotated area, in pixels, of every structure. ``label`` (B,1,H,W)."""
        areas = torch.stack([(label == value).flatten(1).sum(1).float() for value in range(self.task.classes)])
        self.largest.copy_(torch.maximum(self.largest, areas.amax(1)))
        seen = torch.where(areas > 0, areas, torch.inf)
        self.smallest.copy_(torch.minimum(self.smallest, seen.amin(1)))

    def consistency(self, image: Tensor, guess: Guess) -> dict[str, Tensor]:
        """Equations (5) to (7): one student pass over [x_u, x_left, x_right]; 0 where nothing may teach."""
        rows = guess.weight.any(1)
        if not rows.any():
            return dict.fromkeys(("ellipse", "augmented", "mirror"), torch.zeros((), device=image.device))
        image, target, weight = image[rows], guess.target[rows], guess.weight[rows]
        axis, structure = guess.axis[rows], guess.structure[rows]
        paired = structure >= 0
        mirror = Mirror(axis[paired], image.shape[3], image.shape[4], self.pixel_height)
        which = structure[paired].view(-1, 1, 1, 1).expand(-1, 1, *image.shape[3:])
        mask = target[paired].gather(1, which)[:, 0] > self.settings.threshold  # soft or hard
        left, right = mirrored_images(image[paired][:, :, 0], mask, mirror)
        logits = self.student(torch.cat([image, left.unsqueeze(2), right.unsqueeze(2)]))
        share = torch.softmax(logits.float(), 1)[:, 1:, 0]
        own, q_left, q_right = share.split([len(image), len(left), len(right)])
        halves = q_left.gather(1, which)[:, 0], q_right.gather(1, which)[:, 0]
        return {
            "ellipse": weighted_mean(((own - target) ** 2).mean((2, 3)), weight),
            "augmented": augmented_loss(halves, own[paired].gather(1, which)[:, 0], mirror),
            "mirror": mirror_loss(halves, mirror),
        }

    def after_step(self, step: Step) -> None:
        """Equation (9)."""
        ema_update(self.teacher, self.student, warm_decay(self.settings.ema, step.index))

    def predictor(self) -> nn.Module:
        """The teacher, or the student as published. No ellipse is fitted to what it predicts."""
        return super().predictor()


def augmented_loss(halves: tuple[Tensor, Tensor], own: Tensor, mirror: Mirror) -> Tensor:
    """Equation (6), all (s,H,W): the target is the student's own answer, made symmetric, with its gradient."""
    left, right = mirror.symmetrised(own)
    counts = torch.cat([mirror.left | mirror.valid, ~mirror.left | mirror.valid]).float()
    return weighted_mean((torch.cat(halves) - torch.cat([left, right])) ** 2, counts)


def mirror_loss(halves: tuple[Tensor, Tensor], mirror: Mirror) -> Tensor:
    """Equation (7)."""
    off, counts = zip(*(mirror.asymmetry(q) for q in halves), strict=True)
    return weighted_mean(torch.cat(off), torch.cat(counts))


def nothing(maps: Map) -> tuple[Map, Map, Map, NDArray[np.int64]]:
    """As :meth:`ERSR.read`, for an image that teaches nothing."""
    return np.zeros_like(maps), np.zeros(len(maps), np.float32), np.array((0, 0, 1, 0), np.float32), np.array(-1)


def sample_keys(patches: Patches) -> Tensor:
    """(B,) int64: one number per volume and slice."""
    return patches.volume * 100_000 + (patches.position[:, 0] * 99_999).round().long()
