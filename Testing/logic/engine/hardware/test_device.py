"""Where to compute: what is asked for, what is free, what running out of memory looks like."""

from __future__ import annotations

import pytest
import torch

from SemiSegLogic.engine.hardware import device as module
from SemiSegLogic.engine.hardware import tuning
from SemiSegLogic.engine.hardware.device import (
    Device,
    DeviceLost,
    UnusableCard,
    choose,
    free_memory,
    is_device_lost,
    is_out_of_memory,
)
from SemiSegLogic.engine.nets import build
from SemiSegLogic.methods.base import Task
from SemiSegLogic.settings import SettingsError
from Testing.support.pretended_gpu import pretended_gpu

HOST = torch.device("cpu")


def test_the_processor_can_be_asked_for() -> None:
    device = choose("cpu", "float32")
    assert (device.torch.type, device.half) == ("cpu", False)
    assert device.memory > 0
    assert "float32" in device.name


def test_one_thread_is_no_plural(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cards said "1 threads"."""
    device = choose("cpu", "float32")
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    assert device.name == "CPU, 1 thread, float32"


def test_a_missing_gpu_is_refused_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SettingsError, match="Available: cpu"):
        choose("cuda")
    assert choose("auto", "float32").torch.type == "cpu"


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (RuntimeError("CUDA error: no kernel image is available for execution on the device\nCompile with"), "image"),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 48.00 MiB."), "48.00 MiB"),
    ],
)
def test_a_card_on_which_nothing_can_be_computed_is_refused_in_words(
    error: Exception, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One for which PyTorch was not made, or that others fill."""

    def fails(_device: torch.device) -> tuning.Timings:
        raise error

    monkeypatch.setattr(module, "tuned", fails)
    with pretended_gpu(), pytest.raises(UnusableCard, match=f"Pretended card cannot be used.*{why}") as caught:
        choose("auto")
    assert "\n" not in str(caught.value)
    assert "'cpu'" in caught.value.remedy
    with pytest.raises(type(error)):
        choose("cpu")


def test_bfloat16_is_refused_on_a_card_that_does_not_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "tuned", lambda device: _timings(1.0, 0.5))
    with pretended_gpu(), pytest.MonkeyPatch.context() as patch:
        assert choose("cuda", "bfloat16").half
        patch.setattr(torch.cuda, "get_device_capability", lambda *_: (7, 5))
        with pytest.raises(SettingsError, match="Pretended card does not have bfloat16"):
            choose("cuda", "bfloat16")
        assert not choose("cuda", "float32").half


def _timings(full: float, half: float, last: float = 0.9) -> tuning.Timings:
    return {
        "float32": {"contiguous": full / last, "channels_last": full},
        "bfloat16": {"contiguous": half / last, "channels_last": half},
    }


@pytest.mark.parametrize(("full", "half", "taken"), [(1.0, 0.5, True), (1.0, 0.9, False), (1.0, 3.0, False)])
def test_half_precision_is_taken_only_where_it_is_clearly_faster(
    monkeypatch: pytest.MonkeyPatch, full: float, half: float, taken: bool
) -> None:
    monkeypatch.setattr(module, "tuned", lambda device: _timings(full, half))
    assert choose("cpu", "auto").half is taken
    assert choose("cpu", "bfloat16").half
    assert not choose("cpu", "float32").half


@pytest.mark.parametrize(("last", "layout"), [(0.8, torch.channels_last_3d), (1.2, torch.contiguous_format)])
def test_the_faster_layout_is_taken(monkeypatch: pytest.MonkeyPatch, last: float, layout: torch.memory_format) -> None:
    monkeypatch.setattr(module, "tuned", lambda device: _timings(1.0, 0.5, last))
    assert choose("cpu", "auto").layout == layout


@pytest.mark.parametrize("name", ["fast", "vnet", "plain"])
def test_every_map_of_a_network_has_the_layout_of_the_device(name: str) -> None:
    """Networks are built channels-last. One kernel left so brings all maps that follow into it."""
    device, maps = Device(HOST, False, 0, channels_last=False), []
    network = build(name, Task(1, 2, 3, (16, 16, 16), "fast", (0.9, 0.1)))
    device.lay_out(network)
    for part in network.modules():
        if isinstance(part, torch.nn.Conv3d | torch.nn.ConvTranspose3d):
            part.register_forward_hook(lambda part, seen, made: maps.append(made))
    network(torch.randn(2, 1, 16, 16, 16))
    assert len(maps) > 10
    assert all(made.is_contiguous() for made in maps)


