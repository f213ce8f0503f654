"""The scene as the controller sees it: one case, the person's segmentation, a proposal beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import slicer
from numpy.typing import NDArray

from SemiSegLogic.geometry import Grid, SliceIndex

from ..model import OpenCase, Shown
from ..words import _
from . import dicom, dicom_seg, nodes, plots, segments, views, volumes
from .attention import Attention
from .proposals import Proposals
from .stage import LABELS, VOLUME, Stage, style

EDITS = ("SourceRepresentationModified", "RepresentationModified", "SegmentModified", "SegmentAdded", "SegmentRemoved")


class Screen:
    """``edited`` is called after every change of the person's segmentation that we did not make ourselves;
    ``scrolled`` when a slice view shows another slice; ``save_undo`` before we change the segmentation; ``let_go``
    before we take it out of the scene.
    """

    def __init__(self) -> None:
        self.edited: Callable[[], None] = lambda: None
        self.scrolled: Callable[[], None] = lambda: None
        self.save_undo: Callable[[], None] = lambda: None
        self.let_go: Callable[[], None] = lambda: None
        self.overlaps: dict[int, int] = {}
        self._stage = Stage()
        self.proposals = Proposals(self._stage)
        self._quiet = False
        self._observers = nodes.Observers()
        self._attention = Attention(lambda: self.scrolled())

    # --- the case ---------------------------------------------------------------------------------------------

    @property
    def volume(self) -> Any | None:
        return self._stage.node(VOLUME)

    @property
    def segmentation(self) -> Any | None:
        return self._stage.node(LABELS)

    def show_image(self, case: OpenCase) -> None:
        if case.image is None:
            raise ValueError(_("The image of {name} has not been read.").format(name=case.name))
        self.clear_case()
        self._stage.grid = case.grid
        self._stage.own(volumes.volume_from(case.image, case.grid, case.name, case.window), VOLUME, case.id)

    def show_labels(self, case: OpenCase, structures: Sequence[Shown]) -> None:
        volume = self.volume
        if volume is None:
            raise ValueError(_("The image of {name} was deleted from the scene.").format(name=case.name))
        node = segments.segmentation_for(volume, _("{case} - my labels").format(case=case.name))
        self._stage.own(node, LABELS, case.id)
        style(node, fill=0.35, outline=1.0)
        segments.write(node, case.labels, case.grid, structures)
        views.show(volume)
        self._watch(node)
        self._observers.watch(volume, "ModifiedEvent", lambda *_event: self.scrolled())  # it may have been moved
        self._attention.follow(case.grid)
        self.jump(self._first_slice(case))

    def clear_case(self) -> None:
        self._observers.clear()
        self._attention.stop()
        self.proposals.clear_overlay()
        if not self._stage.empty:
            self.let_go()
        nodes.remove(*self._stage.leave())

    def scene_closes(self) -> None:
        """The scene takes our nodes away itself."""
        self.forget()
        nodes.empty_own()

    def forget(self) -> None:
        """Our nodes are left to the scene, or to who comes after us: nothing is observed now."""
        self._observers.clear()
        self._attention.stop()
        self._stage.leave()

    def imported(self, keep: bool) -> None:
        """A scene file brought nodes of ours from when it was saved. They are not those on screen: with ``keep`` they
        become the user's plain nodes, else they go, because the study has them as they are now.
        """
        for node in nodes.own_nodes():
            if not self._stage.has(node):
                if keep:
                    nodes.disown(node)
                else:
                    nodes.remove(node)

    def _first_slice(self, case: OpenCase) -> SliceIndex:
        along = [place for place in case.done if place.axis == case.axis]
        return along[-1] if along else SliceIndex(case.axis, case.grid.shape[case.axis] // 2)

    # --- the person's segmentation ----------------------------------------------------------------------------

    def labels(self) -> NDArray[np.uint8] | None:
        node, grid = self.segmentation, self._lattice()
        if node is None or grid is None:
            return None
        labels, self.overlaps = segments.read(node, grid)
        return labels

    def _lattice(self) -> Grid | None:
        return None if self.segmentation is None else self._stage.lattice(self.segmentation)

    def put_labels(self, labels: NDArray[np.uint8], undoable: bool = True) -> None:
        node, grid = self.segmentation, self._lattice()
        if node is not None and grid is not None:
            with self._silence(undoable):
                segments.write(node, labels, grid, [item for item in segments.shown(node) if item.value])

    def put_slices(self, labels: NDArray[np.uint8], slices: Sequence[SliceIndex]) -> None:
        node, grid = self.segmentation, self._lattice()
        if node is not None and grid is not None:
            with self._silence(True):
                segments.write_slices(node, labels, grid, slices)

    def structures(self) -> list[Shown]:
        node = self.segmentation
        return segments.shown(node) if node is not None else []

    def bind(self, segment_id: str, value: int, name: str) -> None:
        if self.segmentation is not None:
            with self._silence(False):
                segments.bind(self.segmentation, segment_id, value, name)

    def restore(self, structures: Sequence[Shown]) -> None:
        node, grid = self.segmentation, self._lattice()
        if node is not None and grid is not None:
            there = {item.value: item for item in segments.shown(node)}
            with self._silence(False):
                wanted = [there.get(item.value, item) for item in structures]
                segments.write(node, segments.read(node, grid)[0], grid, wanted)

    # --- the learning curve -----------------------------------------------------------------------------------

    def curves(self, columns: dict[str, list[float]]) -> None:
        """Keep the chart of the learning curve up to date, if it was opened."""
        if plots.plot_nodes():
            plots.show_curves(columns)

    def open_curves(self, columns: dict[str, list[float]]) -> None:
        """Show the learning curve in Slicer's plot view."""
        plots.show_curves(columns)
        plots.open_chart()

    # --- looking around ---------------------------------------------------------------------------------------

    def current_slice(self) -> SliceIndex | None:
        return self._attention.place() if self._stage.in_place() else None

    def jump(self, place: SliceIndex, centre: Sequence[float] | None = None) -> bool:
        return self._attention.jump(place, centre)

    def straighten(self) -> bool:
        """Put the image back where it lies in the study, and turn the views to its own axes. False where that is not
        enough: somebody made it anew, cropped say, and only the study has it as it was.
        """
        with self._silence(False):
            self._stage.put_back()
        views.show(self.volume)
        return self._stage.in_place()

    def scene_volumes(self) -> list[tuple[str, str]]:
        """(id, name) of the user's volumes that could become cases."""
        return volumes.scene_volumes()

    def scene_volume(self, node_id: str) -> tuple[str, NDArray[np.generic], Grid]:
        node = slicer.mrmlScene.GetNodeByID(node_id)
        if node is None:
            raise ValueError(_("The volume is no longer loaded in Slicer."))
        return str(node.GetName()), *volumes.array_of(node)

    def dicom_series(self) -> list[dicom.Series]:
        """What Slicer's DICOM database holds."""
        return dicom.all_series()

    def dicom_files(self, uid: str) -> list[Path]:
        """The files of a series in it."""
        return dicom.files_of(uid)

    def why_no_dicom_seg(self) -> str:
        """Why this Slicer cannot write DICOM SEG; "" when it can."""
        return dicom_seg.why_not()

    def write_dicom_seg(
        self, name: str, label: NDArray[np.uint8], grid: Grid, structures: Sequence[Shown], series: str, folder: Path
    ) -> Path:
        with self._attention.paused(), views.kept():
            return dicom_seg.write(name, label, grid, structures, series, folder)

    # --- noticing ---------------------------------------------------------------------------------------------

    def _watch(self, node: Any) -> None:
        for event in EDITS:
            self._observers.watch(node.GetSegmentation(), getattr(slicer.vtkSegmentation, event), self._on_edit)

    def _on_edit(self, *_event: Any) -> None:
        if not self._quiet:
            self._attention.worked()
            self.edited()

    def _silence(self, undoable: bool) -> Silence:
        if undoable:
            self.save_undo()
        return Silence(self)


class Silence:
    """While we change the segmentation ourselves, its changes are not the person's."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def __enter__(self) -> None:
        self._screen._quiet = True

    def __exit__(self, *_error: object) -> None:
        self._screen._quiet = False
