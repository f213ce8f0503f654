"""The trial of leaving fragments out: on cases of no test list, and made-up cases in several pieces."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from Testing.benchmarks.decisions import fragments
from Testing.benchmarks.decisions.fragments import Row, Trial, run, table
from Testing.benchmarks.runner.definitions.datasets import Collection
from Testing.benchmarks.shared import trials
from Testing.benchmarks.shared.made_up_cases import ORGAN, SPOT, Pairs, Spots
from Testing.support.made_up_set import MadeUp

TOUCHING = ndimage.generate_binary_structure(3, 3)


def test_a_pair_is_a_volume_beside_its_mirror_image(blobs: MadeUp) -> None:
    about = blobs.protocol().data
    one, two = (kind(about, blobs.data).case("case0") for kind in (Collection, Pairs))
    assert two.grid.shape == two.image.shape == two.label.shape == (*one.image.shape[:2], 2 * one.image.shape[2])
    assert np.array_equal(two.label, two.label[..., ::-1])
    assert np.array_equal(two.image[..., : one.image.shape[2]], one.image)


def test_spots_are_several_an_organ_is_one_and_a_name_gives_the_same_again(blobs: MadeUp) -> None:
    cases = Spots(blobs.protocol().data, blobs.data)
    one, again, other = (cases.case(name) for name in ("case0", "case0", "case1"))
    assert np.array_equal(one.image, again.image)
    assert np.array_equal(one.label, again.label)
    assert (one.label != other.label).any()
    counts = [ndimage.label(case.label == SPOT, TOUCHING)[1] for case in (one, other)]
    assert max(counts) > 1
    assert (one.label == ORGAN).any()


def test_a_trial_looks_at_no_test_case_and_compares_the_same_predictions(
    blobs: MadeUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.set_num_threads(1)
    about, seen = blobs.protocol(), []
    monkeypatch.setattr(fragments, "protocol", lambda name: about)
    monkeypatch.setitem(fragments.TRIALS, "blobs", Trial("blobs", "3x2", 20, 3))
    cases = Collection(about.data, blobs.data)
    plain = fragments.unseen
    monkeypatch.setattr(fragments, "unseen", lambda *given: seen.extend(plain(*given)) or plain(*given))
    row = run("blobs", 0, cases)
    assert (row.structures, row.cases) == ([1, 2], 3)
    assert set(row.one_piece) <= {1, 2}
    assert row.better + row.worse <= 3
    assert not set(seen) & {*about.data.test, *(one.case for one in about.annotated("3x2", 0))}
    assert trials.unseen(about, trials.trained(
        about, "3x2", "supervised", fragments.Recipe("r", "clinical", "", 1), 0, cases)[0]) == seen


def test_the_table_gives_means_over_seeds_and_sums_over_cases() -> None:
    name = next(iter(fragments.TRIALS))
    rows = [Row(name, seed, [1, 2], [2], 0.8, 0.8 + 0.02 * seed, 0.5, 0.6, 3, seed, -0.01 * seed, 12)
            for seed in (0, 1)]
    assert table(rows).splitlines()[2:] == [
        f"| {name} | 0.800 | 0.810 | 0.500, 0.600 | 6, 1 of 24 | 0.010 | 2 of 1, 2 | 2 |"]
