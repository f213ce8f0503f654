"""What is done to a case on disk, off the main thread: loading, saving every change, accepting."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from SemiSegLogic.errors import SemiSegError
from SemiSegLogic.geometry import SliceIndex, copy_slices, plane

from ..drawing import Boxed, Drawing
from ..ports import Kept, OpenCase, Proposed
from ..words import _
from . import drafts
from .annotations import changed_slices, drawn_on, slices_along, working_axis
from .drafts import Draft
from .gone import CaseGoneError, is_gone, keep_beside

if TYPE_CHECKING:
    from SemiSegLogic.study import Case, Version

T = TypeVar("T")
PATIENCE_S = 10.0
LISTED = 15
"""Versions that a menu has room for."""


def load(case: Case, panel: str) -> OpenCase:
    """Everything the screen of ``panel`` needs of a case. Raises StudyError."""
    image = case.image()
    opened = _loaded(case, image, window_of(image), panel)
    if opened.suggestion is not None:
        opened.suggested = Boxed.of(opened.suggestion)
    return opened


def reload(case: Case, panel: str) -> OpenCase:
    """The same of a case that is on screen: without its image, which is there and takes longest. Raises StudyError."""
    return _loaded(case, None, (0.0, 0.0), panel)


def _loaded(case: Case, image: NDArray[np.generic] | None, window: tuple[float, float], panel: str) -> OpenCase:
    grid, (judged, slices) = case.grid, case.drawn()
    done = {item.place: item.state for item in slices}
    labels, touched, elsewhere = _with_drafts(case, judged, set(done), panel)
    opened = OpenCase(
        case.id,
        case.name,
        case.status,
        grid,
        window,
        image,
        Drawing.of(labels),
        Boxed.of(labels),
        done,
        touched,
        elsewhere=elsewhere,
        folder=case.folder,
        axis=working_axis(grid),
        panel=panel,
    )
    if opened.done:
        opened.axis = next(reversed(opened.done)).axis
    opened.take(_proposed(case))
    return opened


def _with_drafts(
    case: Case, judged: NDArray[np.uint8], done: set[SliceIndex], panel: str
) -> tuple[NDArray[np.uint8], set[SliceIndex], set[SliceIndex]]:
    """What was ``judged`` on the slices ``done``, and on top what was drawn and not marked as done: our own, and what
    windows that have gone left behind; on which slices that is, and on which windows that are open now have drawn.

    Where two of those drew differently the newer one is shown and the older kept among the versions. Drafts of windows
    that are open now stay theirs.
    """
    every = drafts.found(case.folder, case.grid.shape, panel)
    ours = [draft for draft in every if draft.mine or draft.left_behind]
    elsewhere = {place for draft in every if draft not in ours for place in draft.planes}
    if not ours:
        return judged, set(), elsewhere
    labels = judged.copy()
    for draft in ours:
        draft.put_into(labels)
    copy_slices(judged, labels, done)
    touched = {place for draft in ours for place in draft.planes} - done
    covered = [draft for draft in ours if _covered(draft, judged, labels)]
    for draft in covered:
        _keep_aside(case, draft, judged)
    if covered or any(not draft.mine for draft in ours):
        drafts.save(case.folder, labels, touched, panel)
        for draft in ours:
            if not draft.mine:
                drafts.taken_over(draft)
    return labels, touched, elsewhere


def _covered(draft: Draft, judged: NDArray[np.uint8], shown: NDArray[np.uint8]) -> bool:
    """Whether a newer draft, or a slice marked as done since, hides something that was drawn in this one."""
    alone = judged.copy()
    draft.put_into(alone)
    return any(_hidden(plane(alone, place), plane(shown, place)) for place in draft.planes)


def _hidden(drawn: NDArray[np.uint8], shown: NDArray[np.uint8]) -> bool:
    return bool(((drawn != 0) & (drawn != shown)).any())


def _keep_aside(case: Case, draft: Draft, judged: NDArray[np.uint8]) -> None:
    alone = judged.copy()
    draft.put_into(alone)
    note, places = _("drawn in another window, not marked as done"), sorted(draft.planes)
    patiently(lambda: case.keep_aside(alone, places, draft.owner[0], note))


def keep_converted(
    case: Case, drawn: Drawing, converted: NDArray[np.uint8], axis: int, author: str
) -> None:
    """Keep among the versions what Slicer made of what was ``drawn``, where it differs. Raises StudyError."""
    places = sorted(changed_slices(drawn, Drawing.of(converted), axis))
    if places:
        patiently(lambda: case.keep_aside(converted, places, author, _("as Slicer converted it")))


def read_suggestion(case: Case) -> Proposed:
    """What a model proposes for the case now, to be put on screen; of files that are no use ``unusable`` tells."""
    found = _proposed(case)
    if found.suggestion is not None:
        found.suggested = Boxed.of(found.suggestion)
    return found


def _proposed(case: Case) -> Proposed:
    """What was drawn does not depend on its files: the case must open, or nobody could reject them."""
    found = Proposed(case.status)
    if case.has_suggestion:
        found.suggestion = _usable(case.suggestion, found)
    if found.suggestion is not None:
        found.uncertainty = _usable(case.uncertainty, found)
        found.earlier = _usable(case.earlier_suggestion, found)
        found.provenance = _usable(case.provenance, found) or {}
    return found


def _usable(read: Callable[[], T], found: Proposed) -> T | None:
    """What ``read()`` gives; None when its file is damaged or means nothing any more, which is noted."""
    try:
        return read()
    except SemiSegError as error:
        found.unusable.append(str(error))
        return None


def window_of(image: NDArray[np.generic]) -> tuple[float, float]:
    """Grey values that show the image well: the 1st and 99.5th percentile of a sample of it, without what a scanner
    writes around what it sees.
    """
    from SemiSegLogic.grey_range import range_of

    step = max(1, round((image.size / 2e5) ** (1 / 3)))
    sample = image[:: min(step, max(1, image.shape[0] // 8)), ::step, ::step].astype(np.float64)
    low, high = range_of(sample, (1, 99.5))
    return (low, high) if high > low else (float(image.min()), float(image.max()) + 1e-6)


@dataclass(frozen=True)
class Saved:
    """What saving found: slices drawn on and not marked as done, and done ones redrawn with their state now."""

    touched: set[SliceIndex]
    redrawn: dict[SliceIndex, str]


def save(case: Case, kept: Kept, labels: Drawing, axis: int, author: str) -> Saved:
    """Keep a change of the drawing: judged slices in the study, all else in the draft.

    Raises StudyError, FileError; CaseGoneError, when the drawing was put beside the study's cases instead.
    """
    changed = changed_slices(kept.labels, labels, axis)
    if not changed:  # a segment was renamed or hidden
        return Saved(set(kept.touched), {})
    if is_gone(case):
        keep_beside(case, labels.whole(), kept.grid, kept.panel)
        raise CaseGoneError(case, kept.panel)
    redrawn = {place for place in kept.done if not np.array_equal(kept.labels.on(place), labels.on(place))}
    if redrawn:
        case.set_slices(labels.only(redrawn), sorted(redrawn), author)
        kept.take(labels, redrawn)
    touched = drawn_on(labels, kept.touched | changed) - kept.done
    touched |= _left_out(labels, kept.done | touched, axis)
    if touched:
        drafts.save(case.folder, labels.only(touched), touched, kept.panel)
    else:
        drafts.discard(case.folder, kept.panel)
    kept.labels, kept.touched = labels, touched
    return Saved(set(touched), {place: "drawn" if labels.on(place).any() else "empty" for place in redrawn})


def patiently(write: Callable[[], T]) -> T:
    """``write()``, tried again while somebody else, mostly our own taking in of suggestions, holds the case's lock."""
    from SemiSegLogic.study import LockedError

    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            return write()
        except LockedError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def judge(
    case: Case, kept: Kept, labels: Drawing, places: list[SliceIndex], author: str
) -> dict[SliceIndex, str]:
    """Call slices done as they are in ``labels``; all judged slices with their state."""
    if is_gone(case):
        raise CaseGoneError(case, kept.panel)
    case.set_slices(labels.only(places), places, author)
    kept.take(labels, places)
    done = _judged(case, kept)
    if not kept.touched:
        drafts.discard(case.folder, kept.panel)
    return done


