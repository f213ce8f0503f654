"""Slicer's own Segment Editor inside our panel, with the effects that suit single slices."""

from __future__ import annotations

from typing import Any

import slicer

TAG = "SemiSeg"
EFFECTS = ["Paint", "Draw", "Erase", "Level tracing", "Scissors", "Threshold", "Islands", "Smoothing"]


class Editor:
    """The embedded widget, with an editor node of its own.

    With the node of the Segment Editor module, every effect would be active in that module's widget, too, as soon as it
    was opened once: strokes could end up in its undo history, not ours, and what is chosen there would be drawn on.
    """

    def __init__(self, layout: Any) -> None:
        self.widget = slicer.qMRMLSegmentEditorWidget()
        layout.addWidget(self.widget)
        self.widget.setEffectNameOrder(EFFECTS)
        self.widget.unorderedEffectsVisible = False
        self.widget.segmentationNodeSelectorVisible = False
        self.widget.sourceVolumeNodeSelectorVisible = False
        self.widget.switchToSegmentationsButtonVisible = False
        self.widget.addRemoveSegmentButtonsVisible = False
        self.widget.maximumNumberOfUndoStates = 20
        self._entered = self._editing = False

    def attach(self) -> None:
        """Use our editor node in the scene, made when absent. Needed again after the scene was closed."""
        scene = slicer.mrmlScene
        node = scene.GetSingletonNode(TAG, "vtkMRMLSegmentEditorNode")
        if node is None:
            node = scene.CreateNodeByClass("vtkMRMLSegmentEditorNode")
            node.UnRegister(None)
            node.SetSingletonTag(TAG)
            node = scene.AddNode(node)
        node.SetSaveWithScene(False)  # what is drawn on now is nothing to find in a file
        node.SetOverwriteMode(slicer.vtkMRMLSegmentEditorNode.OverwriteAllSegments)
        self.widget.setMRMLSegmentEditorNode(node)
        self.widget.setMRMLScene(scene)

    def edit(self, segmentation: Any, volume: Any) -> None:
        """Draw into ``segmentation`` over ``volume``.

        Needed again whenever somebody else may have used the editor node, such as a scene file or a second panel.
        """
        self.widget.setActiveEffect(None)
        if not self._attached():
            self.attach()
        self._forget_masks_of_others(segmentation)
        self.widget.setSegmentationNode(segmentation)
        self.widget.setSourceVolumeNode(volume)
        names = segmentation.GetSegmentation().GetSegmentIDs()
        if names and self.widget.currentSegmentID() not in names:
            self.widget.setCurrentSegmentID(names[0])
        self._editing = True
        self._take_keyboard()

    @property
    def editing(self) -> bool:
        """Something of ours is drawn on."""
        return self._editing

    def lost(self, segmentation: Any) -> bool:
        """Our module is shown, and yet somebody (a script, a self-test) made the editor draw on something else."""
        node = self.widget.mrmlSegmentEditorNode()
        return self._entered and self._editing and (node is None or node.GetSegmentationNode() is not segmentation)

    def _attached(self) -> bool:
        """Our editor node is there; a script may have taken it out of the scene, where the widget still holds it."""
        node = self.widget.mrmlSegmentEditorNode()
        return node is not None and bool(slicer.mrmlScene.IsNodePresent(node))

    def _forget_masks_of_others(self, segmentation: Any) -> None:
        """A mask chosen for another segmentation or image would keep the brush from drawing, and nobody saw why."""
        node, kinds = self.widget.mrmlSegmentEditorNode(), slicer.vtkMRMLSegmentationNode
        names = segmentation.GetSegmentation().GetSegmentIDs()
        inside_one = node.GetMaskMode() == kinds.EditAllowedInsideSingleSegment
        if node.GetSegmentationNode() is not segmentation or (inside_one and node.GetMaskSegmentID() not in names):
            node.SetMaskMode(kinds.EditAllowedEverywhere)
            node.SetSourceVolumeIntensityMask(False)

    def choose(self, segment_id: str) -> None:
        """Draw this structure next."""
        self.widget.setCurrentSegmentID(segment_id)

    def save_undo(self) -> None:
        """Begin one undo step."""
        if self.widget.segmentationNode() is not None:
            self.widget.saveStateForUndo()

    def enter(self) -> None:
        """Our module is shown."""
        if not self._entered:
            self._entered = True
            self.widget.updateEffectList()  # extensions register theirs when they like, also after we were made
            self.widget.setupViewObservations()
            self.widget.updateWidgetFromMRML()
            self._take_keyboard()

    def _take_keyboard(self) -> None:
        """The keys that choose effects: only while there is something to draw on, without it they end Slicer 5.10."""
        if self._entered and self._editing:
            self.widget.installKeyboardShortcuts()
        else:
            self.widget.uninstallKeyboardShortcuts()

    def leave(self) -> None:
        """Let go of the views and the keyboard: another module may want them."""
        if self._entered:
            self._entered = False
            self.widget.setActiveEffect(None)
            self._take_keyboard()
            self.widget.removeViewObservations()

    def let_go(self) -> None:
        """Before the nodes go. Else the widget would take up another segmentation of the scene, whosever it is; and it
        observes the views again as soon as an effect is chosen.
        """
        scene = slicer.mrmlScene
        self._editing = False
        self._take_keyboard()
        self.widget.setActiveEffect(None)
        self.widget.setSegmentationNode(None)
        self.widget.removeViewObservations()
        if scene.IsBatchProcessing() and not scene.IsClosing():  # when that is over, it edits whatever its list shows
            self.widget.setMRMLSegmentEditorNode(None)

    def close(self) -> None:
        """For good. The widget may live on, hidden, as after a reload: it must not follow the editor node of its
        successor, where every effect would then draw twice.
        """
        self.let_go()
        self.leave()
        self.widget.setMRMLSegmentEditorNode(None)
