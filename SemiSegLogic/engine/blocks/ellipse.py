"""Ellipses in probability maps: fitting one, pulling a map towards it, judging whether it may be trusted.

Numpy and scikit-image, on the processor, off the autograd path. Maps are (H,W) float in [0,1], masks (H,W) bool;
x runs along W, y along H, both in pixels with centres at integers. Where pixels are not square, lengths count in pixel
widths: ``pixel_height`` is the height of a pixel in widths, and y is multiplied by it.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import EllipseModel, find_contours

Map = NDArray[np.floating]
Mask = NDArray[np.bool_]

MANY = 5  # an ellipse has five numbers
REFITS = 6
OUTLYING = 2.5 * 1.4826  # robust deviations (median absolute deviation of a normal distribution = 1 / 1.4826)


@dataclass(frozen=True)
class Ellipse:
    """Centre ``x, y``, half axes ``short <= long``, all in pixel widths; ``angle`` of the short axis, radians from x
    towards y.
    """

    x: float
    y: float
    short: float
    long: float
    angle: float
    pixel_height: float = 1.0

    @property
    def axis(self) -> tuple[float, float, float, float]:
        """The line along the long axis as engine.blocks.symmetry wants it: a point on it, and its unit normal."""
        return self.x, self.y, math.cos(self.angle), math.sin(self.angle)

    def coordinates(self, shape: tuple[int, int]) -> tuple[Map, Map]:
        """``u`` along the short axis and ``v`` along the long one, (H,W) each, 0 at the centre."""
        y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
        dx, dy = x - self.x, y * self.pixel_height - self.y
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        return dx * cos + dy * sin, dy * cos - dx * sin

    def radius(self, shape: tuple[int, int]) -> Map:
        """rho = (u / short)^2 + (v / long)^2, (H,W): at most 1 inside."""
        u, v = self.coordinates(shape)
        return np.asarray((u / self.short) ** 2 + (v / self.long) ** 2)


@dataclass(frozen=True)
class Guard:
    """When a fitted ellipse may teach: ``overlap`` least intersection over union with the mask it was fitted to,
    ``slender`` greatest ratio of the axes, ``area`` least and greatest area in pixels.
    """

    overlap: float = 0.7
    slender: float = 3.0
    area: tuple[float, float] = (0.0, math.inf)

    def accepts(self, ellipse: Ellipse, mask: Mask) -> bool:
        """Also wants the centre inside the image."""
        height, width = mask.shape
        row = ellipse.y / ellipse.pixel_height
        if not (-0.5 <= ellipse.x <= width - 0.5 and -0.5 <= row <= height - 0.5):
            return False
        inside = ellipse.radius((height, width)) <= 1
        shared = (inside & mask).sum() / max(int((inside | mask).sum()), 1)
        size = math.pi * ellipse.short * ellipse.long / ellipse.pixel_height
        fits = self.area[0] <= size <= self.area[1] and ellipse.long <= self.slender * ellipse.short
        return bool(fits and shared >= self.overlap)


def largest_piece(mask: Mask) -> Mask:
    """The largest connected piece (neighbours by edge or corner); all False where there is none."""
    pieces, count = ndimage.label(mask, np.ones((3, 3)))
    if count < 2:
        return mask
    return np.asarray(pieces == 1 + np.bincount(pieces.ravel())[1:].argmax())


def outline(mask: Mask) -> NDArray[np.float64]:
    """(N,2) points x, y of the outer contour, half way between the last pixels inside and the first outside; without
    those on the image's frame, as the frame is not the structure's edge (unless nothing else is left). Empty for an
    empty mask.
    """
    if not mask.any():
        return np.empty((0, 2))
    filled = np.pad(ndimage.binary_fill_holes(mask), 1).astype(np.float64)
    points = max(find_contours(filled, 0.5), key=len)[:-1, ::-1] - 1
    height, width = mask.shape
    free = (points > -0.25).all(1) & (points[:, 0] < width - 0.75) & (points[:, 1] < height - 0.75)
    return np.asarray(points[free] if free.sum() >= MANY else points)


def fit_ellipse(mask: Mask, pixel_height: float = 1.0) -> Ellipse | None:
    """Least squares (Halir and Flusser 1998) on the outer contour of ``mask``; None with fewer than five points or a
    degenerate fit.

    Refitted without the points that lie far off, until none does: a bite in the outline then leaves the ellipse alone.
    """
    points = outline(mask) * (1.0, pixel_height)
    ellipse, kept = _least_squares(points, pixel_height), len(points)
    for _ in range(REFITS):
        if ellipse is None:
            return None
        off = _distances(points, ellipse)
        near = off <= max(OUTLYING * float(np.median(off)), 1.0)
        if near.sum() == kept:
            break
        ellipse, kept = _least_squares(points[near], pixel_height) or ellipse, int(near.sum())
    return ellipse


def _least_squares(points: NDArray[np.float64], pixel_height: float) -> Ellipse | None:
    if len(points) < MANY:
        return None
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        model = EllipseModel.from_estimate(points)
    if not model:
        return None
    (x, y), (first, second), angle = model.center, model.axis_lengths, model.theta
    numbers = [float(n) for n in (x, y, first, second, angle)]
    if not all(map(math.isfinite, numbers)) or min(first, second) < 0.5:
        return None
    if first > second:
        first, second, angle = second, first, angle + math.pi / 2
    return Ellipse(float(x), float(y), float(first), float(second), float(angle) % math.pi, pixel_height)


def _distances(points: NDArray[np.float64], ellipse: Ellipse) -> NDArray[np.float64]:
    """How far points (N,2) lie off the ellipse, in pixel widths, to first order for a round one."""
    dx, dy = points[:, 0] - ellipse.x, points[:, 1] - ellipse.y
    cos, sin = math.cos(ellipse.angle), math.sin(ellipse.angle)
    rho = ((dx * cos + dy * sin) / ellipse.short) ** 2 + ((dy * cos - dx * sin) / ellipse.long) ** 2
    return np.asarray(np.abs(np.sqrt(rho) - 1) * math.sqrt(ellipse.short * ellipse.long))


def pull(probability: Map, ellipse: Ellipse, threshold: float) -> Map:
    """The map pulled towards the ellipse, (H,W) in [0,1].

    Inside (rho <= 1): max(p, clip(threshold + (1 - rho)^2, 0, 1)); outside: p exp(-(rho - 1) / 2). Above the threshold
    the whole ellipse is filled, and of the rest only what is likely and near is kept (rho <= 1 + 2 ln(1/threshold)).
    """
    height, width = probability.shape
    rho = ellipse.radius((height, width))
    inside = np.maximum(probability, np.clip(threshold + (1 - rho) ** 2, 0, 1))
    return np.where(rho <= 1, inside, probability * np.exp(-0.5 * np.maximum(rho - 1, 0)))


@dataclass(frozen=True)
class Reading:
    """What a probability map becomes: ``hard`` (H,W) bool, ``soft`` (H,W) in [0,1], whether it may teach at all, and
    the ellipse if one was found and accepted.
    """

    hard: Mask
    soft: Map
    teaches: bool
    ellipse: Ellipse | None


def read(probability: Map, guard: Guard, threshold: float, empty_below: float, pixel_height: float = 1.0) -> Reading:
    """The map pulled towards the ellipse of its largest piece above ``threshold``, cut there.

    Without an ellipse that ``guard`` accepts, p > 1/2 stands in. A map nowhere above ``threshold`` is too uncertain to
    teach, unless it is everywhere below ``empty_below``: then the structure is not there.
    """
    plain, highest = probability > 0.5, float(probability.max())
    piece = largest_piece(probability > threshold)
    ellipse = fit_ellipse(piece, pixel_height)
    if ellipse is None or not guard.accepts(ellipse, piece):
        return Reading(plain, plain.astype(np.float32), highest > threshold or highest < empty_below, None)
    soft = pull(probability, ellipse, threshold)
    return Reading(soft > threshold, soft, True, ellipse)


def without_overlap(target: Map, value: Map) -> Map:
    """``target`` (F,H,W) of 0 and 1 with, where several claim a pixel, only the one of the greatest ``value``."""
    best = np.where(target > 0, value, -1).argmax(0)
    return np.asarray(target * (best == np.arange(len(target))[:, None, None]), np.float32)
