"""Everything that wants a GPU, in one command that can be given again and again until all of it is done.

    python -m Testing.benchmarks.gpu_session --data FOLDER --out FOLDER [--minutes 9] [--small] [--device auto]

Each piece leaves its figures in OUT as soon as it is over, and a later call does only what is missing; the long one,
the 6000 steps on the atrium, goes on from its last state. A call ends within MINUTES, but for a piece that has begun,
and none takes longer than about two. FOLDER holds the atrium scans (images/, labels/, train.list, test.list); without
it phantoms stand in, and the page says so. OUT/session.md is the page, OUT/profile.txt what a step consists of.
``--small`` runs the same pieces at a size for seconds of a processor.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from SemiSegLogic.engine.hardware.device import Device, choose
from SemiSegLogic.engine.hardware.memory import keep_freed_memory
from SemiSegLogic.files import read_json, write_json
from Testing.benchmarks import gpu_pieces as pieces
from Testing.benchmarks.gpu_pieces import Sizes

Figures = dict[str, Any]


@dataclass(frozen=True)
class Session:
    """``out`` the folder of results, ``until`` the time (monotonic) at which no further piece begins."""

    device: Device
    sizes: Sizes
    data: Path | None
    out: Path
    until: float

    def done(self, name: str) -> Figures | None:
        """The figures of a piece, None when it is still to do."""
        path = self.out / f"{name}.json"
        return read_json(path) if path.exists() else None

    def left(self) -> float:
        """Seconds until the end of this call."""
        return self.until - time.monotonic()


PIECES: dict[str, Callable[[Session], Figures | None]] = {
    "device": lambda at: pieces.device(at.device),
    "step_3d": lambda at: pieces.step_3d(at.device, at.sizes, at.data),
    "step_2d": lambda at: pieces.step_2d(at.device, at.sizes),
    "prediction": lambda at: pieces.prediction(at.device, at.sizes),
    "profile": lambda at: pieces.profile(at.device, at.sizes, at.out / "profile.txt"),
    "atrium": lambda at: pieces.atrium(at.device, at.sizes, at.data, at.out / "atrium.ckpt", at.left),
}
"""In this order; a piece that gives None goes on in the next call."""


def run(session: Session) -> bool:
    """Do what is missing until the time is up; True when nothing is."""
    session.out.mkdir(parents=True, exist_ok=True)
    for name, piece in PIECES.items():
        if session.done(name) is not None:
            continue
        if session.left() <= 0:
            break
        print(f"{name} ...", flush=True)
        begun = time.monotonic()
        figures = piece(session)
        if figures is not None:
            took = round(time.monotonic() - begun, 1)
            write_json(session.out / f"{name}.json", {**figures, "piece took s": took, "when": time.strftime("%F %T")})
        print(f"{name}: {figures if figures is not None else 'goes on in the next call'}", flush=True)
    (session.out / "session.md").write_text(page(session), encoding="utf-8")
    return all(session.done(name) is not None for name in PIECES)


def page(session: Session) -> str:
    """All figures so far."""
    lines = [f"# {session.device.name}", "", f"torch {torch.__version__}; {session.sizes.words}; "
             f"{'atrium scans' if session.data else 'phantoms instead of atrium scans'}.", ""]
    for name in PIECES:
        figures = session.done(name)
        lines += [f"## {name}", "", *(["still to do", ""] if figures is None else ["| figure | value |", "|---|---|"])]
        lines += [f"| {key} | {value} |" for key, value in (figures or {}).items()] + [""]
    return "\n".join(lines)


def main() -> int:
    """0 when all pieces are done, 3 when the command wants to be given again."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--data", type=Path)
    words.add_argument("--out", type=Path, required=True)
    words.add_argument("--minutes", type=float, default=9.0)
    words.add_argument("--small", action="store_true")
    words.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    options = words.parse_args()
    until = time.monotonic() + 60 * options.minutes
    keep_freed_memory()
    sizes = pieces.SMALL if options.small else pieces.FULL
    whole = run(Session(choose(options.device), sizes, options.data, options.out, until))
    print("all done" if whole else "give the same command again", flush=True)
    return 0 if whole else 3


if __name__ == "__main__":
    raise SystemExit(main())
