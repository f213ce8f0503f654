"""Does the faster step learn as well? Both sides of step.py on the sample study, for the same number of steps.

    python -m Testing.benchmarks.speed.equal_quality --data FOLDER --out FILE [--steps 400] [--seeds 2] [--network fast]

Four whole labelled volumes and 16 unlabelled ones, SGD at RATE on both sides: the published 0.01 needs thousands of
steps. Mean Dice on the 60 held-out volumes. Every run is a line of FILE; what is there already is not run again.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from SemiSegLogic.engine.data.patches import Sampler
from SemiSegLogic.engine.hardware.device import Device
from SemiSegLogic.engine.nets import NETWORKS
from SemiSegLogic.engine.prediction.predict import Predictor
from SemiSegLogic.engine.training.trainer import Budget, Trainer
from SemiSegLogic.methods import make
from SemiSegLogic.report import dice
from Testing.benchmarks.shared.hippocampus import Hippocampus, seeded
from Testing.benchmarks.speed.plain_recipe import Case, PlainRecipe, write_compressed
from Testing.benchmarks.speed.step import RECIPE

PATCH = (32, 48, 32)
RATE = 0.05
SIDES = ("plain", "ours")


def study_of(data: Path | None, seed: int, network: str) -> Hippocampus:
    """The study, planned for ``network``."""
    study = Hippocampus(data, seed, 4, 0, 16)
    study.plan = replace(study.plan, network=network, patch=PATCH)
    study.task = replace(study.task, network=network, patch=PATCH)
    return study


def train_ours(study: Hippocampus, steps: int) -> tuple[nn.Module, Device]:
    """Our step, in the arithmetic of this computer."""
    method = make("mean_teacher", {**RECIPE, "learning_rate": RATE}, study.task)
    trainer = Trainer(method, Sampler(study.volumes, study.plan), study.device, Budget(0, steps))
    trainer.fit(lambda progress, share: True)
    return method.predictor(), study.device


def train_plain(study: Hippocampus, steps: int, seed: int) -> tuple[nn.Module, Device]:
    """The usual recipe, float32."""
    cases: list[Case] = []
    for volume in sorted(study.volumes, key=lambda volume: volume.judged is None):
        image = volume.image[0].float().numpy()
        label = np.zeros(image.shape, np.uint8) if volume.judged is None else volume.judged.all_voxels().numpy()
        cases.append((image, label))
    known = sum(volume.judged is not None for volume in study.volumes)
    with tempfile.TemporaryDirectory() as folder:
        paths = write_compressed(Path(folder), cases)
        build = NETWORKS[study.task.network]
        recipe = PlainRecipe(build, study.task, paths[:known], paths[known:], steps, RATE, seed)
        for _ in range(steps):
            recipe.step()
    return recipe.student, replace(study.device, half=False)


def score(study: Hippocampus, network: nn.Module, device: Device) -> list[float]:
    """Mean Dice of each structure over the held-out volumes."""
    predictor = Predictor(network, study.plan, device)
    found = []
    for volume, truth in study.held:
        label = predictor.predict(volume, study.classes).label
        found.append([dice(label == value, truth == value) for value in (1, 2)])
    return [round(float(value), 4) for value in np.mean(found, axis=0)]


def measure(data: Path | None, side: str, seed: int, steps: int, net: str = "fast") -> dict[str, object]:
    """One run."""
    study = study_of(data, seed, net)
    seeded(seed)
    begun = time.process_time()
    network, device = train_ours(study, steps) if side == "ours" else train_plain(study, steps, seed)
    seconds = time.process_time() - begun
    return {"side": side, "seed": seed, "steps": steps, "network": net, "dice": score(study, network, device),
            "cpu_seconds": round(seconds, 1), "threads": torch.get_num_threads(), "device": device.name}


def main() -> None:
    """Run what is missing and print the table."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--data", type=Path)
    words.add_argument("--out", type=Path, required=True)
    words.add_argument("--steps", type=int, default=400)
    words.add_argument("--seeds", type=int, default=2)
    words.add_argument("--network", default="fast")
    options = words.parse_args()
    rows = [json.loads(line) for line in options.out.read_text().splitlines()] if options.out.exists() else []
    there = {(row["side"], row["seed"], row["steps"], row["network"]) for row in rows}
    for seed in range(options.seeds):
        for side in SIDES:
            if (side, seed, options.steps, options.network) not in there:
                rows.append(measure(options.data, side, seed, options.steps, options.network))
                with options.out.open("a") as file:
                    file.write(json.dumps(rows[-1]) + "\n")
    print("| side | seed | steps | Dice, both structures | CPU seconds |\n|---|---|---|---|---|")
    for row in rows:
        print(f"| {row['side']} | {row['seed']} | {row['steps']} | {row['dice']} | {row['cpu_seconds']} |")


if __name__ == "__main__":
    main()
