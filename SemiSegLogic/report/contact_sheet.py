"""The picture that tells the story: a few slices that a person drew, and what the model makes of untouched volumes."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..geometry import SliceIndex
from ..study.structures import Structure
from .planes import VIEWS, CaseView, Plane, best_slice, common_view, middle, plane, reach, window
from .style import GREY, INK, LEFT, LINE, heading, picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TILE, GAP, SIDE, TOP, BOTTOM, CAPTION = 1.74, 0.07, 2.15, 1.0, 0.28, 0.29  # inches
COLUMNS = 6
HEAT = "inferno"
LETTERS = 30  # that fit into a line beside the tiles


def contact_sheet(
    path: Path, annotated: Sequence[CaseView], untouched: Sequence[CaseView], structures: Sequence[Structure], *,
    title: str, below: str, footer: str = "",
) -> None:
    """Writes the PNG ``path``: a row of drawn slices of ``annotated``, then per case of ``untouched`` a column with the
    image, suggestion and expert, and uncertainty. What does not fit into COLUMNS is left out.
    """
    drawn = _drawn_tiles(annotated)
    shown = list(untouched)[:COLUMNS]
    rows = (1 if drawn else 0) + (3 if shown else 0)
    height = TOP + rows * (TILE + CAPTION) + BOTTOM
    width = SIDE + COLUMNS * (TILE + GAP) + 0.2
    with picture(path, width, height) as figure:
        heading(figure, title, below)
        sheet = _Sheet(figure, width, height, structures)
        if drawn:
            sheet.drawn_row(drawn)
        if shown:
            sheet.untouched_rows(shown, first=1 if drawn else 0)
        sheet.names(0)
        figure.text(LEFT, 0.12 / height, textwrap.fill(footer, 210), size=7, color=GREY, va="bottom", linespacing=1.4)


class _Sheet:
    """Places tiles; keeps the figure's measures together."""

    def __init__(self, figure: Figure, width: float, height: float, structures: Sequence[Structure]) -> None:
        self.figure, self.width, self.height = figure, width, height
        self.structures = structures

    def drawn_row(self, tiles: list[tuple[CaseView, SliceIndex]]) -> None:
        """What people drew: filled, for a person fills."""
        self.side(0, "Drawn by a person", "Only these slices of these volumes; their other slices are unlabelled.")
        half = _half([plane(_label(case), case.grid, place) for case, place in tiles])
        for column, (case, place) in enumerate(tiles):
            label = plane(_label(case), case.grid, place)
            axes = self.tile(0, column, label, half, f"{case.name} · {VIEWS[place.axis]} {place.index + 1}")
            _show_image(axes, case, place)
            for item in self.structures:
                _fill(axes, label, item)
                _outline(axes, label, item.value, color=item.color, width=1.3)

    def untouched_rows(self, cases: list[CaseView], first: int) -> None:
        """Per case a column: the image, the suggestion over it with the expert's outline, the uncertainty."""
        values = [item.value for item in self.structures]
        view = common_view(cases, values)
        places = [best_slice(case, values, view) for case in cases]
        half = _half([plane(_judged(case), case.grid, place) for case, place in zip(cases, places, strict=True)])
        self.side(first, "Without any drawing", f"Volumes in which nothing was drawn ({VIEWS[view]} slices).")
        self.side(first + 1, "Suggestion", "Coloured: SemiSeg.\nDashed: the expert's outline, which it never saw.")
        self.side(first + 2, "Uncertainty", "Where to look: the brighter, the less sure.")
        for column, (case, place) in enumerate(zip(cases, places, strict=True)):
            around = plane(_judged(case), case.grid, place)
            tiles = [self.tile(first + row, column, around, half, "") for row in range(3)]
            for axes in tiles:
                _show_image(axes, case, place)
            tiles[0].set_title(case.name, size=7.5, color=INK, pad=3)
            tiles[1].set_title(case.caption, size=7.5, color=INK, pad=3)
            self.suggestion(tiles[1], case, place)
            self.uncertainty(tiles[2], case, place)
        self.heat_scale(first + 2)

    def suggestion(self, axes: Axes, case: CaseView, place: SliceIndex) -> None:
        """The suggestion in colour under the expert's outline in dashed white."""
        for item in self.structures:
            if case.suggestion is not None:
                found = plane(case.suggestion, case.grid, place)
                _fill(axes, found, item, strength=0.22)
                _outline(axes, found, item.value, color=item.color, width=1.9)
            if case.expert is not None:
                _outline(axes, plane(case.expert, case.grid, place), item.value, color="white", width=0.9, dashed=True)

    def uncertainty(self, axes: Axes, case: CaseView, place: SliceIndex) -> None:
        """Heat over the image, see-through where the model is sure."""
        if case.uncertainty is None:
            return
        heat = plane(case.uncertainty, case.grid, place)
        share = np.asarray(heat.pixels, float) / (255.0 if case.uncertainty.dtype == np.uint8 else 1.0)
        axes.imshow(
            share, cmap=HEAT, vmin=0, vmax=1, alpha=np.clip(share * 2.4 - 0.1, 0, 0.9), extent=heat.extent,
            origin="lower", interpolation="bilinear",
        )

    def tile(self, row: int, column: int, label: Plane, half: float, title: str) -> Axes:
        """Empty black axes in mm, ``2 * half`` wide, around the middle of ``label``."""
        left = SIDE + column * (TILE + GAP)
        axes = self.figure.add_axes(self._share(left, self._bottom(row), TILE, TILE), facecolor="black")
        x, y = middle(label, half)
        axes.set(xticks=[], yticks=[], xlim=(x - half, x + half), ylim=(y - half, y + half), autoscale_on=False)
        axes.spines[:].set_visible(False)
        axes.set_title(title, size=7.5, color=INK, pad=3)
        return axes

    def side(self, row: int, title: str, text: str) -> None:
        """What a row shows, left of it."""
        top = (self._bottom(row) + TILE) / self.height
        self.figure.text(LEFT, top, title, size=11.5, weight="bold", va="top")
        lines = "\n".join(line for part in text.split("\n") for line in textwrap.wrap(part, LETTERS))
        self.figure.text(LEFT, top - 0.25 / self.height, lines, size=8.2, color=GREY, va="top", linespacing=1.35)

    def names(self, row: int) -> None:
        """The structures in their colours, at the foot of a row's text."""
        bottom = self._bottom(row)
        for item in reversed(self.structures):
            lines = textwrap.wrap(item.name, LETTERS - 4)
            bar = (LEFT * self.width, bottom + 0.03, 0.11, 0.13 * len(lines) - 0.02)
            axes = self.figure.add_axes(self._share(*bar), facecolor=item.color)
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
            at = (bottom + bar[3] / 2 + 0.03) / self.height
            self.figure.text(LEFT + 0.19 / self.width, at, "\n".join(lines), size=8.2, va="center", linespacing=1.2)
            bottom += 0.14 * len(lines) + 0.09

    def heat_scale(self, row: int) -> None:
        """A small scale from sure to unsure under the row's text."""
        bottom = self._bottom(row) + 0.28
        axes = self.figure.add_axes(self._share(LEFT * self.width, bottom, 1.5, 0.09))
        axes.imshow(np.linspace(0, 1, 128)[None], cmap=HEAT, aspect="auto", extent=(0, 1, 0, 1))
        axes.set(yticks=[], xticks=[0, 1])
        axes.set_xticklabels(["sure", "unsure"], size=7.5)
        axes.tick_params(length=0, pad=2)
        axes.spines[:].set_color(LINE)
        sure, unsure = axes.get_xticklabels()
        sure.set_horizontalalignment("left")
        unsure.set_horizontalalignment("right")

    def _share(self, left: float, bottom: float, width: float, height: float) -> tuple[float, float, float, float]:
        """Inches to shares of the figure."""
        return left / self.width, bottom / self.height, width / self.width, height / self.height

    def _bottom(self, row: int) -> float:
        return self.height - TOP - (row + 1) * TILE - row * CAPTION


