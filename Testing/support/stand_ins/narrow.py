"""A narrow network in place of the product's: what a run does does not depend on its width."""

from __future__ import annotations

from functools import partialmethod

import pytest

from SemiSegLogic.engine.nets import NETWORKS, FastUNet

NARROW = 8


def narrow(patch: pytest.MonkeyPatch, width: int = NARROW) -> None:
    """The product's default network has ``width`` channels from now on."""
    network = type("Narrow", (FastUNet,), {"__init__": partialmethod(FastUNet.__init__, width=width)})
    patch.setitem(NETWORKS, "fast", network.for_task)