def _judged(case: Case, kept: Kept) -> dict[SliceIndex, str]:
    done = {item.place: item.state for item in case.annotated}
    kept.done, kept.touched = set(done), kept.touched - set(done)
    return done


def accept(case: Case, author: str, seen: NDArray[np.uint8] | None, panel: str) -> OpenCase:
    """Take the proposal that was ``seen`` as right, with everything the person drew on top, done or not; the case as it
    is then.
    """
    judged = set(case.places)
    for draft in drafts.found(case.folder, case.grid.shape, panel):  # as just saved: the screen's account may be older
        touched = sorted(set(draft.planes) - judged)
        if draft.mine and touched:
            labels = case.labels()
            draft.put_into(labels)
            case.set_slices(labels, touched, author)
    case.accept(author, seen)
    drafts.discard(case.folder, panel)
    return reload(case, panel)


def earlier(case: Case, shown: bool = True) -> list[Version]:
    """The newest LISTED versions of the labels, newest first; without the present one of a case that is ``shown``: one
    that cannot be read may be whole in the list.
    """
    present = case.version if shown else ""
    return [version for version in case.versions(LISTED + 1) if version.name != present][:LISTED]


def restore(case: Case, version: str, author: str, panel: str) -> OpenCase:
    """Go back to an earlier version; the case as it is then. What is drawn and not done stays."""
    restore_closed(case, version, author, panel)
    return reload(case, panel)


