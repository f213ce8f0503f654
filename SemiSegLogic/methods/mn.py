"""M&N: a pre-trained 2D network and a 3D network teach each other, ever more on unlabelled data.

P.-H. Yeung, J. Ramesh, P. Lyu, A. Namburete, J. Rajapakse: Semi-Supervised 3D Medical Segmentation from 2D Natural
Images Pretrained Model, MLMI at MICCAI 2025 (arXiv 2509.15167).

Idea: a network pre-trained on photographs sees slices well but not volumes; one trained from scratch sees volumes but
has too few labels. Let them take turns: one learns from labels and from the other's probabilities, then they change
places. As both get better, labelled patches give way to unlabelled ones.

    f2, f3   slice network (SegFormer with LoRA) and volume network      B       patches per step
    p, t     probabilities, target (one-hot or soft), classes c = 0..C   v       1 where the target counts, else 0
    r        share of the second stage that is done

    (1)  L_dice = 1 - mean_c 2 sum v p_c t_c / (sum v p_c^2 + sum v t_c^2)        sums over the whole batch
    (2)  L_kl   = sum v t_c (log t_c - log p_c) / ((C + 1) sum v)
    (3)  L      = L_dice + L_kl         for labels and pseudo-labels alike; no weight, no ramp, no threshold
    (4)  together:   L(f2(x), y) + L(f3(x), y)                           labelled patches only, v = judged
    (5)  in turns:   L(f_s([u, x]), [softmax f_t(u), y])                 student s and teacher t swap every few steps
    (6)  n_u = floor(B r), at most B - 1;    n_l = B - n_u               learning-rate guided sampling
    (7)  rate = linear from 0.01 to 1, then cosine to 0 in (4); again from 1, cosine to 0 in (5)

Where we differ and why (paper and released code in brackets):
- Sparse slices: v = 0 where nobody judged; f2 is shown no slice without a voxel that counts. Once n_u > 0 the teacher's
  probabilities stand there, v = 1.
- A class that the batch's targets lack is left out of (1) [it adds a constant].
- (6) rounds B r up or down in a fixed pattern with the right mean, so that two patches per step suffice
  [floor: nothing unlabelled until half the stage is over]; ``rounding="floor"``. ``growth="rate"`` takes 1 - rate as r.
- Labels and pseudo-labels are averaged apart, the latter at half weight and ramped up [in one mean: with sparse slices
  nineteen of twenty voxels are the other network's guess, and drown the labels; ``means`` "one"].
- Both networks learn in every step, each from what the other said [in turns, so half of the steps each; ``learners``
  "one"], and two labelled patches stay in every step [one], or one less than all. The figures without pre-trained
  weights are in Testing/benchmarks/results/what_each_part_costs.md.
- Slices shown to f2 per step are drawn, ``slices`` at most [all of them: 48 GB].
- Crops of unlabelled volumes are not steered to pseudo-masks saved on disk; unlabelled data are what the user put there
  [validation and test volumes as well]. Windows are averaged as probabilities [as logits].
- f3 is any network of ours; "instance" is the published one, except that its norms learn a scale and a shift
  [neither]. It trains by Muon [AdamW, 1e-4]. f2 can be a planar network from scratch where there are no weights, and
  then trains as f3 does.
- Stage one takes a fifth of the run [a fifteenth: an eighth of each network's own steps], as runs are short.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from ..engine.blocks.losses import judged, one_hot
from ..engine.blocks.optim import build_optimisers, one_cycle, sigmoid_ramp
from ..engine.nets import build
from ..engine.nets.planar import to_slices
from ..engine.nets.segformer import load_segformer
from ..geometry import GOLDEN_SECTION
from ..settings import MN as MNSettings
from ..settings import SettingsError
from .base import Method, Need, Optimiser, Patches, Phase, Step, Task

TOGETHER, TURNS = "together", "in turns"
NAMES = ("slices", "volumes")


class MN(Method):
    """Two networks, of which the volume network predicts."""

    def __init__(self, settings: MNSettings, task: Task):
        super().__init__()
        if task.dims != 3:
            raise SettingsError("M&N needs volumes: slices have no third dimension to learn from. Choose m3hl or bcp.")
        self.settings, self.task = settings, task
        self.volumes = build(task.network, task)
        self.slices = slice_network(settings, task)

    @classmethod
    def to_predict(cls, settings: MNSettings, task: Task) -> MN:
        """With any slice network: it does not predict, and the pre-trained weights may be on another computer."""
        return cls(replace(settings, slice_network="fast"), task)

    def phases(self) -> list[Phase]:
        """Both on labels, then in turns."""
        return [Phase(TOGETHER, self.settings.together), Phase(TURNS, 1 - self.settings.together)]

    def optimisers(self, phase: str) -> list[Optimiser]:
        """One set for each network; what gets no gradient in a step stays as it is."""
        s = self.settings
        adapted = s.slice_network == "segformer"
        of_slices = ("adamw", s.slice_rate) if adapted else (s.optimiser, s.learning_rate)
        return [
            *build_optimisers(of_slices[0], self.slices, of_slices[1], s.weight_decay),
            *build_optimisers(s.optimiser, self.volumes, s.learning_rate, s.weight_decay),
        ]

    def rate(self, step: Step) -> float:
        """Equation (7)."""
        if step.phase == TURNS:
            return one_cycle(step.progress, warm=0.0, last=0.0)
        rising = 0.01 + 0.99 * step.progress / self.settings.warm_up
        return rising if step.progress < self.settings.warm_up else one_cycle(step.progress, self.settings.warm_up, 0.0)

    def need(self, step: Step) -> Need:
        """Equation (6)."""
        unlabelled = 0 if step.phase == TOGETHER else self.unlabelled_count(step)
        return Need(self.settings.batch - unlabelled, unlabelled, self.task.patch)

    def unlabelled_count(self, step: Step) -> int:
        """n_u of equation (6), a pure function of the step."""
        share = step.progress if self.settings.growth == "progress" else 1 - self.rate(step)
        lift = 0.0 if self.settings.rounding == "floor" else (step.index + 1) * GOLDEN_SECTION % 1
        most = max(self.settings.batch - self.settings.least_labelled, 1)
        return min(int(self.settings.batch * share + lift), most)

    def losses(self, labelled: Patches, unlabelled: Patches, step: Step) -> dict[str, Tensor]:
        """Equation (4) or (5)."""
        if step.phase == TOGETHER:
            return {name: self.taught(name, labelled, None, 0.0) for name in NAMES}
        weight = self.settings.pseudo_weight * sigmoid_ramp(step.progress, self.settings.pseudo_ramp)
        return {name: self.taught(name, labelled, unlabelled, weight) for name in self.students(step)}

    def students(self, step: Step) -> tuple[str, ...]:
        """Who learns in this step of (5)."""
        return NAMES if self.settings.learners == "both" else (NAMES[step.index // self.settings.swap % 2],)

    def taught(self, name: str, labelled: Patches, unlabelled: Patches | None, weight: float) -> Tensor:
        """Loss (3) of the network ``name``, a scalar: on labels, and unless ``unlabelled`` is None on what the other
        one says of the rest, at ``weight``.
        """
        known, image = judged(labelled.label), labelled.image
        if unlabelled is None:
            target, guessed = one_hot(labelled.label, self.task.classes), torch.zeros_like(known)
        else:
            target, counts = self.targets(self.teacher_of(name), unlabelled.image, labelled)
            image = torch.cat([unlabelled.image, image])
            known = torch.cat([known.new_zeros(len(unlabelled.image), *known.shape[1:]), known])
            guessed = counts - known
        self.network(name).train()
        logits, target, known, guessed = self.answer(name, image, target, known, guessed)
        return self.loss(logits, target, known, guessed, weight)

    def network(self, name: str) -> nn.Module:
        """f2 or f3."""
        return self.slices if name == "slices" else self.volumes

    def teacher_of(self, name: str) -> nn.Module:
        """The other one."""
        return self.volumes if name == "slices" else self.slices

    @torch.no_grad()
    def targets(self, teacher: nn.Module, image: Tensor, labelled: Patches) -> tuple[Tensor, Tensor]:
        """[softmax f_t(u), y] (B,K,D,H,W), and v (B,D,H,W). Once there are unlabelled patches, the teacher also fills
        in what nobody judged of the labelled ones.
        """
        target, weight = one_hot(labelled.label, self.task.classes), judged(labelled.label)
        if not len(image):
            return target, weight
        teacher.eval()
        if bool((weight == 0).any()):
            guessed = torch.softmax(teacher(labelled.image).float(), 1)
            target = torch.where(weight.unsqueeze(1) > 0, target, guessed)
        target = torch.cat([torch.softmax(teacher(image).float(), 1), target])
        return target, torch.ones_like(target[:, 0])

    def answer(self, name: str, image: Tensor, target: Tensor, known: Tensor, guessed: Tensor) -> tuple[Tensor, ...]:
        """Logits (B,K,D,H,W) of the network ``name`` with target (B,K,D,H,W), known and guessed (B,D,H,W) of what it
        was shown. The slice network is shown slices that hold a voxel that counts, ``slices`` at most; one without any
        if none does.
        """
        if name == "volumes":
            return self.volumes(image), target, known, guessed
        known, guessed = to_slices(known.unsqueeze(1)), to_slices(guessed.unsqueeze(1))
        rows = (known + guessed).flatten(1).any(1).nonzero().flatten()
        rows = rows[torch.randperm(len(rows), device=rows.device)[: self.settings.slices or None]]
        rows = rows if len(rows) else torch.zeros(1, dtype=torch.int64, device=rows.device)
        logits = self.slices(to_slices(image)[rows].unsqueeze(2))
        return logits, to_slices(target)[rows].unsqueeze(2), known[rows], guessed[rows]

    def loss(self, logits: Tensor, target: Tensor, known: Tensor, guessed: Tensor, weight: float) -> Tensor:
        """Equation (3): one mean over both kinds of voxels as published, or one of each, ``weight`` on the guessed."""
        if self.settings.means == "one":
            return joint_loss(logits, target, known + guessed)
        return joint_loss(logits, target, known) + weight * joint_loss(logits, target, guessed)

    def predictor(self) -> nn.Module:
        """The volume network; the other one has done its duty."""
        return self.volumes


def joint_loss(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Equation (3): ``logits`` and ``target`` (B,K,D,H,W), ``weight`` (B,D,H,W); 0 where nothing counts."""
    share, v = torch.log_softmax(logits.float(), 1), weight.unsqueeze(1).float()
    return dice_loss(share.exp(), target, v) + divergence(share, target, v)


