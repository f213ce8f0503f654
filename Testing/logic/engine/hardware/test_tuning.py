"""What a device is best at: measured once, remembered by what it depends on, measured again when in doubt."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from SemiSegLogic.engine.hardware import tuning
from SemiSegLogic.engine.hardware.tuning import (
    Timings,
    measured,
    name_of,
    prefer_channels_last,
    prefer_half,
    tuned,
    voxel_seconds,
)
from Testing.support.pretended_gpu import pretended_gpu

HOST = torch.device("cpu")


def _timings(full: float = 4.0, half: float = 2.0) -> Timings:
    return {
        "float32": {"contiguous": full, "channels_last": 2 * full},
        "bfloat16": {"contiguous": 2 * half, "channels_last": half},
    }


class Meter:
    """Counts how often it measured."""

    def __init__(self, steady: bool = True):
        self.steady, self.times = steady, 0

    def __call__(self, device: torch.device) -> tuple[Timings, bool]:
        self.times += 1
        return _timings(), self.steady


def test_a_device_is_measured_once(tmp_path: Path) -> None:
    meter, file = Meter(), tmp_path / "new" / "tuning.json"
    assert [tuned(HOST, file, meter) for _ in range(3)] == [_timings()] * 3
    assert meter.times == 1


def test_one_core_is_timed_whatever_the_number_of_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "SHAPES", {"cpu": (1, 32, 2, 4, 4)})
    file, before, seen = tmp_path / "tuning.json", torch.get_num_threads(), []
    timed = tuning._milliseconds

    def note(*way: object) -> float:
        seen.append(torch.get_num_threads())
        return timed(*way)  # type: ignore[arg-type]

    monkeypatch.setattr(tuning, "_milliseconds", note)
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            tuned(HOST, file, lambda device: (measured(device)[0], True))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert set(seen) == {1}
    assert len(json.loads(file.read_text())) == 1


@pytest.mark.parametrize("content", ["", "{", "[1]", '"x"', "\0\0\0"])
def test_a_damaged_file_is_measured_again_and_replaced(tmp_path: Path, content: str) -> None:
    meter, file = Meter(), tmp_path / "tuning.json"
    file.write_text(content)
    tuned(HOST, file, meter)
    tuned(HOST, file, meter)
    assert meter.times == 1


@pytest.mark.parametrize("entry", [None, 3, {"float32": {}}, {**_timings(), "bfloat16": {"contiguous": "fast"}}])
def test_an_entry_that_is_not_whole_is_measured_again_and_others_are_kept(tmp_path: Path, entry: object) -> None:
    meter, file = Meter(), tmp_path / "tuning.json"
    file.write_text(json.dumps({name_of(HOST): entry, "another computer": _timings()}))
    assert tuned(HOST, file, meter) == _timings()
    assert json.loads(file.read_text()) == {name_of(HOST): _timings(), "another computer": _timings()}


def test_a_place_that_cannot_be_written_costs_a_measurement_only(tmp_path: Path) -> None:
    meter = Meter()
    (tmp_path / "file").write_text("in the way")
    for _ in range(2):
        assert tuned(HOST, tmp_path / "file" / "tuning.json", meter) == _timings()
    assert meter.times == 2


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_costs_a_measurement_only(tmp_path: Path) -> None:
    meter, file = Meter(), tmp_path / "tuning.json"
    file.write_text("{}")
    file.chmod(0)
    assert tuned(HOST, file, meter) == _timings()


def test_what_was_measured_beside_a_busy_program_is_not_remembered(tmp_path: Path) -> None:
    meter = Meter(steady=False)
    for _ in range(2):
        assert tuned(HOST, tmp_path / "tuning.json", meter) == _timings()
    assert meter.times == 2


@pytest.mark.parametrize(("half", "taken"), [(2.9, True), (3.1, False), (40.0, False)])
def test_half_precision_must_be_clearly_faster_in_its_best_layout(half: float, taken: bool) -> None:
    assert prefer_half(_timings(4.0, half)) is taken


def test_the_layout_is_chosen_for_the_arithmetic() -> None:
    assert prefer_channels_last(_timings(), half=True)
    assert not prefer_channels_last(_timings(), half=False)


def test_a_measurement_has_all_four_ways_and_draws_no_random_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "SHAPES", {"cpu": (1, 32, 2, 4, 4)})
    state = torch.get_rng_state()
    timings, _ = measured(HOST)
    assert torch.equal(state, torch.get_rng_state())
    assert timings.keys() == {"float32", "bfloat16"}
    assert all(0 < value < 1e5 for layouts in timings.values() for value in layouts.values())


@pytest.mark.parametrize(("system", "seconds"), [("linux", 3.0), ("darwin", 3.0), ("win32", 50.0)])
def test_seconds_in_which_other_programs_had_the_processor_do_not_count(
    monkeypatch: pytest.MonkeyPatch, system: str, seconds: float
) -> None:
    """The computer is busy: a block that the core computes for 3 s is over after 50 s."""
    turns = SimpleNamespace(process_time=iter([0.0, 3.0]).__next__, perf_counter=iter([0.0, 50.0]).__next__)
    monkeypatch.setattr(tuning, "SHAPES", {"cpu": (1, 32, 2, 4, 4)})
    monkeypatch.setattr(tuning, "time", turns)
    monkeypatch.setattr(tuning.sys, "platform", system)
    assert tuning._milliseconds(HOST, "float32", "contiguous") == 1000 * seconds


def test_on_a_card_the_first_pass_of_every_way_does_not_count_and_the_card_is_idle_when_the_clock_starts() -> None:
    events: list[str] = []
    flags: list[bool] = []
    block = tuning._block

    def clock() -> float:
        """The first pass of each of the four ways takes no time at all, every other one a second."""
        events.append("clock")
        return float(max(0, events.count("clock") // 2 - 4))

    def run(*tensors: torch.Tensor) -> torch.Tensor:
        events.append("run")
        flags.append(torch.backends.cudnn.benchmark)
        return block(*tensors)

    with pretended_gpu(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(tuning, "SHAPES", {"cuda": (1, 32, 2, 4, 4)})
        patch.setattr(tuning, "time", SimpleNamespace(perf_counter=clock, process_time=None))
        patch.setattr(tuning, "_block", run)
        patch.setattr(torch.cuda, "synchronize", lambda *_: events.append("wait"))
        timings, _ = measured(torch.device("cuda"))
    assert events == ["wait", "clock", "run", "wait", "clock"] * (4 + 4 * tuning.REPETITIONS)
    assert {value for layouts in timings.values() for value in layouts.values()} == {1000.0}
    assert all(flags)
    assert not torch.backends.cudnn.benchmark


@pytest.mark.parametrize(("capability", "tried"), [((8, 6), 2), ((7, 5), 1), ((6, 1), 1)])
def test_a_card_is_not_asked_for_an_arithmetic_that_it_does_not_have(
    capability: tuple[int, int], tried: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some answer with an error of cuBLAS, and were taken for unusable."""
    asked = set()

    def milliseconds(_device: torch.device, precision: str, _layout: str) -> float:
        asked.add(precision)
        if precision == "bfloat16" and capability < (8, 0):
            raise RuntimeError("CUDA error: CUBLAS_STATUS_NOT_SUPPORTED when calling `cublasGemmEx(...)`")
        return 1.0 if precision == "float32" else 0.5

    monkeypatch.setattr(tuning, "_milliseconds", milliseconds)
    with pretended_gpu(measured=False), pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.cuda, "get_device_capability", lambda *_: capability)
        timings = tuned(torch.device("cuda"))
        assert tuned(torch.device("cuda"), measure=Meter()) == timings  # kept
    assert len(asked) == tried
    assert prefer_half(timings) is (tried == 2)


