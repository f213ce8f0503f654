"""Evidential predictions: Dirichlet evidence, opinions, their fusion and what a wrong one costs.

M. Sensoy et al., NeurIPS 2018 (evidence); A. Josang, Subjective Logic, 2016 (opinions); D. Deng et al., ICML 2023 (the
Fisher-weighted loss). Shapes: per class (B,K,D,H,W), per voxel (B,D,H,W). float32 or wider throughout: in half
precision trigamma differences vanish.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import FunctionCtx

MOST_EVIDENCE = 1e4
LEAST_BRACKET = 1e-7


@dataclass(frozen=True)
class Opinion:
    """``belief`` (B,K,D,H,W) in [0,1] in each class and ``vacuity`` (B,D,H,W) in [0,1] for not knowing; sum 1."""

    belief: Tensor
    vacuity: Tensor

    def detach(self) -> Opinion:
        """The same without gradient."""
        return Opinion(self.belief.detach(), self.vacuity.detach())

    def shares(self) -> Tensor:
        """(B,K,D,H,W) probabilities: what is not known is dealt out evenly (pignistic)."""
        return self.belief + self.vacuity.unsqueeze(1) / self.belief.shape[1]


def wide(values: Tensor) -> Tensor:
    """At least float32."""
    return values if values.dtype == torch.float64 else values.float()


def dirichlet(logits: Tensor, kind: str = "softplus") -> Tensor:
    """alpha = e + 1 with evidence e = softplus(logits), or exp(4 tanh(logits)) for ``exp``; (B,K,D,H,W) > 1."""
    z = wide(logits)
    return 1 + (F.softplus(z) if kind == "softplus" else torch.exp(torch.tanh(z) / 0.25))


def opinion(alpha: Tensor) -> Opinion:
    """b_n = (alpha_n - 1) / S and u = K / S with S the sum of alpha."""
    strength = alpha.sum(1)
    return Opinion((alpha - 1) / strength.unsqueeze(1), alpha.shape[1] / strength)


def fuse(one: Opinion, two: Opinion, class_aware: bool = True) -> Opinion:
    """b_n ~ b1_n b2_n + c (b1_n u2 + b2_n u1) and u ~ u1 u2, over their sum.

    c = 1 / (1 + K) (``class_aware``) trusts a class less when only one side believes in it; c = 1 is Dempster's rule
    without conflict. Under total conflict all products are 0: nothing is known then, u = 1.
    """
    share = 1 / (1 + one.belief.shape[1]) if class_aware else 1.0
    u1, u2 = one.vacuity.unsqueeze(1), two.vacuity.unsqueeze(1)
    belief = one.belief * two.belief + share * (one.belief * u2 + two.belief * u1)
    vacuity = one.vacuity * two.vacuity
    total = belief.sum(1) + vacuity
    conflict = total < 1e-8
    total = total.masked_fill(conflict, 1.0)
    return Opinion(
        belief / total.unsqueeze(1) * (~conflict).unsqueeze(1), (vacuity / total).masked_fill(conflict, 1.0)
    )


def reliability(fused: Opinion) -> Tensor:
    """r = 1 - e^u H(q) / (e log2 K) in [0,1], H the entropy in bits of the shares q: certain 1, vacuous 0."""
    q = fused.shares().clamp_min(1e-12)
    doubt = fused.vacuity.exp() * -(q * q.log2()).sum(1)
    return (1 - doubt / (math.e * math.log2(q.shape[1]))).clamp(0, 1)


def log_fisher(alpha: Tensor, curvature: Tensor) -> Tensor:
    """log det of the Dirichlet's Fisher information diag(psi1(alpha)) - psi1(S) 11^T, as (B,D,H,W).

    = sum_n log psi1(alpha_n) + log(1 - sum_n psi1(S) / psi1(alpha_n)) with ``curvature`` = psi1(alpha); the bracket is
    kept above 1e-7.
    """
    bracket = 1 - (trigamma(alpha.sum(1, keepdim=True)) / curvature).sum(1)
    return curvature.log().sum(1) + bracket.clamp_min(LEAST_BRACKET).log()


def fisher_loss(alpha: Tensor, target: Tensor, determinant_weight: float) -> Tensor:
    """sum_n [(y_n - alpha_n/S)^2 + alpha_n (S - alpha_n) / (S^2 (S+1))] psi1(alpha_n) - w log|I(alpha)|, (B,D,H,W).

    ``target`` (B,D,H,W) int64 in {0..K-1}. Classes with much evidence weigh little (psi1 falls), so a wrong
    pseudo-label hurts less where the evidence stands elsewhere.
    """
    alpha = alpha.clamp_max(MOST_EVIDENCE)
    strength = alpha.sum(1, keepdim=True)
    truth = F.one_hot(target, alpha.shape[1]).movedim(-1, 1).to(alpha.dtype)
    miss = (truth - alpha / strength) ** 2
    spread = alpha * (strength - alpha) / (strength**2 * (strength + 1))
    curvature = trigamma(alpha)
    return ((miss + spread) * curvature).sum(1) - determinant_weight * log_fisher(alpha, curvature)


class _Trigamma(torch.autograd.Function):
    """psi1(x) whose gradient is a short series; torch's own evaluates a zeta function per voxel, five times slower."""

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return torch.polygamma(1, x)

    @staticmethod
    def backward(ctx: FunctionCtx, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors  # type: ignore[attr-defined]
        return grad * tetragamma(x)


def tetragamma(x: Tensor) -> Tensor:
    """psi2(x) < 0 for x >= 1, relative error below 1e-6: six steps of the recurrence, then the asymptotic series."""
    inverse = 1 / (x + 6)
    square = inverse**2
    tail = square * (1 / 2 - square * (1 / 6 - square * (1 / 6 - square * 3 / 10)))
    return -(square * (1 + inverse + tail)) - 2 * sum((x + k) ** -3 for k in range(6))


def trigamma(x: Tensor) -> Tensor:
    """psi1(x) for x >= 1."""
    result: Tensor = _Trigamma.apply(x)
    return result


def curriculum(uncertainty: Tensor, region: Tensor, progress: float, strength: float) -> Tensor:
    """Weights (B,D,H,W) that move from certain to uncertain voxels: strength tanh(psi zeta) + 1, 0 outside ``region``.

    psi = 2 (h - 1/2) / V - 1 in (-1, 1) with h the rank (1 = least uncertain) among the V voxels of the region of the
    same image, zeta = 2 progress - 1. Their mean over each region is 1. No gradient.
    """
    count, flat = len(uncertainty), region.reshape(len(region), -1)
    order = uncertainty.detach().reshape(count, -1).masked_fill(flat == 0, math.inf).argsort(dim=1, stable=True)
    places = torch.arange(order.shape[1], device=order.device, dtype=torch.float32).expand_as(order)
    rank = torch.empty_like(places).scatter_(1, order, places)
    psi = (2 * rank + 1) / flat.sum(1, keepdim=True).clamp_min(1) - 1
    return ((strength * torch.tanh(psi * (2 * progress - 1)) + 1) * flat).reshape(region.shape)
