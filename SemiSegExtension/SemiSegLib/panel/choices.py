"""Inside Train: how and where to train."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import qt

from ..training.connection import Manner, Order
from ..training.methods import TIMES, method_words, time_words
from ..words import _
from .advanced import SettingsForm
from .parts import box, choice, form, label
from .place_choice import PlaceChoice

if TYPE_CHECKING:
    from ..training.connection import Look
    from .panel import Panel


class TrainingChoices:
    """Method, time and place. ``layout`` is where they appear."""

    def __init__(self, panel: Panel, layout: Any) -> None:
        self.box, inside = box(layout)
        self._methods = method_words()
        fields = form(inside)
        self.method = choice()
        for name, _sentence in self._methods.values():
            self.method.addItem(name)
        fields.addRow(_("Method:"), self.method)
        self.time = choice()
        self.time.addItems(time_words())
        fields.addRow(_("Train for:"), self.time)
        self.place = PlaceChoice(panel, fields, inside)
        self.sentence = label(inside, faint=True)
        self.go_on = qt.QCheckBox(_("Continue from the last training"))
        self.go_on.toolTip = _("Starts from what the last training learned: better suggestions in the same time")
        self.go_on.checked = True
        inside.addWidget(self.go_on)
        self._build_advanced(inside)
        self.method.connect("currentIndexChanged(int)", self.on_method)
        self.on_method()

    def _build_advanced(self, inside: Any) -> None:
        self.more = qt.QCheckBox(_("Advanced"))
        inside.addWidget(self.more)
        self._advanced, advanced = box(inside)
        self.fragments = qt.QCheckBox(_("Leave out small fragments"))
        self.fragments.toolTip = _(
            "Small pieces far from a structure are not suggested, where your slices show the structure in one piece"
        )
        self.fragments.checked = True
        advanced.addWidget(self.fragments)
        self.outlines = qt.QCheckBox(_("Carry outlines to neighbouring slices at first"))
        self.outlines.toolTip = _(
            "In volumes with one to three drawn slices, the model first also learns from outlines carried to the "
            "slices beside them; in the end only from what you drew"
        )
        self.outlines.checked = True
        advanced.addWidget(self.outlines)
        self.settings = SettingsForm(advanced)
        self._advanced.visible = False
        self.more.connect("toggled(bool)", self.on_more)

    def on_method(self, *_index: Any) -> None:
        self.sentence.text = list(self._methods.values())[self.method.currentIndex][1]
        self.on_more(bool(self.more.checked))

    def on_more(self, shown: bool) -> None:
        """The fields are made when asked for: most people never look."""
        if shown:
            from SemiSegLogic.settings import CHOICES

            self.settings.show(CHOICES[self._chosen()])
        self._advanced.visible = shown

    def _chosen(self) -> str:
        return list(self._methods)[self.method.currentIndex]

    @property
    def manner(self) -> Manner:
        """As chosen where it can be seen."""
        seen = self.more.checked
        return Manner(bool(self.fragments.checked or not seen), bool(self.outlines.checked or not seen))

    def order(self, run: str, open_case: str) -> Order:
        """What is chosen, to go on from ``run``. Raises ValueError naming the field that holds no number."""
        settings = self.settings.values() if self.more.checked else {}
        return Order(self._chosen(), TIMES[self.time.currentIndex], run, open_case, settings, self.place.far,
                     self.manner)

    def refresh(self, running: bool, earlier: bool, look: Look | None) -> None:
        """``running``: a run is on its way, and nothing can be chosen; ``earlier``: there is one to go on from."""
        self.box.visible = not running
        self.go_on.visible = earlier and not running
        self.place.refresh(look)
