"""The ports between the controller and the screen: what crosses them, and what the screen must be able to do. No
Slicer, no Qt.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from SemiSegLogic.geometry import Grid, SliceIndex

from .drawing import Boxed, Drawing

if TYPE_CHECKING:
    from SemiSegLogic.study import Study

DICOM_SEG = "dcm"
"""The one format of exports that the screen writes: Slicer does, not we."""


@dataclass(frozen=True)
class Shown:
    """A structure as a segment shows it: ``value`` 1..254 (0: not in the study yet), ``color`` r, g, b in 0..1,
    ``terminology`` as Slicer writes it into a segment's tag ("" none).
    """

    value: int
    name: str
    color: tuple[float, float, float]
    segment_id: str = ""
    terminology: str = ""


def structures_of(study: Study) -> list[Shown]:
    """What a study calls its structures, as segments show them."""
    return [Shown(item.value, item.name, item.color, terminology=item.terminology) for item in study.structures]


@dataclass
class Kept:
    """What the disk holds of a case's drawing: ``labels`` on ``grid``, the judged slices ``done``, and
    ``touched``, those in the draft of this ``panel``.

    Only tasks on the disk's thread look at it and change it. Several may wait one behind the other: what a later one
    has to write is known when the earlier ones are done, not when it is asked for.
    """

    labels: Drawing
    grid: Grid
    done: set[SliceIndex] = field(default_factory=set)
    touched: set[SliceIndex] = field(default_factory=set)
    panel: str = ""

    def take(self, labels: Drawing, places: Iterable[SliceIndex]) -> None:
        """These slices of ``labels`` were written."""
        self.labels = self.labels.with_slices(labels, places)


@dataclass
class Proposed:
    """What a model proposes for a case, as the fields of :class:`OpenCase` of these names."""

    status: str
    suggestion: NDArray[np.uint8] | None = None
    suggested: Boxed | None = None
    uncertainty: NDArray[np.uint8] | None = None
    earlier: NDArray[np.uint8] | None = None
    provenance: dict[str, Any] = field(default_factory=dict)
    unusable: list[str] = field(default_factory=list)


@dataclass
class OpenCase:
    """The case in the scene. ``labels``: what the person's segmentation held when last looked at; ``boxed`` the same
    for Slicer, until it is put on screen; ``kept`` what the disk holds of it;
    ``done`` the judged slices with their state; ``touched`` slices drawn on but not marked as done;
    ``suggestion``, ``uncertainty`` and ``earlier``, what the run before proposed, uint8 (k, j, i) or None;
    ``suggested`` the suggestion for Slicer, until it is put on screen;
    ``unusable`` says what of the suggestion's files cannot be used, in words; ``elsewhere`` slices drawn on in another
    window that is open now; ``folder`` that of the case in its study, which may no longer be the one that is open;
    ``panel`` the one that it is open in.
    """

    id: str
    name: str
    status: str
    grid: Grid
    window: tuple[float, float]
    image: NDArray[np.generic] | None
    labels: Drawing
    boxed: Boxed | None = None
    done: dict[SliceIndex, str] = field(default_factory=dict)
    touched: set[SliceIndex] = field(default_factory=set)
    suggestion: NDArray[np.uint8] | None = None
    suggested: Boxed | None = None
    uncertainty: NDArray[np.uint8] | None = None
    earlier: NDArray[np.uint8] | None = None
    provenance: dict[str, Any] = field(default_factory=dict)
    unusable: list[str] = field(default_factory=list)
    elsewhere: set[SliceIndex] = field(default_factory=set)
    folder: Path = Path()
    axis: int = 0
    panel: str = ""
    kept: Kept = field(init=False)

    def __post_init__(self) -> None:
        self.kept = Kept(self.labels, self.grid, set(self.done), set(self.touched), self.panel)

    def take(self, found: Proposed) -> None:
        """This is what a model proposes now."""
        for name, value in vars(found).items():
            setattr(self, name, value)


@dataclass(frozen=True)
class Segmented:
    """What a DICOM SEG is made of: ``labels`` uint8 (k, j, i) of the case ``name`` on ``grid``, the structures that its
    values stand for, and the UID of the ``series`` that its image came from ("" not from DICOM).
    """

    name: str
    labels: NDArray[np.uint8]
    grid: Grid
    structures: Sequence[Shown]
    series: str


class ProposalsPort(Protocol):
    """What the controller needs of what a model proposes; ``scene.proposals.Proposals`` in Slicer."""

    def show(self, label: Boxed | None, structures: Sequence[Shown]) -> None:
        """Show a proposal beside the person's segmentation; None takes it away."""

    def show_earlier(self, label: Boxed | None, structures: Sequence[Shown]) -> None:
        """Show the outline of what the run before proposed; None takes it away."""

    @property
    def hidden(self) -> bool:
        """Whether the person has hidden the suggestion; one that is just coming is not hidden."""


