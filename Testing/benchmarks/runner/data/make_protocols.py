"""Writes the split lists, digests and draws of the protocols.

    python -m Testing.benchmarks.runner.data.make_protocols --help

Run once per data set by whoever has it; the files it wrote are part of the project, so that everybody uses the same
split. ``sets NAME --data FOLDER`` fills in the digests of a data set, ``draws PROTOCOL --data FOLDER`` the volumes and
slices of a few-slice protocol (without a folder: the volumes alone; slices then follow the rule).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from SemiSegLogic.files import write_json
from Testing.benchmarks.runner.data.slices import NUMBERS, chosen_slices, ticket_order
from Testing.benchmarks.runner.definitions.checked import read_object
from Testing.benchmarks.runner.definitions.datasets import DIGITS, SETS, Collection, data_set
from Testing.benchmarks.runner.definitions.protocol import PROTOCOLS

SEEDS = (0, 1, 2)
MOST = 16


def add_digests(name: str, folder: Path) -> None:
    """The digest of every case of data set ``name``."""
    path = SETS / f"{name}.json"
    content = read_object(path)
    content["digests"] = {}
    about = data_set(name)
    cases = Collection(about, folder)
    names = [*about.train, *about.validation, *about.test]
    content["digests"] = {case: cases.case(case).digest[:DIGITS] for case in names}
    write_json(path, content)
    print(f"{path}: {len(names)} digests")


def add_draws(name: str, folder: Path | None, axis: int | None) -> None:
    """For each seed the first volumes in the order of their tickets, with 1, 3, 5 and 10 slices each."""
    path = PROTOCOLS / f"{name}.json"
    content = read_object(path)
    about = data_set(content["set"])
    cases = None if folder is None else Collection(about, folder)
    content["draws"] = {
        str(seed): [
            _entry(case, number, cases, axis) for number, case in enumerate(ticket_order(about.train, seed)[:MOST])
        ]
        for seed in SEEDS
    }
    write_json(path, content)
    print(f"{path}: draws for the seeds {SEEDS}")


def _entry(case: str, number: int, cases: Collection | None, axis: int | None) -> dict[str, Any]:
    if cases is None:
        return {"case": case, "axis": axis or 0}
    label = cases.case(case).label
    found = {str(count): chosen_slices(label, count, axis, number) for count in NUMBERS}
    return {
        "case": case, "axis": found["1"][0].axis,
        "slices": {count: [place.index for place in places] for count, places in found.items()},
    }


def main() -> None:
    """See the module."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("what", choices=("sets", "draws"))
    words.add_argument("name")
    words.add_argument("--data", type=Path)
    words.add_argument("--axis", type=int, choices=(0, 1, 2), help="of the slices, (k, j, i); default: the broadest")
    options = words.parse_args()
    if options.what == "sets":
        add_digests(options.name, options.data)
    else:
        add_draws(options.name, options.data, options.axis)


if __name__ == "__main__":
    main()
