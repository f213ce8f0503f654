"""Try the sample: shown as long as no study is open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt
import slicer

from ..words import _
from .parts import box, button, label, row

if TYPE_CHECKING:
    from .panel import Panel

BEAT_MS = 200


class SampleRow:
    """One button and, while it works, a bar."""

    def __init__(self, panel: Panel, layout: Any) -> None:
        self._panel = panel
        self._box, inside = box(layout)
        line = row(inside)
        label(line, _("New here?"))
        tip = _("Real brain MRI with a few slices drawn: open it, press Train on my labels")
        self.button = button(line, _("Try the sample"), tip, self.on_try)
        self.bar = qt.QProgressBar()
        self.bar.visible = False
        inside.addWidget(self.bar)
        self._done, self._busy = 0.0, False
        self._timer = qt.QTimer()
        self._timer.setInterval(BEAT_MS)
        self._timer.connect("timeout()", self._show)

    @property
    def busy(self) -> bool:
        """The sample is being fetched or built."""
        return self._busy

    def on_try(self) -> None:
        """Ask, tell the licence, then fetch, build and open the study."""
        from ..cases.sample import make_sample, sample_folder, sample_question  # opening the module needs it not

        folder = sample_folder()
        there = (folder / "study.json").is_file()
        if self._busy or not (
            there or slicer.util.confirmOkCancelDisplay(sample_question(folder), windowTitle=_("Try the sample"))
        ):
            return
        self._done, self._busy = 0.0, True
        self._timer.start()
        self._show()
        self._panel.controller.background.run(
            _("Make the sample study"), lambda: make_sample(folder, self._tell), self._made, self._failed
        )

    def _tell(self, done: float) -> None:
        """Heard on the thread that works: only a number changes hands."""
        self._done = done

    def _made(self, folder: Path) -> None:
        self._end()
        self._panel.controller.open_study(folder)

    def _failed(self, error: Exception) -> None:
        self._end()
        text = _("The sample is not available. {why}").format(why=error)
        self._panel.controller.say(text, "error")

    def _end(self) -> None:
        self._busy = False
        self.stop()
        self._show()

    def stop(self) -> None:
        """Nobody looks any more."""
        self._timer.stop()

    def _show(self) -> None:
        self.button.enabled = not self._busy
        self.bar.visible = self._busy
        self.bar.value = round(100 * self._done)

    def refresh(self) -> None:
        """Out of the way once a study is open."""
        self._box.visible = self._panel.controller.study is None
