"""Compiling with a stand-in for torch's compiler: only patches go through it, and a failure leaves no trace."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from SemiSegLogic.engine.blocks.ema import copy_of
from SemiSegLogic.engine.data.patches import Sampler
from SemiSegLogic.engine.hardware.device import Device
from SemiSegLogic.engine.training import compiling
from SemiSegLogic.engine.training.compiling import LONG_RUN_S, compile_networks, has_compiler, wanted
from SemiSegLogic.engine.training.trainer import Budget, Means, Trainer
from SemiSegLogic.geometry import SliceIndex
from SemiSegLogic.methods import make
from SemiSegLogic.methods.base import Method
from Testing.support.engine import CPU, plan_of, volume_of
from Testing.support.tiny_fit import blob_task
from Testing.support.volumes import picture, two_blobs

Forward = Callable[[Tensor], Tensor]
SAMPLE = torch.zeros(2, 1, 8, 16, 16)


class Compiler:
    """Runs as written and counts; from call number ``fails_at`` on it raises ``error``, having drawn a number."""

    def __init__(self, fails_at: int = 1000, error: Exception | None = None):
        self.fails_at, self.error, self.calls = fails_at, error or RuntimeError("no compiler here\nat all"), 0

    def __call__(self, forward: Forward) -> Forward:
        def compiled(image: Tensor) -> Tensor:
            self.calls += 1
            out = forward(image)
            if self.calls > self.fails_at:
                torch.rand(3)
                raise self.error
            return out

        return compiled


def _method() -> Method:
    torch.manual_seed(2)
    return make("mean_teacher", {}, blob_task())


def _trainer(method: Method, compile: str) -> Trainer:
    label = np.minimum(two_blobs(), 1)
    volume = volume_of(picture(), label, (SliceIndex(0, 1),), values=(1,))
    torch.manual_seed(4)
    return Trainer(method, Sampler([volume], plan_of((8, 16, 16))), CPU, Budget(0, 2), means=Means(compile))


def _same(one: nn.Module, two: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), two.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_patches_run_compiled_and_whole_volumes_as_written() -> None:
    method, compiler, told = _method(), Compiler(), list[str]()
    before, chance = copy.deepcopy(method.state_dict()), torch.get_rng_state()
    compile_networks(method, SAMPLE, CPU, told.append, compiler)
    assert told[-1] == "The networks are compiled."
    assert all(torch.equal(value, before[key]) for key, value in method.state_dict().items())
    assert torch.equal(chance, torch.get_rng_state())
    tried = compiler.calls
    assert tried == 4  # student and teacher, in both modes
    method.predictor()(torch.zeros(1, 1, 8, 16, 16))
    assert compiler.calls == tried + 1
    method.predictor()(torch.zeros(1, 1, 8, 16, 24))
    assert compiler.calls == tried + 1


@pytest.mark.parametrize("fails_at", [0, 1, 3])
def test_a_failure_is_told_and_the_run_is_that_of_one_which_never_tried(
    fails_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, tried, compiler = _method(), _method(), Compiler(fails_at)
    _trainer(plain, "off").fit(lambda progress, share: True)
    monkeypatch.setattr(torch, "compile", compiler)
    trainer, told = _trainer(tried, "on"), list[str]()
    trainer.means = Means("on", notify=told.append)
    trainer.fit(lambda progress, share: True)
    assert compiler.calls == fails_at + 1
    assert told[-1] == "The networks could not be compiled (no compiler here); they run as written."
    assert _same(plain, tried)
    assert trainer.last_losses().keys() == {"cross_entropy", "dice", "consistency"}


def test_a_run_is_compiled_once_and_trains_as_written(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, compiled, compiler = _method(), _method(), Compiler()
    _trainer(plain, "off").fit(lambda progress, share: True)
    monkeypatch.setattr(torch, "compile", compiler)
    trainer = _trainer(compiled, "on")
    for _ in range(2):
        trainer.fit(lambda progress, share: False)
    assert compiler.calls == 4 + 2 * 2  # two trials for each network, then student and teacher in each step
    assert _same(plain, compiled)


def test_memory_that_runs_out_is_no_matter_of_compiling() -> None:
    method = _method()
    with pytest.raises(MemoryError):
        compile_networks(method, SAMPLE, CPU, lambda text: None, Compiler(0, MemoryError()))
    assert all("forward" not in part.__dict__ for part in method.modules())


def test_a_copy_of_a_compiled_network_runs_its_own_weights() -> None:
    method = _method()
    compile_networks(method, SAMPLE, CPU, lambda text: None, Compiler())
    twin = copy_of(method.predictor())
    with torch.no_grad():
        for p in twin.parameters():
            p.zero_()
    assert not torch.equal(twin(SAMPLE), method.predictor()(SAMPLE))


@pytest.mark.parametrize(
    ("setting", "seconds", "compiler", "expected"),
    [("on", 1.0, False, True), ("off", 1e6, True, False), ("auto", LONG_RUN_S, True, True),
     ("auto", LONG_RUN_S, False, False), ("auto", LONG_RUN_S - 1, True, False), ("auto", 0.0, True, False)],
)
def test_only_long_runs_with_a_compiler_are_compiled_unasked(
    monkeypatch: pytest.MonkeyPatch, setting: str, seconds: float, compiler: bool, expected: bool
) -> None:
    monkeypatch.setattr(compiling, "has_compiler", lambda device: compiler)
    assert wanted(setting, seconds, CPU) is expected


def test_a_compiler_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = Device(torch.device("cuda"), True, 1)
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr(compiling.shutil, "which", lambda name: "/bin/g++" if name == "g++" else None)
    monkeypatch.setattr(compiling.importlib.util, "find_spec", lambda name: None)
    assert has_compiler(CPU)
    assert not has_compiler(gpu)
    monkeypatch.setattr(compiling.importlib.util, "find_spec", lambda name: name)
    assert has_compiler(gpu)
    monkeypatch.setenv("CXX", "none-such")
    assert not has_compiler(CPU)
