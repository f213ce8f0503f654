"""Small parts that every section is built from. Layouts get their parent at once, as PythonQt wants it."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Collection, Sequence
from typing import Any

import ctk
import qt

from ..words import _

ROW_PX, HEAD_PX = 28, 24
"""Heights of a table's rows and header."""
LABEL_PX = 80
"""The width of a label at least: a word or two."""
GREY, AMBER, PURPLE, BLUE, GREEN, RED = "#7d828c", "#ad6f00", "#9769d0", "#2f82cc", "#3a8d54", "#dc463d"
"""Colours of words, which can be read on the light theme of Slicer and on its dark one (a contrast of 3 or more)."""
SHORTEST = 12
"""Letters that a choice shows at least; its list shows all of them."""
BREAK, LONG = "\N{ZERO WIDTH SPACE}", re.compile(r"_(?=\w)|[^\s_]{20}(?=[^\s_])")
"""Where a line may end, and behind what in a long word."""


def table_height(rows: int, most: int) -> int:
    """So high that no row is cut in two: all ``rows``, or ``most`` with a bar to scroll."""
    return HEAD_PX + ROW_PX * min(rows, most)


def table(layout: Any, titles: Sequence[str], wide: Collection[int]) -> qt.QTableWidget:
    """A table to read at the end of ``layout``; its columns ``wide`` share the room that the others leave."""
    made = qt.QTableWidget()
    layout.addWidget(made)
    made.setColumnCount(len(titles))
    made.setHorizontalHeaderLabels(list(titles))
    share_room(made, wide)
    rows = made.verticalHeader()
    rows.hide()
    rows.setDefaultSectionSize(ROW_PX)
    made.setEditTriggers(qt.QAbstractItemView.NoEditTriggers)
    return made


def share_room(shown: qt.QTableWidget, wide: Collection[int]) -> None:
    """Let the columns ``wide`` of a table share the room that the others leave."""
    header = shown.horizontalHeader()
    for column in range(shown.columnCount):
        mode = qt.QHeaderView.Stretch if column in wide else qt.QHeaderView.ResizeToContents
        header.setSectionResizeMode(column, mode)


def choosing_table(
    layout: Any, titles: Sequence[str], wide: Collection[int], clicked: Callable[..., None]
) -> qt.QTableWidget:
    """A table in which a whole row is clicked: ``clicked(row, column)``."""
    made = table(layout, titles, wide)
    made.setSelectionBehavior(qt.QAbstractItemView.SelectRows)
    made.setSelectionMode(qt.QAbstractItemView.SingleSelection)
    made.setShowGrid(False)
    made.alternatingRowColors = True
    made.connect("cellClicked(int,int)", clicked)
    return made


def section(parent: Any, text: str, collapsed: bool = False) -> tuple[ctk.ctkCollapsibleButton, qt.QVBoxLayout]:
    """A foldable section at the end of layout ``parent``: its header and the layout of its content."""
    header = ctk.ctkCollapsibleButton()
    header.text = text
    parent.addWidget(header)
    layout = qt.QVBoxLayout(header)
    layout.spacing = 6
    header.collapsed = collapsed
    return header, layout


def button(layout: Any, text: str, tip: str, clicked: Callable[[], None], shortcut: str = "") -> qt.QPushButton:
    """A push button at the end of ``layout``."""
    made = qt.QPushButton(text)
    explain(made, f"{tip} ({keys_here(shortcut)})" if shortcut else tip)
    if shortcut:
        made.setShortcut(qt.QKeySequence(shortcut))
    layout.addWidget(made)
    made.connect("clicked()", clicked)
    return made


def keys_here(shortcut: str) -> str:
    """The keys as they are called here: what is Ctrl for Qt is the command key of a Mac, and Strg in German."""
    return str(qt.QKeySequence(shortcut).toString(qt.QKeySequence.NativeText))


def primary(layout: Any, text: str, tip: str, clicked: Callable[[], None], shortcut: str = "") -> qt.QPushButton:
    """The button of a section that most people press."""
    made = button(layout, text, tip, clicked, shortcut)
    made.minimumHeight = 34
    made.setStyleSheet("QPushButton { font-weight: bold; }")
    return made


