"""Everything that a random user does, one step after the other, and what must be true after each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import slicer

from SemiSegLib.labelling import casework
from SemiSegLogic.geometry import Grid
from SemiSegLogic.study import Study, write_image
from Testing.support.clinician import settle

from .models import Models
from .plain import NEWCOMER

HARMLESS = ("was deleted from the scene", "cannot be deleted from the segment list", "Erase it first",
            "No view shows a whole slice", "Two structures have the name", "lie under another structure",
            "is not usable", "would be taken for a label value", "stays in the study",
            "in the previous study was stopped", "you have drawn nothing on this slice", "No slice is done yet",
            "Nothing is drawn on any slice", "that are done lie across them")  # fmt: skip
"""Warnings that a person may well get; every other warning and every error is a failure."""


class RandomUser(Models):
    """The whole person: ``acts`` says how often each thing is done, ``harmless`` what a person may well be told."""

    @property
    def acts(self) -> dict[str, float]:
        return ACTS

    @property
    def harmless(self) -> tuple[str, ...]:
        return HARMLESS

    def do_something(self, number: int) -> str:
        """The same for the same seed and ``number``, whatever was done before."""
        self.count, self.rng = number, np.random.default_rng([self._seed, number])
        act = self.choose(number)
        getattr(self, act)()
        for _ in range(self.rng.integers(0, 4)):
            self.beat()
        self._learn_values()
        self.require_shown()
        if self._stalled is not None and self.rng.random() < 0.3:
            self.release()
        if self.rng.random() < 0.3:
            self.require_saved()
        return act

    def choose(self, number: int) -> str:
        """What is done next."""
        acts, weights = zip(*self.acts.items(), strict=True)
        return str(self.rng.choice(acts, p=np.array(weights) / sum(weights)))

    def _learn_values(self) -> None:
        """Segments that became structures have values now, which nothing had before."""
        for study in self.studies:
            names = self.names[study.folder]
            for item in Study(study.folder).structures:
                if item.value not in names:
                    assert item.value == max(names, default=0) + 1, "values are given in order, none twice"
                    assert item.name == self._new_name, f"{item.name!r} was never drawn"
                    names[item.value] = item.name
                    self._settle_newcomer(study, item.value)

    def _settle_newcomer(self, study: Study, value: int) -> None:
        for (folder, _case), plain in self.plain.items():
            if folder == study.folder:
                plain.shown = np.where(plain.shown == NEWCOMER, np.int16(value), plain.shown)

    def require_shown(self) -> None:
        """The screen shows what was drawn, and nobody was told of an error."""
        wrong = [text for text, level in self.said
                 if level in ("error", "warning") and not any(part in text for part in self.harmless)]  # fmt: skip
        assert not wrong, wrong
        plain = self.opened
        if plain is not None:
            shown = np.where(plain.shown >= NEWCOMER, 0, plain.shown)
            there = self.panel.screen.labels()
            assert np.array_equal(there, shown), f"shown: {difference(there, shown)}"

    def require_saved(self) -> None:
        """Everything that was drawn and judged is on disk, voxel by voxel, and nothing else."""
        self.settle()
        self.settle()
        self._learn_values()
        self.require_shown()
        for study in self.studies:
            fresh = Study.open(study.folder)
            named = {item.value: item.name for item in fresh.structures}
            assert named == self.names[study.folder], (named, self.names[study.folder])
            for item in fresh.structures:
                wanted = self.colors[study.folder].get(item.value, item.color)
                assert np.allclose(item.color, wanted, atol=1e-3), f"{item} should be {wanted}"
            for case in fresh.cases:
                self._require_case(study, case, casework.load(case, self.panel.controller.panel))
        self._require_panel()

    def _require_case(self, study: Study, case: Any, loaded: Any) -> None:
        plain = self.plain[study.folder, case.id]
        assert set(case.places) == plain.judged, (sorted(set(case.places) ^ plain.judged))
        assert np.array_equal(case.labels(), plain.on_disk), f"{case}: {difference(case.labels(), plain.on_disk)}"
        there = loaded.labels.whole()
        assert np.array_equal(there, plain.shown), f"{case}: {difference(there, plain.shown)}"
        assert not np.any(plain.shown[~plain.mask(plain.judged | loaded.touched)]), "all that is drawn is on a slice"
        assert case.has_suggestion == (plain.suggestion is not None)
        if plain.suggestion is not None:
            assert np.array_equal(case.suggestion(), plain.proposed()), "suggestion"
        if case.version and case.version not in plain.versions:
            plain.versions[case.version] = (plain.on_disk, set(plain.judged))

    def _require_panel(self) -> None:
        panel, opened = self.panel, self.panel.controller.open_case
        if self.study is None:
            return
        assert sorted(panel.cases.ids) == sorted(case.id for case in Study.open(self.study.folder).cases)
        assert not panel.controller.labelling.unsaved
        ours = [node for node in (panel.screen.volume, panel.screen.segmentation) if node is not None]
        assert len(ours) == (2 if opened is not None else 0)
        for row in panel.controller.rows:
            judged = self.plain[self.study.folder, row.id].judged
            assert row.drawn + row.empty == len(judged), "list of cases"
        if opened is not None:
            plain = self.opened
            assert set(opened.done) == plain.judged
            assert {item.value for item in panel.screen.structures()} == set(self.names[self.study.folder])
            assert panel.label.editor.widget.segmentationNode() is panel.screen.segmentation
            shown = panel.screen._stage.node("suggestion")
            assert (shown is not None) <= (plain.suggestion is not None)

    def finish(self) -> None:
        """Everything is put away: nothing of ours stays in the scene."""
        self.require_saved()
        self.panel.controller.showing.close()
        settle(self.panel)
        left = {kind: (self._nodes[kind], n) for kind, n in self.nodes().items() if n > self._nodes[kind]}
        names = [node.GetName() for kind in left for node in slicer.util.getNodesByClass(kind)]
        assert not left, f"nodes left behind: {left}, {names}"
        self.panel.close()


ACTS = {
    "paint": 8, "erase": 3, "paint_one_slice": 6, "undo": 3, "slice_done": 6, "nothing_here": 2, "take_back": 2,
    "add_structure": 0.5, "add_segment": 0.7, "rename_segment": 1, "rename_wrongly": 0.5, "recolour_segment": 0.7,
    "remove_segment": 0.7, "hide_or_move_segment": 1, "click_case": 5, "open_another_study": 1.5, "remove_case": 0.5,
    "share_goes_away": 0.7, "close_scene": 1, "leave_and_enter": 1, "reload": 0.7, "scene_file": 0.5,
    "delete_node": 1, "rename_node": 0.5, "clone_node": 0.7, "transform": 0.7, "import_mask": 1, "restore_version": 1,
    "accept": 0.5, "reject": 0.5, "correct_slice": 1.5, "slice_is_right": 1, "train": 1, "stop": 0.5,
    "keep_learning": 1, "result_comes": 4, "export": 0.5, "stall": 2, "release": 1,
}  # fmt: skip
"""How often each is done."""


def difference(found: Any, wanted: Any) -> str:
    """Where two arrays differ, in a line."""
    if found.shape != wanted.shape:
        return f"shape {found.shape} for {wanted.shape}"
    places = np.argwhere(found != wanted)
    first = [(tuple(map(int, p)), int(found[tuple(p)]), int(wanted[tuple(p)])) for p in places[:6]]
    return f"{len(places)} voxels, (where, found, wanted): {first}"


def made_up_studies(folder: Path, rng: np.random.Generator) -> list[Study]:
    """Two studies of two and three cases on grids of every kind."""
    studies = []
    for name, count in (("one", 3), ("two", 2)):
        study = Study.create(folder / name, structures=["ball", "core"] if name == "one" else ["bone"])
        for number in range(count):
            grid = odd_grid(rng)
            path = folder / f"{name}-{number}.nrrd"
            write_image(path, rng.integers(0, 999, grid.shape).astype(np.int16), grid)
            study.add_case(path)
        studies.append(study)
    return studies


def odd_grid(rng: np.random.Generator) -> Grid:
    """Axes permuted, mirrored, perhaps oblique, thick slices, or one slice only."""
    shape = [int(side) for side in rng.integers(3, 9, 3)]
    if rng.random() < 0.15:
        shape[rng.integers(3)] = 1
    turned = np.eye(3)[:, rng.permutation(3)] * rng.choice([-1.0, 1.0], 3)
    if rng.random() < 0.5:
        turned = np.linalg.qr(rng.normal(size=(3, 3)))[0] @ turned
    k, j, i = shape
    a, b, c = (float(side) for side in rng.choice([0.3, 0.7, 1.0, 5.0], 3))
    x, y, z = (float(part) for part in rng.normal(size=3) * rng.choice([0, 100]))
    return Grid((k, j, i), (a, b, c), (x, y, z), tuple(turned.ravel().tolist()))
