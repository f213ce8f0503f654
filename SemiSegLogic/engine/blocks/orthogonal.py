"""U V^T of matrices X = U S V^T, approximately, all of them together: the step of Muon (Jordan et al. 2024).

    (1)  G_0 = X X^T / |X|^2,  P_0 = I / |X|;  |X|^2 is the trace of X X^T
    (2)  F_n = a I + b G_n + c G_n^2,  G_{n+1} = F_n G_n F_n,  P_{n+1} = F_n P_n
    (3)  U V^T ~ P_5 X

which is their quintic Newton-Schulz iteration of X itself. Every step of it multiplies from the left by a polynomial in
X X^T, so the steps run on that small square matrix and the long one is touched twice only, instead of three times in
every step. A network has few sizes of it, and those of one size take their steps together.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

A, B, C = 3.4445, -4.7750, 2.0315
STEPS = 5
LEAST = 1e-14  # of |X|^2: what is smaller is taken for nothing


def factors(matrices: Sequence[Tensor]) -> list[Tensor]:
    """P_5 of each of ``matrices`` (m,n) float, symmetric, its side the shorter one: U V^T is P X of a wide matrix, and
    X P of a tall one.
    """
    squares = [x @ x.T if is_wide(x) else x.T @ x for x in matrices]
    found: dict[int, Tensor] = {}
    for side in {len(square) for square in squares}:
        alike = [number for number, square in enumerate(squares) if len(square) == side]
        together = _factors(torch.stack([squares[number] for number in alike]))
        found |= dict(zip(alike, together, strict=True))
    return [found[number] for number in range(len(matrices))]


def is_wide(matrix: Tensor) -> bool:
    """Whether ``matrix`` (m,n) has no more rows than columns."""
    return matrix.shape[0] <= matrix.shape[1]


def _factors(squares: Tensor) -> Tensor:
    """Equations (1) and (2) for ``squares`` X X^T (N,m,m)."""
    size = squares.diagonal(dim1=1, dim2=2).sum(1).add_(LEAST)[:, None, None]
    gram, product = squares / size, size.rsqrt()
    for _ in range(STEPS - 1):
        factor = _factor(gram)
        product = factor * product if product.shape[1] == 1 else factor @ product
        gram = factor @ gram @ factor
    return _factor(gram) @ product


def _factor(gram: Tensor) -> Tensor:
    factor = torch.baddbmm(gram, gram, gram, beta=B, alpha=C)
    factor.diagonal(dim1=1, dim2=2).add_(A)
    return factor
