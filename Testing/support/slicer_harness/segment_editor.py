"""A stand-in for the Segment Editor widget: its picture is drawn here, its logic is ``vtkSlicerSegmentEditorLogic``.

What the real widget does by itself is done here, too, because it surprises who embeds it: its editor node is shared
with the Segment Editor module, so whatever segmentation is chosen there is edited here; the list of segmentations has
no "none", so before the one that is edited goes, another of the scene is edited instead; when a change of the scene as
a whole is over, what the list says is edited; keyboard shortcuts belong to the main window until they are taken back.
An effect that is chosen in an editor node is active in every widget that follows this node, hidden ones too: each of
them would draw.
"""

from __future__ import annotations

from typing import Any

import slicer
import vtk
from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Signal

from .widgets import qMRMLWidget

SWITCHES = (
    "AddRemoveSegmentButtonsVisible",
    "AutoShowSourceVolumeNode",
    "EffectColumnCount",
    "JumpToSelectedSegmentEnabled",
    "MaskingSectionVisible",
    "MaximumNumberOfUndoStates",
    "ReadOnly",
    "SegmentationNodeSelectorVisible",
    "Show3DButtonVisible",
    "SourceVolumeNodeSelectorVisible",
    "SpecifyGeometryButtonVisible",
    "SwitchToSegmentationsButtonVisible",
    "UndoEnabled",
    "UnorderedEffectsVisible",
)


