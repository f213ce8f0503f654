"""The pages: Markdown from a method's docstring, its words, settings, recipes and measured costs, and its figure."""

from __future__ import annotations

import ast
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

from ..markdown import table
from ..settings import ABOUT, METHOD_SETTINGS, PAPER, Published
from ..settings.costs import Cost, costs
from .drawing import draw
from .flows import FLOWS

METHODS = Path(__file__).parents[1] / "methods"
MADE = "Made from the code by `semiseg methods --pages`; change the code, not this page."


def pages() -> dict[str, str]:
    """Every file of the help on methods, by name."""
    found = {"index.md": index()}
    for name in ABOUT:
        found[f"{name}.md"], found[f"{name}.svg"] = page(name), draw(FLOWS[name])
    return found


def write_pages(folder: Path) -> list[Path]:
    """Write them all into ``folder``. Raises OSError where the disk refuses."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
        written.append(folder / name)
    return written


def index() -> str:
    """The list of methods."""
    head = ["method", "what it does", "suits", "time of a step / of supervised"]
    rows = [(f"[{name}]({name}.md)", about.does, about.suits, paces(name)) for name, about in ABOUT.items()]
    return "\n".join(["# The methods", "", *table(head, rows), "", f"{measured_on()} {MADE}", ""])


def page(name: str) -> str:
    """One method."""
    about, (title, *rest) = ABOUT[name], docstring(name).split("\n\n")
    parts = [
        f"# {title}", f"{about.does} Suits {about.suits}.", f"![{FLOWS[name].caption}]({name}.svg)",
        f"*{FLOWS[name].caption}*", *rest, "## Cost", cost_text(name), "## Recipes", recipes(name), "## Settings",
        settings_table(name), MADE,
    ]
    return "\n\n".join(parts) + "\n"


def docstring(name: str) -> str:
    """Of the method's file, read without importing it (which would take torch), a full stop off its title."""
    text = ast.get_docstring(ast.parse((METHODS / f"{name}.py").read_text(encoding="utf-8")))
    assert text is not None, f"{name}.py has no docstring"
    title, _, rest = text.partition("\n")
    return f"{title.rstrip('.')}\n{rest}"


def paces(name: str) -> str:
    """Relative times of a step."""
    return ", ".join(f"{cost.time:.1f} x ({cost.dims}D, {cost.kind})" for cost in costs(name)) or "not measured"


def measured_on() -> str:
    """When and on what."""
    return " ".join(f"On {cost.kind}: {cost.device}, {cost.date}." for cost in costs("supervised") if cost.dims == 3)


def cost_text(name: str) -> str:
    """What was measured."""
    return "\n".join(f"- {cost_line(cost)}" for cost in costs(name)) or "Not measured."


def cost_line(cost: Cost) -> str:
    """One measurement in words."""
    what = "memory of the GPU" if cost.kind == "cuda" else "memory"
    return (f"{cost.dims}D: a step takes {cost.time:.1f} times as long as one of supervised, and needs {cost.memory} "
            f"MB of {what} ({cost.device}; {cost.date}).")


def recipes(name: str) -> str:
    """What the paper trains on, by dimension."""
    lines = ["- clinical (the default): network and patch by the plan, steps by the time there is."]
    lines += [f"- paper, {dims}D: {published_text(row)}" for dims, row in PAPER[name].items()]
    return "\n".join(lines)


def published_text(row: Published) -> str:
    """A row of PAPER in words."""
    patch = " x ".join(map(str, row.patch))
    return f"network {row.network}, patches of {patch} voxels, {row.steps} steps ({row.source})."


def settings_table(name: str) -> str:
    """Every number: what the clinical recipe has, what the paper's."""
    papers = PAPER[name]
    head = ["setting", "what it is", "clinical", *(f"paper, {dims}D" for dims in papers), "may be", "from"]
    rows = []
    for item in fields(METHOD_SETTINGS[name]):
        values = [item.default, *(row.changes.get(item.name, item.default) for row in papers.values())]
        words = (bounds(item), item.metadata["source"])
        rows.append([f"`{item.name}`", item.metadata["label"], *map(shown, values), *words])
    return "\n".join(table(head, rows))


def bounds(item: Field[Any]) -> str:
    """The values a setting may take."""
    about = item.metadata
    if "options" in about:
        return ", ".join(about["options"])
    if "low" not in about:
        return "yes, no" if isinstance(item.default, bool) else "text"
    return f"{shown(about['low'])} to {shown(about['high'])} {about['unit']}".rstrip()


def shown(value: object) -> str:
    """A value for people."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
