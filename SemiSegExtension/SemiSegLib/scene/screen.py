"""The scene as the controller sees it: one case, the person's segmentation, a proposal beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
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

VOLUME, LABELS, SUGGESTION, EARLIER, UNCERTAINTY = "image", "labels", "suggestion", "earlier", "uncertainty"
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
        self._grid: Grid | None = None
        self._ids: dict[str, str] = {}
        self._quiet = False
        self._observers = nodes.Observers()
        self._attention = Attention(lambda: self.scrolled())

    # --- the case ---------------------------------------------------------------------------------------------

    @property
    def volume(self) -> Any | None:
        return self._node(VOLUME)

    @property
    def segmentation(self) -> Any | None:
        return self._node(LABELS)

    def show_image(self, case: OpenCase) -> None:
        if case.image is None:
            raise ValueError(f"The image of {case.name} has not been read.")
        self.clear_case()
        self._grid = case.grid
        self._own(volumes.volume_from(case.image, case.grid, case.name, case.window), VOLUME, case.id)

    def show_labels(self, case: OpenCase, structures: Sequence[Shown]) -> None:
        volume = self.volume
        node = segments.segmentation_for(volume, _("{case} - my labels").format(case=case.name))
        self._own(node, LABELS, case.id)
        self._style(node, fill=0.35, outline=1.0)
        segments.write(node, case.labels, case.grid, structures)
        views.show(volume)
        self._watch(node)
        self._attention.follow(case.grid)
        self.jump(self._first_slice(case))

    def clear_case(self) -> None:
        self._observers.clear()
        self._attention.stop()
        self._grid = None
        views.no_overlay(self._node(UNCERTAINTY))
        if self._ids:
            self.let_go()
        going = [self._node(role) for role in self._ids]
        self._ids = {}  # they are not ours any more: nobody needs to be told that they go
        nodes.remove(*going)

    def forget(self) -> None:
        """The scene takes our nodes away itself, or they are left to who comes after us: nothing is observed now."""
        self._observers.clear()
        self._attention.stop()
        self._grid, self._ids = None, {}

    def imported(self, keep: bool) -> None:
        """A scene file brought nodes of ours from when it was saved. They are not those on screen: with ``keep`` they
        become the user's plain nodes, else they go, because the study has them as they are now.
        """
        for node in nodes.own_nodes():
            if node.GetID() not in self._ids.values():
                if keep:
                    nodes.disown(node)
                else:
                    nodes.remove(node)

    def _node(self, role: str) -> Any | None:
        """Our node on screen, by its id: a scene file may bring others that look the same."""
        return slicer.mrmlScene.GetNodeByID(self._ids[role]) if role in self._ids else None

    def _own(self, node: Any, role: str, case: str) -> Any:
        self._ids[role] = node.GetID()
        return nodes.own(node, role, case)

    def _first_slice(self, case: OpenCase) -> SliceIndex:
        along = [place for place in case.done if place.axis == case.axis]
        return along[-1] if along else SliceIndex(case.axis, case.grid.shape[case.axis] // 2)

    # --- the person's segmentation ----------------------------------------------------------------------------

    def labels(self) -> NDArray[np.uint8] | None:
        node = self.segmentation
        return segments.read(node, self._grid)[0] if node is not None and self._grid is not None else None

    def put_labels(self, labels: NDArray[np.uint8], undoable: bool = True) -> None:
        node = self.segmentation
        if node is not None and self._grid is not None:
            with self._silence(undoable):
                segments.write(node, labels, self._grid, [item for item in segments.shown(node) if item.value])

    def put_slices(self, labels: NDArray[np.uint8], slices: Sequence[SliceIndex]) -> None:
        node = self.segmentation
        if node is not None and self._grid is not None:
            with self._silence(True):
                segments.write_slices(node, labels, self._grid, slices)

    def structures(self) -> list[Shown]:
        node = self.segmentation
        return segments.shown(node) if node is not None else []

    def bind(self, segment_id: str, value: int) -> None:
        if self.segmentation is not None:
            with self._silence(False):
                segments.bind(self.segmentation, segment_id, value)

    def restore(self, structures: Sequence[Shown]) -> None:
        node = self.segmentation
        if node is not None and self._grid is not None:
            there = {item.value: item for item in segments.shown(node)}
            with self._silence(False):
                segments.write(
                    node,
                    segments.read(node, self._grid)[0],
                    self._grid,
                    [there.get(item.value, item) for item in structures],
                )

    # --- what a model proposes --------------------------------------------------------------------------------

    def show_suggestion(self, label: NDArray[np.uint8] | None, structures: Sequence[Shown]) -> None:
        self._show_beside(SUGGESTION, _("{case} - suggestion"), label, structures, fill=0.15, outline=0.6)

    def show_earlier(self, label: NDArray[np.uint8] | None, structures: Sequence[Shown]) -> None:
        faded = [replace(item, color=_faded(item.color)) for item in structures]
        self._show_beside(EARLIER, _("{case} - last round"), label, faded, fill=0.0, outline=1.0)

    def _show_beside(
        self, role: str, name: str, label: NDArray[np.uint8] | None, structures: Sequence[Shown], fill: float,
        outline: float,
    ) -> None:
        """A segmentation beside the person's own; it can be looked at, not drawn on."""
        node, volume = self._node(role), self.volume
        if label is None or volume is None or self._grid is None:
            nodes.remove(node)
            return
        if node is None:
            made = segments.segmentation_for(volume, name.format(case=volume.GetName()))
            node = self._own(made, role, volume.GetAttribute(nodes.CASE))
            self._style(node, fill, outline)
        segments.write(node, label, self._grid, structures)

    def suggestion_visible(self, visible: bool) -> None:
        """Show or hide the proposal."""
        node = self._node(SUGGESTION)
        if node is not None:
            node.GetDisplayNode().SetVisibility(visible)

    def show_uncertainty(self, uncertainty: NDArray[np.uint8] | None) -> None:
        views.no_overlay(self._node(UNCERTAINTY))
        nodes.remove(self._node(UNCERTAINTY))
        volume = self.volume
        if uncertainty is None or volume is None or self._grid is None:
            return
        name = _("{case} - uncertainty").format(case=volume.GetName())
        node = volumes.overlay_from(uncertainty, self._grid, name)
        views.overlay(self._own(node, UNCERTAINTY, volume.GetAttribute(nodes.CASE)))

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
        return self._attention.place()

    def jump(self, place: SliceIndex, centre: Sequence[float] | None = None) -> bool:
        return self._attention.jump(place, centre)

    def straighten(self) -> None:
        """Turn the views back to the volume's own axes."""
        views.show(self.volume)

    def scene_volumes(self) -> list[tuple[str, str]]:
        """(id, name) of the user's volumes that could become cases."""
        return volumes.scene_volumes()

    def scene_volume(self, node_id: str) -> tuple[str, NDArray[np.generic], Grid]:
        node = slicer.mrmlScene.GetNodeByID(node_id)
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

    def _style(self, node: Any, fill: float, outline: float) -> None:
        display = node.GetDisplayNode()
        display.SetOpacity2DFill(fill)
        display.SetOpacity2DOutline(outline)


def _faded(color: tuple[float, float, float]) -> tuple[float, float, float]:
    """Nearer to white: the last round is told from the present one at a glance."""
    red, green, blue = (0.45 * part + 0.55 for part in color)
    return red, green, blue


class Silence:
    """While we change the segmentation ourselves, its changes are not the person's."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def __enter__(self) -> None:
        self._screen._quiet = True

    def __exit__(self, *_error: object) -> None:
        self._screen._quiet = False