def label(layout: Any, text: str = "", faint: bool = False) -> qt.QLabel:
    """A label that breaks its lines. ``faint``: a hint, in italics; no grey can be read on every theme of Slicer."""
    made = qt.QLabel(text)
    as_wide_as_there_is_room(made)
    made.wordWrap = True
    if faint:
        font = made.font
        font.setItalic(True)
        made.font = font
    layout.addWidget(made)
    return made


def as_wide_as_there_is_room(shown: qt.QLabel) -> None:
    """A section of ctk is never narrower than what is in it would like to be, nor is Slicer's module panel: a text of
    three lines would widen both by 170 pixels, and make the views smaller, each time it comes.
    """
    shown.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Preferred)
    shown.minimumWidth = LABEL_PX


def breakable(text: str) -> str:
    """``text`` whose long words may be broken: a file's name, which has no spaces, must not widen the panel."""
    return LONG.sub(lambda found: found[0] + BREAK, text)


def marked(name: str) -> str:
    """A name, of a case, a structure or a file, as a label with bold words shows it: no letter of it is a mark."""
    return html.escape(breakable(name))


def row(layout: Any) -> qt.QHBoxLayout:
    """A row at the end of ``layout``."""
    made = qt.QHBoxLayout()
    layout.addLayout(made)
    made.spacing = 6
    return made


def form(layout: Any) -> qt.QFormLayout:
    """Rows of name and field at the end of ``layout``."""
    made = qt.QFormLayout()
    made.setRowWrapPolicy(qt.QFormLayout.WrapLongRows)  # in a narrow panel a field comes below its name
    made.setFieldGrowthPolicy(qt.QFormLayout.AllNonFixedFieldsGrow)  # as on a Mac they would not
    layout.addLayout(made)
    made.spacing = 6
    return made


def choice() -> qt.QComboBox:
    """One of several: as wide as there is room, and no wider than a narrow panel for its longest words."""
    made = qt.QComboBox()
    made.setSizeAdjustPolicy(qt.QComboBox.AdjustToMinimumContentsLengthWithIcon)
    made.setMinimumContentsLength(SHORTEST)
    return made


def menu_item(menu: Any, text: str, chosen: Callable[[], None]) -> None:
    """An entry of ``menu`` that shows ``text`` as it is: a single & would underline the letter behind it.

    Made by hand, because it depends on the version of Qt which of ``addAction``'s kinds a menu has.
    """
    made = qt.QAction(text.replace("&", "&&"), menu)
    menu.addAction(made)
    made.connect("triggered()", chosen)


def box(layout: Any) -> tuple[qt.QWidget, qt.QVBoxLayout]:
    """A group that can be shown and hidden as a whole."""
    made = qt.QWidget()
    layout.addWidget(made)
    inner = qt.QVBoxLayout(made)
    inner.setContentsMargins(0, 0, 0, 0)
    inner.spacing = 6
    return made, inner


def explain(widget: Any, tip: str) -> None:
    """``tip`` says what ``widget`` does. It is kept where Qt keeps such words, for when it is to be seen again."""
    widget.toolTip = widget.whatsThis = tip


def enable(widget: Any, why_not: str) -> None:
    """Enabled when ``why_not`` is empty; else disabled with the reason as its tip."""
    widget.enabled = not why_not
    widget.toolTip = why_not or widget.whatsThis


NOTICE = {
    "info": ("#e8eef5", "#1d3a57"),
    "good": ("#e3f2e6", "#1b4d2b"),
    "warning": ("#fdf1d8", "#6b4700"),
    "error": ("#fbe3e1", "#7d1f18"),
}


def notice(widget: Any, text: str, level: str) -> None:
    """Show one line in the colours of its level; nothing when empty."""
    back, front = NOTICE[level or "info"]
    widget.setStyleSheet(f"QLabel {{ background: {back}; color: {front}; padding: 6px; border-radius: 4px; }}")
    widget.setTextFormat(qt.Qt.PlainText)  # names in it may look like marks
    widget.text = breakable(text)
    widget.visible = bool(text)


def minutes(seconds: float | None) -> str:
    """A duration as people say it."""
    if seconds is None:
        return ""
    if seconds < 90:
        return _("{n} s").format(n=max(1, round(seconds)))
    if seconds < 5400:
        return _("{n} min").format(n=round(seconds / 60))
    return _("{n:.1f} h").format(n=seconds / 3600)
