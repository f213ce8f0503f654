"""``semiseg benchmark``: the published protocols and few slices, run in pieces; for developers, in a clone."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path
from typing import Any

from ..errors import SemiSegError

ROOT = Path(__file__).resolve().parents[2]
COMMAND = "Testing.benchmarks.runner.command"


class NoBenchmarks(SemiSegError):
    """The installed package comes without the benchmarks; the message says where they are."""


def add(commands: Any) -> None:
    """The grammar: all words behind ``benchmark`` are the benchmarks' own, their --help too."""
    benchmark = commands.add_parser(
        "benchmark", help="run the published protocols (in a clone of the repository)",
        add_help=False, prefix_chars="\0",  # no word of theirs is an option of ours
    )
    benchmark.add_argument("words", nargs="*")
    benchmark.set_defaults(do=_benchmark)


def _benchmark(options: argparse.Namespace) -> int:
    if not ROOT.joinpath(*COMMAND.split(".")).with_suffix(".py").is_file():
        raise NoBenchmarks(
            f"The benchmarks are not part of the installed package: {ROOT / 'Testing' / 'benchmarks'} does not exist. "
            "Clone SemiSeg's repository and give the same command there, as python3 -m SemiSegLogic benchmark."
        )
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    return int(importlib.import_module(COMMAND).main(options.words or ["--help"]))