def restore_closed(case: Case, version: str, author: str, panel: str) -> None:
    """The same of a case that is not on screen; also of one that cannot come there, because its drawings are damaged:
    which of its slices were done is not known then, and what is in the draft stays there.
    """
    with contextlib.suppress(SemiSegError):
        _forget_done(case, panel)
    case.restore(version, author)


def _forget_done(case: Case, panel: str) -> None:
    """The draft also holds slices that were marked as done since it was written: they are among the versions."""
    judged, done = case.drawn()
    places = {item.place for item in done}
    for draft in drafts.found(case.folder, case.grid.shape, panel):
        if draft.mine and not places.isdisjoint(draft.planes):
            labels = judged.copy()
            draft.put_into(labels)
            drafts.save(case.folder, labels, set(draft.planes) - places, panel)


def take_back(
    case: Case, kept: Kept, labels: Drawing, place: SliceIndex, author: str
) -> dict[SliceIndex, str]:
    """A slice is not done after all: what is drawn there stays on screen and in the draft, beside what else is there.
    """
    touched = kept.touched | {place}
    drafts.save(case.folder, labels.only(touched), touched, kept.panel)
    kept.take(labels, touched)
    case.unmark([place], author)
    left = _judged(case, kept)
    kept.touched = touched - set(left)
    return left


def _left_out(labels: Drawing, places: Iterable[SliceIndex], axis: int) -> set[SliceIndex]:
    """The slices along ``axis`` on which something is drawn that is on none of ``places``."""
    along = {place.index for place in places if place.axis == 0}
    rest = {k: drawn for k, drawn in enumerate(labels.planes) if k not in along and drawn.any()}
    across = [SliceIndex(place.axis - 1, place.index) for place in places if place.axis]
    for k, drawn in rest.items() if across else ():
        rest[k] = drawn.copy()
        for line in across:
            plane(rest[k], line)[...] = 0
    return slices_along(axis, rest)
