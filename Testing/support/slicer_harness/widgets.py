"""PySide6 stand-ins for the ctk and qMRML widgets that the panel uses: enough to click on and to look at.

The Segment Editor is in ``segment_editor``.
"""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Property, Signal

EXPLICIT = QtCore.Qt.WidgetAttribute.WA_WState_ExplicitShowHide
"""Set by Qt on a widget that somebody showed or hid by name, not with its parent."""


class ctkCollapsibleButton(QtWidgets.QWidget):
    """A header that folds what is laid out below it away.

    As in ctk: what is shown or hidden below it while it is folded is remembered, and done when it unfolds; and nothing
    is folded before the header was shown for the first time.
    """

    contentsCollapsed = Signal(bool)
    toggled = Signal(bool)
    clicked = Signal(bool)

    def __init__(self, *values: Any) -> None:
        text = values[0] if values and isinstance(values[0], str) else ""
        super().__init__(*[value for value in values if isinstance(value, QtWidgets.QWidget)])
        self._collapsed = self._forcing = False
        self._header: QtWidgets.QToolButton | None = None
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
        child = event.child()
        if isinstance(child, QtWidgets.QLayout):
            QtCore.QTimer.singleShot(0, self._make_room)
        elif event.added() and isinstance(child, QtWidgets.QWidget) and self._header is not None:
            child.setProperty("wanted", not child.isHidden() or not child.testAttribute(EXPLICIT))
            child.installEventFilter(self)
            self._fold(child)
        super().childEvent(event)

    def eventFilter(self, child: QtCore.QObject, event: QtCore.QEvent) -> bool:
        kinds = {QtCore.QEvent.Type.ShowToParent: True, QtCore.QEvent.Type.HideToParent: False}
        if event.type() in kinds and not self._forcing and isinstance(child, QtWidgets.QWidget):
            child.setProperty("wanted", kinds[event.type()])
            self._fold(child)
        return False

    def setVisible(self, visible: bool) -> None:
        self._forcing = True
        super().setVisible(visible)
        self._forcing = False
        self._make_room()

    def _make_room(self) -> None:
        if self.layout() is not None:
            left, _, right, bottom = self.layout().getContentsMargins()
            self.layout().setContentsMargins(left, 32, right, bottom)
        self._fold_all()

    def _arrow(self) -> None:
        arrow = QtCore.Qt.ArrowType
        self._header.setArrowType(arrow.RightArrow if self._collapsed else arrow.DownArrow)

    def _fold_all(self) -> None:
        for child in self.children():
            if isinstance(child, QtWidgets.QWidget) and child is not self._header:
                self._fold(child)
        self.setMaximumHeight(30 if self._collapsed else 16777215)

    def _fold(self, child: QtWidgets.QWidget) -> None:
        """As wanted, but hidden while folded; Qt is not to take that for the wish of whoever made the child."""
        if not self.testAttribute(QtCore.Qt.WidgetAttribute.WA_WState_Created):
            return
        self._forcing, wanted = True, bool(child.property("wanted"))
        child.setVisible(wanted and not self._collapsed)
        if wanted:
            child.setAttribute(EXPLICIT, False)
        self._forcing = False

    def setCollapsed(self, collapsed: bool) -> None:
        if collapsed != self._collapsed:
            self._collapsed = bool(collapsed)
            self._arrow()
            self._fold_all()
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
