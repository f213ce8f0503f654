"""PySide6 stand-ins for the ctk and qMRML widgets that the panel uses: enough to click on and to look at.

The Segment Editor is in ``segment_editor``.
"""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Property, Signal

EXPLICIT = QtCore.Qt.WidgetAttribute.WA_WState_ExplicitShowHide
"""Set by Qt on a widget that somebody showed or hid by name, not with its parent."""
FOLDED_PX = 14
"""How much higher a folded header is than its button."""


class ctkCollapsibleButton(QtWidgets.QAbstractButton):
    """A header that folds what is laid out below it away: ctk's code, from C++.

    What is shown or hidden below it while it is folded is remembered, and done when it unfolds; and nothing is folded
    before the header was shown for the first time. It is never narrower than what is below it would like to be.
    """

    contentsCollapsed = Signal(bool)

    def __init__(self, *values: Any) -> None:
        super().__init__(*[value for value in values if isinstance(value, QtWidgets.QWidget)])
        self._collapsed = self._forcing = self._made = False
        self._highest = self.maximumHeight()
        self.setCheckable(True)
        self.setChecked(True)
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Minimum, QtWidgets.QSizePolicy.Policy.Preferred)
        self.setContentsMargins(0, self._button().height(), 0, 0)
        self.setBackgroundRole(QtGui.QPalette.ColorRole.Window)
        self.toggled.connect(lambda checked: self._fold(not checked))
        if values and isinstance(values[0], str):
            self.setText(values[0])

    def setCollapsed(self, collapsed: bool) -> None:
        self.setChecked(not collapsed)

    collapsed = Property(bool, lambda self: self._collapsed, setCollapsed)

    def _fold(self, collapsed: bool) -> None:
        if collapsed == self._collapsed:
            return
        self._collapsed = collapsed
        if collapsed:
            self._highest = self.maximumHeight()
        self.setMaximumHeight(self.sizeHint().height() if collapsed else self._highest)
        self._show_children()
        self.updateGeometry()
        self.contentsCollapsed.emit(collapsed)

    # --- what is below it -------------------------------------------------------------------------------------

    def childEvent(self, event: QtCore.QChildEvent) -> None:
        child = event.child()
        if event.added() and isinstance(child, QtWidgets.QWidget):
            if child.testAttribute(EXPLICIT) and child.testAttribute(QtCore.Qt.WidgetAttribute.WA_WState_Hidden):
                child.setProperty("visibilityToParent", False)
            child.installEventFilter(self)
            self._show_child(child)
        super().childEvent(event)

    def setVisible(self, visible: bool) -> None:
        self._forcing = True
        super().setVisible(visible)
        self._forcing = False
        if not self._made and self._created(self):
            self._made = True
            self._show_children()

    def eventFilter(self, child: QtCore.QObject, event: QtCore.QEvent) -> bool:
        if not self._forcing and isinstance(child, QtWidgets.QWidget):
            if event.type() == QtCore.QEvent.Type.ShowToParent:
                child.setProperty("visibilityToParent", True)
                self._show_child(child)
            elif event.type() == QtCore.QEvent.Type.HideToParent:
                child.setProperty("visibilityToParent", False)
        return False

    def _show_children(self) -> None:
        for child in self.children():
            if isinstance(child, QtWidgets.QWidget):
                self._show_child(child)

    def _show_child(self, child: QtWidgets.QWidget) -> None:
        """As wanted, but hidden while folded; Qt is not to take that for the wish of whoever made the child."""
        if not self._created(self):
            return
        wanted = child.property("visibilityToParent") in (None, True)
        visible = wanted and not self._collapsed
        self._forcing = True
        if self._created(child) or not visible:
            child.setVisible(visible)
        if wanted:
            child.setAttribute(EXPLICIT, False)
        self._forcing = False

    @staticmethod
    def _created(widget: QtWidgets.QWidget) -> bool:
        return bool(widget.testAttribute(QtCore.Qt.WidgetAttribute.WA_WState_Created))

    # --- its size and picture ---------------------------------------------------------------------------------

    def _option(self) -> QtWidgets.QStyleOptionButton:
        option = QtWidgets.QStyleOptionButton()
        option.initFrom(self)
        return option

    def _button(self) -> QtCore.QSize:
        """The size of the header alone."""
        style, option, metric = self.style(), self._option(), QtWidgets.QStyle.PixelMetric
        sign = QtCore.QSize(*(style.pixelMetric(kind, option, self)
                              for kind in (metric.PM_IndicatorWidth, metric.PM_IndicatorHeight)))  # fmt: skip
        text = self.fontMetrics().size(QtCore.Qt.TextFlag.TextShowMnemonic, self.text() or "XXXX")
        width = sign.width() + style.pixelMetric(metric.PM_CheckBoxLabelSpacing, option, self)
        size = QtCore.QSize(width + (text.width() if self.text() else 0), max(sign.height(), text.height()))
        return style.sizeFromContents(QtWidgets.QStyle.ContentsType.CT_PushButton, option, size, self)

    def minimumSizeHint(self) -> QtCore.QSize:
        if self._collapsed:
            return self._button() + QtCore.QSize(0, FOLDED_PX)
        return self._button() if self.layout() is None else super().minimumSizeHint().expandedTo(self._button())

    def sizeHint(self) -> QtCore.QSize:
        folded = self._button() + QtCore.QSize(0, FOLDED_PX)
        return folded if self._collapsed else super().sizeHint().expandedTo(folded)

    def hitButton(self, place: QtCore.QPoint) -> bool:
        return QtCore.QRect(0, 0, self.width(), self._button().height()).contains(place)

    def event(self, event: QtCore.QEvent) -> bool:
        if event.type() in (QtCore.QEvent.Type.StyleChange, QtCore.QEvent.Type.FontChange):
            self.setContentsMargins(0, self._button().height(), 0, 0)
            if self._collapsed:
                self.setMaximumHeight(self.sizeHint().height())
        return super().event(event)

    def paintEvent(self, _event: QtGui.QPaintEvent) -> None:
        painter, style, option = QtGui.QPainter(self), self.style(), self._option()
        option.rect.setHeight(self._button().height())
        style.drawControl(QtWidgets.QStyle.ControlElement.CE_PushButtonBevel, option, painter, self)
        sign, element, high = QtWidgets.QStyleOption(), QtWidgets.QStyle.PrimitiveElement, option.rect.height()
        sign.initFrom(self)
        side = style.pixelMetric(QtWidgets.QStyle.PixelMetric.PM_IndicatorHeight, option, self)
        sign.rect = QtCore.QRect((high - side) // 2, (high - side) // 2, side, side)
        arrow = element.PE_IndicatorArrowRight if self._collapsed else element.PE_IndicatorArrowDown
        style.drawPrimitive(arrow, sign, painter, self)
        words = option.rect.adjusted(sign.rect.right() + 6, 0, 0, 0)
        flags = QtCore.Qt.AlignmentFlag.AlignLeft | QtCore.Qt.AlignmentFlag.AlignVCenter
        style.drawItemText(painter, words, flags, option.palette, self.isEnabled(), self.text(),
                           QtGui.QPalette.ColorRole.ButtonText)  # fmt: skip


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
