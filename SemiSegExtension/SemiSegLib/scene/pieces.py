"""The voxels of a volume of the scene, copied a piece at a time: of half a gigabyte at once the screen stood still."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from vtk.util.numpy_support import vtk_to_numpy

from ..words import _
from .volumes import seen

PIECE_BYTES = 32 * 2**20


class SceneVolume:
    """A copy of a volume node's voxels (k, j, i), or (k, j, i, values per voxel) of colours, as they are now: Slicer
    may show others in the node, or take it away, meanwhile. Raises ValueError as :func:`seen`.
    """

    def __init__(self, node: Any) -> None:
        view, self.grid = seen(node)
        self.name = str(node.GetName())
        self._image = node.GetImageData()
        self._scalars = self._image.GetPointData().GetScalars()
        self._as_it_was = self._state()
        self._copy, self._copied = np.empty(view.shape, view.dtype), 0

    def _state(self) -> tuple[int, int]:
        """Of the image, which counts its scalars' time in: who changes voxels in place tells one of both."""
        return self._image.GetMTime(), self._scalars.GetNumberOfValues()

    def copy_on(self) -> bool:
        """Copy the next piece; whether that was the last. Raises ValueError where somebody changed the voxels since
        the first: part of the copy would be of before, part of after.
        """
        if self._state() != self._as_it_was:
            text = _("The voxels of '{name}' were changed while they were being copied, so nothing of it was taken. "
                     "Try again when nothing changes them.")  # fmt: skip
            raise ValueError(text.format(name=self.name))
        source, target = vtk_to_numpy(self._scalars).reshape(-1), self._copy.reshape(-1)  # never one of before
        end = self._copied + max(1, PIECE_BYTES // target.itemsize)
        target[self._copied : end] = source[self._copied : end]
        self._copied = min(end, target.size)
        return self._copied == target.size

    @property
    def voxels(self) -> NDArray[Any]:
        """The copy, once it is whole."""
        assert self._copied == self._copy.size
        return self._copy
