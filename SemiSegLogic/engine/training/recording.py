"""Steps recorded once and replayed on a GPU.

A small network's step is hundreds of launches of a few microseconds each, and the processor cannot issue them as fast
as a GPU runs them. Recorded as a CUDA graph they are one. What changes from step to step must then lie on the device:
the patches are copied to fixed places, learning rates and the step itself are tensors (stepping.LiveStep).
"""

from __future__ import annotations

import contextlib
import copy
import logging
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Protocol

import torch

from ...methods.base import Optimiser, Patches, Step
from ..blocks.optimisers import Descent
from .checkpoint import restore_training_state, training_state
from .stepping import LiveStep, Outcome, Work

PLAIN, LIVE = 1, 2  # steps as written, then with numbers on the device, before the recording


class Graphs(Protocol):
    """What records: :class:`CudaGraphs`, or a stand-in where there is no GPU."""

    def watched(self, work: Callable[[], Outcome]) -> Outcome:
        """Run ``work``. Raises RuntimeError when it cannot be recorded."""

    def record(self, work: Callable[[], Outcome]) -> Callable[[], Outcome]:
        """Record ``work`` without running it; what comes back runs it."""


class CudaGraphs:
    """Recording through torch.cuda."""

    def __init__(self) -> None:
        self._stream: torch.cuda.Stream | None = None

    def _aside(self) -> torch.cuda.Stream:
        """One stream for all steps, the recorded one too: what memory a stream gave back, another has to ask for anew,
        and what a library of matrix products sets up for a stream at its first use cannot be recorded (of hipBLASLt),
        or should not (the workspace of cuBLAS would lie among the memory of the recording).
        """
        if self._stream is None:
            # what the steps before gave back is of no use to it. Where memory runs out PyTorch would free that, but
            # under Windows it does not run out: the driver moves it to the host, and steps take many times as long
            torch.cuda.empty_cache()
            self._stream = torch.cuda.Stream()
        return self._stream

    def watched(self, work: Callable[[], Outcome]) -> Outcome:
        """See :class:`Graphs`. On a stream of its own, as recordings need it; waiting for the device raises there."""
        stream, before = self._aside(), torch.cuda.get_sync_debug_mode()
        stream.wait_stream(torch.cuda.current_stream())
        torch.cuda.set_sync_debug_mode("error")
        try:
            with torch.cuda.stream(stream):
                return without_host_chance(work)
        finally:
            torch.cuda.set_sync_debug_mode(before)
            torch.cuda.current_stream().wait_stream(stream)

    def record(self, work: Callable[[], Outcome]) -> Callable[[], Outcome]:
        """See :class:`Graphs`."""
        graph, before, pool = torch.cuda.CUDAGraph(), torch.cuda.current_stream(), torch.cuda.graph_pool_handle()
        try:
            with torch.cuda.graph(graph, pool, self._aside()):
                outcome = work()
        except BaseException:
            torch.cuda.set_stream(before)  # a recording that cannot even be ended stays on its own stream
            _end_recording_to(pool)
            _draw_anew()
            raise

        def replay() -> Outcome:
            graph.replay()
            return outcome

        return replay


def _end_recording_to(pool: object) -> None:
    """After a recording that could not be ended the allocator would take itself to be recording for good: it gives no
    memory back then, and says that something is wrong with it where memory has run out.
    """
    device = torch.cuda.current_device()
    with contextlib.suppress(RuntimeError, AttributeError):  # it was ended, or another PyTorch has other names for this
        torch._C._cuda_endAllocateToPool(device, pool)  # type: ignore[arg-type]
        torch._C._cuda_releasePool(device, pool)  # type: ignore[arg-type]


def _draw_anew() -> None:
    """After a recording that could not be ended the generator of PyTorch before 2.13 would take itself to be recording
    for good, and refuse every number. A copy of it does not, and goes on where it was.
    """
    with contextlib.suppress(RuntimeError):  # the card is lost: what was being recorded says so
        generator = torch.cuda.default_generators[torch.cuda.current_device()]
        generator.graphsafe_set_state(generator.clone_state())


