"""How long suggesting takes on this computer, learned from the volumes suggested so far."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Pace:
    """Of one run: its networks are of about the same size."""

    def __init__(self) -> None:
        self._voxels, self._seconds = 0, 0.0

    @contextmanager
    def timing(self, voxels: int) -> Iterator[None]:
        """While a volume of so many voxels is suggested."""
        begun = time.monotonic()
        yield
        self._voxels += voxels
        self._seconds += time.monotonic() - begun

    def seconds(self, voxels: int) -> float | None:
        """That so many voxels will take; None while nothing is known."""
        return voxels * self._seconds / self._voxels if self._voxels else None
