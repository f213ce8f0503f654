"""Orthogonalised matrices against the singular value decomposition, and against iterating the matrix itself."""

from __future__ import annotations

import pytest
import torch

from SemiSegLogic.engine.blocks.orthogonal import factors, is_wide
from Testing.support.plain.orthogonal import orthogonalise


@pytest.mark.parametrize("shape", [(4, 9), (9, 4), (6, 6), (1, 5), (32, 864)])
def test_orthogonalise_keeps_directions_and_levels_singular_values(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    matrix = torch.randn(shape, dtype=torch.float64)
    u, s, v = torch.linalg.svd(matrix, full_matrices=False)
    out = orthogonalise(matrix)
    inner = u.T @ out @ v.T  # diagonal in the old singular vectors
    assert float((inner - inner.diag().diag()).abs().max()) < 1e-8
    strong = s > 0.02 * s.norm()
    assert bool(((inner.diag() > 0.6) & (inner.diag() < 1.3))[strong].all())


def test_orthogonalise_agrees_with_iterating_the_matrix_itself() -> None:
    torch.manual_seed(1)
    matrix = torch.randn(5, 12)
    x = matrix.double() / matrix.norm()
    for _ in range(5):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    assert torch.allclose(orthogonalise(matrix).double(), x, atol=1e-4)


@pytest.mark.parametrize("scale", [0.0, 1e-20, 1e-3, 1e4])
def test_orthogonalise_is_finite_for_any_size_and_rank(scale: float) -> None:
    torch.manual_seed(2)
    low_rank = scale * torch.randn(16, 1) @ torch.randn(1, 64)
    out = orthogonalise(low_rank)
    assert bool(out.isfinite().all())
    assert float(torch.linalg.matrix_norm(out, 2)) < 1.3


def test_many_of_all_sizes_come_out_as_each_alone() -> None:
    torch.manual_seed(3)
    matrices = [torch.randn(shape) for shape in ((4, 9), (9, 4), (4, 30), (8, 8), (1, 5), (64, 4))]
    for matrix, factor in zip(matrices, factors(matrices), strict=True):
        assert factor.shape == (min(matrix.shape), min(matrix.shape))
        assert torch.allclose(factor, factor.T, atol=1e-4 * float(factor.abs().max()))
        found = factor @ matrix if is_wide(matrix) else matrix @ factor
        assert torch.allclose(found, orthogonalise(matrix), atol=1e-5)
    assert factors([]) == []
