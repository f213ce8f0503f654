"""Inside Train: the run on its way or the last one, with what can be done about it."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

import qt

from ..training.run_words import agreement, columns, error_on_my_slices, headline, making_masks, unread
from ..words import _
from .parts import box, button, label, minutes, primary, row
from .pictures import PictureLabel, curve

if TYPE_CHECKING:
    from ..training.connection import Look
    from .panel import Panel


class RunView:
    """Hidden while there is no run. ``layout`` is where it appears."""

    def __init__(self, panel: Panel, layout: Any) -> None:
        self._panel, self._training = panel, panel.training
        self._box, inside = box(layout)
        self.phase = label(inside)
        self.bar = qt.QProgressBar()
        self.bar.maximum = 1000
        inside.addWidget(self.bar)
        self._picture = qt.QLabel()
        inside.addWidget(self._picture)
        self._curve = PictureLabel(self._picture, lambda: panel.scratch, "curve")
        self.numbers = label(inside, faint=True)
        buttons = row(inside)
        tip = _("The best model so far is saved and used")
        self.stop = primary(buttons, _("Stop and keep the best"), tip, self.on_stop)
        self.resume = button(buttons, _("Resume"), _("Continue from the last saved state"), self.on_resume)
        self.curves = button(buttons, _("Show curves"), _("In Slicer's plot view"), self.on_curves)

    # --- asked for --------------------------------------------------------------------------------------------

    def on_stop(self) -> None:
        self._training.stop()
        self.stop.enabled = False
        applied = self._training.applied
        self.phase.text = _("Stopping …") if applied else _("Stopping; the best model is being saved …")

    def on_resume(self) -> None:
        self._training.resume()

    def on_curves(self) -> None:
        if self._training.look is not None:
            self._panel.screen.open_curves(columns(self._training.look.curves))

    # --- shown ------------------------------------------------------------------------------------------------

    def refresh(self, running: bool, look: Look | None) -> None:
        """``running``: a run is on its way. ``look``: as it stands, None when nobody has looked yet."""
        self._box.visible = running or look is not None
        self._show_stop(running, self._training.applied)
        if running and (look is None or not look.status.phase.startswith("stop")):
            self.stop.enabled = True
        self.resume.visible = look is not None and look.status.state in ("lost", "stopped", "failed")
        self.curves.visible = look is not None and len(look.curves) > 1
        if look is None:
            self.phase.text, self.bar.value, self.numbers.text = _("Starting …"), 0, ""
        else:
            self._show(look)

    def _show_stop(self, running: bool, applied: bool) -> None:
        self.stop.visible = running
        self.stop.text = _("Stop") if applied else _("Stop and keep the best")
        self.stop.toolTip = (
            _("The suggestions made so far are kept") if applied else _("The best model so far is saved and used")
        )

    def _show(self, look: Look) -> None:
        status = look.status
        left = minutes(status.seconds_left) if status.state == "running" and status.seconds_left else ""
        line = headline(look) + (" · " + _("{time} left").format(time=left) if left else "")
        quiet = making_masks(look) or status.state in ("queued", "done")
        said = unread(look) or ("" if quiet else status.message)
        self.phase.text = f"<b>{line}</b><br>{html.escape(said)}"
        self.bar.value = round(1000 * status.fraction)
        points = error_on_my_slices(look.curves)
        self._picture.visible = len(points) > 1
        self._curve.show(curve(points))
        after = _("after {time}").format(time=minutes(status.elapsed)) if status.elapsed else ""
        facts = [status.device, look.far, after]
        lines = [
            _("The line shows the error on my slices; lower is better.") if len(points) > 1 else "",
            agreement(status.scores),
            " · ".join(fact for fact in facts if fact),
        ]
        self.numbers.text = "<br>".join(html.escape(line) for line in lines if line)
        self._panel.screen.curves(columns(look.curves))
