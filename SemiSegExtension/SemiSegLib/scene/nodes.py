"""Our own nodes among the user's: marked with attributes, found again after a scene was saved and loaded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import slicer

from ..words import _
from .labelmaps import empty

ROLE, CASE, MARKED = "SemiSeg.Role", "SemiSeg.Case", "SemiSeg.Node"
KINDS = ("vtkMRMLScalarVolumeNode", "vtkMRMLSegmentationNode")
CALL = "vtkMRMLCommandLineModuleNode"
"""With what a program was called."""


def own(node: Any, role: str, case: str) -> Any:
    """Mark ``node`` as ours; returns it."""
    node.SetAttribute(ROLE, role)
    node.SetAttribute(CASE, case)
    node.SetAttribute(MARKED, node.GetID())
    return node


def disown(node: Any) -> None:
    """Let ``node`` be the user's own."""
    for name in (ROLE, CASE, MARKED):
        node.RemoveAttribute(name)


def is_own(node: Any) -> bool:
    """Whether ``node`` is the one that was marked. Slicer copies the marks, too, when a person clones a node of ours:
    the copy is theirs. A scene file's node may have got another id when it was read.
    """
    marked = node.GetAttribute(MARKED)
    return bool(marked) and node.GetID() in (marked, slicer.mrmlScene.GetChangedID(marked))


def own_nodes() -> list[Any]:
    """Every node that we put into the scene."""
    scene = slicer.mrmlScene
    every = [scene.GetNthNodeByClass(n, kind) for kind in KINDS for n in range(scene.GetNumberOfNodesByClass(kind))]
    return [node for node in every if is_own(node)]


def told_apart(found: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """(id, words) of nodes in the order of the scene; where words are the same, with their place among these."""
    every, count = [words for _id, words in found], Counter[str]()
    told = []
    for node_id, words in found:
        count[words] += 1
        place = _("{words}, {n} of {count}").format(words=words, n=count[words], count=every.count(words))
        told.append((node_id, place if every.count(words) > 1 else words))
    return told


def let_go_of_voxels(*nodes: Any) -> None:
    """Before they go: of the voxels of our nodes nothing is left to be cleared one segment after the other."""
    for node in nodes:
        if node is not None and node.IsA("vtkMRMLSegmentationNode"):
            empty(node.GetSegmentation())


def remove(*nodes: Any) -> None:
    """Take our nodes, and nothing else, out of the scene, with their display and storage nodes."""
    for node in nodes:
        if node is None or not slicer.mrmlScene.IsNodePresent(node):
            continue
        parts = _parts(node)
        let_go_of_voxels(node)
        slicer.mrmlScene.RemoveNode(node)
        for part in parts:
            if part is not None and slicer.mrmlScene.IsNodePresent(part):
                slicer.mrmlScene.RemoveNode(part)


def _parts(node: Any) -> list[Any]:
    """What is in the scene only for this node. Slicer's Save dialog gives every node it lists a storage node."""
    shown = node.GetNumberOfDisplayNodes() if node.IsA("vtkMRMLDisplayableNode") else 0
    stored = node.GetNumberOfStorageNodes() if node.IsA("vtkMRMLStorableNode") else 0
    return [
        *(node.GetNthDisplayNode(n) for n in range(shown)),
        *(node.GetNthStorageNode(n) for n in range(stored)),
    ]


@contextmanager
def swept() -> Iterator[None]:
    """Whatever volumes, segmentations, display and storage nodes come into the scene meanwhile go again: Slicer's own
    parts leave some behind that they made for a moment, and of programs that they called what those were called with.
    """
    before = {node.GetID() for node in _passing()}
    try:
        yield
    finally:
        for node in [node for node in _passing() if node.GetID() not in before]:
            remove(node)


def _passing() -> list[Any]:
    """Of these kinds what is no node that Slicer has once and for all."""
    scene, kinds = slicer.mrmlScene, (*KINDS, "vtkMRMLDisplayNode", "vtkMRMLStorageNode", CALL)
    every = [scene.GetNthNodeByClass(n, kind) for kind in kinds for n in range(scene.GetNumberOfNodesByClass(kind))]
    return [node for node in every if not node.GetSingletonTag()]


class Observers:
    """Observers that are all taken back at once."""

    def __init__(self) -> None:
        self._kept: list[tuple[Any, int]] = []

    def watch(self, subject: Any, event: int | str, call: Callable[..., None]) -> None:
        self._kept.append((subject, subject.AddObserver(event, call)))

    def clear(self) -> None:
        kept, self._kept = self._kept, []
        for subject, tag in kept:
            subject.RemoveObserver(tag)


class Parameters:
    """The module's parameter node: what belongs to the scene (study folder, case, job), kept in scene files."""

    def __init__(self) -> None:
        scene = slicer.mrmlScene
        node = scene.GetSingletonNode("SemiSeg", "vtkMRMLScriptedModuleNode")
        if node is None:
            node = scene.CreateNodeByClass("vtkMRMLScriptedModuleNode")
            node.UnRegister(None)
            node.SetSingletonTag("SemiSeg")
            node.SetName("SemiSeg")
            node = scene.AddNode(node)
        if node.GetAttribute("ModuleName") != "SemiSeg":  # closing the scene takes the attributes of such nodes away
            node.SetAttribute("ModuleName", "SemiSeg")
        self.node = node

    def get(self, key: str) -> str:
        return str(self.node.GetParameter(key) or "")

    def set(self, key: str, value: str) -> None:
        if self.get(key) != value:
            self.node.SetParameter(key, value)
