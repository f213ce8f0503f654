"""Two panels of the module in one Slicer, as ``slicer.util.getNewModuleGui`` makes them, with the same case on screen.
Nothing that is drawn in either is lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from SemiSegLogic.geometry import SliceIndex
from Testing.support.clinician import FakeConnection, FakeInstaller, draw, open_first, paint, settle


@pytest.fixture
def second(panel: Any, tmp_path: Path) -> Iterator[Any]:
    """Beside ``panel``."""
    import qt
    import slicer

    from SemiSegLib.panel import Panel

    root = slicer.qMRMLWidget()
    root.setLayout(qt.QVBoxLayout())
    made = Panel(root.layout(), FakeInstaller(tmp_path / "environment"), FakeConnection())
    made.root = root
    made.enter()
    yield made
    made.close()


def save(panel: Any) -> None:
    panel.controller.labelling.save_now()
    settle(panel)


def opened_again(panel: Any, study: Any) -> Any:
    """The case as it is read from the disk."""
    panel.controller.showing.close()
    settle(panel)
    open_first(panel, study)
    return panel.screen.labels()


def test_each_keeps_what_was_drawn_in_it(panel: Any, second: Any, study: Any) -> None:
    open_first(panel, study)
    open_first(second, study)
    first = draw(panel, 4)
    save(panel)
    other = draw(second, 7)
    save(second)
    second.controller.showing.close()
    settle(second)
    shown = opened_again(panel, study)
    assert np.array_equal(shown[4], first)
    assert np.array_equal(shown[7], other)


def test_a_slice_done_in_one_takes_nothing_from_the_other(panel: Any, second: Any, study: Any) -> None:
    case = open_first(panel, study)
    open_first(second, study)
    first = draw(panel, 4)
    save(panel)
    other = draw(second, 7)
    second.label.on_done()
    settle(second)
    assert case.places == [SliceIndex(0, 7)]
    shown = opened_again(panel, study)
    assert np.array_equal(shown[4], first)
    assert np.array_equal(shown[7], other)


def test_what_is_erased_in_one_stays_with_the_other(panel: Any, second: Any, study: Any) -> None:
    from SemiSegLib.drawing import Boxed, Drawing

    open_first(panel, study)
    open_first(second, study)
    first = draw(panel, 4)
    save(panel)
    draw(second, 7)
    save(second)
    nothing = np.zeros_like(second.screen.labels())
    second.screen.put_labels(Drawing.of(nothing), Boxed.of(nothing))
    second.controller.labelling.edited()
    save(second)
    shown = opened_again(panel, study)
    assert np.array_equal(shown[4], first)
    assert not shown[7].any()


def test_where_both_drew_on_one_slice_the_newer_is_shown_and_the_older_kept(
    panel: Any, second: Any, study: Any
) -> None:
    case = open_first(panel, study)
    open_first(second, study)
    older = draw(panel, 5)
    save(panel)
    newer = np.zeros_like(older, np.uint8)
    newer[1:4, 1:4] = 1
    paint(second, 1, SliceIndex(0, 5), newer == 1)
    save(second)
    shown = opened_again(panel, study)
    assert np.array_equal(shown[5], newer)
    kept = [version for version in case.versions() if "another window" in version.note]
    assert len(kept) == 1
    assert np.array_equal(case.history.read(kept[0], case.grid)[5], older)


def test_what_one_takes_over_while_the_other_goes_on_is_there_in_the_end(panel: Any, second: Any, study: Any) -> None:
    case = open_first(panel, study)
    first = draw(panel, 4)
    save(panel)
    open_first(second, study)
    assert np.array_equal(second.screen.labels()[4], first), "drawn before the second came"
    more = draw(panel, 8)
    save(panel)
    other = draw(second, 7)
    save(second)
    assert len(list(case.folder.glob("draft*.npz"))) == 2
    second.controller.showing.close()
    settle(second)
    shown = opened_again(panel, study)
    for index, drawn in ((4, first), (8, more), (7, other)):
        assert np.array_equal(shown[index], drawn)
    assert len(list(case.folder.glob("draft*.npz"))) == 1, "taken over"


def test_a_draft_written_anew_while_it_is_taken_over_stays(panel: Any, study: Any) -> None:
    from SemiSegLib.labelling import drafts

    case = study.cases[0]
    labels = np.ones(case.grid.shape, np.uint8)
    drafts.save(case.folder, labels, [SliceIndex(0, 4)], "other")
    (read,) = drafts.found(case.folder, case.grid.shape, "here")
    drafts.save(case.folder, labels, [SliceIndex(0, 4), SliceIndex(0, 5)], "other")
    drafts.taken_over(read)
    (there,) = drafts.found(case.folder, case.grid.shape, "here")
    assert set(there.planes) == {SliceIndex(0, 4), SliceIndex(0, 5)}
    drafts.taken_over(there)
    assert drafts.found(case.folder, case.grid.shape, "here") == []
