"""One orthogonalised matrix, of which the optimiser takes many together (engine/blocks/orthogonal.py)."""

from __future__ import annotations

from torch import Tensor

from SemiSegLogic.engine.blocks.orthogonal import factors, is_wide


def orthogonalise(matrix: Tensor) -> Tensor:
    """U V^T of ``matrix`` (m,n) float."""
    (factor,) = factors([matrix])
    return factor @ matrix if is_wide(matrix) else matrix @ factor
