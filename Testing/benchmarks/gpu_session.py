"""Everything that wants a GPU, in one command that can be given again and again until all of it is done.

    python -m Testing.benchmarks.gpu_session --data FOLDER --out FOLDER [--minutes 7] [--small] [--device auto]
        [--only NAME ...]

Each piece leaves its figures in OUT as soon as it is over, and a later call does only what is missing; the long one,
the 6000 steps on the atrium, goes on from its last state. Figures and that state say what they were made with (device,
size, data, PyTorch), and with anything else a piece begins anew. A piece that fails leaves its traceback in
OUT/NAME.error.txt, the others are done first, and the next call tries it again. A call ends within MINUTES, but for a
piece that has begun, and none takes longer than about two: together less than ten, which is as long as commands may run
on some shared computers. FOLDER holds the atrium scans (images/, labels/, train.list, test.list); without it phantoms
stand in, and the page says so. OUT/session.md is the page, written anew after every piece, OUT/profile.txt what a step
consists of. ``--small`` runs the same pieces at a size for seconds of a processor.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch

from SemiSegLogic.engine.hardware.device import Device, DeviceLost, choose, is_device_lost
from SemiSegLogic.engine.hardware.memory import keep_freed_memory
from SemiSegLogic.files import read_json, write_json
from Testing.benchmarks.gpu import pieces
from Testing.benchmarks.gpu.atrium import learn_atria
from Testing.benchmarks.gpu.methods import every_method
from Testing.benchmarks.gpu.sizes import FULL, SMALL, Figures, Mark, Sizes

ALL_DONE, FAILED, AGAIN = 0, 1, 3  # exit codes


@dataclass(frozen=True)
class Session:
    """``out`` the folder of results, ``until`` the time (monotonic) at which no further piece begins."""

    device: Device
    sizes: Sizes
    data: Path | None
    out: Path
    until: float

    @cached_property
    def mark(self) -> Mark:
        """What figures depend on: those of another mark do not count. Raises OSError where DATA is no data."""
        data = "phantoms instead of atrium scans" if self.data is None else f"atrium scans, lists {lists(self.data)}"
        return {"device": self.device.name, "size": self.sizes.words, "data": data,
                "torch": str(torch.__version__)}  # a class of its own, which no checkpoint may hold

    def done(self, name: str) -> Figures | None:
        """The figures of a piece, None when it is still to do."""
        path = self.out / f"{name}.json"
        kept = read_json(path) if path.exists() else {}
        return kept["figures"] if kept.get("made with") == self.mark else None

    def error_file(self, name: str) -> Path:
        """Where the traceback of a piece lies while its last try failed."""
        return self.out / f"{name}.error.txt"

    def left(self) -> float:
        """Seconds until the end of this call."""
        return self.until - time.monotonic()


def lists(data: Path) -> str:
    """Which scans a folder names, in a few letters, wherever it lies."""
    named = b"".join((data / f"{split}.list").read_bytes() for split in ("train", "test"))
    return hashlib.sha256(named).hexdigest()[:8]


PIECES: dict[str, Callable[[Session], Figures | None]] = {
    "device": lambda at: pieces.device(at.device),
    "methods": lambda at: dict(every_method(at.device, at.sizes.phantom, at.sizes.small, at.sizes.tried)),
    "step_3d": lambda at: pieces.step_3d(at.device, at.sizes, at.data),
    "step_2d": lambda at: pieces.step_2d(at.device, at.sizes),
    "prediction": lambda at: pieces.prediction(at.device, at.sizes),
    "profile": lambda at: pieces.profile(at.device, at.sizes, at.out / "profile.txt"),
    "atrium": lambda at: learn_atria(at.device, at.sizes, at.data, at.out / "atrium.ckpt", at.left, at.mark),
}
"""In this order; a piece that gives None goes on in the next call."""


def run(session: Session, only: Sequence[str] = ()) -> int:
    """Do what is missing, of ``only`` if any are named, until the time is up; the exit code."""
    session.out.mkdir(parents=True, exist_ok=True)
    _write_page(session)
    wanted = [name for name in PIECES if name in (only or PIECES)]
    # what failed before comes last: a piece that takes the card down with it must not keep the others from it
    for name in sorted(wanted, key=lambda name: session.error_file(name).exists()):
        if session.done(name) is not None:
            continue
        if session.left() <= 0:
            break
        lost = _tried(session, name)
        _write_page(session)
        if lost:
            break
    if any(session.error_file(name).exists() for name in wanted if session.done(name) is None):
        return FAILED
    return ALL_DONE if all(session.done(name) is not None for name in wanted) else AGAIN


def _tried(session: Session, name: str) -> bool:
    """Do one piece and keep what came of it, be it a traceback; True when the device is lost to this process."""
    print(f"{name} ...", flush=True)
    try:
        _do(session, name)
    except Exception as error:
        why = f"{type(error).__name__}: {str(error).strip()}".splitlines()[0]
        session.error_file(name).write_text(f"{why}\n\n{traceback.format_exc()}", encoding="utf-8")
        print(f"{name} failed: {why}", flush=True)
        lost = isinstance(error, DeviceLost) or is_device_lost(error)
    else:
        session.error_file(name).unlink(missing_ok=True)
        return False
    gc.collect()  # what a piece held when memory ran out, the next one needs
    return lost


def _do(session: Session, name: str) -> None:
    begun = time.monotonic()
    figures = PIECES[name](session)
    if figures is not None:
        figures = {**figures, "piece took s": round(time.monotonic() - begun, 1), "when": time.strftime("%F %T")}
        write_json(session.out / f"{name}.json", {"made with": session.mark, "figures": figures})
    print(f"{name}: {figures if figures is not None else 'goes on in the next call'}", flush=True)


def page(session: Session) -> str:
    """All figures so far."""
    mark = session.mark
    lines = [f"# {mark['device']}", "", f"torch {mark['torch']}; {mark['size']}; {mark['data']}.", ""]
    for name in PIECES:
        figures, failed = session.done(name), session.error_file(name)
        why = f"failed: {failed.read_text(encoding='utf-8').splitlines()[0]}" if failed.exists() else "still to do"
        lines += [f"## {name}", "", *([why, ""] if figures is None else ["| figure | value |", "|---|---|"])]
        lines += [f"| {key} | {value} |" for key, value in (figures or {}).items()] + [""]
    return "\n".join(lines)


def _write_page(session: Session) -> None:
    (session.out / "session.md").write_text(page(session), encoding="utf-8")


def refused(device: Device, small: bool) -> str:
    """Why these pieces are not done on ``device``, empty when they are."""
    if small or device.torch.type != "cpu":
        return ""
    return ("The pieces at full size take a processor days, and no GPU is used here: PyTorch sees none, or --device "
            "cpu was asked for. Give --small for a check of the script.")


def main() -> int:
    """0 when all pieces are done, 3 when the command wants to be given again, 1 when a piece failed."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--data", type=Path)
    words.add_argument("--out", type=Path, required=True)
    words.add_argument("--minutes", type=float, default=7.0)
    words.add_argument("--small", action="store_true")
    words.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    words.add_argument("--only", nargs="+", default=(), choices=tuple(PIECES), metavar="NAME",
                       help=f"these pieces only, of {', '.join(PIECES)}")
    options = words.parse_args()
    until = time.monotonic() + 60 * options.minutes
    keep_freed_memory()
    device = choose(options.device)
    if why := refused(device, options.small):
        words.error(why)
    sizes = SMALL if options.small else FULL
    code = run(Session(device, sizes, options.data, options.out, until), options.only)
    print({ALL_DONE: "all done", AGAIN: "give the same command again"}.get(code, "something failed: see *.error.txt; "
          "the same command tries it again, after what is still missing"), flush=True)
    return code


if __name__ == "__main__":
    raise SystemExit(main())
