"""How one image moves into another: dense optical flow for a whole batch of pairs at once, also on a graphics card.

G. Le Besnerais, F. Champagnat: Dense Optical Flow by Iterative Local Window Registration, ICIP 2005 (ILK); coarse to
fine as in B. Lucas, T. Kanade, IJCAI 1981.

Idea: within a small window all pixels move alike. Of a reference r and a moving image m find d with r(x) = m(x + d).

    (1)  w(x) = m(x + d_n(x))                                       the moving image as moved so far
    (2)  A(x) = G * (grad w grad w^T)                               G: a Gaussian window, * a convolution
    (3)  b(x) = G * (grad w (r - w + grad w . d_n))
    (4)  d_{n+1}(x) = A(x)^-1 b(x)                                  0 where A has no inverse: nothing to see there

Tensors: images (B,H,W) float32; flows (B,2,H,W) float32 pixels along rows and columns.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

WARPS = 3  # of equations (1) to (4) on each level
LEVELS = 10  # at most, each half as large as the one before
SMALLEST = 16  # pixels a side of the coarsest level, at least
SINGULAR = 1e-14  # determinant of A below which it has no inverse


def flow(reference: Tensor, moving: Tensor, radius: float) -> Tensor:
    """(B,2,H,W): ``reference`` (B,H,W) at x is ``moving`` (B,H,W) at x + flow(x). Values of about unit range;
    ``radius`` pixels of the window.
    """
    found: Tensor | None = None
    for r, m in reversed(_pyramid(reference, moving)):
        found = _enlarged(found, r) if found is not None else r.new_zeros(len(r), 2, *r.shape[1:])
        for _ in range(WARPS):
            found = _step(r, m, found, radius)
    assert found is not None
    return found


def moved(images: Tensor, by: Tensor) -> Tensor:
    """Equation (1): ``images`` (B,C,H,W) at x + ``by`` (B,2,H,W), bilinear; the border pixel continues outside."""
    _, _, height, width = images.shape
    rows = torch.arange(height, dtype=by.dtype, device=by.device)[:, None] + by[:, 0]
    columns = torch.arange(width, dtype=by.dtype, device=by.device) + by[:, 1]
    grid = torch.stack([2 * columns / max(width - 1, 1) - 1, 2 * rows / max(height - 1, 1) - 1], -1)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=True)


def _step(reference: Tensor, moving: Tensor, by: Tensor, radius: float) -> Tensor:
    """Equations (1) to (4)."""
    warped = moved(moving[:, None], by)[:, 0]
    down, across = _slope(warped, 1), _slope(warped, 2)
    rest = reference - warped + down * by[:, 0] + across * by[:, 1]
    products = torch.stack([down * down, down * across, across * across, down * rest, across * rest], 1)
    a, b, c, p, q = windowed(products, (2 * radius + 1) / 4).unbind(1)
    determinant = a * c - b * b
    there = determinant.abs() > SINGULAR
    safe = determinant.where(there, torch.ones_like(determinant))
    return torch.stack([(c * p - b * q) / safe, (a * q - b * p) / safe], 1) * there[:, None]


def _slope(images: Tensor, axis: int) -> Tensor:
    """Of ``images`` (B,H,W) along one axis; 0 where they are one pixel wide: what is drawn may be a dot."""
    return torch.gradient(images, dim=axis)[0] if images.shape[axis] > 1 else torch.zeros_like(images)


def windowed(values: Tensor, sigma: float) -> Tensor:
    """G * ``values`` (B,C,H,W), ``sigma`` in pixels, cut off at 4 sigma; the border pixel continues outside."""
    height, width = values.shape[2:]
    # two products of matrices: for so few channels several times faster on a CPU than a convolution
    return _blur(height, sigma, values) @ values @ _blur(width, sigma, values).T


def _blur(side: int, sigma: float, like: Tensor) -> Tensor:
    """(side, side): along one axis, a row per result."""
    half = max(1, int(4 * sigma + 0.5))
    steps = torch.arange(-half, half + 1, device=like.device)
    weights = torch.exp(-0.5 * (steps.to(like.dtype) / sigma) ** 2)
    places = (torch.arange(side, device=like.device)[:, None] + steps).clamp(0, side - 1)
    return like.new_zeros(side, side).scatter_add_(1, places, (weights / weights.sum()).expand(side, -1))


def _pyramid(*images: Tensor) -> list[tuple[Tensor, ...]]:
    """The images, and smaller and smaller ones."""
    levels = [images]
    while len(levels) < LEVELS and min(images[0].shape[1:]) >= 2 * SMALLEST:
        _, height, width = images[0].shape
        size = (-(-height // 2), -(-width // 2))
        # enough blur for half the pixels, as Burt and Adelson's: what is finer would look like another motion
        images = tuple(F.interpolate(windowed(image[:, None], 2 / 3), size, mode="bilinear", align_corners=True)[:, 0]
                       for image in images)
        levels.append(images)
    return levels


def _enlarged(by: Tensor, to: Tensor) -> Tensor:
    """A flow (B,2,h,w) of the coarser level, in the pixels of ``to`` (B,H,W)."""
    sides = [(large - 1) / max(small - 1, 1) for large, small in zip(to.shape[1:], by.shape[2:], strict=True)]
    larger = F.interpolate(by, to.shape[1:], mode="bilinear", align_corners=True)
    return larger * by.new_tensor(sides).view(1, 2, 1, 1)
