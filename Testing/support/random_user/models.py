"""Masks, versions, suggestions and trainings."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from SemiSegLogic.geometry import SliceIndex
from SemiSegLogic.study import all_slices, write_seg_nrrd
from Testing.support.clinician import settle

from .cases import Cases
from .plain import window


class Models(Cases):
    """Every public method is one thing that a person does, with random details."""

    def import_mask(self) -> None:
        plain = self._ready()
        if plain is None:
            return
        case, values = self.panel.controller.showing.case(), sorted(self.names[self.study.folder])
        label = self.rng.choice([0, 0, *values], plain.shown.shape).astype(np.uint8)
        path = self._folder / "mask.seg.nrrd"
        write_seg_nrrd(path, label, case.grid, self.study.structures)
        self.panel.label.masks.look_at(path)
        settle(self.panel)
        if not self.panel.label.masks.box.visible:
            return
        axis = int(self.rng.integers(3))
        self.panel.label.masks.axis.currentIndex = axis
        touched = set(self.panel.controller.open_case.touched)
        self.panel.label.masks.on_import()
        settle(self.panel)
        places = {place for place in all_slices(label.shape, axis) if label[window(place)].any()}
        merged = np.where(plain.mask(places), label.astype(np.int16), plain.shown)
        plain.replace(merged, plain.judged | places, touched)

    def restore_version(self) -> None:
        plain = self._ready()
        if plain is None or not plain.versions:
            return
        name = self.rng.choice(sorted(plain.versions))
        if name == self.panel.controller.showing.case().version:
            return
        label, judged = plain.versions[name]
        touched = set(self.panel.controller.open_case.touched)
        self.panel.controller.results.restore_version(str(name))
        settle(self.panel)
        plain.replace(label, judged, touched)

    def accept(self) -> None:
        plain = self._ready()
        if plain is None or plain.suggestion is None or self.panel.controller.open_case.suggestion is None:
            return
        plain.judged |= self.panel.controller.open_case.touched
        whole = np.where(plain.mask(plain.judged), plain.shown, self.panel.controller.open_case.suggestion)
        self.panel.review.on_accept()
        settle(self.panel)
        plain.replace(whole, plain.judged | set(all_slices(whole.shape)), set())

    def reject(self) -> None:
        plain = self._ready()
        if plain is not None and plain.suggestion is not None:
            self.panel.review.on_reject()
            settle(self.panel)
            plain.suggestion = None

    def correct_slice(self) -> None:
        self._take(self.panel.review.on_correct)

    def slice_is_right(self) -> None:
        self._take(self.panel.review.on_right)

    def _take(self, press: Callable[[], None]) -> None:
        plain, place = self._ready(), self._some_place()
        if plain is None or place is None or self.panel.controller.open_case.suggestion is None:
            return
        if not self.panel.screen.jump(place) or self.panel.screen.current_slice() != place:
            return
        assert plain.suggestion is not None
        after = plain.shown.copy()
        after[window(place)] = self.panel.controller.open_case.suggestion[window(place)]
        press()
        plain.change(after)

    # --- training ---------------------------------------------------------------------------------------------

    def train(self) -> None:
        if self.study is not None and self.panel.train.train.enabled:
            self.panel.train.on_train()
            if self.rng.random() < 0.5:
                self.settle()

    def stop(self) -> None:
        self.panel.training.stop()

    def keep_learning(self) -> None:
        self.panel.live.want(bool(self.rng.integers(2)))

    def result_comes(self) -> None:
        """For a random case, at the next look at the run, if there is one."""
        runner = self.runners.get(self.study.folder) if self.study is not None else None
        if runner is not None and self.panel.training.running and not runner.results:
            case = self.study.cases[self.rng.integers(len(self.study.cases))]
            values = sorted(self.names[self.study.folder])
            if not self._busy_with(case.id):
                runner.results.append((case.id, self.rng.choice([0, *values], case.grid.shape).astype(np.uint8)))

    def _busy_with(self, case: str) -> bool:
        """Results of the case on screen come when it is known what of it was judged."""
        if self.opened is not None and self.panel.controller.open_case.id == case:
            self.settle()
        return False

    def export(self) -> None:
        plain = self._ready()
        if plain is None:
            return
        whole = all(SliceIndex(0, n) in plain.judged for n in range(plain.shown.shape[0]))
        if plain.suggestion is None and not whole:
            return
        out = self._folder / "out"
        self.panel.export.folder.text, self.panel.export.which.currentIndex = str(out), 0
        self.panel.export.on_export()
        settle(self.panel)
        assert "verified" in self.panel.export.told.text, self.panel.export.told.text
