"""The largest piece of each structure, counted on a processor and on a card."""

from __future__ import annotations

import pytest
import torch

from SemiSegLogic.engine.blocks.components import _kept_on_gpu, hard_labels, largest_components
from Testing.support.pretended_gpu import pretended_gpu


def test_component_filter_keeps_one_piece_per_class_and_image() -> None:
    label = torch.zeros(2, 1, 8, 8, dtype=torch.int64)
    label[0, 0, 1:4, 1:4], label[0, 0, 6, 6] = 1, 1
    label[0, 0, 4, 4] = 1  # touches by a corner: the same piece
    label[1, 0, 0, :2], label[1, 0, 5, :3], label[1, 0, 7, 7] = 2, 2, 1
    kept = largest_components(label, 3)
    assert kept[0, 0, 6, 6] == 0
    assert int((kept[0] == 1).sum()) == 10
    assert int((kept[1] == 2).sum()) == 3
    assert kept[1, 0, 7, 7] == 1
    assert torch.equal(largest_components(kept, 3), kept)
    assert torch.equal(largest_components(torch.zeros_like(label), 3), torch.zeros_like(label))


def test_hard_labels_are_the_best_classes_in_one_piece_if_wished() -> None:
    label = torch.tensor([[[[1, 1, 0, 1, 0, 2]]]])
    scores = torch.nn.functional.one_hot(label, 3).movedim(-1, 1).float()
    assert torch.equal(hard_labels(scores, in_one_piece=False), label)
    assert torch.equal(hard_labels(3 * scores - 1, in_one_piece=True), torch.tensor([[[[1, 1, 0, 0, 0, 2]]]]))


@pytest.mark.parametrize("shape", [(3, 9, 11, 10), (2, 1, 40, 41), (1, 14, 1, 13)])
@pytest.mark.parametrize("share", [0.02, 0.1, 0.3, 0.9])
def test_a_card_keeps_what_a_processor_keeps(shape: tuple[int, ...], share: float) -> None:
    torch.manual_seed(int(100 * share))
    label = (torch.rand(shape) < share).long() * torch.randint(1, 4, shape)
    assert torch.equal(_kept_on_gpu(label, 4), largest_components(label, 4))


def test_a_long_winding_piece_is_one_piece_on_a_card() -> None:
    """A maze of one corridor: its end is hundreds of voxels away from its beginning."""
    label = torch.zeros(1, 1, 41, 41, dtype=torch.int64)
    label[0, 0, ::2] = 1
    label[0, 0, 1::4, -1], label[0, 0, 3::4, 0] = 1, 1
    assert torch.equal(_kept_on_gpu(label, 2), label)
    label[0, 0, 19] = 0  # cut in two: the halves are 19 and 21 rows
    assert torch.equal(_kept_on_gpu(label, 2), largest_components(label, 2))
    assert 0 < int(_kept_on_gpu(label, 2).sum()) < int(label.sum())


def test_of_two_pieces_of_one_size_the_first_stays() -> None:
    label = torch.zeros(1, 1, 3, 9, dtype=torch.int64)
    label[0, 0, 1, 1:3], label[0, 0, 0, 6:8] = 1, 1
    for kept in (_kept_on_gpu(label, 2), largest_components(label, 2)):
        assert kept[0, 0, 0, 6:8].tolist() == [1, 1]
        assert int(kept.sum()) == 2


def test_on_a_card_labels_stay_there() -> None:
    with pretended_gpu() as gpu:
        label = torch.zeros(1, 4, 4, 4, dtype=torch.int64, device="cuda")
        label[0, 0, 0, 0], label[0, 2:, 2:, 2:] = 1, 1
        before = len(gpu.waits)
        kept = largest_components(label, 2)
        assert len(gpu.waits) - before <= 2  # looks at whether anything changed
        assert (kept.device.type, int(kept.sum())) == ("cuda", 8)
