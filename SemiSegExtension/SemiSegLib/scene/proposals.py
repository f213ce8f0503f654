"""What a model proposes, beside the person's segmentation: it can be looked at, not drawn on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..drawing import Boxed
from ..ports import Shown
from ..words import _
from . import nodes, segments, views, volumes
from .stage import EARLIER, STYLES, SUGGESTION, UNCERTAINTY, VOLUME, Stage, style


class Proposals:
    """Of the case on ``stage``. None takes them away; the uncertainty is uint8 (k, j, i)."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._visible = True

    def show(self, label: Boxed | None, structures: Sequence[Shown]) -> None:
        """The suggestion."""
        self._show_beside(SUGGESTION, _("{case} - suggestion"), label, structures)

    def show_earlier(self, label: Boxed | None, structures: Sequence[Shown]) -> None:
        """The outline of what the run before proposed."""
        faded = [replace(item, color=_faded(item.color)) for item in structures]
        self._show_beside(EARLIER, _("{case} - previous suggestion"), label, faded)

    def set_visible(self, visible: bool) -> None:
        """Show or hide the suggestion."""
        self._visible, display = visible, self._stage.display(SUGGESTION)
        if display is not None:
            display.SetVisibility(visible)

    @property
    def hidden(self) -> bool:
        """Whether the person has hidden the suggestion, in the panel or in Slicer's own list; one that is just coming
        is not hidden.
        """
        display = self._display()
        return display is not None and not display.GetVisibility()

    def _display(self) -> Any | None:
        """How the suggestion is drawn; one that is made anew is as visible as the panel says."""
        node = self._stage.node(SUGGESTION)
        anew = node is not None and node.GetDisplayNode() is None
        display = self._stage.display(SUGGESTION)
        if anew:
            display.SetVisibility(self._visible)
        return display

    def show_uncertainty(self, uncertainty: NDArray[np.uint8] | None) -> None:
        """How unsure the model is, over the image."""
        self.clear_overlay()
        nodes.remove(self._stage.node(UNCERTAINTY))
        volume = self._stage.node(VOLUME)
        if uncertainty is None or volume is None or self._stage.grid is None:
            return
        name = _("{case} - uncertainty").format(case=volume.GetName())
        node = volumes.overlay_from(uncertainty, self._stage.grid, name)
        views.overlay(self._stage.own(node, UNCERTAINTY, volume.GetAttribute(nodes.CASE)))

    def clear_overlay(self) -> None:
        """The views show no uncertainty any more."""
        views.no_overlay(self._stage.node(UNCERTAINTY))

    def _show_beside(self, role: str, name: str, label: Boxed | None, structures: Sequence[Shown]) -> None:
        stage = self._stage
        node, volume = stage.node(role), stage.node(VOLUME)
        if label is None or volume is None or stage.grid is None:
            nodes.remove(node)
            return
        if node is None:
            made = segments.segmentation_for(volume, name.format(case=volume.GetName()))
            node = stage.own(made, role, volume.GetAttribute(nodes.CASE))
            style(node, *STYLES[role])
        self._stage.display(role)
        segments.write(node, label, stage.grid, structures)


def _faded(color: tuple[float, float, float]) -> tuple[float, float, float]:
    """Nearer to white: the last round is told from the present one at a glance."""
    red, green, blue = (0.45 * part + 0.55 for part in color)
    return red, green, blue
