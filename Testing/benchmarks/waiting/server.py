"""What the way over a server costs: sending, sending again, asking.

    python -m Testing.benchmarks.waiting.server [--megabytes 256] [--rounds 3] [--there-and-back-ms 0]

A server over https on 127.0.0.1, in this process, or behind a line on which a word takes some milliseconds there and
back, and a file of random bytes; beside it the same file copied and hashed, which is the least that sending must do. A
courier asks once a second.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from SemiSegLogic.backends.server.backend import Server
from SemiSegLogic.backends.server.gateway import Gateway
from SemiSegLogic.files import digest_file
from Testing.support.certificates import make_certificate
from Testing.support.servers import RunningServer
from Testing.support.slow_line import SlowLine


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--megabytes", type=int, default=256)
    words.add_argument("--rounds", type=int, default=3)
    words.add_argument("--there-and-back-ms", type=float, default=0.0)
    options = words.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = RunningServer(folder / "server", make_certificate(folder))
        described = server.describe(folder / "ada")
        line = SlowLine(server.port, options.there_and_back_ms / 2000) if options.there_and_back_ms else None
        if line is not None:
            described.write_text(described.read_text().replace(f":{server.port}", f":{line.port}"))
        try:
            measure(folder, Gateway(Server.read(described)), options.megabytes, options.rounds)
        finally:
            server.close()
            if line is not None:
                line.close()


def measure(folder: Path, gateway: Gateway, megabytes: int, rounds: int) -> None:
    """Print the table."""
    print(f"| a file of {megabytes} MB, median of {rounds} | s | MB/s |\n|---|---|---|")
    rows: dict[str, list[float]] = {}
    for seed in range(rounds):
        path = folder / f"{seed}.npy"
        path.write_bytes(np.random.default_rng(seed).bytes(megabytes * 1_000_000))
        digest = digest_file(path)
        for what, act in steps(gateway, path, digest, folder).items():
            rows.setdefault(what, []).append(seconds(act))
        path.unlink()
    for what, times in rows.items():
        print(f"| {what} | {statistics.median(times):.2f} | {megabytes / statistics.median(times):.0f} |")
    print(f"\na question and its answer: {1000 * look(gateway, rounds):.0f} ms")


def steps(gateway: Gateway, path: Path, digest: str, folder: Path) -> dict[str, Callable[[], object]]:
    """What is timed, in order."""
    return {
        "copied and hashed on this disk": lambda: digest_file(Path(shutil.copyfile(path, folder / "copy"))),
        "sent over https": lambda: gateway.send(path, digest, lambda there: None),
        "sent again": lambda: gateway.send(path, digest, lambda there: None),
    }


def look(gateway: Gateway, rounds: int) -> float:
    """Seconds of a question, median."""
    return statistics.median(seconds(lambda: gateway.check()) for _ in range(10 * rounds))


def seconds(act: Callable[[], object]) -> float:
    """How long ``act`` takes."""
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
