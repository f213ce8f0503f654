"""In which arithmetic and memory layout a device runs 3D networks fastest, and how fast: measured once, remembered.

Which is faster cannot be told from a name. Processors without matrix instructions for bfloat16 emulate it, several
times slower; some versions of cuDNN are slow for 3D convolutions in one layout and not in the other. So one block of a
network is timed, forward and backward, in all four ways. A processor is timed on one core, and by what that core spent
on it: what threads that wait for each other show beside a busy program, or a core that other programs share, says
nothing about the processor, and would be believed for as long as the figures are kept. The figures are kept in a small
file of the user's, by device and version of PyTorch; a file that is damaged or cannot be written costs a measurement,
nothing else.
"""

from __future__ import annotations

import logging
import math
import platform
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from ...files import FileError, read_json, write_json
from ...home import NoHomeError, home

STEADY = 1.5  # the second-best time may be this much longer than the best
CLEARLY = 1.3  # bfloat16 must be this much faster: it costs digits
LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last_3d}
PRECISIONS = ("float32", "bfloat16")
SHAPES = {"cpu": (2, 32, 4, 24, 24), "cuda": (2, 32, 48, 64, 64)}
"""Enough work to be timed, no more. Two images: a single small one goes through float32 convolutions of PyTorch's own,
five times as slow as those that every batch of training gets.
"""
REPETITIONS, LEAST = 4, 2
HOPELESS = 4.0  # a way this much slower than the best is timed LEAST times only
NEVER = 1e9  # milliseconds of an arithmetic that the device does not have
BLOCKS = 7.0  # the fast network computes as much per voxel as so many blocks at half its resolution
CPUINFO = Path("/proc/cpuinfo")  # Linux only

Timings = dict[str, dict[str, float]]
"""Milliseconds by precision, then by layout."""

Measure = Callable[[torch.device], tuple[Timings, bool]]


def tuned(device: torch.device, file: Path | None = None, measure: Measure | None = None) -> Timings:
    """The timings of ``device`` from ``file`` (by default the user's), or measured now and, when they are steady,
    written there.
    """
    file = file or default_file()
    known, key = _remembered(file) if file else {}, name_of(device)
    if _is_whole(known.get(key)):
        return known[key]
    fresh, steady = (measure or measured)(device)
    if steady and file:
        _remember(file, {**known, key: fresh})
    return fresh


def prefer_half(timings: Timings) -> bool:
    """Whether bfloat16 is clearly the faster arithmetic."""
    return min(timings["float32"].values()) > CLEARLY * min(timings["bfloat16"].values())


def prefer_channels_last(timings: Timings, half: bool) -> bool:
    """Whether channels-last is not the slower layout, in the arithmetic that was chosen."""
    times = timings["bfloat16" if half else "float32"]
    return times["channels_last"] <= times["contiguous"]


def voxel_seconds(timings: Timings, half: bool, device: torch.device) -> float:
    """About how long the fast network takes for a voxel of a patch, forward and backward, in the arithmetic that was
    chosen and in its faster layout; all threads of a processor together, as if they did not hinder each other.

    Against the network itself (1 thread, results/voxel_costs.md) it is right within 10 % in bfloat16 and in float32.
    """
    batch, _, *sides = SHAPES[device.type]
    voxels = batch * math.prod(sides) * 8  # at the network's own resolution
    threads = torch.get_num_threads() if device.type == "cpu" else 1
    return BLOCKS * min(timings["bfloat16" if half else "float32"].values()) / 1000 / voxels / threads


def name_of(device: torch.device) -> str:
    """What the figures hold for: the device and PyTorch's version."""
    if device.type == "cuda":
        card = torch.cuda.get_device_name(device)
        return f"{card}, torch {torch.__version__}, cuDNN {_cudnn()}, fastest kernels"
    kernels = f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
    return f"{processor_name()} {kernels}, time of one core, torch {torch.__version__}"


def default_file() -> Path | None:
    """The user's file; None where nobody knows of a home."""
    try:
        return home() / ".semiseg" / "tuning.json"
    except NoHomeError:
        return None


