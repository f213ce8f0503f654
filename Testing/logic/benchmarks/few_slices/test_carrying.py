"""The benchmark of carried slices: its table by hand, and which steps of a recipe carry."""

from __future__ import annotations

import pytest

from Testing.benchmarks.few_slices.carrying import Row, table
from Testing.benchmarks.runner.definitions.recipe import Recipe
from Testing.benchmarks.runner.training.training import legs_of


def row(carried: float, seed: int, dice: float) -> Row:
    return Row("atrium, 1 slice of 8 scans", carried, seed, dice, dice - 0.1, 100.0 + seed, 2 * carried)


def test_the_table_pairs_the_seeds_that_were_trained_both_ways() -> None:
    rows = [row(0.0, 0, 0.5), row(0.5, 0, 0.75), row(0.5, 1, 0.7), row(0.0, 1, 0.6), row(0.0, 2, 0.9)]
    assert table(rows).splitlines()[2:] == [
        "| atrium, 1 slice of 8 scans | 0.550 | 0.725 | +0.250, +0.100 | 0.450, 0.625 | 100 | 1.0 |"]


@pytest.mark.parametrize(("carried", "shares"), [(0.0, [0.0, 0.0]), (0.5, [1.0, 1 / 3]), (0.1, [0.4, 0.0])])
def test_the_share_counts_from_the_first_mask_on(carried: float, shares: list[float]) -> None:
    recipe = Recipe("trial", "clinical", "", 300, 100, carried=carried, members=2)
    assert [leg.carried for leg in legs_of(recipe, "mean_teacher", 3)] == pytest.approx(shares * 2)
    alone = legs_of(Recipe("trial", "clinical", "", 300, carried=carried), "mean_teacher", 3)
    assert [leg.carried for leg in alone] == pytest.approx([carried])


def test_a_recipe_that_carries_nothing_has_the_hash_that_it_had() -> None:
    plain, carrying = (Recipe("trial", "clinical", "", 300, carried=share) for share in (0.0, 0.5))
    assert "carried" not in plain.everything("supervised", 3)
    assert plain.settings_hash("supervised", 3) != carrying.settings_hash("supervised", 3)
