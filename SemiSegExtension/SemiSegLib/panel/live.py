"""The row that keeps learning while the person draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import qt

from ..words import _
from .parts import label

if TYPE_CHECKING:
    from .panel import Panel


class LiveRow:
    def __init__(self, panel: Panel, layout: Any) -> None:
        self._panel, self._live = panel, panel.live
        self.switch = qt.QCheckBox(_("Keep learning while I draw"))
        self.switch.toolTip = _(
            "A model learns from every slice you mark as done, while you draw. You can still press Train on my labels: "
            "it also learns from volumes without drawings, and tells you how good the model is."
        )
        self.switch.checked = panel.preferences.get("live") == "yes"
        layout.addWidget(self.switch)
        self.told = label(layout, faint=True)
        self.switch.connect("toggled(bool)", self.on_switch)
        self._live.want(bool(self.switch.checked))

    def on_switch(self, wanted: bool) -> None:
        self._panel.preferences.set("live", "yes" if wanted else "no")
        self._live.want(bool(wanted))
        self.refresh()

    def refresh(self) -> None:
        self.told.text = self._live.words()
