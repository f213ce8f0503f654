"""``report.md`` for people and ``report.json`` for machines, around the pictures and tables of this package."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..files import disk_errors, write_json, write_text
from ..study.structures import Structure
from .metrics import EMPTY_RULE
from .tables import Scores, as_data, case_table, summary_table

PHANTOM_WARNING = (
    "**Phantoms, not patients: the real sample data was not available, so SemiSeg used shapes that it made itself. "
    "These numbers say nothing about real images.**"
)
PACKAGES = ("semiseg", "torch", "monai", "numpy", "SimpleITK", "scipy", "scikit-image")


@dataclass(frozen=True)
class DataSource:
    """Which data a report is about. ``attribution`` names licence and papers; ``notes`` say where it was found, what
    was left out and why. ``phantom``: made here, not real.
    """

    name: str
    attribution: str
    phantom: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Section:
    """Scores under a title, e.g. "First suggestion" and "At the end"."""

    title: str
    text: str
    scores: Scores


@dataclass(frozen=True)
class Picture:
    """A picture in the report's folder."""

    file: str
    title: str


@dataclass(frozen=True)
class Report:
    """What a report tells. ``facts`` are lines of the run (device, method, annotated slices, ...), ``times`` seconds by
    name, ``exported`` lines about files that were written and verified. The last of the ``sections`` also gets the
    table of every case.
    """

    title: str
    data: DataSource
    structures: Sequence[Structure]
    sections: Sequence[Section]
    pictures: Sequence[Picture] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    times: Mapping[str, float] = field(default_factory=dict)
    exported: Sequence[str] = ()

    def text(self, made_with: Mapping[str, str]) -> str:
        """For people, in Markdown."""
        return "\n".join([*self._beginning(), *self._results(), *self._circumstances(made_with), *self._every_case()])

    def to_plain(self, made_with: Mapping[str, str]) -> dict[str, Any]:
        """For machines."""
        return {
            "format": 1, "title": self.title, "phantom": self.data.phantom, "data": asdict(self.data),
            "facts": dict(self.facts), "times_s": dict(self.times), "made_with": dict(made_with),
            "exported": list(self.exported),
            "structures": [{"value": item.value, "name": item.name} for item in self.structures],
            "results": {section.title: as_data(section.scores, self.structures) for section in self.sections},
        }

    def _beginning(self) -> list[str]:
        lines = [PHANTOM_WARNING, ""] if self.data.phantom else []
        lines += [f"# {self.title}", ""]
        for picture in self.pictures:
            lines += [f"![{picture.title}]({picture.file})", ""]
        return lines

    def _results(self) -> list[str]:
        lines = []
        for section in self.sections:
            table = summary_table(section.scores, self.structures)
            lines += [f"## {section.title}", "", section.text, "", table, ""]
        return lines + _measures_explained()

    def _circumstances(self, made_with: Mapping[str, str]) -> list[str]:
        return [
            *_listing("Files written and verified", self.exported),
            *_listing("The run", [f"{name}: {value}" for name, value in self.facts.items()]),
            *_listing("Times", [f"{name}: {seconds:.1f} s" for name, seconds in self.times.items()]),
            *_listing("Data", [self.data.name, self.data.attribution, *self.data.notes]),
            *_listing("Made with", [f"{name}: {value}" for name, value in made_with.items()]),
        ]

    def _every_case(self) -> list[str]:
        if not self.sections:
            return []
        last = self.sections[-1]
        return [f"## Every case: {last.title}", "", case_table(last.scores, self.structures), ""]


def write_report(folder: Path, report: Report) -> tuple[Path, Path]:
    """Writes report.md and report.json into ``folder``; their paths. Raises FileError where the disk refuses."""
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    made_with = {**computer(), **versions()}
    write_text(folder / "report.md", report.text(made_with))
    write_json(folder / "report.json", report.to_plain(made_with))
    return folder / "report.md", folder / "report.json"


def versions() -> dict[str, str]:
    """Installed versions of the packages that matter; looked up, not imported."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def computer() -> dict[str, str]:
    """System, processor cores and Python; no host name, no user name, no path."""
    return {
        "system": f"{platform.system()} {platform.machine()}", "cores": str(os.cpu_count()),
        "Python": platform.python_version(),
    }


def _measures_explained() -> list[str]:
    return [
        "Means ± standard deviation over cases. HD95: the larger of the two directed 95th percentiles of the distances "
        "between the surfaces; mean distance: average over both surfaces (average symmetric surface distance); in "
        f"millimetres, with each volume's own spacing. {EMPTY_RULE}", "",
    ]


def _listing(title: str, lines: Sequence[str]) -> list[str]:
    return [f"## {title}", "", *[f"- {line}" for line in lines], ""] if lines else []