def dice_loss(share: Tensor, target: Tensor, v: Tensor) -> Tensor:
    """Equation (1), the mean over the classes that the targets hold; (B,K,D,H,W), ``v`` (B,1,D,H,W)."""
    axes = [0, *range(2, share.dim())]
    mass = (v * target).sum(axes)
    overlap, squares = 2 * (v * share * target).sum(axes), (v * (share**2 + target**2)).sum(axes)
    held = (mass > 0).float()
    return (held * (1 - overlap / squares.clamp_min(1e-6))).sum() / held.sum().clamp_min(1)


def divergence(log_share: Tensor, target: Tensor, v: Tensor) -> Tensor:
    """Equation (2), of the same shapes: for a one-hot target the cross-entropy over the number of classes."""
    apart = torch.xlogy(target, target) - target * log_share
    return (v * apart).sum() / (log_share.shape[1] * v.sum()).clamp_min(1)


def slice_network(settings: MNSettings, task: Task) -> nn.Module:
    """f2: SegFormer from the user's weights, or a planar network from scratch. Raises SettingsError."""
    if settings.slice_network == "segformer":
        return load_segformer(settings.weights, task, settings.rank, settings.alpha, settings.dropout)
    planar = replace(task, dims=2, patch=(1, *task.patch[1:]))
    return build(settings.slice_network, planar)
