"""Patches at a spacing of their own: what is planned then, and that rows from before stay valid."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from Testing.benchmarks.decisions import spacing
from Testing.benchmarks.decisions.spacing import Row, Trial, run, table
from Testing.benchmarks.runner.data.training_set import benchmark_device, prepare
from Testing.benchmarks.runner.definitions.checked import digest
from Testing.benchmarks.runner.definitions.datasets import Collection
from Testing.benchmarks.runner.definitions.protocol import protocol_names
from Testing.benchmarks.runner.definitions.recipe import NEWER, Recipe
from Testing.benchmarks.runner.queue.rows import Rows
from Testing.benchmarks.shared.row_files import FOLDER
from Testing.support.made_up_set import MadeUp


def test_a_patch_is_cut_at_the_spacing_given_with_it_else_at_the_data_s_own(blobs: MadeUp) -> None:
    about, recipe = blobs.protocol(), Recipe("r", "clinical", "", 3, patch=[8, 8, 16])
    cases, device = Collection(about.data, blobs.data), benchmark_device("cpu", "float32")
    native = prepare(about, "3x2", 0, recipe.schedule("supervised", 3), cases, device)
    coarse = prepare(about, "3x2", 0, replace(recipe, spacing=[2.0, 3.0, 3.0]).schedule("supervised", 3), cases, device)
    assert (coarse.plan.patch, coarse.plan.spacing) == ((8, 8, 16), (2.0, 3.0, 3.0))
    assert native.plan == replace(coarse.plan, spacing=native.plan.spacing)
    assert native.plan.spacing == native.volumes[0].spacing


def test_a_recipe_without_a_spacing_is_told_apart_from_one_with_and_counts_as_before() -> None:
    plain = Recipe("r", "clinical", "", 3, patch=[8, 8, 16])
    assert "spacing" not in plain.everything("supervised", 3)
    coarse = replace(plain, spacing=[2.0, 2.0, 2.0])
    assert coarse.settings_hash("supervised", 3) != plain.settings_hash("supervised", 3)


def test_what_the_rows_that_are_committed_depended_on_is_counted_as_it_was_then() -> None:
    """Their values may be of another day, and they are not shown then; what counts, and how, stays."""
    rows = [row for name in protocol_names() for row in Rows(FOLDER / "protocols" / f"{name}.jsonl").read()]
    counted = set(Recipe("r", "clinical", "", 3).everything("supervised", 3))
    assert len(rows) > 100
    for row in rows:
        assert digest(row["values"])[:16] == row["settings"]
        assert set(row["values"]) - set(NEWER) == counted


def test_a_trial_measures_on_cases_that_are_in_no_test_list(blobs: MadeUp, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    about, seen = blobs.protocol(), []
    monkeypatch.setattr(spacing, "protocol", lambda name: about)
    monkeypatch.setitem(spacing.TRIALS, "blobs", Trial("blobs", "3x2", "supervised", 3, ((2.0, (8, 8, 8)),)))
    dice = spacing._dice
    monkeypatch.setattr(spacing, "_dice", lambda evaluation, case: seen.append(case.name) or dice(evaluation, case))
    row = run("blobs", (2.0, (8, 8, 8)), 0, Collection(about.data, blobs.data))
    assert 0 <= row.worst <= row.dice <= 1
    assert seen
    assert not set(seen) & {*about.data.test, *(one.case for one in about.annotated("3x2", 0))}


def test_the_table_gives_mean_and_spread_of_the_seeds() -> None:
    name = next(iter(spacing.TRIALS))
    first = spacing.TRIALS[name].looks[0][0]
    lines = table([Row(name, first, 0, 0.8, 0.7, 90.0), Row(name, first, 1, 0.9, 0.8, 110.0)]).splitlines()
    assert lines[2:] == [f"| {name}, mean_teacher, 400 steps | {first:.2f} | 0.850 ± 0.071 | 0.750 | 2 | 100 |"]
