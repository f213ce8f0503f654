"""The small parts of the panel: what a button does is told again when it can be pressed again."""

from __future__ import annotations

from typing import Any


def test_a_button_tells_why_it_cannot_be_pressed_and_then_again_what_it_does(slicer: Any) -> None:
    import qt

    from SemiSegLib.panel.parts import button, enable

    root = slicer.qMRMLWidget()
    root.setLayout(qt.QVBoxLayout())
    made = button(root.layout(), "Go", "Goes on", lambda: None, "Ctrl+G")
    enable(made, "Nothing is there.")
    assert (made.enabled, made.toolTip) == (False, "Nothing is there.")
    enable(made, "")
    assert (made.enabled, made.toolTip) == (True, "Goes on (Ctrl+G)")