class qMRMLSegmentEditorWidget(qMRMLWidget):
    """``calls`` tells what was asked of it; ``shortcuts`` and ``observing`` whether it has keyboard and views now;
    ``edited`` every segmentation that it was ever set to edit; ``active`` the effect that draws ("" none).
    """

    currentSegmentIDChanged = Signal(str)
    segmentationNodeChanged = Signal(object)
    sourceVolumeNodeChanged = Signal(object)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.editor = slicer.vtkSlicerSegmentEditorLogic()
        self.calls: list[str] = []
        self.shortcuts = self.observing = False
        self.edited: list[Any] = []
        self.active = ""
        self._watched: dict[str, list[tuple[Any, int]]] = {"scene": [], "node": []}
        watched = self._watched
        self.destroyed.connect(lambda *_: unwatch(watched))  # not a method of ours: it would be gone by then
        self._shown: Any = None
        self._listed: Any = None  # what the list of segmentations says
        self._switches: dict[str, Any] = {}
        self._effects: list[str] = []
        self._table = QtWidgets.QListWidget()
        self._table.setMaximumHeight(84)
        self._table.currentRowChanged.connect(lambda row: self._pick(row))
        self._row = QtWidgets.QGridLayout()
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._table)
        layout.addLayout(self._row)

    # --- nodes ------------------------------------------------------------------------------------------------

    def setMRMLScene(self, scene: Any) -> None:
        if scene is self._scene:
            return
        self.editor.SetMRMLScene(scene)
        super().setMRMLScene(scene)
        calls = {
            scene.EndCloseEvent: self._modified,
            scene.EndBatchProcessEvent: self._batch_ended,
            scene.NodeAboutToBeRemovedEvent: self._node_goes,
        }
        self._watch("scene", scene, calls)
        self.updateWidgetFromMRML()

    def _watch(self, what: str, subject: Any, calls: dict[Any, Any]) -> None:
        """As the real widget's connections: gone with the widget."""
        unwatch({what: self._watched[what]})
        self._watched[what] = [(subject, subject.AddObserver(event, call)) for event, call in calls.items()]

    def setMRMLSegmentEditorNode(self, node: Any) -> None:
        if node is self.editor.GetSegmentEditorNode():
            return
        self.calls.append("node")
        self._watch("node", node, {"ModifiedEvent": self._modified} if node is not None else {})
        self.editor.SetSegmentEditorNode(node)
        self.updateWidgetFromMRML()

    def mrmlSegmentEditorNode(self) -> Any:
        return self.editor.GetSegmentEditorNode()

    def setSegmentationNode(self, node: Any) -> None:
        if node is not None and self.editor.GetSegmentEditorNode() is None:
            raise RuntimeError("Need to set segment editor node before the segmentation node.")
        if node is self.editor.GetSegmentationNode():
            return
        self.calls.append("segmentation" if node else "no segmentation")
        self.editor.SetSegmentationNode(node)
        self.setActiveEffect(None)

    def segmentationNode(self) -> Any:
        return self._listed

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

    def updateWidgetFromMRML(self) -> None:
        """Show what the editor node says; nothing while the scene is closing or changing as a whole."""
        if self._scene is None or self._scene.IsClosing() or self._scene.IsBatchProcessing():
            return
        node = self.editor.GetSegmentationNode() if self.editor.GetSegmentEditorNode() is not None else None
        self._listed = node
        if node is not self._shown:
            self._shown = node
            self._list(node)
            if node is not None:
                self._take_up(node)
            self.segmentationNodeChanged.emit(node)
        self._activate()

    def _activate(self) -> None:
        """The effect that the editor node names; with it come the views."""
        node = self.editor.GetSegmentEditorNode()
        name = (node.GetActiveEffectName() or "") if node is not None else self.active
        if name != self.active:
            self.active, self.observing = name, bool(name)

    def _take_up(self, node: Any) -> None:
        self.edited.append(node)
        node.CreateDefaultDisplayNodes()
        volume = node.GetNodeReference(slicer.vtkMRMLSegmentationNode.GetReferenceImageGeometryReferenceRole())
        self.editor.SetSourceVolumeNode(volume)
        if node.GetSegmentation().GetNumberOfSegments():
            self.setCurrentSegmentID(node.GetSegmentation().GetNthSegmentID(0))

    def _modified(self, *_event: Any) -> None:
        self.updateWidgetFromMRML()

    def _batch_ended(self, *_event: Any) -> None:
        """What was chosen while the scene changed as a whole, and is not what the list says, is undone."""
        if self._listed is not None and not self._scene.IsNodePresent(self._listed):
            self._listed = None
        if self.editor.GetSegmentEditorNode() is not None:
            self.setSegmentationNode(self._listed)
        self.updateWidgetFromMRML()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _node_goes(self, _scene: Any, _event: str, node: Any) -> None:
        if node is None or node is not self._listed or self._scene.IsClosing():
            return
        kind = "vtkMRMLSegmentationNode"
        every = [self._scene.GetNthNodeByClass(n, kind) for n in range(self._scene.GetNumberOfNodesByClass(kind))]
        self._listed = next((other for other in reversed(every) if other is not node), None)
        if not self._scene.IsBatchProcessing():
            self.setSegmentationNode(self._listed)
            self.updateWidgetFromMRML()

    # --- effects, undo, keyboard and views --------------------------------------------------------------------

    def setActiveEffect(self, effect: Any) -> None:
        self.calls.append(f"effect {effect}")
        if self.editor.GetSegmentEditorNode() is not None:
            self.editor.GetSegmentEditorNode().SetActiveEffectName("")

    def setActiveEffectByName(self, name: str) -> None:
        self.calls.append(f"effect {name}")
        if self.editor.GetSegmentationNode() is None:
            raise RuntimeError("Slicer 5.10 ends here: an effect needs a segmentation.")
        self.editor.GetSegmentEditorNode().SetActiveEffectName(name)

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

    def availableEffectNames(self) -> list[str]:
        return self._effects

    def updateEffectList(self) -> None:
        self.calls.append("updateEffectList")

    def installKeyboardShortcuts(self, parent: Any = None) -> None:
        self.shortcuts = True

    def uninstallKeyboardShortcuts(self) -> None:
        self.shortcuts = False

    def setupViewObservations(self) -> None:
        self.observing = True

    def removeViewObservations(self) -> None:
        self.observing = False

    def rotateSliceViewsToSegmentation(self) -> None:
        self.calls.append("rotateSliceViewsToSegmentation")

    def __getattr__(self, name: str) -> Any:
        """Switches such as ``setMaskingSectionVisible``: remembered."""
        if name.startswith("set") and name[3:] in SWITCHES:
            return lambda value: self._switches.__setitem__(name[3:], value)
        raise AttributeError(name)

    # --- its picture ------------------------------------------------------------------------------------------

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


def unwatch(watched: dict[str, list[tuple[Any, int]]]) -> None:
    for observed in watched.values():
        for subject, tag in observed:
            subject.RemoveObserver(tag)
        observed.clear()