def without_host_chance(work: Callable[[], Outcome]) -> Outcome:
    """Run ``work`` of a GPU. Raises RuntimeError when it drew random numbers on the host: a replay repeats them."""
    before = torch.get_rng_state()
    outcome = work()
    if not torch.equal(before, torch.get_rng_state()):
        raise RuntimeError("the method draws random numbers on the host")
    return outcome


class Recorder:
    """Runs steps: the first as written, the next with their numbers on the device, then a recording of them.

    A method that cannot be recorded is found out by trying: it waits for the device, draws random numbers on the host,
    or decides by the number of the step. What was tried is then undone to the bit, and its steps run as written. So do
    those of one for which memory runs out meanwhile: a recording needs more than the step, and what a step takes on a
    stream of its own cannot be had from what the steps before it gave back.
    """

    def __init__(self, work: Work, graphs: Graphs | None):
        self._work, self._graphs = work, graphs
        self.refusal = "" if graphs and _recordable(work.optimisers) else "not on this device, or by foreign optimisers"
        self._key: tuple[object, ...] = ()

    def __call__(self, labelled: Patches, unlabelled: Patches, step: Step) -> Outcome:
        """One step."""
        if self.refusal:
            return self._work(labelled, unlabelled, step)
        self._look_at((step.phase, *_shapes(labelled), *_shapes(unlabelled)))
        self._seen += 1
        if self._seen <= PLAIN:
            return self._work(labelled, unlabelled, step)
        return self._live(labelled, unlabelled, step)

    def _look_at(self, key: tuple[object, ...]) -> None:
        if key != self._key:
            self._key, self._seen = key, 0
            self._replay: Callable[[], Outcome] | None = None

    def _live(self, labelled: Patches, unlabelled: Patches, step: Step) -> Outcome:
        if self._replay is not None:
            self._follow(labelled, unlabelled, step)
            return self._replay()
        before = None
        try:
            before = copy.deepcopy(training_state(self._work.method, self._work.optimisers))
            if self._seen == PLAIN + 1:
                self._places = (_like(labelled), _like(unlabelled))
                self._step = LiveStep(step.phase, labelled.image.device)
            self._follow(labelled, unlabelled, step)
            return self._tried()
        except Exception as error:
            self.refusal = str(error) or type(error).__name__
            logging.info("Steps are not recorded: %s", self.refusal)
        # only here is the error gone, and with it what its traceback held of the step
        self._let_go()
        if before is not None:
            restore_training_state(before, self._work.method, self._work.optimisers)
            del before
        return self._work(labelled, unlabelled, step)

    def _let_go(self) -> None:
        """Give back the memory that only recording needed: the step as written may need it."""
        for name in ("_places", "_step"):
            vars(self).pop(name, None)
        self._work.method.zero_grad(set_to_none=True)
        if self._work.device.torch.type == "cuda":
            with contextlib.suppress(RuntimeError):  # an allocator that still takes itself to be recording refuses
                torch.cuda.empty_cache()

    def _tried(self) -> Outcome:
        assert self._graphs is not None
        if self._seen <= PLAIN + LIVE:
            return self._graphs.watched(self._once)
        replay = self._graphs.record(self._once)
        outcome = replay()
        self._replay = replay
        return outcome

    def _once(self) -> Outcome:
        return self._work.on_device(*self._places, self._step)

    def _follow(self, labelled: Patches, unlabelled: Patches, step: Step) -> None:
        for place, patches in zip(self._places, (labelled, unlabelled), strict=True):
            for field in fields(Patches):
                getattr(place, field.name).copy_(getattr(patches, field.name))
        self._step.follow(step)
        self._work.prepare()


def _recordable(optimisers: Sequence[Optimiser]) -> bool:
    return all(isinstance(optimiser, Descent) for optimiser in optimisers)


def _shapes(patches: Patches) -> list[torch.Size]:
    return [getattr(patches, field.name).shape for field in fields(patches)]


def _like(patches: Patches) -> Patches:
    return Patches(*(torch.empty_like(getattr(patches, field.name)) for field in fields(patches)))
