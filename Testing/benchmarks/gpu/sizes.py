"""How large the pieces of gpu_session.py are, and what they give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Figures = dict[str, Any]
Mark = dict[str, str]
"""What figures depend on, by name."""


@dataclass(frozen=True)
class Sizes:
    """How large everything is. Patches are (d, h, w), ``scan`` (k, j, i). Every method makes ``tried`` steps on patches
    of ``small``.
    """

    words: str
    patch: tuple[int, int, int]
    slice: tuple[int, int, int]
    slices_per_step: int
    recipe_3d: int
    recipe_2d: int
    timed: int
    plain: int
    train: int
    labelled: int
    test: int
    phantom: tuple[int, int, int]
    scan: tuple[int, int, int]
    small: tuple[int, int, int]
    tried: int


FULL = Sizes("full size", (80, 112, 112), (1, 256, 256), 12, 6000, 30_000, 200, 5, 80, 16, 20, (88, 140, 180),
             (400, 512, 512), (32, 48, 48), 16)
SMALL = Sizes("small, a check of the script only", (16, 16, 16), (1, 32, 32), 2, 4, 30_000, 2, 1, 3, 2, 1,
              (18, 20, 24), (16, 40, 40), (16, 16, 16), 3)
