"""A Slicer that stays open all day: what was done again and again leaves no more behind than what was done once."""

from __future__ import annotations

import gc
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from SemiSegLogic.geometry import SliceIndex
from Testing.support.clinician import draw, open_first, paint, settle, suggestion_for

OFTEN = 4


@pytest.fixture(autouse=True)
def nothing_of_before() -> None:
    """Only what is made from now on is looked through: that of all tests before takes a second each time."""
    gc.collect()
    gc.freeze()


def left(panel: Any, slicer: Any) -> Counter[str]:
    """How much there is of everything that could pile up."""
    from SemiSegLib.scene.nodes import Observers

    panel.label.editor.widget.real.edited.clear()  # the stand-in for Slicer's editor remembers what it edited
    gc.collect()
    scene = slicer.mrmlScene
    nodes = [scene.GetNthNode(number) for number in range(scene.GetNumberOfNodes())]
    ours = Counter(type(one).__name__ for one in gc.get_objects() if str(type(one).__module__).startswith("SemiSeg"))
    watched = sum(len(one._kept) for one in gc.get_objects() if type(one) is Observers)
    files = sum(1 for _ in Path(panel.scratch).iterdir())
    ours.update(node.GetClassName() for node in nodes)
    return ours + Counter(watched=watched, threads=threading.active_count(), files=files)


def click(panel: Any, study: Any, number: int) -> None:
    panel.cases.on_case(number % 3)
    settle(panel)


def draw_and_undo(panel: Any, study: Any, number: int) -> None:
    draw(panel, 4 + number % 3)
    panel.controller.labelling.save_now()
    settle(panel)
    panel.label.editor.widget.real.undo()
    settle(panel)


def judge_and_take_back(panel: Any, study: Any, number: int) -> None:
    paint(panel, 1, SliceIndex(0, 5), panel.screen.labels()[5] == 0)
    panel.screen.jump(SliceIndex(0, 5))
    panel.label.on_done()
    settle(panel)
    panel.label.on_take_back()
    settle(panel)


def suggest(panel: Any, study: Any, number: int) -> None:
    for box in (panel.review.uncertainty, panel.review.earlier):
        box.checked = not box.checked
    suggestion_for(panel.controller.showing.case())
    panel.controller.results.reload_suggestion()
    settle(panel)


def look_at_versions(panel: Any, study: Any, number: int) -> None:
    panel.label.on_versions()
    settle(panel)


def keep_learning(panel: Any, study: Any, number: int) -> None:
    panel.train.live.switch.checked = True
    panel.live.beat()
    settle(panel)
    panel.train.live.switch.checked = False
    settle(panel)


def open_again(panel: Any, study: Any, number: int) -> None:
    panel.controller.open_study(study.folder)
    settle(panel)
    click(panel, study, 0)


def close_the_scene(panel: Any, study: Any, number: int) -> None:
    panel.screen._stage.node("image").GetScene().Clear(0)
    settle(panel)
    click(panel, study, 0)


def leave(panel: Any, study: Any, number: int) -> None:
    panel.leave()
    panel.enter()
    settle(panel)


WORK = [click, draw_and_undo, judge_and_take_back, suggest, look_at_versions, keep_learning, open_again,
        close_the_scene, leave]  # fmt: skip


def test_nothing_piles_up(panel: Any, study: Any, slicer: Any) -> None:
    open_first(panel, study)
    more = {act.__name__: growth(panel, study, slicer, act) for act in WORK}
    assert {name: found for name, found in more.items() if found} == {}


def growth(panel: Any, study: Any, slicer: Any, act: Any) -> dict[str, tuple[int, int]]:
    """What there is more of, by half of the times that something was done, or more: some things come every second time.
    """
    for number in range(2):
        act(panel, study, number)
    before = left(panel, slicer)
    for number in range(OFTEN):
        act(panel, study, number)
    after = left(panel, slicer)
    return {what: (before[what], count) for what, count in after.items() if count - before[what] >= OFTEN / 2}
