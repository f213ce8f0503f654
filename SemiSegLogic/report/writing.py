"""``report.md`` for people and ``report.json`` for machines, around the pictures and tables of this package."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ..files import replace_file, write_json
from ..study.structures import Structure
from .metrics import EMPTY_RULE
from .tables import Scores, as_data, case_table, summary_table

PHANTOM_WARNING = (
    "**Phantoms, not patients: the real sample data was not at hand, so shapes made by SemiSeg stood in. "
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


def write_report(
    folder: Path, *, title: str, data: DataSource, structures: Sequence[Structure], sections: Sequence[Section],
    pictures: Sequence[Picture] = (), facts: Mapping[str, str] | None = None, times: Mapping[str, float] | None = None,
    exported: Sequence[str] = (),
) -> tuple[Path, Path]:
    """Writes report.md and report.json into ``folder``; their paths.

    ``facts`` are lines of the run (device, method, annotated slices, ...), ``times`` seconds by name, ``exported``
    lines about files that were written and verified. The last section also gets the table of every case.
    """
    folder.mkdir(parents=True, exist_ok=True)
    surroundings = {**computer(), **versions()}
    lines = [PHANTOM_WARNING, ""] if data.phantom else []
    lines += [f"# {title}", ""]
    for picture in pictures:
        lines += [f"![{picture.title}]({picture.file})", ""]
    for section in sections:
        lines += [f"## {section.title}", "", section.text, "", summary_table(section.scores, structures), ""]
    lines += _measures_explained()
    lines += _listing("Files written and verified", exported)
    lines += _listing("The run", [f"{name}: {value}" for name, value in (facts or {}).items()])
    lines += _listing("Times", [f"{name}: {seconds:.1f} s" for name, seconds in (times or {}).items()])
    lines += _listing("Data", [data.name, data.attribution, *data.notes])
    lines += _listing("Made with", [f"{name}: {value}" for name, value in surroundings.items()])
    if sections:
        lines += [f"## Every case: {sections[-1].title}", "", case_table(sections[-1].scores, structures), ""]
    replace_file(folder / "report.md", lambda path: _write_text(path, "\n".join(lines)))
    content = {
        "format": 1, "title": title, "phantom": data.phantom, "data": asdict(data), "facts": dict(facts or {}),
        "times_s": dict(times or {}), "made_with": surroundings, "exported": list(exported),
        "structures": [{"value": item.value, "name": item.name} for item in structures],
        "results": {section.title: as_data(section.scores, structures) for section in sections},
    }
    write_json(folder / "report.json", content)
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


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