def test_a_card_that_is_too_old_for_cudnn_does_not_keep_the_one_beside_it_from_being_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """PyTorch looks at all of them the first time that it is asked for the version."""

    def version() -> int:
        raise RuntimeError("cuDNN version 91900 is not compatible with devices with SM < 7.5.")

    monkeypatch.setattr(torch.backends.cudnn, "version", version)
    with pretended_gpu():
        assert "Pretended card" in name_of(torch.device("cuda"))


def test_times_that_differ_from_round_to_round_are_not_steady(monkeypatch: pytest.MonkeyPatch) -> None:
    def times(values: list[float]) -> bool:
        given = iter([value for value in values for _ in range(4)])
        monkeypatch.setattr(tuning, "_milliseconds", lambda *_: next(given))
        return measured(HOST)[1]

    assert times([9.0, 1.0, 1.4, 8.0])
    assert not times([9.0, 1.0, 1.6, 8.0])


def test_a_way_without_hope_is_given_up_early(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[str] = []

    def milliseconds(device: torch.device, precision: str, layout: str) -> float:
        tries.append(precision)
        return 1.0 if precision == "float32" else 200.0

    monkeypatch.setattr(tuning, "_milliseconds", milliseconds)
    timings, steady = measured(HOST)
    assert (tries.count("float32"), tries.count("bfloat16")) == (8, 4)
    assert steady
    assert timings["bfloat16"] == {"contiguous": 200.0, "channels_last": 200.0}


def test_a_voxels_time_is_that_of_seven_blocks_at_half_the_resolution_shared_by_all_cores(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tuning, "SHAPES", {"cpu": (2, 32, 4, 10, 10), "cuda": (1, 32, 10, 10, 10)})
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    timings = _timings(full=4.0, half=1.6)
    assert voxel_seconds(timings, True, HOST) == pytest.approx(7 * 0.0016 / (800 * 8) / 2)
    assert voxel_seconds(timings, False, HOST) == pytest.approx(7 * 0.004 / (800 * 8) / 2)
    assert voxel_seconds(timings, True, torch.device("cuda")) == pytest.approx(7 * 0.0016 / (1000 * 8))
