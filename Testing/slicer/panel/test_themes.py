"""Coloured words can be read on Slicer's light theme and on its dark one."""

from __future__ import annotations

from typing import Any

import pytest

LIGHT, DARK = "#f5f5f5", "#323232"
"""The darker rows of a table in the light theme, the ground of the dark one."""


def lightness(colour: str) -> float:
    """Relative luminance of ``#rrggbb`` in [0, 1], as WCAG 2 defines it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """From 1 (none) to 21 (black on white); 3 is the least for words beside a sign, 4.5 for others."""
    dark, light = sorted((lightness(one), lightness(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("ground", [LIGHT, DARK])
def test_coloured_words_stand_out_from_every_theme(slicer: Any, ground: str) -> None:
    from SemiSegLib.panel.case_rows import FLAGS, STATUS
    from SemiSegLib.panel.setup import MARKS

    inks = {*(found[2] for found in STATUS.values()), *(found[1] for found in FLAGS.values()), *MARKS.values()}
    assert {ink: round(contrast(ink, ground), 2) for ink in inks if contrast(ink, ground) < 3} == {}


@pytest.mark.parametrize(("ground", "ink"), [(LIGHT, "#000000"), (DARK, "#ffffff")])
def test_every_text_that_stands_alone_can_be_read_on_every_theme(
    panel: Any, study: Any, slicer: Any, ground: str, ink: str
) -> None:
    """Level AA of WCAG 2. The grey of hints had 3.6 on the light theme and 3.3 on the dark one."""
    from PySide6 import QtGui, QtWidgets

    from Testing.support.clinician import open_first

    there, before = QtGui.QPalette(), QtWidgets.QApplication.palette()
    for role, colour in ((QtGui.QPalette.ColorRole.Window, ground), (QtGui.QPalette.ColorRole.WindowText, ink)):
        there.setColor(role, QtGui.QColor(colour))
    open_first(panel, study)
    QtWidgets.QApplication.setPalette(there)
    try:
        panel.root.real.show()
        slicer.app.processEvents()
        labels = [label for label in panel.root.real.findChildren(QtWidgets.QLabel)
                  if label.text() and "background" not in label.styleSheet()]  # those have a ground of their own
        inks = {label.text(): label.palette().color(label.foregroundRole()).name() for label in labels}
    finally:
        QtWidgets.QApplication.setPalette(before)
    assert len(inks) > 10
    weak = {text: contrast(colour, ground) for text, colour in inks.items() if contrast(colour, ground) < 4.5}
    assert weak == {}
    assert "color:" not in panel.cases.name.text


def test_slice_numbers_that_can_be_clicked_are_in_an_ink_of_ours(slicer: Any) -> None:
    """Qt's own blue of links had a contrast of 1.5 on the dark theme, where the palette does not name another."""
    from SemiSegLib.panel.parts import BLUE
    from SemiSegLib.panel.pictures import links
    from SemiSegLogic.geometry import SliceIndex

    assert f"color: {BLUE}" in links([SliceIndex(0, 4)])
    assert min(contrast(BLUE, ground) for ground in (LIGHT, DARK)) >= 3
