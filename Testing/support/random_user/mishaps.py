"""The world around the panel: disks, clocks, images that move, a colleague at another window."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from SemiSegLogic.geometry import SliceIndex
from SemiSegLogic.study import Study, annotations, history, write_image
from Testing.support.clinician import settle
from Testing.support.stand_ins.other_window import OtherWindow

from .disks import Disk
from .given import PlainImage
from .plain import NEWCOMER, PlainDrawing, window
from .real_runs import RealRuns


class Mishaps(RealRuns):
    """``disk`` is where the studies lie. Every public method is one thing that happens."""

    def __init__(self, open_panel: Callable[..., Any], studies: list[Study], disk: Disk, seed: int) -> None:
        self.disk, self.other, self.told_there = disk, OtherWindow(), []  # type: ignore[var-annotated]
        self._clock = pytest.MonkeyPatch()
        super().__init__(open_panel, studies, disk.folder.parent, seed)

    # --- disks ------------------------------------------------------------------------------------------------

    def disk_fills_up(self) -> None:
        self._while(self.disk.full)

    def disk_is_read_only(self) -> None:
        self._while(self.disk.read_only)

    def _while(self, refusing: Callable[[], AbstractContextManager[None]]) -> None:
        """For some steps nothing can be saved; what is drawn stays on screen until it can."""
        plain = self._ready()
        if plain is None or any(not item.value for item in self.panel.screen.structures()):
            return
        before, opened, told = set(plain.judged), self.panel.controller.open_case, len(self.said)
        with refusing():
            for _ in range(self.rng.integers(1, 4)):
                self._some_of(self.paint, self.erase, self.slice_done, self.leave_and_enter)()
                self.beat()
            settle(self.panel)
            plain.judged = set(opened.done) if opened is not None else before
            assert plain.judged >= before, "what was judged stays judged"
        self._see_results()
        assert self.panel.controller.open_case is opened, "it stays on screen"
        wrong = [text for text, level in self.said[told:] if level == "error" and not _of_the_disk(text)]
        wrong = [text for text in wrong if not any(part in text for part in self.harmless)]  # a run killed before, say
        assert not wrong, wrong
        del self.said[told:]
        self.settle()
        self.panel.controller.refresh()
        settle(self.panel)

    # --- clocks -----------------------------------------------------------------------------------------------

    def clock_jumps(self) -> None:
        """Hours back or forth, or to the right time again; processes that run then know nothing of it."""
        shift = float(self._some_of(0.0, -7200.0, 7200.0, -30.0, 86400.0 * 40))
        self._clock.undo()
        plain = time.time
        self._clock.setattr(time, "time", lambda: plain() + shift)

        class Shifted(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> Any:
                return datetime.now(tz) + timedelta(seconds=shift)

        for module in (history, annotations):
            self._clock.setattr(module, "datetime", Shifted)

    # --- images -----------------------------------------------------------------------------------------------

    def add_case(self) -> None:
        """Copied into the study, or by reference."""
        from .user import odd_grid

        self.settle()
        if self.study is None or len(self.panel.cases.ids) > 5:
            return
        grid, copied = odd_grid(self.rng), bool(self.rng.integers(2))
        array = self.rng.integers(0, 999, grid.shape).astype(np.int16)
        path, before = self._folder / f"added{self.count}.nrrd", {case.id for case in self.study.cases}
        write_image(path, array, grid)
        self.panel.controller.adding.files([path], copied)
        settle(self.panel)
        settle(self.panel)
        [new] = {case.id for case in self.study.cases} - before
        self.images[self.study.folder, new] = PlainImage.of(array, grid)
        self.plain[self.study.folder, new] = PlainDrawing(np.zeros(grid.shape, np.int16))

    def image_moves(self) -> None:
        """And the person says where it is now."""
        self.settle()
        outside = [case for case in self.study.cases if case.image_path.parent != case.folder] if self.study else []
        if not outside:
            return
        case = self._some_of(*outside)
        now = case.image_path.with_name(f"moved{self.count}.nrrd")
        case.image_path.rename(now)
        told = len(self.said)
        for _ in range(self.rng.integers(0, 3)):
            self._some_of(self.click_case, self.train, self.beat)()
        self.settle()
        del self.said[told:]
        self.panel.cases.menu._mending.relocate(case.id, now)
        self.settle()
        assert case.image_path == now

    # --- a colleague ------------------------------------------------------------------------------------------

    def colleague_judges(self) -> None:
        """A slice of a case that may be open here, too; it is opened anew then."""
        self._colleague(done=True)

    def colleague_crashes(self) -> None:
        """Who drew on a slice and did not mark it as done: it is taken over here."""
        self._colleague(done=False)

    def _colleague(self, done: bool) -> None:
        self.settle()
        if self.study is None or not self.panel.cases.ids or self._newcomers_anywhere():
            return
        case = str(self._some_of(*self.panel.cases.ids))
        opened = self.panel.controller.open_case
        if opened is not None and opened.id == case:
            self.panel.controller.showing.close()
            settle(self.panel)
        plain = self.plain[self.study.folder, case]
        axis = int(self.rng.integers(3))
        place = SliceIndex(axis, int(self.rng.integers(plain.shown.shape[axis])))
        values = [0, *sorted(self.names[self.study.folder])]
        plane = self.rng.choice(values, plain.shown[window(place)].shape).astype(np.int16)
        plane[0, 0] = values[-1]
        told = self.other.order(study=str(self.study.folder), case=case, place=[place.axis, place.index],
                                plane=plane.tolist(), done=done)  # fmt: skip
        self.panel.controller.refresh()  # which nobody does who does not know that somebody else is at work
        settle(self.panel)
        assert all("also open in another Slicer window" in text for text in told), told
        plain.shown = plain.shown.copy()
        plain.shown[window(place)] = plane
        if done:
            plain.judged.add(place)
        else:
            self.other.kill()

    def _newcomers_anywhere(self) -> bool:
        return any((plain.shown >= NEWCOMER).any() for plain in self.plain.values())

    # --- at the end -------------------------------------------------------------------------------------------

    def end_all(self) -> None:
        self._clock.undo()
        self.other.kill()
        super().end_all()


def _of_the_disk(text: str) -> bool:
    return any(part in text for part in ("disk is full", "Read-only", "read-only", "No space"))
