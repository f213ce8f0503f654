"""Checkpoints: whole, without code, and everything that a run needs to go on."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from SemiSegLogic.engine.training import checkpoint
from SemiSegLogic.engine.training.checkpoint import CheckpointError
from SemiSegLogic.files import FileError

HOST = torch.device("cpu")


def _net(classes: int = 2) -> nn.Sequential:
    return nn.Sequential(nn.Conv3d(1, 4, 1), nn.BatchNorm3d(4), nn.Conv3d(4, classes, 1))


def test_a_file_gives_back_tensors_and_plain_data(tmp_path: Path) -> None:
    state = {"a": torch.arange(3), "b": {"c": [1, 2.5, None, "x"], "d": (True, {"e": torch.ones(2).half()})}}
    checkpoint.save(tmp_path / "m.ckpt", state)
    again = checkpoint.load(tmp_path / "m.ckpt", HOST)
    assert torch.equal(again["a"], state["a"])
    assert again["b"]["c"] == [1, 2.5, None, "x"]
    assert again["b"]["d"][1]["e"].dtype == torch.float16
    assert [item.name for item in tmp_path.iterdir()] == ["m.ckpt"]


def test_a_full_disk_is_said_to_be_full_and_the_file_of_before_stays(tiny_disk: Path) -> None:
    """PyTorch said "unexpected pos 704 vs 598", which nobody took for a full disk: it ended the training."""
    file = tiny_disk / "model.ckpt"
    checkpoint.save(file, {"a": torch.ones(2)})
    for numbers in (1_000_000, 60_000):  # more than there is room for: by far, and by the last bytes
        with pytest.raises(FileError, match="the disk is full"):
            checkpoint.save(file, {"a": torch.ones(numbers), "b": torch.ones(10_000)})
    assert torch.equal(checkpoint.load(file, HOST)["a"], torch.ones(2))
    assert [item.name for item in tiny_disk.iterdir()] == ["model.ckpt"]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 half a file", b"hello"])
def test_a_damaged_file_is_named_with_a_remedy(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "model.ckpt"
    file.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"model\.ckpt cannot be read.*Delete it"):
        checkpoint.load(file, HOST)


def test_code_in_a_file_is_refused(tmp_path: Path) -> None:
    torch.save({"method": _net()}, tmp_path / "evil.ckpt")
    with pytest.raises(CheckpointError, match="evil"):
        checkpoint.load(tmp_path / "evil.ckpt", HOST)


def test_a_failed_save_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "m.ckpt"
    checkpoint.save(file, {"n": 1})
    with pytest.raises(Exception, match=r"."):
        checkpoint.save(file, {"n": lambda: None})
    assert checkpoint.load(file, HOST) == {"n": 1}
    assert len(list(tmp_path.iterdir())) == 1


def test_a_snapshot_does_not_follow_the_module() -> None:
    net = _net()
    kept = checkpoint.snapshot(net)
    before = net[0].weight.detach().clone()
    with torch.no_grad():
        net[0].weight.add_(1)
    assert torch.equal(kept["0.weight"], before)
    assert kept.keys() == net.state_dict().keys()


def test_a_warm_start_fills_every_network_of_that_make_and_no_other() -> None:
    pair = nn.ModuleDict({"student": _net(), "teacher": _net(), "projector": nn.Linear(3, 3)})
    projector = pair["projector"].weight.detach().clone()
    weights = _net().state_dict()
    assert checkpoint.warm_start(pair, weights) == 2
    for name in ("student", "teacher"):
        assert all(torch.equal(value, weights[key]) for key, value in pair[name].state_dict().items())
    assert torch.equal(pair["projector"].weight, projector)
    assert checkpoint.warm_start(nn.ModuleList([nn.Linear(2, 2)]), weights) == 0


def test_a_warm_start_with_more_structures_keeps_the_fresh_head() -> None:
    net, old = _net(3), _net(2).state_dict()
    head = net[2].weight.detach().clone()
    assert checkpoint.warm_start(net, old) == 1
    assert torch.equal(net[0].weight, old["0.weight"])
    assert torch.equal(net[2].weight, head)


def test_a_training_state_goes_on_with_the_very_same_step(tmp_path: Path) -> None:
    def steps(net: nn.Module, optimiser: torch.optim.Optimizer, count: int) -> None:
        for _ in range(count):
            optimiser.zero_grad()
            net(torch.randn(2, 1, 2, 2, 2)).square().mean().backward()
            optimiser.step()

    one = _net()
    optimiser = torch.optim.AdamW(one.parameters(), lr=0.01)
    steps(one, optimiser, 3)
    checkpoint.save(tmp_path / "m.ckpt", checkpoint.training_state(one, [optimiser]))
    steps(one, optimiser, 3)
    two = _net()
    fresh = torch.optim.AdamW(two.parameters(), lr=0.5)
    checkpoint.restore_training_state(checkpoint.load(tmp_path / "m.ckpt", HOST), two, [fresh])
    steps(two, fresh, 3)
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), two.state_dict().values(), strict=True))
