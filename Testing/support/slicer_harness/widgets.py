"""PySide6 stand-ins for the ctk and qMRML widgets that the panel uses: enough to click on and to look at.

The Segment Editor is in ``segment_editor``.
"""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Property, Signal


class ctkCollapsibleButton(QtWidgets.QWidget):
    """A header that folds what is laid out below it away."""

    contentsCollapsed = Signal(bool)
    toggled = Signal(bool)
    clicked = Signal(bool)

    def __init__(self, *values: Any) -> None:
        text = values[0] if values and isinstance(values[0], str) else ""
        super().__init__(*[value for value in values if isinstance(value, QtWidgets.QWidget)])
        self._collapsed = False
        self._header = QtWidgets.QToolButton(self)
        self._header.setText(text)
        self._header.setToolButtonStyle(QtCore.Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._header.clicked.connect(lambda *_: self.setCollapsed(not self._collapsed))
        self._header.setStyleSheet("QToolButton{border:0;background:palette(button);text-align:left;padding:3px}")
        self._arrow()

    def resizeEvent(self, event: QtGui.QResizeEvent) -> None:
        self._header.setGeometry(0, 0, self.width(), 26)
        super().resizeEvent(event)

    def childEvent(self, event: QtCore.QChildEvent) -> None:
        if isinstance(event.child(), QtWidgets.QLayout):
            QtCore.QTimer.singleShot(0, self._make_room)
        super().childEvent(event)

    def showEvent(self, event: QtGui.QShowEvent) -> None:
        self._make_room()
        super().showEvent(event)

    def _make_room(self) -> None:
        if self.layout() is not None:
            left, _, right, bottom = self.layout().getContentsMargins()
            self.layout().setContentsMargins(left, 32, right, bottom)
        self._fold()

    def _arrow(self) -> None:
        arrow = QtCore.Qt.ArrowType
        self._header.setArrowType(arrow.RightArrow if self._collapsed else arrow.DownArrow)

    def _fold(self) -> None:
        for child in self.children():
            if isinstance(child, QtWidgets.QWidget) and child is not self._header:
                hidden = child.isHidden() and not child.property("folded")
                if self._collapsed and not hidden:
                    child.setProperty("folded", True)
                    child.hide()
                elif not self._collapsed and child.property("folded"):
                    child.setProperty("folded", False)
                    child.show()
        self.setMaximumHeight(30 if self._collapsed else 16777215)

    def setCollapsed(self, collapsed: bool) -> None:
        if collapsed != self._collapsed:
            self._collapsed = bool(collapsed)
            self._arrow()
            self._fold()
            self.contentsCollapsed.emit(self._collapsed)

    def setText(self, text: str) -> None:
        self._header.setText(text)

    collapsed = Property(bool, lambda self: self._collapsed, setCollapsed)
    text = Property(str, lambda self: self._header.text(), setText)
    checked = Property(bool, lambda self: not self._collapsed, lambda self, value: self.setCollapsed(not value))


class qMRMLWidget(QtWidgets.QWidget):
    """A widget that is told the scene."""

    mrmlSceneChanged = Signal(object)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene: Any = None

    def setMRMLScene(self, scene: Any) -> None:
        self._scene = scene
        self.mrmlSceneChanged.emit(scene)

    def mrmlScene(self) -> Any:
        return self._scene
