"""Does a run slow down or grow when there are more volumes, or larger ones?

    python -m Testing.benchmarks.speed.scaling [--folder DIR] [--volumes 10 100 500] [--annotated 4]
        [--shape 1000 512 512] [--full]

Makes jobs of synthetic CT volumes: three different ones, which all the cases of a job share, so that 500 of them fit on
a disk; every case is prepared, mapped and drawn from on its own. For each number of volumes a process of its own builds
the job, brings it to the engine (first with an empty cache, then from it), trains some steps of mean teacher and
predicts three volumes. ``--full`` keeps the volumes at their own spacing, as a plan for small structures would.
Of each number of volumes ``--annotated`` have three annotated slices. "Own memory" is what the process holds itself;
mapped files come on top, are given back when others need the room, and count in the peak of the preparation.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from SemiSegLogic.engine.data.patches import Sampler
from SemiSegLogic.engine.hardware.device import Device, choose
from SemiSegLogic.engine.hardware.memory import give_back_freed_memory
from SemiSegLogic.engine.prediction.predict import Predictor
from SemiSegLogic.engine.training.trainer import Budget, Progress, Trainer
from SemiSegLogic.geometry import Grid, Planes, SliceIndex
from SemiSegLogic.job import JobCase, JobFolder, JobSpec, JobStructure
from SemiSegLogic.methods import make
from SemiSegLogic.runner import data
from SemiSegLogic.runner.data import Data
from SemiSegLogic.settings import Training
from Testing.support.data.synthetic_ct import synthetic_ct

CONTENTS = 3
STEPS, WARM_UP = 24, 4
SPACING = (1.0, 0.8, 0.8)


def make_job(
    root: Path, count: int, annotated: int, shape: tuple[int, int, int], organ: int, source: Path
) -> JobFolder:
    """``count`` cases; ``annotated`` of them have three annotated slices with an organ ``organ`` voxels wide."""
    job, grid, cases = JobFolder.create(root), Grid(shape, SPACING), []
    digests = [_image(job, number, shape, source) for number in range(CONTENTS)]
    for number in range(count):
        places = tuple(SliceIndex(0, shape[0] // 2 + turn * shape[0] // 16) for turn in (-1, 0, 1))
        label = job.put_label(_planes(shape, places, organ), shape) if number < annotated else None
        cases.append(JobCase(f"c{number + 1:03d}", digests[number % CONTENTS], grid, label, places if label else ()))
    job.submit(JobSpec("train", (JobStructure(1, "organ"),), tuple(cases), "mean_teacher", {}, Training().to_dict()))
    return job


def _image(job: JobFolder, number: int, shape: tuple[int, int, int], source: Path) -> str:
    """Linked from ``source``, where it is made once."""
    known = source / f"{number}.txt"
    if not known.exists():
        source.mkdir(parents=True, exist_ok=True)
        digest = job.put_image(synthetic_ct(shape, number))
        (source / f"{digest}.npy").hardlink_to(job.inputs / f"{digest}.npy")
        (source / f"{digest}.seal").write_bytes((job.inputs / f"{digest}.seal").read_bytes())
        known.write_text(digest)
    digest = known.read_text()
    if not (job.inputs / f"{digest}.npy").exists():
        assert job.link_image(source / f"{digest}.npy")
    return digest


def _planes(shape: tuple[int, int, int], places: tuple[SliceIndex, ...], organ: int) -> Planes:
    plane, half = np.zeros(shape[1:], np.uint8), organ // 2
    j, i = (side // 2 for side in shape[1:])
    plane[j - half : j + half, i - half : i + half] = 1
    return dict.fromkeys(places, plane)


def measure(folder: Path, count: int, annotated: int, shape: tuple[int, int, int], full: bool) -> dict[str, object]:
    """One row."""
    begun = time.perf_counter()
    job = make_job(folder / f"job{count}", count, annotated, shape, 40 if full else 300, folder / "images")
    built = time.perf_counter() - begun
    device = choose("cpu")
    forget_peak()
    prepared = load(job, device)[1]
    peak = memory("VmHWM")
    give_back_freed_memory()  # the first volumes are gone: only those of the second time are to be counted
    loaded, again = load(job, device)
    volume = next(iter(loaded.volumes.values()))
    row = {"volumes": count, "kept": f"{volume.image.nbytes / 1e6:.0f} MB each", "plan": list(loaded.plan.patch),
           "annotated": min(annotated, count),
           "built_s": built, "prepared_s": prepared, "peak_gb": peak, "read_s": again, "memory_loaded_gb": memory()}
    row |= train(loaded, device)
    row["memory_trained_gb"] = memory()
    begun = time.process_time()
    predictor = Predictor(make("supervised", {}, loaded.task()).eval().predictor(), loaded.plan, device)
    for name in list(loaded.volumes)[:CONTENTS]:
        predictor.predict(loaded.volumes[name], loaded.classes)
    return row | {"predict_s": (time.process_time() - begun) / CONTENTS, "memory_end_gb": memory()}


def load(job: JobFolder, device: Device) -> tuple[Data, float]:
    """The volumes, and the core-seconds that it took."""
    begun = time.process_time()
    loaded = data.load(job, device, lambda done, of: None)
    return loaded, time.process_time() - begun


def train(loaded: Data, device: Device) -> dict[str, float]:
    """Median milliseconds of a step and of a draw, and how the memory grew over the last steps."""
    method = make("mean_teacher", {}, loaded.task())
    sampler = Sampler(list(loaded.volumes.values()), loaded.plan)
    trainer = Trainer(method, sampler, device, Budget(0, STEPS))
    times, held = [time.process_time()], []

    def after(progress: Progress, share: float) -> bool:
        times.append(time.process_time())
        held.append(memory())
        return True

    trainer.fit(after)
    draws = []
    for _ in range(STEPS):
        begun = time.process_time()
        sampler.draw(method.need(trainer.where()))
        draws.append(time.process_time() - begun)
    return {"step_ms": float(np.median(np.diff(times)[WARM_UP:])) * 1e3, "draw_ms": float(np.median(draws)) * 1e3,
            "growth_mb": (held[-1] - held[WARM_UP]) * 1e3}


def memory(kind: str = "RssAnon") -> float:
    """GB of this process (Linux): "RssAnon" what it holds itself, "VmHWM" the most it had, mapped files too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(kind)).split()[1]) * 1024 / 1e9


