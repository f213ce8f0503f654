"""What a recipe makes of a structure that comes in one piece, or is an ellipse."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from Testing.benchmarks.runner.data.training_set import benchmark_device, prepare
from Testing.benchmarks.runner.definitions.checked import BenchmarkError
from Testing.benchmarks.runner.definitions.datasets import Collection
from Testing.benchmarks.runner.evaluation.evaluation import Evaluation
from Testing.benchmarks.runner.evaluation.postprocessing import as_ellipses, heaviest_piece, largest_piece
from Testing.support.data.ellipses import bitten, dice, disc, jagged, made
from Testing.support.made_up_set import MadeUp


def test_the_largest_piece_of_every_structure_stays() -> None:
    label = np.zeros((8, 8, 8), np.uint8)
    label[1:4, 1:4, 1:4] = 1
    label[6, 6, 6] = 1
    label[5:7, 1:3, 1] = 2
    label[7, 7, 7] = 2
    label[4, 4, 4] = 1  # touches the first piece over a corner: one piece
    wanted = label.copy()
    wanted[6, 6, 6] = wanted[7, 7, 7] = 0
    assert np.array_equal(largest_piece(label, [1, 2, 3]), wanted)


def test_a_smaller_piece_that_is_sure_is_kept_before_a_larger_one_that_is_not() -> None:
    label, shares = np.zeros((1, 8, 12), np.uint8), np.zeros((1, 8, 12), np.float32)
    label[0, 1:7, 0:5], shares[0, 1:7, 0:5] = 1, 0.55  # 30 pixels, 16.5 expected ones
    label[0, 2:6, 7:12], shares[0, 2:6, 7:12] = 1, 0.95  # 20 and 19
    assert (heaviest_piece(label, {1: shares})[0].nonzero()[1] >= 7).all()
    assert (largest_piece(label, [1])[0].nonzero()[1] < 5).all()


def test_a_recipe_keeps_the_piece_with_most_probability_in_it(blobs: MadeUp) -> None:
    """The network is half sure of all on the left and quite sure of a part on the right."""
    about = blobs.protocol()
    plain = dataclasses.replace(about.recipe("pair"), flips=False)
    cases = Collection(about.data, blobs.data)
    study = prepare(about, "3x2", 0, plain.schedule("supervised", 3), cases, benchmark_device("cpu", "float32"))

    class TwoPieces(torch.nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            side = image.shape[-1]
            first = torch.full_like(image, -5.0)
            first[..., : side // 2 - 1], first[..., -side // 3 :] = 0.3, 5.0
            return torch.cat([torch.zeros_like(first), first, torch.full_like(first, -9.0)], 1)

    case, left = cases.case("case7"), {}
    for surest in (False, True):
        evaluation = Evaluation(study, [], dataclasses.replace(plain, surest=surest))
        evaluation.networks = [TwoPieces()]
        label = evaluation.label(case)
        left[surest] = bool(label[..., 0].any())
        assert label.any()
        assert not (label[..., 0].any() and label[..., -1].any())
    assert left == {False: True, True: False}


def test_an_ellipse_takes_the_place_of_a_ragged_outline_and_of_one_with_a_bite() -> None:
    true = disc(made())
    for worse in (jagged(made()), bitten(true)):
        found = as_ellipses(largest_piece(worse[None].astype(np.uint8) * 3, [3]), [3])
        assert set(np.unique(found)) == {0, 3}
        assert dice(found[0] == 3, true) > max(0.985, dice(worse, true))


def test_what_is_no_ellipse_or_belongs_to_another_structure_stays() -> None:
    cross = np.zeros((1, 60, 60), np.uint8)
    cross[0, 28:32, 5:55] = cross[0, 5:55, 28:32] = 1
    assert np.array_equal(as_ellipses(cross, [1]), cross)
    beside = disc(made())[None].astype(np.uint8)
    beside[0, 60:70, 75:85] = 2  # inside the ellipse of 1
    assert np.array_equal(as_ellipses(beside, [1]) == 2, beside == 2)
    with pytest.raises(BenchmarkError, match="single images"):
        as_ellipses(np.zeros((2, 9, 9), np.uint8), [1])