class VolumePort(Protocol):
    """A volume of the scene; ``scene.pieces.SceneVolume`` in Slicer."""

    @property
    def name(self) -> str: ...

    @property
    def grid(self) -> Grid: ...

    @property
    def voxels(self) -> NDArray[Any]:
        """The copy, once it is whole."""

    def copy_on(self) -> bool:
        """Copy the next piece of its voxels; whether that was the last. Raises ValueError in words where they were
        changed meanwhile.
        """


class ScreenPort(Protocol):
    """What the controller needs of the scene; ``scene.Screen`` in Slicer, a stand-in in tests."""

    @property
    def proposals(self) -> ProposalsPort:
        """What a model proposes."""

    def show_image(self, case: OpenCase) -> None:
        """Put a case's image into the scene in place of the case before; the user's other nodes stay."""

    def show_labels(self, case: OpenCase, structures: Sequence[Shown]) -> None:
        """Add the person's segmentation to the image that was just shown."""

    def clear_case(self) -> None:
        """Take our nodes out of the scene."""

    overlaps: dict[int, int]
    """What :meth:`drawn` found last: by value, on how many voxels a structure lies under another, whose they are then.
    """

    @property
    def converted(self) -> bool:
        """Whether Slicer made the person's segmentation anew, from surfaces, say: then it holds what nobody drew, and
        nothing of it is read or changed until :meth:`bring_back`.
        """

    def drawn(self) -> Drawing | None:
        """The person's segmentation as labels now; None when its nodes are gone, or it was converted."""

    def put_labels(self, labels: Drawing, boxed: Boxed) -> None:
        """Replace the person's segmentation, as one undo step. ``boxed``: the same ``labels``."""

    def put_slices(self, labels: NDArray[np.uint8], slices: Sequence[SliceIndex], undoable: bool = True) -> None:
        """Replace only these slices of it, as one undo step."""

    def structures(self) -> list[Shown]:
        """The segments of the person's segmentation."""

    def bind(self, segment_id: str, value: int, name: str) -> None:
        """Give a segment its value for life, and the name that its structure has in the study."""

    def restore(self, structures: Sequence[Shown]) -> None:
        """Bring back segments that were deleted, empty, and keep the others."""

    def bring_back(self, labels: Drawing, structures: Sequence[Shown]) -> NDArray[np.uint8] | None:
        """Make a converted segmentation be ``labels`` again; what was found in it, None when its nodes are gone."""

    def current_slice(self) -> SliceIndex | None:
        """The slice that the person looks at; None when the view is tilted."""

    def jump(self, place: SliceIndex, centre: Sequence[float] | None = None) -> bool:
        """Show a slice; False when no view on screen looks along its axis."""

    def scene_volume(self, node_id: str) -> VolumePort:
        """A user's volume as it is now. Raises ValueError in words when it cannot be a case."""

    def scene_series(self, node_id: str) -> str:
        """The UID of the DICOM series that it was loaded from; "" when it was not."""

    def write_dicom_seg(self, result: Segmented, folder: Path) -> Path:
        """Let Slicer write a DICOM SEG; the file. Raises ValueError in words when it cannot."""
