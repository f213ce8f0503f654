"""Random work on a study, by every operation that people and runs have, against plain arrays: no voxel is lost,
shifted, mirrored or mixed up, whatever the geometry, and no name leaves for a job.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from SemiSegLogic.geometry import SliceIndex
from SemiSegLogic.job import JobFolder, Status
from SemiSegLogic.rounds import Round
from SemiSegLogic.settings import Training
from SemiSegLogic.study import (
    FORMATS,
    Case,
    Structure,
    Study,
    all_slices,
    export_case,
    read_layers,
    write_image,
    write_seg_nrrd,
)
from SemiSegLogic.study.formats.volumes import grid_of
from Testing.support.data.nasty_volumes import as_image, nasty_grid, nasty_image, save_somehow
from Testing.support.plain.study import Label, PlainCase

PATIENT = "Mustermann"
MOST_CASES = 3


class Work:
    """A study and what must be in it. Each public method is one thing that people or runs do, with random details."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.rng, self.folder = np.random.default_rng(seed), folder
        self.study = Study.create(folder / f"{PATIENT} study", structures=["anterior", "posterior"])
        self.plain: dict[str, PlainCase] = {}
        self.gone: dict[str, PlainCase] = {}
        self.files: dict[str, Path] = {}
        self.count = 0

    def add(self) -> None:
        if len(self.plain) >= MOST_CASES:
            return
        grid = nasty_grid(self.rng)
        self._take_in(nasty_image(self.rng, grid.shape), grid, f"{PATIENT}^{self.count}")

    def draw(self) -> None:
        case, plain = self._some()
        label, places = self._scribble(plain), self._places(plain)
        case.set_slices(label.astype(self.rng.choice(["uint8", "int64", "float32"])), places, f"Dr {PATIENT}")
        plain.judge(label, places)
        plain.remember(case)

    def nothing_here(self) -> None:
        case, plain = self._some()
        places = self._places(plain)
        case.mark(places, "bob")
        plain.judge(plain.label, places)
        plain.remember(case)

    def take_back(self) -> None:
        case, plain = self._some()
        places = self._places(plain)
        case.unmark(places, "bob")
        plain.take_back(places)
        plain.remember(case)

    def import_segmentation(self) -> None:
        """Of another program: axes turned, cropped to what is drawn, other values, the names in capitals."""
        case, plain = self._some()
        label, places = self._scribble(plain), self._places(plain)
        theirs = {value: int(new) for value, new in zip(self._values(), self.rng.permutation(200) + 1, strict=False)}
        turned = sitk.Flip(sitk.PermuteAxes(as_image(_renumbered(label, theirs), case.grid), _axes(self.rng)),
                           [bool(flip) for flip in self.rng.integers(0, 2, 3)])
        turned = _cropped(turned, self.rng)
        named = [Structure(theirs[item.value], item.name.upper()) for item in self.study.structures]
        write_seg_nrrd(path := self.folder / "theirs.seg.nrrd", sitk.GetArrayFromImage(turned), grid_of(turned), named)
        assert case.import_mask(read_layers(path), lambda _: places, "carol") == sorted(set(places))
        plain.judge(label, places)
        plain.remember(case)

    def import_label_map(self) -> None:
        case, plain = self._some()
        label, places = self._scribble(plain), self._places(plain)
        write_image(path := self.folder / f"map.{self.rng.choice(['nrrd', 'nii.gz', 'mha'])}",
                    label.astype(self.rng.choice(["uint8", "int16", "float32"])), case.grid)
        case.import_mask(read_layers(path), lambda _: places, "carol")
        plain.judge(label, places)
        plain.remember(case)

    def restore(self) -> None:
        case, plain = self._some()
        if plain.versions:
            name = str(self.rng.choice(sorted(plain.versions)))
            case.restore(name, "bob")
            plain.label, plain.judged = plain.versions[name]
            plain.accepted = False
            plain.remember(case)

    def change_structures(self) -> None:
        if len(self.study.structures) < 5 and self.rng.random() < 0.5:
            self.study.add_structure(f"structure {self.count}")
        else:
            self.study.change_structure(int(self.rng.choice(self._values())), name=f"renamed {self.count}")

    def train(self) -> None:
        """A round whose runner answers at random, while the person may remove a case or draw on."""
        if any(plain.judged for plain in self.plain.values()):
            this = Round.begin(self.study, Training(), "supervised", jobs=self.folder / "jobs")
            self._require_handed_over(this)
            answers = {name: self._scribble(self.plain[case]) for name, case in this.cases.items()}
            for name, answer in answers.items():
                this.job.put_result(name, answer, np.zeros(answer.shape, np.uint8))
            this.job.write_status(Status("done", method="supervised", results=dict.fromkeys(answers, 1)))
            self._one_of(self.draw, self.remove_and_add_another, self.reopen)()
            Round(self.study, this.folder, this.job.root.parent).collect()
            for name, case_id in this.cases.items():
                if case_id in self.plain:
                    self.plain[case_id].suggest(answers[name])

    def accept(self) -> None:
        case, plain = self._some()
        whole = plain.result()
        if whole is not None:
            case.accept("bob")
            plain.judge(whole, all_slices(case.grid.shape))
            plain.accepted = True
            plain.remember(case)

    def reject(self) -> None:
        case, plain = self._some()
        case.discard_suggestion()
        plain.suggestion = None

    def remove_and_add_another(self) -> None:
        """Another image of the same size and name."""
        case, plain = self._some()
        name = case.name
        self.study.remove_case(case.id)
        self.gone[case.id] = self.plain.pop(case.id)
        if name in {other.name for other in self.study.cases}:  # one that was moved back
            name = f"{PATIENT} {self.count}"
        self._take_in(nasty_image(self.rng, plain.image.shape), plain.grid, name)  # type: ignore[arg-type]

    def move_back(self) -> None:
        for case_id in list(self.gone):
            (self.study.folder / "removed" / case_id).rename(self.study.folder / "cases" / case_id)
            self.plain[case_id] = self.gone.pop(case_id)

    def relocate(self) -> None:
        case, _ = self._some()
        moved = self.folder / f"moved{self.count}.nrrd"
        write_image(moved, case.image(), case.grid)
        case.relocate(moved)

    def damage_and_repair(self) -> None:
        case, _ = self._some()
        (case.folder / "case.json").write_bytes((case.folder / "case.json").read_bytes()[:-9])
        assert Study.repair(self.study.folder)

    def reopen(self) -> None:
        self.study = Study.open(self.study.folder)

    def export(self) -> None:
        case, plain = self._some()
        whole = plain.result()
        if whole is not None:
            for name in FORMATS:
                (file,) = export_case(case, self.study.exports, [name])
                there = grid_of(image := sitk.ReadImage(str(file.path)))
                assert np.array_equal(sitk.GetArrayFromImage(image), whole)
                assert there.agrees(case.grid, 1e-2)
                if name == "nii.gz":
                    assert np.array_equal(np.asarray(nibabel.load(file.path).dataobj), whole.T)

    def do_something(self) -> str:
        """One of all these, and all cases compared."""
        self.count += 1
        act = self.add if not self.plain else self._one_of(*(getattr(self, name) for name in ACTS))
        act()
        assert {case.id for case in self.study.cases} == set(self.plain)
        for case in self.study.cases:
            self.plain[case.id].require_same(case)
        return act.__name__

    # --- details --------------------------------------------------------------------------------------------------

    def _take_in(self, image: np.ndarray, grid: object, name: str) -> None:
        folder = self.folder / f"{PATIENT}{self.count}-{len(self.plain) + len(self.gone)}"
        folder.mkdir()
        path = save_somehow(folder, "scan", image, grid, self.rng)  # type: ignore[arg-type]
        case = self.study.add_case(path, copy=bool(self.rng.integers(2)), name=name, duplicates=True)
        assert case.id not in self.plain.keys() | self.gone.keys()
        self.plain[case.id] = PlainCase(image, grid, np.zeros(image.shape, np.uint8))  # type: ignore[arg-type]

    def _some(self) -> tuple[Case, PlainCase]:
        key = str(self.rng.choice(sorted(self.plain)))
        return self.study.case(key), self.plain[key]

    def _one_of(self, *acts: Callable[[], None]) -> Callable[[], None]:
        return acts[self.rng.integers(len(acts))]

    def _values(self) -> list[int]:
        return [item.value for item in self.study.structures]

    def _scribble(self, plain: PlainCase) -> Label:
        return self.rng.choice([0, 0, *self._values()], plain.label.shape).astype(np.uint8)

    def _places(self, plain: PlainCase) -> list[SliceIndex]:
        axes = [int(axis) for axis in self.rng.integers(0, 3, self.rng.integers(1, 4))]
        return [SliceIndex(axis, int(self.rng.integers(plain.label.shape[axis]))) for axis in axes]

    def _require_handed_over(self, this: Round) -> None:
        """The job has the images and the drawing, and knows nobody's name."""
        job = JobFolder(this.job.root)
        for one in job.spec().cases:
            plain = self.plain[this.cases[one.id]]
            assert np.array_equal(job.image(one.image), plain.image)
            planes = job.label(one.label) if one.label else {}
            assert set(planes) == plain.judged
            for place, drawn in planes.items():
                assert np.array_equal(drawn, np.take(plain.label, place.index, place.axis))
        for path in job.root.rglob("*"):
            assert PATIENT not in path.name
            assert not path.is_file() or PATIENT.encode() not in path.read_bytes()


