"""Our nodes of the case on screen, each by its role, and the grid that all of them lie on."""

from __future__ import annotations

from typing import Any

import slicer

from SemiSegLogic.geometry import Grid

from . import nodes

VOLUME, LABELS, SUGGESTION, EARLIER, UNCERTAINTY = "image", "labels", "suggestion", "earlier", "uncertainty"


class Stage:
    """A node is known by its id: a scene file may bring others that look the same."""

    def __init__(self) -> None:
        self.grid: Grid | None = None
        self._ids: dict[str, str] = {}

    def node(self, role: str) -> Any | None:
        """Our node on screen; None when it is not there."""
        return slicer.mrmlScene.GetNodeByID(self._ids[role]) if role in self._ids else None

    def own(self, node: Any, role: str, case: str) -> Any:
        """Call ``node`` ours; returns it."""
        self._ids[role] = node.GetID()
        return nodes.own(node, role, case)

    def has(self, node: Any) -> bool:
        """Whether it is one of those on screen."""
        return node.GetID() in self._ids.values()

    @property
    def empty(self) -> bool:
        """Nothing of ours was put on screen."""
        return not self._ids

    def leave(self) -> list[Any | None]:
        """None of them is ours any more, and nobody needs to be told when they go; returns them."""
        left = [self.node(role) for role in self._ids]
        self.grid, self._ids = None, {}
        return left


def style(node: Any, fill: float, outline: float) -> None:
    """How strongly a segmentation is drawn in the slice views, 0..1."""
    display = node.GetDisplayNode()
    display.SetOpacity2DFill(fill)
    display.SetOpacity2DOutline(outline)
