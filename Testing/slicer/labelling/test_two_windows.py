"""Two Slicer windows on one study: nothing that either drew is lost. The other window is a process of its own."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from SemiSegLogic.geometry import SliceIndex
from Testing.support.clinician import ball, draw, open_first, settle

ROOT = Path(__file__).resolve().parents[3]
OTHER = """
import sys, time
sys.path[:0] = [{root!r}, {root!r} + "/SemiSegExtension"]
import numpy as np
from pathlib import Path
from SemiSegLib.labelling import drafts
from SemiSegLogic.geometry import SliceIndex
labels = np.zeros({shape}, np.uint8)
labels[{k}, 2:6, 3:9] = {value}
drafts.save(Path({folder!r}), labels, [SliceIndex(0, {k})], "there")
print("saved", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other() -> Iterator[Any]:
    """Starts another window that draws a rectangle of ``value`` on slice ``k`` and stays until told to go."""
    started: list[Any] = []

    def draw_there(case: Any, k: int, value: int = 1) -> Any:
        code = OTHER.format(root=str(ROOT), folder=str(case.folder), shape=case.grid.shape, k=k, value=value)
        window = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        started.append(window)
        assert window.stdout.readline() == "saved\n"
        return window

    yield draw_there
    for window in started:
        if window.poll() is None:
            window.communicate(timeout=10)


def close(window: Any) -> None:
    window.communicate(timeout=10)
    assert window.wait() == 0


def rectangle(shape: tuple[int, ...], value: int = 1) -> Any:
    made = np.zeros(shape[1:], np.uint8)
    made[2:6, 3:9] = value
    return made


def test_what_both_windows_drew_is_there_when_the_case_is_opened_again(panel: Any, study: Any, other: Any) -> None:
    case = open_first(panel, study)
    truth = draw(panel, 5)
    window = other(case, 9)
    panel.controller.labelling.save_now()
    settle(panel)
    assert len(list(case.folder.glob("draft*.npz"))) == 2
    close(window)
    panel.cases.on_case(1)
    settle(panel)
    panel.cases.on_case(0)
    settle(panel)
    assert np.array_equal(panel.screen.labels()[5], truth)
    assert np.array_equal(panel.screen.labels()[9], rectangle(case.grid.shape))
    assert panel.controller.open_case.touched == {SliceIndex(0, 5), SliceIndex(0, 9)}
    assert len(list(case.folder.glob("draft*.npz"))) == 1, "taken over"


def test_a_window_that_is_open_keeps_its_draft_and_is_told_of(panel: Any, study: Any, other: Any) -> None:
    case = study.cases[0]
    window = other(case, 9)
    open_first(panel, study)
    assert not panel.screen.labels().any()
    assert "another Slicer window" in panel.controller.notice[0]
    assert "10" in panel.controller.notice[0]
    draw(panel, 5)
    panel.label.on_done()
    settle(panel)
    assert len(list(case.folder.glob("draft*.npz"))) >= 1
    close(window)
    panel.controller.showing.close()
    panel.cases.on_case(0)
    settle(panel)
    assert np.array_equal(panel.screen.labels()[9], rectangle(case.grid.shape))


@pytest.mark.parametrize("told", [True, False])
def test_a_program_that_got_the_id_of_a_window_that_crashed_does_not_hide_its_drawing(
    panel: Any, study: Any, monkeypatch: pytest.MonkeyPatch, told: bool
) -> None:
    """After a restart of the computer ids are given out again. ``told``: when the window began, which drafts of earlier
    versions do not tell: then the other program counts as the window.
    """
    from SemiSegLib.labelling import drafts

    case = study.cases[0]
    drawn = ball(case.grid.shape).astype(np.uint8)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as another:
        with monkeypatch.context() as crashed:
            crashed.setattr(drafts, "_me", lambda: (socket.gethostname(), another.pid))
            if not told:
                crashed.setattr(drafts, "_my_birth", lambda: "")
            drafts.save(case.folder, drawn, [SliceIndex(0, 6)], "there")
        open_first(panel, study)
        another.communicate(b"\n")
    assert panel.controller.open_case.touched == ({SliceIndex(0, 6)} if told else set())
    assert panel.controller.open_case.elsewhere == (set() if told else {SliceIndex(0, 6)})


def test_where_both_drew_on_one_slice_the_newer_is_shown_and_the_older_can_be_restored(
    panel: Any, study: Any, other: Any
) -> None:
    case = study.cases[0]
    close(other(case, 5, value=2))
    time.sleep(0.02)
    close(other(case, 5, value=1))
    open_first(panel, study)
    assert np.array_equal(panel.screen.labels()[5], rectangle(case.grid.shape, 1))
    panel.cases.on_case(1)
    settle(panel)
    panel.cases.on_case(0)
    settle(panel)
    kept = [version for version in case.versions() if "another window" in version.note]
    assert len(kept) == 1, "kept once, however often the case is opened"
    panel.controller.results.restore_version(kept[0].name)
    settle(panel)
    assert np.array_equal(case.labels()[5], rectangle(case.grid.shape, 2))


def test_a_slice_called_done_meanwhile_counts_and_the_other_windows_drawing_is_kept_among_the_versions(
    panel: Any, study: Any, other: Any
) -> None:
    case = open_first(panel, study)
    window = other(case, 6)
    truth = draw(panel, 6)
    panel.label.on_done()
    settle(panel)
    close(window)
    panel.controller.showing.close()
    panel.cases.on_case(0)
    settle(panel)
    assert np.array_equal(panel.screen.labels()[6], truth)
    shown: list[Any] = []
    panel.controller.results.list_versions(shown.extend)
    settle(panel)
    assert [version.note for version in shown if "another window" in version.note]
    assert case.places == [SliceIndex(0, 6)]


def test_strokes_of_two_windows_that_cross_are_both_kept(panel: Any, study: Any, other: Any) -> None:
    from SemiSegLib.labelling import drafts

    case = study.cases[0]
    close(other(case, 5))
    across = np.zeros(case.grid.shape, np.uint8)
    across[:, 4, 20:25] = 1
    time.sleep(0.02)
    drafts.save(case.folder, across, [SliceIndex(1, 4)], "here")
    open_first(panel, study)
    kept = [version for version in case.versions() if "another window" in version.note]
    assert len(kept) == 1
    assert np.array_equal(case.history.read(kept[0], case.grid)[5], rectangle(case.grid.shape))


def test_a_draft_cut_short_is_set_aside_and_the_rest_is_shown(panel: Any, study: Any) -> None:
    case = open_first(panel, study)
    truth = draw(panel, 5)
    panel.controller.labelling.save_now()
    settle(panel)
    (case.folder / "draft-elsewhere-1.npz").write_bytes(b"PK cut short")
    panel.controller.showing.close()
    panel.cases.on_case(0)
    settle(panel)
    assert np.array_equal(panel.screen.labels()[5], truth)
    assert (case.folder / "draft-elsewhere-1.damaged").exists()


def test_taking_a_slice_back_keeps_the_drawing_on_other_slices(panel: Any, study: Any) -> None:
    case = open_first(panel, study)
    truth = ball(case.grid.shape)
    draw(panel, 6)
    panel.label.on_done()
    draw(panel, 4)
    panel.controller.labelling.save_now()
    settle(panel)
    panel.screen.jump(SliceIndex(0, 6))
    panel.label.on_take_back()
    settle(panel)
    panel.controller.showing.close()
    panel.cases.on_case(0)
    settle(panel)
    assert np.array_equal(panel.screen.labels()[4], truth[4])
    assert np.array_equal(panel.screen.labels()[6], truth[6])
