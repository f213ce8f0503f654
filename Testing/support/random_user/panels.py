"""Panels as Slicer makes them, again and again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from Testing.support.clinician import FakeInstaller


@contextmanager
def panels(slicer: Any, folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[[Any], Any]], Any]]:
    """Gives ``open(connect)``, which makes and shows one; ``folder`` is for what they would install."""
    import qt

    from SemiSegLib.panel import Panel
    from SemiSegLib.panel import panel as module

    patch.setattr(module, "LET_GO_S", 0.002)
    made: list[Any] = []

    def opened(connect: Callable[[Any], Any]) -> Any:
        root = slicer.qMRMLWidget()
        root.setLayout(qt.QVBoxLayout())
        panel = Panel(root.layout(), FakeInstaller(folder / "environment"), connect)
        panel.root = root
        panel.enter()
        made.append(panel)
        return panel

    yield opened
    for panel in made:
        panel.timer.stop()
