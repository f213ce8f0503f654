"""PySide6 stand-ins for the ctk and qMRML widgets that the panel uses: enough to click on and to look at."""

from __future__ import annotations

from typing import Any

import slicer
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


class qMRMLSegmentEditorWidget(qMRMLWidget):
    """Slicer's Segment Editor: its picture is drawn here, its logic is the real ``vtkSlicerSegmentEditorLogic``."""

    currentSegmentIDChanged = Signal(str)
    segmentationNodeChanged = Signal(object)
    sourceVolumeNodeChanged = Signal(object)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.editor = slicer.vtkSlicerSegmentEditorLogic()
        self.calls: list[str] = []
        self._effects: list[str] = []
        self._switches: dict[str, Any] = {}
        self._table = QtWidgets.QListWidget()
        self._table.setMaximumHeight(84)
        self._table.currentRowChanged.connect(lambda row: self._pick(row))
        self._row = QtWidgets.QGridLayout()
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._table)
        layout.addLayout(self._row)

    def setMRMLScene(self, scene: Any) -> None:
        self.editor.SetMRMLScene(scene)
        super().setMRMLScene(scene)

    def setMRMLSegmentEditorNode(self, node: Any) -> None:
        self.calls.append("node")
        self.editor.SetSegmentEditorNode(node)

    def mrmlSegmentEditorNode(self) -> Any:
        return self.editor.GetSegmentEditorNode()

    def setSegmentationNode(self, node: Any) -> None:
        if node is not None and self.editor.GetSegmentEditorNode() is None:
            raise RuntimeError("Need to set segment editor node before the segmentation node.")
        self.calls.append("segmentation" if node else "no segmentation")
        self.editor.SetSegmentationNode(node)
        self._list(node)
        self.segmentationNodeChanged.emit(node)

    def segmentationNode(self) -> Any:
        return self.editor.GetSegmentationNode()

    def setSourceVolumeNode(self, node: Any) -> None:
        if node is not None and self.editor.GetSegmentationNode() is None:
            raise RuntimeError("Need to set segment editor and segmentation nodes before the source volume.")
        self.editor.SetSourceVolumeNode(node)
        self.sourceVolumeNodeChanged.emit(node)

    def sourceVolumeNode(self) -> Any:
        return self.editor.GetSourceVolumeNode()

    def setCurrentSegmentID(self, name: str) -> None:
        if self.editor.GetSegmentEditorNode() is not None:
            self.editor.GetSegmentEditorNode().SetSelectedSegmentID(name)
            self.currentSegmentIDChanged.emit(name)

    def currentSegmentID(self) -> str:
        node = self.editor.GetSegmentEditorNode()
        return (node.GetSelectedSegmentID() or "") if node else ""

    def setActiveEffect(self, effect: Any) -> None:
        self.calls.append(f"effect {effect}")

    def setActiveEffectByName(self, name: str) -> None:
        self.calls.append(f"effect {name}")

    def saveStateForUndo(self) -> None:
        self.calls.append("save undo")
        self.editor.SaveStateForUndo()

    def undo(self) -> None:
        self.editor.Undo()

    def setEffectNameOrder(self, names: list[str]) -> None:
        self._effects = list(names)
        for place, name in enumerate(names):
            button = QtWidgets.QToolButton()
            button.setText(name)
            button.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed)
            self._row.addWidget(button, place // 4, place % 4)

    def effectNameOrder(self) -> list[str]:
        return self._effects

    def setUnorderedEffectsVisible(self, visible: bool) -> None:
        self._switches["unorderedEffectsVisible"] = visible

    def _list(self, node: Any) -> None:
        self._table.clear()
        if node is None:
            return
        segmentation = node.GetSegmentation()
        for name in segmentation.GetSegmentIDs():
            pixmap = QtGui.QPixmap(14, 14)
            pixmap.fill(QtGui.QColor.fromRgbF(*segmentation.GetSegment(name).GetColor()))
            item = QtWidgets.QListWidgetItem(QtGui.QIcon(pixmap), segmentation.GetSegment(name).GetName())
            item.setData(QtCore.Qt.ItemDataRole.UserRole, name)
            self._table.addItem(item)

    def _pick(self, row: int) -> None:
        if row >= 0:
            self.setCurrentSegmentID(self._table.item(row).data(QtCore.Qt.ItemDataRole.UserRole))

    def __getattr__(self, name: str) -> Any:
        """Switches such as ``setMaskingSectionVisible``: remembered; the list of facts says which exist."""
        if name in (
            "installKeyboardShortcuts",
            "uninstallKeyboardShortcuts",
            "setupViewObservations",
            "removeViewObservations",
            "updateWidgetFromMRML",
            "rotateSliceViewsToSegmentation",
        ):
            return lambda: self.calls.append(name)
        if name.startswith("set"):
            key = name[3].lower() + name[4:]
            return lambda value: self._switches.__setitem__(key, value)
        raise AttributeError(name)
