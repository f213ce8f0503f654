"""The scene as the controller sees it: one case, the person's segmentation, a proposal beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import slicer
from numpy.typing import NDArray

from SemiSegLogic.geometry import Grid, SliceIndex

from ..drawing import Boxed, Drawing
from ..ports import OpenCase, Segmented, Shown
from ..words import _
from . import dicom, nodes, segments, views, volumes
from .attention import Attention
from .proposals import Proposals
from .stage import LABELS, STYLES, VOLUME, Stage, style

if TYPE_CHECKING:
    from .conversions import Conversions
    from .masks import LabelMap, SceneMask, SurfaceMask
    from .pieces import SceneVolume

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
        self._seen: Drawing | None = None  # the person's segmentation, when last looked at
        self._conversions: Conversions | None = None  # of the case on screen

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
        volume, boxed, case.boxed = self.volume, case.boxed, None
        assert boxed is not None
        if volume is None:
            raise ValueError(_("The image of {name} was deleted from the scene.").format(name=case.name))
        node = segments.segmentation_for(volume, _("{case} - my labels").format(case=case.name))
        self._stage.own(node, LABELS, case.id)
        style(node, *STYLES[LABELS])
        segments.write(node, boxed, case.grid, structures)
        self._seen = case.labels
        views.show(volume)
        self._watch(node)
        self._observers.watch(volume, "ModifiedEvent", lambda *_event: self.scrolled())  # it may have been moved
        from .conversions import Conversions  # with the first case: opening the module needs it not

        self._conversions = Conversions(self._stage, self._on_conversion)
        self._attention.follow(case.grid)
        self.jump(self._first_slice(case))

    def clear_case(self) -> None:
        self._stop_observing()
        self.proposals.clear_overlay()
        if not self._stage.empty:
            self.let_go()
        nodes.remove(*self._stage.leave())

    def _stop_observing(self) -> None:
        self._observers.clear()
        self._attention.stop()
        if self._conversions is not None:
            self._conversions.stop()
        self._conversions = self._seen = None

    def scene_closes(self) -> None:
        """The scene takes our nodes away itself. Those of another panel in this Slicer stay whole: what is drawn on
        them may have to be saved yet.
        """
        self._stop_observing()
        nodes.let_go_of_voxels(*self._stage.leave())

    def forget(self) -> None:
        """Our nodes are left to the scene, or to who comes after us: nothing is observed now."""
        self._stop_observing()
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

    @property
    def converted(self) -> bool:
        """Whether Slicer made the voxels anew since they were drawn; they cannot be read or written then."""
        return self._conversions is not None and self._conversions.found

    def drawn(self) -> Drawing | None:
        found = self._drawn_on()
        if found is None or self._seen is None:
            return None
        self._seen, self.overlaps = segments.read_since(*found, self._seen)
        self._settle(self._seen)
        return self._seen

    def labels(self) -> NDArray[np.uint8] | None:
        """The same as one array."""
        found = self.drawn()
        return None if found is None else found.whole()

    def _drawn_on(self) -> tuple[Any, Grid] | None:
        """The segmentation, and the grid that its voxels lie on; None where there is none, or it was converted."""
        node = self.segmentation
        self._stage.display(LABELS)
        remade = self._conversions is not None and self._conversions.look()
        grid = None if node is None or remade else self._stage.lattice(node)
        return None if grid is None else (node, grid)

    def put_labels(self, labels: Drawing, boxed: Boxed) -> None:
        if (found := self._drawn_on()) is not None:
            node, grid = found
            with self._silence(True):
                segments.write(node, boxed, grid, [item for item in segments.shown(node) if item.value])
            self._seen = labels

    def put_slices(self, labels: NDArray[np.uint8], slices: Sequence[SliceIndex], undoable: bool = True) -> None:
        if slices and (found := self._drawn_on()) is not None:
            with self._silence(undoable):
                segments.write_slices(found[0], labels, found[1], slices)

    def structures(self) -> list[Shown]:
        node = self.segmentation
        return segments.shown(node) if node is not None else []

    def bind(self, segment_id: str, value: int, name: str) -> None:
        if self.segmentation is not None:
            with self._silence(False):
                segments.bind(self.segmentation, segment_id, value, name)

    def restore(self, structures: Sequence[Shown]) -> None:
        if (found := self._drawn_on()) is not None:
            (node, grid), wanted = found, self._as_shown(structures)
            with self._silence(False):
                if not segments.complete(node, wanted):
                    segments.write(node, segments.read(node, grid)[0], grid, wanted)

    def _as_shown(self, structures: Sequence[Shown]) -> list[Shown]:
        there = {item.value: item for item in self.structures()}
        return [there.get(item.value, item) for item in structures]

    def bring_back(self, labels: Drawing, structures: Sequence[Shown]) -> NDArray[np.uint8] | None:
        node, volume, grid = self.segmentation, self.volume, self._stage.grid
        if node is None or volume is None or grid is None or self._conversions is None:
            return None
        converted = segments.read(node, grid)[0]
        with self._silence(False):
            segments.write_anew(node, labels.whole(), volume, grid, self._as_shown(structures))
            self._conversions.found = False
        return converted

    # --- the learning curve -----------------------------------------------------------------------------------

    def curves(self, columns: dict[str, list[float]]) -> None:
        """Keep the chart of the learning curve up to date, if it was opened."""
        from . import plots  # with the first curve: opening the module needs it not

        if plots.plot_nodes():
            plots.show_curves(columns)

    def open_curves(self, columns: dict[str, list[float]]) -> None:
        """Show the learning curve in Slicer's plot view."""
        from . import plots

        plots.show_curves(columns)
        plots.open_chart()

    # --- looking around ---------------------------------------------------------------------------------------

    def current_slice(self) -> SliceIndex | None:
        return self._attention.place() if self._stage.in_place() and not self.converted else None

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
        """(id, words) of the user's volumes that could become cases."""
        return volumes.scene_volumes()

    def scene_volume(self, node_id: str) -> SceneVolume:
        node = slicer.mrmlScene.GetNodeByID(node_id)
        if node is None:
            raise ValueError(_("The volume is no longer loaded in Slicer."))
        from .pieces import SceneVolume  # when one is added: opening the module needs it not

        return SceneVolume(node)

    def scene_series(self, node_id: str) -> str:
        return dicom.series_of(slicer.mrmlScene.GetNodeByID(node_id))

    def scene_masks(self) -> list[tuple[str, str]]:
        """(id, words) of the user's segmentations and label maps."""
        from .masks import scene_masks  # when one is imported: opening the module needs it not

        return scene_masks()

    def scene_mask(self, node_id: str, grid: Grid) -> SceneMask | LabelMap | SurfaceMask:
        """A copy of one of them, for an image on ``grid``. Raises ValueError in words when it cannot be a mask."""
        from .masks import taken

        return taken(node_id, grid)

    def dicom_series(self) -> list[dicom.Series]:
        """What Slicer's DICOM database holds."""
        return dicom.all_series()

    def dicom_files(self, uid: str) -> list[Path]:
        """The files of a series in it."""
        return dicom.files_of(uid)

    def why_no_dicom_seg(self) -> str:
        """Why this Slicer cannot write DICOM SEG; "" when it can."""
        from . import dicom_seg  # when results are to be DICOM: opening the module needs it not

        return dicom_seg.why_not()

    def write_dicom_seg(self, result: Segmented, folder: Path) -> Path:
        from . import dicom_seg

        with self._attention.paused(), views.kept():
            return dicom_seg.write(result, folder)

    # --- noticing ---------------------------------------------------------------------------------------------

    def _watch(self, node: Any) -> None:
        for event in EDITS:
            self._observers.watch(node.GetSegmentation(), getattr(slicer.vtkSegmentation, event), self._on_edit)

    def _on_edit(self, *_event: Any) -> None:
        if not self._quiet:
            self._attention.worked()
            self.edited()

    def _on_conversion(self) -> None:
        self.edited()
        self.scrolled()

    def _settle(self, labels: Drawing | None = None) -> None:
        if self._conversions is not None:
            self._conversions.settle(labels)

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
        self._screen._settle()