def measured(device: torch.device) -> tuple[Timings, bool]:
    """Milliseconds of a convolution, norm and activation, forward and backward, and whether they came out the same
    twice: beside a busy program they may not. Draws no random number.
    """
    ways = [(precision, layout) for precision in PRECISIONS if has(precision, device) for layout in LAYOUTS]
    times: dict[tuple[str, str], list[float]] = {way: [] for way in ways}
    with _one_thread(), one_shape(device):
        if device.type == "cuda":  # the first pass loads kernels and tries them out: that is not what a step takes
            for way in ways:
                _milliseconds(device, *way)
        for turn in range(REPETITIONS):
            for way in ways:
                if turn < LEAST or min(times[way]) < HOPELESS * min(map(min, times.values())):
                    times[way].append(_milliseconds(device, *way))
    timings: Timings = {precision: {layout: min(times.get((precision, layout), [NEVER])) for layout in LAYOUTS}
                        for precision in PRECISIONS}
    return timings, all(second < STEADY * best for best, second, *_ in map(sorted, times.values()))


def has(precision: str, device: torch.device) -> bool:
    """Whether ``device`` can be asked for ``precision``. NVIDIA's cards before compute capability 8.0 have no bfloat16:
    what PyTorch does in its place is slow on some, and an error on others.
    """
    if precision == "float32" or device.type != "cuda" or torch.version.hip:
        return True
    return torch.cuda.get_device_capability(device) >= (8, 0)


def _cudnn() -> int | None:
    """Its version. Where PyTorch is asked for it first, it refuses one that another card in the computer, which nobody
    means to use, is too old for.
    """
    try:
        return torch.backends.cudnn.version()
    except RuntimeError as error:
        logging.info("The version of cuDNN is not known: %s", error)
        return None


@contextmanager
def one_shape(device: torch.device) -> Iterator[None]:
    """While images are all of one shape: on a GPU the fastest kernels for it are looked for."""
    if device.type != "cuda":
        yield
        return
    with torch.backends.cudnn.flags(enabled=True, benchmark=True, allow_tf32=True):
        yield


@contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _milliseconds(device: torch.device, precision: str, layout: str) -> float:
    image = torch.ones(SHAPES[device.type], device=device).contiguous(memory_format=LAYOUTS[layout]).requires_grad_()
    kernel = torch.full((32, 32, 3, 3, 3), 0.01, device=device).contiguous(memory_format=LAYOUTS[layout])
    if device.type == "cuda":
        torch.cuda.synchronize(device)  # the images above are still being made
    clock = _clock(device)
    begun = clock()
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16"):
        _block(image, kernel.requires_grad_()).backward()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return 1000 * (clock() - begun)


def _clock(device: torch.device) -> Callable[[], float]:
    """Seconds of this process on a processor, which do not run while other programs have it; of the wall elsewhere. On
    Windows of the wall always: there a process is told its seconds in steps longer than what is timed.
    """
    return time.process_time if device.type == "cpu" and sys.platform != "win32" else time.perf_counter


def _block(image: Tensor, kernel: Tensor) -> Tensor:
    maps = F.conv3d(image, kernel, padding=1)
    return F.relu(F.batch_norm(maps, None, None, training=True)).float().mean()


def processor_name() -> str:
    """As the system knows it; "" where it does not."""
    try:
        lines = CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "Model"))]
    return names[0] if names else platform.processor()


def _remembered(file: Path) -> dict[str, Timings]:
    try:
        known = read_json(file) if file.exists() else {}
    except (FileError, OSError) as error:
        logging.info("What was measured of this computer cannot be read, so it is measured again: %s", error)
        known = {}
    return known if isinstance(known, dict) else {}


def _is_whole(timings: object) -> bool:
    return isinstance(timings, dict) and all(
        isinstance(timings.get(precision), dict)
        and all(isinstance(timings[precision].get(layout), float) for layout in LAYOUTS)
        for precision in PRECISIONS
    )


def _remember(file: Path, known: dict[str, Timings]) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, known)
    except (FileError, OSError) as error:
        logging.info("What was measured of this computer cannot be kept: %s", error)
