"""Peak memory of a runner that trains on many volumes: ``python -m Testing.benchmarks.memory.many_volumes``.

By default 80 volumes of 200x140x88 voxels, which must stay under 3 GB on a CPU.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from SemiSegLogic.settings import Training
from Testing.support.runner_costs import describe, make_job, run_and_measure

LIMIT_GB = 3.0


def main() -> int:
    """0 when every method stays under the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--volumes", type=int, default=80)
    parser.add_argument("--shape", type=int, nargs=3, default=(88, 140, 200), help="k j i")
    parser.add_argument("--methods", nargs="+", default=["supervised", "mean_teacher"])
    parser.add_argument("--steps", type=int, default=8)
    options = parser.parse_args()
    print(describe())
    worst = 0.0
    for method in options.methods:
        with tempfile.TemporaryDirectory() as folder:
            training = Training(steps=options.steps, first_mask_steps=options.steps // 2, device="cpu")
            k, j, i = options.shape
            job = make_job(Path(folder) / "job", options.volumes, (k, j, i), training, method)
            cost = run_and_measure(job)
        print(f"{method}: peak {cost.peak_gb:.2f} GB, first step after {cost.first_step_s:.1f} s, "
              f"all over after {cost.seconds:.0f} s", flush=True)
        worst = max(worst, cost.peak_gb)
    print(f"limit {LIMIT_GB} GB: {'kept' if worst < LIMIT_GB else 'BROKEN'}")
    return int(worst >= LIMIT_GB)


if __name__ == "__main__":
    raise SystemExit(main())
