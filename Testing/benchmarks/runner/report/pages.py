"""The results pages: what was run, on what, with which command, beside what others published."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from SemiSegLogic.files import replace_file

from ..definitions.protocol import Protocol, Published
from ..definitions.recipe import Recipe
from ..definitions.runs import Row
from .plots import draw
from .summary import Summary, summarise
from .tables import BASELINES, CLINICAL, LEGACY, detail_table, dice_table, difference_table, has, markdown, number, told


def write_page(about: Protocol, rows: Sequence[Row], folder: Path) -> list[Path]:
    """The page and the pictures of a protocol, in ``folder``; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = draw(about, rows, folder)
    return [write_text(folder / f"{about.name}.md", page(about, rows, pictures=pictures)), *pictures]


def overview(protocols: Sequence[tuple[Protocol, Sequence[Row]]]) -> str:
    """What is done of every recipe."""
    lines = []
    for about, rows in protocols:
        for recipe in about.recipes.values():
            if recipe.shown:
                found = summarise(about, recipe, rows)
                state = f"{found.done} of {found.wanted}"
                lines.append([f"[{about.title}]({about.name}.md)", recipe.name, state, f"`{command(about, recipe)}`"])
    return "# What was run\n\n" + markdown(["protocol", "recipe", "runs done", "command"], lines) + "\n"


def page(about: Protocol, rows: Sequence[Row], only: str | None = None, pictures: Sequence[Path] = ()) -> str:
    """The page of a protocol; ``only`` one recipe."""
    chosen = [recipe for recipe in about.recipes.values() if recipe.shown and only in (None, recipe.name)]
    found = [summarise(about, recipe, rows) for recipe in chosen]
    parts = [f"# {about.title}", about.purpose, _data(about), _cells(about)]
    for summary in found:
        parts += _recipe(summary, [path for path in pictures if path.stem.startswith(_stem(summary))])
    parts += _published(about, found)
    for title, words in (("Caveats", about.caveats), ("Open, and gaps explained", about.gaps)):
        parts += [f"## {title}", "\n".join(f"- {line}" for line in words)] if words else []
    return "\n\n".join(parts) + "\n"


def command(about: Protocol, recipe: Recipe, more: str = "") -> str:
    """What a stranger types."""
    return f"semiseg benchmark run --protocol {about.name} --recipe {recipe.name}{more} --data FOLDER --minutes 9"


def _stem(found: Summary) -> str:
    return f"{found.protocol.name}-{found.recipe.name}"


def _data(about: Protocol) -> str:
    data = about.data
    count = f"{len(data.train)} to train on, {len(data.validation)} to validate on (not used), {len(data.test)} to test"
    return "\n".join([
        "| | |", "|---|---|", f"| data | {data.title}; {count} |", f"| from | {data.source} |",
        f"| licence | {data.licence} |", f"| may be published | {data.publish} |", f"| axes | {data.axes} |",
        f"| distances | {data.distances} |", f"| note | {data.note} |",
        f"| split | `sets/{data.name}.json` and `{about.name}.json` in `Testing/benchmarks/protocols` |",
    ])


def _cells(about: Protocol) -> str:
    seeds = sorted({seed for recipe in about.recipes.values() for seed in recipe.seeds})
    lines = [
        [name, cell.title, " ".join(dict.fromkeys(about.split_hash(name, seed) for seed in seeds))]
        for name, cell in about.cells.items()
    ]
    rule = f"\n\n{about.slices_rule}" if about.slices_rule else ""
    return "## Cells\n\n" + markdown(["cell", "annotated", "hash of the split, by seed"], lines) + rule


def _recipe(found: Summary, pictures: Sequence[Path]) -> list[str]:
    recipe = found.recipe
    parts = [f"## Recipe `{recipe.name}`", recipe.why, f"```\n{command(found.protocol, recipe)}\n```",
             f"{found.done} of {found.wanted} runs done. The command may be stopped at any moment; given again, it "
             f"goes on. One row again: add `--cell C --method M --seeds S` and another folder with `--results`."]
    if found.others:
        parts.append(f"{found.others} more rows of this recipe are in the file and not shown: their settings or split "
                     "were changed since, or the run was done again.")
    if not found.done:
        return [*parts, "Nothing was run yet."]
    parts += [_circumstances(found), dice_table(found), *(f"![Dice of every run]({path.name})" for path in pictures)]
    parts += [difference_table(found, name) for name in BASELINES if has(found, name) and len(found.methods) > 1]
    for cell in found.cells:
        if any((name, cell) in found.rows for name in found.methods):
            parts += [f"### {found.protocol.cell(cell).title}", "Clinical (mm):", detail_table(found, cell, CLINICAL),
                      "Legacy (voxels, as papers compute):", detail_table(found, cell, LEGACY)]
    return parts


def _circumstances(found: Summary) -> str:
    device = told(found, lambda row: f"{row['device']}, {row['computer']}, torch {row['torch']}")
    clocks = told(found, lambda row: f"{row['training_clock']} time")
    versions = {row["commit"] for row in found.all_rows()}
    mixed = f" The rows come from {len(versions)} versions of the code (column code): compare them with that in mind."
    return ("Mean ± spread over the seeds (how many). Intervals: 95 %, bootstrap over seeds and cases, pairs kept; "
            "with one seed they cover the cases alone. The model behind the last step is measured; no test case chose "
            f"anything. Training times are {clocks} on: {device}." + (mixed if len(versions) > 1 else ""))


def _published(about: Protocol, found: Sequence[Summary]) -> list[str]:
    if not about.published:
        return []
    ours = [summary for summary in found if summary.done]
    head = ["cell", "method", "published: Dice", "Jaccard", "95HD", "ASD", "source",
            *(f"ours, `{summary.recipe.name}`: legacy Dice" for summary in ours), "why the numbers may differ"]
    return ["## Published numbers", "Legacy metrics; what was not run here is blank.",
            markdown(head, [_published_line(one, ours) for one in about.published])]


def _published_line(one: Published, ours: Sequence[Summary]) -> list[str]:
    theirs = [f"{one.values[key]:g}" if key in one.values else "" for key in ("dice", "jaccard", "hd95", "asd")]
    mine = [number(summary.mean(one.method, one.cell, "legacy_dice"), 100) for summary in ours]
    return [one.cell, one.method, *theirs, one.source, *mine, one.caveat]


def write_text(path: Path, text: str) -> Path:
    """Write ``path`` at once; returns it."""
    def write(temporary: Path) -> None:
        temporary.write_text(text, encoding="utf-8")

    replace_file(path, write)
    return path
