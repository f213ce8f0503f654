"""C3S3: complementary competition and contrastive selection.

J. He, Y. Lin, J. Chen, H. Xu, J. Zheng: C3S3: Complementary Competition and Contrastive Selection for Semi-Supervised
Medical Image Segmentation, IEEE ICME 2025 (arXiv 2506.07368).

Idea: two networks of different architecture look at two views of the same patch. Whoever does better on the labels of
this step teaches the other on the rest. All four predictions are made consistent, and features of the voxels both
networks agree on are set apart from all others, above all at borders.

    n in {A, B}, v in {1, 2}    network, view: same geometry, grey values drawn independently
    p_n^v, z_n^v, y^_n^v        softmax (B,K,D,H,W), projected feature of a voxel, argmax (the label where judged)
    known, guessed              voxels that a person judged, all others
    g(t)                        exp(-5 (1 - t / 0.4)^2) over the first 0.4 of the run, then 1

    (1)  L_sup,n = 1/2 sum_v (CE_n^v + Dice_n^v)              known; Dice of structures, squared denominator
    (2)  s_n     = a sum_v CE_n^v + (1-a) sum_v Dice_n^v      the winner is A if s_A < s_B, else B
    (3)  P^v     = p_winner^(1/T) / sum_k p_winner^(1/T)      T = 0.1, no gradient
    (4)  L_cp    = sum_v mean (p_loser^v - P^v)^2             guessed; only the loser learns from it
    (5)  L_cos,n = half of 1 - cos(p_n^1, p_n^2), half of the mean over v of 1 - cos(p_A^v, p_B^v); class axis
    (6)  L_iuc   = for class c, I = (y^_A = c and y^_B = c), U = (y^_A = c or y^_B = c):
                   InfoNCE of anchors in I against voxels outside I + InfoNCE of anchors outside U against voxels in U,
                   the same voxel of the other network being the positive, cosine / 0.1, mean of both directions
    (7)  L = sum_n (L_sup,n + L_cos,n) + w g(t) L_cp + m g(t) sum over (A1,B1) (A2,B2) (A1,B2) (A2,B1) of L_iuc
         prediction: mean of both networks' softmax

Where we differ and why:
- Views: both released views are one tensor; then all that differs is dropout (``views`` "same"), and in networks that
  have none half of (5) is 0. Perturbed by default, in 2D too: on made slices 0.986 against 0.990 for "same", four seeds
  with a spread of 0.006, which tells nothing.
- (5): released along the depth axis of the logits, so that a column of voxels can agree while each is wrong
  (``cosine`` "depth"); released between views, described between networks: here both.
- (6): the released formula pushes the networks' features apart everywhere, most where they agree (its two
  denominators repel what the other attracts). This is the intended form; half of the negatives lie within 3 voxels of
  the border. m is not published: 0.1. Voxels are drawn before the projection, which commutes with 1x1 convolutions.
- (7): one backward pass; released, every contrastive gradient arrives twice. The ramp is a share of the run; the
  released one would need 6000 steps and gets 2500, so that pseudo-labels count 1.7 %.
- A labelled patch without a structure: Dice is left out, the competition is by CE alone.
- Sparse slices: (1) and (2) on judged voxels; all others, of labelled patches too, are in (4).
- ``smoothing`` averages s_n over steps, as with one patch the winner changes by chance; 0 as published.
- Both views go through a network in one pass. Pairs of networks as in ``engine.nets.PARTNERS``. Muon and one cycle by
  default [SGD 0.01]: runs last minutes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..engine.blocks.losses import judged, partial_cross_entropy, weighted_mean
from ..engine.blocks.mixing import region_dice
from ..engine.blocks.optim import build_optimisers, rate_factor, sigmoid_ramp
from ..engine.blocks.perturb import weak
from ..engine.blocks.voxel_contrast import agreement_contrast, gather
from ..engine.nets import Network, build_pair
from ..engine.nets.ensemble import MeanOf
from ..engine.nets.projection import tap_width
from ..geometry import IGNORE
from ..settings import C3S3 as C3S3Settings
from .base import Method, Need, Optimiser, Patches, Step, Task


@dataclass(frozen=True)
class Seen:
    """What a network makes of one view: ``logits`` (B,K,D,H,W), ``last`` feature map (B,F,d,h,w)."""

    logits: Tensor
    last: Tensor

    @property
    def share(self) -> Tensor:
        """Softmax, float32."""
        return torch.softmax(self.logits, 1)


Views = tuple[Seen, Seen]


class C3S3(Method):
    """Networks A (first) and B (second), each with a projection for the contrast."""

    def __init__(self, settings: C3S3Settings, task: Task):
        super().__init__()
        self.settings, self.task = settings, task
        self.first, self.second = build_pair(task.network, task)
        self.projections = nn.ModuleList(projection(net, task.channels) for net in (self.first, self.second))
        self.scores: Tensor
        self.register_buffer("scores", torch.zeros(2))

    def optimisers(self, phase: str) -> list[Optimiser]:
        """One set per network; the projections on their own, without Muon."""
        s = self.settings
        plain = "sgd" if s.optimiser == "sgd" else "adamw"
        parts = [(s.optimiser, self.first), (s.optimiser, self.second), (plain, self.projections)]
        return [o for kind, part in parts for o in build_optimisers(kind, part, s.learning_rate, s.weight_decay)]

    def rate(self, step: Step) -> float:
        """The chosen curve."""
        return rate_factor(self.settings.schedule, step.progress, step.index)

    def need(self, step: Step) -> Need:
        """Labelled and unlabelled patches of one shape."""
        return Need(self.settings.batch, self.settings.unlabelled, self.task.patch)

    def losses(self, labelled: Patches, unlabelled: Patches, step: Step) -> dict[str, Tensor]:
        """Equation (7), term by term."""
        s, ramp = self.settings, sigmoid_ramp(step.progress, self.settings.ramp)
        label = torch.cat([labelled.label, unlabelled.label])
        views = self.views(torch.cat([labelled.image, unlabelled.image]))
        seen = look(self.first, views), look(self.second, views)
        terms = [supervised_terms(own, label) for own in seen]
        winner = self.compete(terms)
        taught = complementary_loss(seen[1 - winner], seen[winner], 1 - judged(label), s.temperature)
        return {
            "supervised": torch.stack([entropy + dice for entropy, dice in terms]).sum() / 2,
            "competition": s.competition * ramp * taught,
            "consistency": s.consistency * consistency(*seen, s.cosine),
            "contrast": s.contrast * ramp * self.contrast(*seen, label),
        }

    def views(self, image: Tensor) -> Tensor:
        """Both views of (B,C,D,H,W) as (2B,C,D,H,W)."""
        if self.settings.views == "same":
            return torch.cat([image, image])
        return torch.cat([weak(image), weak(image)])

    @torch.no_grad()
    def compete(self, terms: list[tuple[Tensor, Tensor]]) -> int:
        """Equation (2): who wins, 0 or 1. A tie goes to B."""
        s = self.settings
        scores = torch.stack([s.score_share * entropy + (1 - s.score_share) * dice for entropy, dice in terms])
        self.scores.lerp_(scores.to(self.scores), 1 - s.smoothing)
        return 0 if self.scores[0] < self.scores[1] else 1

    def contrast(self, a: Views, b: Views, label: Tensor) -> Tensor:
        """The sum over four pairs of equation (6)."""
        pairs = [(a[0], b[0]), (a[1], b[1]), (a[0], b[1]), (a[1], b[0])]
        return torch.stack([self.pair_contrast(one, two, label) for one, two in pairs]).sum()

    def pair_contrast(self, one: Seen, two: Seen, label: Tensor) -> Tensor:
        """Equation (6), mean over the images and classes that either network sees; 0 when there are none."""
        first, second = (torch.where(label == IGNORE, seen.logits.max(1).indices, label) for seen in (one, two))
        terms = [
            self.class_contrast(one, two, row, first[row] == value, second[row] == value)
            for row in range(len(label))
            for value in range(1, self.task.classes)
        ]
        present = [term for term in terms if term is not None]
        return torch.stack(present).mean() if present else 0 * (one.last.float().sum() + two.last.float().sum())

    def class_contrast(self, one: Seen, two: Seen, row: int, first: Tensor, second: Tensor) -> Tensor | None:
        """Equation (6) of one class in one image; ``first`` and ``second`` (D,H,W) are where each network sees it."""
        s = self.settings
        looks = [
            partial(project, head, seen.last[row], first.shape, net.stride)
            for head, seen, net in zip(self.projections, (one, two), (self.first, self.second), strict=True)
        ]
        return agreement_contrast(
            looks[0], looks[1], first & second, first | second, s.anchors, s.negatives, s.contrast_temperature
        )

    def predictor(self) -> nn.Module:
        """Both networks, averaged; the projections are left out."""
        return MeanOf(self.first, self.second)


def look(network: Network, views: Tensor) -> Views:
    """Both views through one network, in one pass."""
    maps = network.features(views)
    one, two = (Seen(*pair) for pair in zip(maps["logits"].float().chunk(2), maps["last"].chunk(2), strict=True))
    return one, two


def supervised_terms(views: Views, label: Tensor) -> tuple[Tensor, Tensor]:
    """sum_v CE and sum_v Dice of one network in equations (1) and (2), over known voxels."""
    known = judged(label)
    entropy = torch.stack([partial_cross_entropy(seen.logits, label) for seen in views]).sum()
    dice = [region_dice(v.share, label, known, squared=True, per_image=False, background=False) for v in views]
    return entropy, torch.stack(dice).sum()


def sharpened(logits: Tensor, temperature: float) -> Tensor:
    """Equation (3): p^(1/T) / sum p^(1/T) is the softmax of logits / T; without gradient."""
    return torch.softmax(logits.detach() / temperature, 1)


def complementary_loss(loser: Views, winner: Views, guessed: Tensor, temperature: float) -> Tensor:
    """Equation (4)."""
    gaps = [
        ((mine.share - sharpened(theirs.logits, temperature)) ** 2).mean(1)
        for mine, theirs in zip(loser, winner, strict=True)
    ]
    return torch.stack([weighted_mean(gap, guessed) for gap in gaps]).sum()


def consistency(a: Views, b: Views, mode: str) -> Tensor:
    """sum_n L_cos,n of equation (5). ``mode`` both; view or network: only that half, in full; depth: as released."""
    if mode == "depth":
        axis = 2 if a[0].logits.shape[2] > 1 else 4
        return sum_of(cosine_gap(own[0].logits, own[1].logits, axis) for own in (a, b))
    between_views = sum_of(cosine_gap(own[0].share, own[1].share) for own in (a, b))
    between_networks = sum_of(cosine_gap(one.share, two.share) for one, two in zip(a, b, strict=True))
    if mode == "both":
        return (between_views + between_networks) / 2
    return between_views if mode == "view" else between_networks


def cosine_gap(p: Tensor, q: Tensor, axis: int = 1) -> Tensor:
    """1 - cos(p, q) along ``axis``, mean over the rest."""
    lengths = ((p * p).sum(axis) * (q * q).sum(axis)).clamp_min(1e-12).sqrt()
    return 1 - ((p * q).sum(axis) / lengths).mean()


def sum_of(values: Iterable[Tensor]) -> Tensor:
    """Of scalars."""
    return torch.stack(list(values)).sum()


def projection(network: Network, channels: int) -> nn.Module:
    """16 -> 16 -> 64 on single voxels of the last feature map."""
    width = tap_width(network, channels, "last")
    return nn.Sequential(nn.Linear(width, width), nn.PReLU(), nn.Linear(width, 64))


def project(head: nn.Module, maps: Tensor, shape: torch.Size, stride: tuple[int, int, int], index: Tensor) -> Tensor:
    """Unit rows (n,64) at the voxels ``index`` of a patch of ``shape``; ``maps`` (F,d,h,w) may be coarser."""
    padded = [n + -n % s for n, s in zip(shape, stride, strict=True)]
    d, h, w = (n // m for n, m in zip(padded, maps.shape[1:], strict=True))
    return F.normalize(head(gather(maps, index, shape, (d, h, w))).float(), dim=1)
