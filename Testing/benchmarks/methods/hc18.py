"""ERSR on fetal heads: 10 % of the exams annotated, images of 64 x 96 pixels, at equal steps from the same first mask.

    python -m Testing.benchmarks.methods.hc18 --data FOLDER [--seeds 5] [--only supervised ersr]

FOLDER holds the unpacked HC18 (van den Heuvel et al. 2018, CC BY 4.0): images, masks, and the lists train and test,
which never share an exam. A seed draws the annotated exams, the start of the network and the order of the patches. One
row per (variant, seed) is appended to results/hc18.jsonl; rows that are there are not run again. Dice on the 205 test
images, which training never sees, at the last step; nothing is selected. ``--table`` renders the table: differences
are paired, seed by seed. Time is processor time.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.io import imread
from skimage.transform import resize

from SemiSegLogic.engine.data.patches import Sampler
from SemiSegLogic.engine.data.volumes import Classes, Volume, class_prior, load_volume, set_label
from SemiSegLogic.engine.hardware.device import choose
from SemiSegLogic.engine.planning.facts import CaseFacts
from SemiSegLogic.engine.planning.planner import make_plan
from SemiSegLogic.engine.prediction.predict import Predictor
from SemiSegLogic.engine.training.checkpoint import warm_start
from SemiSegLogic.engine.training.trainer import Budget, Trainer
from SemiSegLogic.geometry import Grid, SliceIndex
from SemiSegLogic.methods import make
from SemiSegLogic.methods.base import Method, Task
from SemiSegLogic.report import dice
from Testing.benchmarks.shared.hippocampus import seeded
from Testing.benchmarks.shared.row_files import RowFile, asked

SHAPE = (64, 96)
ANNOTATED = 0.1
FIRST_STEPS, STEPS = 300, 1000
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "supervised": ("supervised", {}),
    "mean_teacher": ("mean_teacher", {}),
    "ersr": ("ersr", {}),
    "ersr, unlabelled losses gently": (
        "ersr", {"pretraining": 0.3, "ramp": 1.0, "consistency": 1.0, "unlabelled": 2}),
}


@dataclass(frozen=True)
class Row:
    """One run. ``dice`` mean over the test images, ``worst`` its fifth percentile; ``seconds`` of one thread."""

    variant: str
    seed: int
    dice: float
    worst: float
    seconds: float


FILE = RowFile("hc18", Row)


class FetalHeads:
    """Training images, those of a tenth of the exams annotated, and the test images with their truth."""

    def __init__(self, folder: Path, seed: int):
        self.folder, self.device = folder, choose("cpu")
        names, tests = ((folder / f"{name}.list").read_text().split() for name in ("train", "test"))
        known = annotated(names, seed)
        facts = [CaseFacts(grid_of(SHAPE), places(name in known)) for name in names]
        self.plan, self.classes = make_plan(facts, ["head"], self.device), Classes([1])
        self.volumes = [self._volume(name) for name in names]
        for volume in self.volumes:
            if volume.name in known:
                set_label(volume, self.truth(volume.name), places(True), self.classes)
        self.tests = [(self._volume(name), self.truth(name)) for name in tests]
        self.task = Task(1, 2, 2, self.plan.patch, self.plan.network, class_prior(self.volumes, 2))

    def _volume(self, name: str) -> Volume:
        image = resize(imread(self.folder / "images" / name).astype(np.float32), SHAPE, anti_aliasing=True)
        return load_volume(name, image[None], grid_of(SHAPE), self.plan, self.device.torch)

    def truth(self, name: str) -> NDArray[np.uint8]:
        """(1,H,W): the head."""
        mask = resize((imread(self.folder / "masks" / name) > 0).astype(np.float32), SHAPE, anti_aliasing=True)
        return (mask > 0.5).astype(np.uint8)[None]

    def train(self, name: str, settings: dict[str, Any], steps: int, start: Method | None) -> tuple[Method, Trainer]:
        """Method ``name`` after ``steps`` steps from the network of ``start``."""
        method = make(name, settings, self.task)
        if start is not None:
            warm_start(method, start.predictor().state_dict())
        trainer = Trainer(method, Sampler(self.volumes, self.plan), self.device, Budget(0, steps), time.process_time)
        trainer.fit(lambda progress, share: True)
        return method, trainer

    def dice(self, method: Method) -> list[float]:
        """Of every test image."""
        predictor = Predictor(method.predictor(), self.plan, self.device)
        return [dice(predictor.predict(image, self.classes).label == 1, truth == 1) for image, truth in self.tests]


def grid_of(shape: tuple[int, int]) -> Grid:
    """A single image; a pixel is a millimetre."""
    return Grid((1, *shape))


def places(judged: bool) -> tuple[SliceIndex, ...]:
    """The one slice of an image, if it is judged."""
    return (SliceIndex(0, 0),) if judged else ()


def annotated(names: list[str], seed: int) -> set[str]:
    """The images of a tenth of the exams: an exam is never half annotated."""
    exams = sorted({exam_of(name) for name in names})
    order = np.random.default_rng(seed).permutation(exams)[: round(ANNOTATED * len(exams))]
    return {name for name in names if exam_of(name) in set(order)}


def exam_of(name: str) -> str:
    """548 of 548_2HC.png."""
    return name.split("_")[0]


def run(heads: FetalHeads, first: Method, variant: str, seed: int) -> Row:
    """One row."""
    seeded(seed)
    name, settings = VARIANTS[variant]
    method, trainer = heads.train(name, settings, STEPS, first)
    scores = heads.dice(method)
    worst = float(np.percentile(scores, 5))
    return Row(variant, seed, round(float(np.mean(scores)), 4), round(worst, 4), round(trainer.progress.elapsed, 1))


def table(found: list[Row]) -> str:
    """Markdown: means over the seeds, and the paired difference to supervised with its standard error."""
    base = {row.seed: row.dice for row in found if row.variant == "supervised"}
    lines = ["| method | Dice | fifth percentile | against supervised | better on | s |", "|---|---|---|---|---|---|"]
    for variant in VARIANTS:
        mine = [row for row in found if row.variant == variant]
        gaps = [row.dice - base[row.seed] for row in mine if row.seed in base]
        if not gaps:
            continue
        error = np.std(gaps, ddof=1) / len(gaps) ** 0.5 if len(gaps) > 1 else float("nan")
        lines.append(
            f"| {variant} | {np.mean([r.dice for r in mine]):.4f} | {np.mean([r.worst for r in mine]):.3f} | "
            f"{np.mean(gaps):+.4f} ± {error:.4f} | {sum(gap > 0 for gap in gaps)} of {len(gaps)} seeds | "
            f"{np.median([r.seconds for r in mine]):.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """See the module."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--data", type=Path)
    words.add_argument("--seeds", type=int, default=5)
    words.add_argument("--only", nargs="*", default=list(VARIANTS))
    options = asked(words, lambda: table(FILE.read()))
    for seed in range(options.seeds):
        done = {row.variant for row in FILE.read() if row.seed == seed}
        if todo := [name for name in options.only if name not in done]:
            heads = FetalHeads(options.data, seed)
            seeded(seed)
            first = heads.train("supervised", {}, FIRST_STEPS, None)[0]
        for variant in todo:
            FILE.add(run(heads, first, variant, seed))


if __name__ == "__main__":
    main()