def test_arithmetic_is_bfloat16_only_when_half() -> None:
    weight = torch.ones(2, 2)
    for half, dtype in ((True, torch.bfloat16), (False, torch.float32)):
        with Device(HOST, half, 0).arithmetic():
            assert (weight @ weight).dtype == dtype


def test_weights_that_a_teacher_used_are_not_kept_for_the_student() -> None:
    """Only older versions of PyTorch would leave these without a gradient; that nothing is kept can be seen in all."""
    network, image = torch.nn.Linear(2, 2), torch.ones(1, 2)
    with Device(HOST, True, 0).arithmetic():
        assert not torch.is_autocast_cache_enabled()
        with torch.no_grad():
            network(image)
        network(image).sum().backward()
    assert network.weight.grad is not None
    assert torch.is_autocast_cache_enabled()


@pytest.mark.parametrize(("told", "taken"), [(9_000_000 * 1024, 9_000_000 * 1024), (None, 4 << 30)])
def test_a_system_that_does_not_tell_its_memory_is_taken_to_have_4_gb(
    told: int | None, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "available_memory", lambda: told)
    assert free_memory(HOST) == taken


def test_what_pytorch_keeps_of_a_card_can_be_taken_too_and_is_given_back_before_a_rest() -> None:
    """Measuring at the start leaves a gigabyte: patches must not be smaller for it, nor other programs without it."""
    with pretended_gpu() as gpu:
        card = torch.device("cuda")
        assert gpu.kept > 0
        assert free_memory(card) == torch.cuda.mem_get_info(card)[1]
        Device(card, half=False, memory=0).give_back_memory()
        assert gpu.kept == 0


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.cuda.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] . DefaultCPUAllocator: can't allocate memory: you tried"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:82] data. DefaultCPUAllocator: not enough memory: you tried"),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("CUDA driver error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"),
        RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
        RuntimeError("CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_NOT_INITIALIZED"),
        RuntimeError('NVML_SUCCESS == r INTERNAL ASSERT FAILED at "/pytorch/c10/cuda/CUDACachingAllocator.cpp":1165, '
                     "please report a bug to PyTorch."),
        RuntimeError("could not create a primitive"),  # oneDNN
        RuntimeError("could not execute a primitive"),
        RuntimeError("FIND was unable to find an engine to execute this computation"),
    ],
)
def test_running_out_of_memory_is_recognised(error: Exception) -> None:
    assert is_out_of_memory(error)
    assert not is_device_lost(error)


def test_a_real_allocation_beyond_all_memory_is_recognised() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 50)
    assert is_out_of_memory(caught.value)


@pytest.mark.parametrize("error", [
    RuntimeError("shape mismatch"), ValueError("can't allocate memory"), OSError(12),
    RuntimeError("could not create a primitive descriptor for the convolution forward propagation primitive."),
])
def test_other_errors_are_not(error: Exception) -> None:
    assert not is_out_of_memory(error)


LOST = [
    RuntimeError("CUDA error: unspecified launch failure\nCUDA kernel errors might be reported later"),
    RuntimeError("CUDA error: device-side assert triggered"),
    RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"),
]


@pytest.mark.parametrize("error", LOST)
def test_a_card_that_fails_is_recognised_and_told_in_words(error: Exception) -> None:
    assert is_device_lost(error)
    with pytest.raises(DeviceLost, match="graphics card stopped working") as caught, Device(HOST, False, 0).at_work():
        raise error
    assert "\n" not in str(caught.value)
    assert "Resume the job" in caught.value.remedy


@pytest.mark.parametrize(
    "error",
    [RuntimeError("CUDA error: out of memory"), RuntimeError("shape mismatch"), ValueError("CUDA error"),
     MemoryError("none left")],
)
def test_other_errors_pass_as_they_are(error: Exception) -> None:
    assert not is_device_lost(error)
    with pytest.raises(type(error), match=str(error)), Device(HOST, False, 0).at_work():
        raise error
