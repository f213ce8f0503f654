"""Means, paired intervals, tables, pages and pictures, from rows whose numbers are known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from SemiSegLogic.cli import benchmark as forwarding
from SemiSegLogic.cli import run as semiseg
from Testing.benchmarks.runner.command import main
from Testing.benchmarks.runner.definitions.protocol import Choice, protocol, protocol_names
from Testing.benchmarks.runner.definitions.runs import runs
from Testing.benchmarks.runner.evaluation.evaluation import COLUMNS, measure
from Testing.benchmarks.runner.queue.rows import Row, Rows
from Testing.benchmarks.runner.report.pages import page
from Testing.benchmarks.runner.report.statistics import mean_of, paired
from Testing.benchmarks.runner.report.summary import summarise
from Testing.benchmarks.runner.report.tables import dice_table, difference_table, number
from Testing.support.made_up_set import MadeUp

DICE = {"supervised": 0.7, "mean_teacher": 0.75}


def rows_of(made: MadeUp, methods: tuple[str, ...] = ("supervised", "mean_teacher")) -> list[Row]:
    """A row for each run of ``methods``; Dice as above, 0.02 more with seed 1, in every case and structure."""
    about = made.protocol()
    rows = []
    for run in runs(about, about.recipe("short"), Choice((), methods)):
        dice = DICE[run.method] + 0.02 * run.seed
        numbers: list[float | None] = [dice, None, *[dice] * 7]
        cases = {case: {"1": numbers, "2": numbers} for case in about.data.test}
        common: dict[str, Any] = {"device": "D", "computer": "C", "torch": "T", "training_clock": "processor"}
        rows.append({**vars(run), **common, "training_s": 12.0, "commit": "abc", "columns": list(COLUMNS),
                     "cases": cases})
    return rows


def test_mean_and_spread_by_hand() -> None:
    found = mean_of(np.array([[0.6, 0.8], [0.7, 0.9]]))
    assert (found.mean, found.sd, found.seeds) == (pytest.approx(0.75), pytest.approx(0.1 / np.sqrt(2)), 2)
    gone = mean_of(np.array([[0.6, np.nan], [np.nan, np.nan]]))
    assert (gone.mean, gone.missing, gone.total) == (0.6, 3, 4)
    assert np.isnan(gone.sd)


def test_a_paired_interval_covers_the_truth_as_often_as_it_says() -> None:
    """Differences of known mean, with noise by case; 40 repetitions of a 95 % interval rarely miss."""
    hits = 0
    for seed in range(40):
        chance = np.random.default_rng(seed)
        theirs = chance.uniform(0.5, 0.9, (3, 60))
        ours = theirs + 0.01 + chance.normal(0, 0.03, (3, 60))
        gap = paired(ours, theirs)
        hits += gap.low <= 0.01 <= gap.high
    assert 35 <= hits <= 40


def test_pairing_takes_away_what_both_share() -> None:
    theirs = np.random.default_rng(0).uniform(0, 1, (3, 30))
    gap = paired(theirs + 0.02, theirs)
    assert (gap.mean, gap.low, gap.high) == pytest.approx((0.02, 0.02, 0.02))
    with pytest.raises(ValueError, match="cannot be paired"):
        paired(theirs, theirs[:, :5])


def test_tables_show_what_was_run_and_leave_the_rest_blank(blobs: MadeUp) -> None:
    about = blobs.protocol()
    found = summarise(about, about.recipe("short"), rows_of(blobs))
    lines = dice_table(found).splitlines()
    assert lines[2] == "| supervised | 71.0 ± 1.4 (2) | 71.0 ± 1.4 (2) | 12 s | abc |"
    assert lines[4] == "| bcp |  |  |  |  |"
    gaps = difference_table(found, "supervised").splitlines()
    assert gaps[2:] == ["| mean_teacher | +5.0 [+5.0, +5.0] (2) | +5.0 [+5.0, +5.0] (2) |", "| bcp |  |  |"]
    assert (found.done, found.wanted) == (8, 12)


def test_times_of_different_computers_are_not_averaged(blobs: MadeUp) -> None:
    about = blobs.protocol()
    rows = rows_of(blobs)
    for row in rows:
        if row["method"] == "supervised" and row["seed"] == 1:
            row.update(computer="B", training_s=30.0)
    lines = dice_table(summarise(about, about.recipe("short"), rows)).splitlines()
    assert "| 30 s (B), 12 s (C) |" in lines[2]
    assert "| 12 s (C) |" in lines[3]


def test_distances_that_do_not_exist_are_counted_not_averaged(blobs: MadeUp) -> None:
    about = blobs.protocol()
    found = summarise(about, about.recipe("short"), rows_of(blobs))
    assert number(found.mean("supervised", "3x2", "hd95_mm"), 1) == "does not exist (4 of 4 cases)"


def test_a_row_of_other_settings_or_another_split_is_not_shown(blobs: MadeUp) -> None:
    about, rows = blobs.protocol(), rows_of(blobs, ("supervised",))
    for number_of_row, key in enumerate(("settings", "split", "protocol")):
        rows[number_of_row][key] = "another"
    found = summarise(about, about.recipe("short"), rows)
    assert (found.done, found.others) == (1, 2)


def test_the_newest_row_of_a_run_counts(blobs: MadeUp) -> None:
    about, rows = blobs.protocol(), rows_of(blobs, ("supervised",))
    again = {**rows[0], "commit": "newer"}
    found = summarise(about, about.recipe("short"), [*rows, again])
    assert found.rows["supervised", "3x2"][0]["commit"] == "newer"


def test_a_page_tells_data_commands_results_and_published_numbers(
    blobs: MadeUp, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blobs.change(
        published=[{"method": "supervised", "cell": "3x2", "values": {"dice": 91.5}, "source": "A paper",
                    "caveat": "best checkpoint"}],
        caveats=["These are blobs."], gaps=["Nothing is open."],
    )
    results = Rows(tmp_path / "results" / "blobs.jsonl")
    for row in rows_of(blobs):
        results.append(row)
    words = ["--protocol", "blobs", "--protocols", str(blobs.protocols), "--results", str(tmp_path / "results")]
    assert main(["table", "--write", *words]) == 0
    text = (tmp_path / "results" / "blobs.md").read_text()
    assert blobs.protocol().split_hash("3x2", 1) in text
    for wanted in ("none needed", "semiseg benchmark run --protocol blobs --recipe short --data FOLDER --minutes 9",
                   "8 of 12 runs done", "| 3x2 | supervised | 91.5 |", "71.0 ± 1.4 (2) | best checkpoint |",
                   "These are blobs.", "Nothing is open.", "Nothing was run yet."):
        assert wanted in text
    assert (tmp_path / "results" / "blobs-short.png").read_bytes().startswith(b"\x89PNG")
    overview = (tmp_path / "results" / "README.md").read_text()
    assert "| [Blobs](blobs.md) | short | 8 of 12 |" in overview
    assert main(["plot", *words]) == 0
    capsys.readouterr()
    assert main(["list", "--json", "--recipe", "short", *words]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"protocol": "blobs", "recipe": "short", "done": 8, "of": 12}


def test_a_curve_is_drawn_when_there_are_enough_cells(blobs: MadeUp, tmp_path: Path) -> None:
    from Testing.benchmarks.runner.report.plots import draw

    cells = {f"{n}x{v}": {"volumes": v, "slices": n} for n in (1, 3) for v in (1, 2)}
    recipe = {"settings": "clinical", "why": "", "steps": 5, "methods": ["supervised"], "seeds": [0, 1]}
    blobs.change(cells=cells, recipes={"short": recipe})
    made = draw(blobs.protocol(), rows_of(blobs, ("supervised",)), tmp_path)
    assert [path.name for path in made] == ["blobs-short.png", "blobs-short-slices.png"]


@pytest.mark.parametrize("name", protocol_names())
def test_every_protocol_has_a_page_before_anything_was_run(name: str) -> None:
    about = protocol(name)
    text = page(about, [])
    assert text.count("Nothing was run yet.") == sum(recipe.shown for recipe in about.recipes.values())
    assert about.data.licence in text


def test_both_modes_stand_side_by_side_in_a_row() -> None:
    plate, other = np.zeros((12, 4, 4), bool), np.zeros((12, 4, 4), bool)
    plate[2], other[4] = True, True
    found = dict(zip(COLUMNS, measure(plate, other, (3.0, 1.0, 1.0)), strict=True))
    assert (found["hd95_mm"], found["assd_mm"], found["legacy_hd95"], found["legacy_asd"]) == (6.0, 6.0, 2.0, 2.0)
    empty = dict(zip(COLUMNS, measure(plate & False, other, (3.0, 1.0, 1.0)), strict=True))
    assert (empty["dice"], empty["hd95_mm"], empty["legacy_hd95"]) == (0.0, None, 0.0)


def test_semiseg_benchmark_forwards_every_word(capsys: pytest.CaptureFixture[str]) -> None:
    assert semiseg(["benchmark", "list", "--protocol", "la"]) == 0
    assert "la: LA 2018." in capsys.readouterr().out
    with pytest.raises(SystemExit):
        semiseg(["benchmark", "run", "--help"])
    assert "--minutes" in capsys.readouterr().out


def test_without_a_clone_semiseg_benchmark_says_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(forwarding, "ROOT", tmp_path)
    assert semiseg(["benchmark", "list"]) == 1
    assert "not part of the installed package" in capsys.readouterr().err
