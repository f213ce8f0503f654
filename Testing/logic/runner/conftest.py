"""Runs on a narrow network: what a run does with it does not depend on its width, and a quarter takes half the time.

A module whose tests look at what was learned says its ``WIDTH``.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from SemiSegLogic.engine.nets import NETWORKS, FastUNet
from SemiSegLogic.methods.base import Task

NARROW = 8


@pytest.fixture(scope="module", autouse=True)
def width(request: pytest.FixtureRequest) -> Iterator[int]:
    """Channels of the product's default network, for all runs of a module in this process."""
    chosen = getattr(request.module, "WIDTH", NARROW)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(NETWORKS, "fast", partial(_fast, chosen))
        yield chosen


def _fast(chosen: int, task: Task) -> FastUNet:
    return FastUNet(task.channels, task.classes, task.dims, chosen, flat_stem=task.patch[0] < 16)