ACTS = [name for name in vars(Work) if not name.startswith("_") and name != "do_something"]


def _renumbered(label: Label, values: dict[int, int]) -> Label:
    table = np.zeros(256, np.uint8)
    table[list(values)] = list(values.values())
    return table[label]


def _axes(rng: np.random.Generator) -> list[int]:
    return [int(axis) for axis in rng.permutation(3)]


def _cropped(image: sitk.Image, rng: np.random.Generator) -> sitk.Image:
    """Without some of the empty border, as Slicer saves segmentations."""
    drawn = np.argwhere(sitk.GetArrayFromImage(image))
    if not len(drawn):
        return image
    low, high = drawn.min(0)[::-1], drawn.max(0)[::-1] + 1
    low = [int(rng.integers(0, n + 1)) for n in low]
    return image[tuple(slice(a, int(b)) for a, b in zip(low, high, strict=True))]


@pytest.mark.parametrize("seed", range(4))
def test_random_work_loses_and_mixes_nothing(tmp_path: Path, seed: int) -> None:
    work, done = Work(tmp_path, seed), []
    try:
        for _ in range(18):
            done.append(work.do_something())
        for case in work.study.cases:
            work.plain[case.id].require_history(case)
    except BaseException as error:
        error.add_note(f"seed {seed}, after {', '.join(done)}")
        raise