def forget_peak() -> None:
    """Let "VmHWM" start anew (Linux)."""
    Path("/proc/self/clear_refs").write_text("5")


def show(rows: list[dict[str, float]]) -> None:
    """The table, with ratios to the first row."""
    print("| volumes | annotated | kept | job built s | prepared s | peak GB | read again s | draw ms | step ms | "
          f"ratio | growth over {STEPS - WARM_UP} steps MB | predict s | own memory GB: loaded / trained / end |")
    print("|" + "---|" * 13)
    for row in rows:
        print("| {volumes} | {annotated} | {kept} | {built_s:.1f} | {prepared_s:.1f} | {peak_gb:.2f} | {read_s:.2f} | "
              "{draw_ms:.1f} | {step_ms:.0f} | {ratio:.2f} | {growth_mb:+.1f} | {predict_s:.1f} | "
              "{memory_loaded_gb:.2f} / {memory_trained_gb:.2f} / {memory_end_gb:.2f} |".format(
                  **row, ratio=row["step_ms"] / rows[0]["step_ms"]))


def main() -> None:
    """Measure each number of volumes in a process of its own, then print."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--folder", type=Path)
    words.add_argument("--volumes", type=int, nargs="+", default=[10, 100, 500])
    words.add_argument("--annotated", type=int, default=4)
    words.add_argument("--shape", type=int, nargs=3, default=(1000, 512, 512), help="k j i")
    words.add_argument("--full", action="store_true")
    words.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = words.parse_args()
    k, j, i = options.shape
    if options.one:
        print(json.dumps(measure(options.folder, options.one, options.annotated, (k, j, i), options.full)))
        return
    folder = Path(tempfile.mkdtemp(dir=options.folder))
    try:
        device = choose("cpu")
        print(f"{device.name}, torch {torch.__version__}, {k}x{j}x{i} voxels of {SPACING} mm")
        call = [sys.executable, "-m", "Testing.benchmarks.speed.scaling", "--folder", str(folder),
                "--shape", str(k), str(j), str(i), "--annotated", str(options.annotated),
                *(["--full"] if options.full else [])]
        rows = []
        for count in options.volumes:
            done = subprocess.run([*call, "--one", str(count)], check=True, stdout=subprocess.PIPE, text=True)
            rows.append(json.loads(done.stdout.splitlines()[-1]))
            shutil.rmtree(folder / ".cache", ignore_errors=True)
            print(rows[-1], flush=True)
        show(rows)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