def _drawn_tiles(cases: Sequence[CaseView]) -> list[tuple[CaseView, SliceIndex]]:
    """Slices in canonical axes, whole cases first, as many as fit."""
    tiles: list[tuple[CaseView, SliceIndex]] = []
    for case in cases:
        turn = case.grid.orientation()
        places = [turn.slice_to_canonical(place, case.grid.shape) for place in case.slices]
        tiles += [(case, place) for place in sorted(places)]
    return tiles[:COLUMNS]


def _half(labels: Sequence[Plane]) -> float:
    """Half the width of every tile of a row, mm: the largest structure with some of what surrounds it."""
    return max(0.5 * 1.18 * max(reach(label) for label in labels), 16.0 * max(labels[0].size))


def _label(case: CaseView) -> NDArray[np.integer]:
    return case.label if case.label is not None else np.zeros(case.grid.shape, np.uint8)


def _judged(case: CaseView) -> NDArray[np.integer]:
    for candidate in (case.expert, case.suggestion):
        if candidate is not None:
            return candidate
    return _label(case)


def _show_image(axes: Axes, case: CaseView, place: SliceIndex) -> None:
    low, high = window(case.image)
    grey = plane(case.image, case.grid, place)
    axes.imshow(
        np.asarray(grey.pixels, float), cmap="gray", vmin=low, vmax=high, extent=grey.extent, origin="lower",
        interpolation="bicubic",
    )


def _fill(axes: Axes, label: Plane, item: Structure, strength: float = 0.38) -> None:
    inside = (label.pixels == item.value).astype(float)
    layer = np.zeros((*inside.shape, 4))
    layer[..., :3], layer[..., 3] = item.color, inside * strength
    axes.imshow(layer, extent=label.extent, origin="lower", interpolation="nearest")


def _outline(
    axes: Axes, label: Plane, value: int, *, color: str | tuple[float, float, float], width: float,
    dashed: bool = False,
) -> None:
    inside = np.pad((label.pixels == value).astype(float), 1)
    if not inside.any():
        return
    rows, columns = inside.shape
    x, y = (np.arange(columns) - 0.5) * label.size[1], (np.arange(rows) - 0.5) * label.size[0]
    style = (0, (2.2, 1.6)) if dashed else "solid"
    axes.contour(x, y, inside, levels=[0.5], colors=[color], linewidths=width, linestyles=[style])
