"""Voxels of the scene, copied a piece at a time: of half a gigabyte at once the screen stood still."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from vtk.util.numpy_support import vtk_to_numpy

from ..words import _
from .volumes import seen

PIECE_BYTES = 32 * 2**20


class ImageCopy:
    """A copy of the voxels of an image, in ``shape``, as they are now."""

    def __init__(self, image: Any, shape: Sequence[int]) -> None:
        self._image = image
        self._scalars = image.GetPointData().GetScalars()
        self._as_it_was = self._state()
        self._copy, self._copied = np.empty(shape, vtk_to_numpy(self._scalars).dtype), 0

    def _state(self) -> tuple[int, int]:
        """Of the image, which counts its scalars' time in: who changes voxels in place tells one of both."""
        return self._image.GetMTime(), self._scalars.GetNumberOfValues()

    @property
    def changed(self) -> bool:
        """Whether somebody changed the voxels since: part of the copy would be of before, part of after."""
        return self._state() != self._as_it_was

    def copy_on(self, most: int) -> int:
        """Copy the next piece, of ``most`` bytes; how many it had."""
        source, target = vtk_to_numpy(self._scalars).reshape(-1), self._copy.reshape(-1)  # never one of before
        begin, end = self._copied, self._copied + max(1, most // target.itemsize)
        target[begin:end] = source[begin:end]
        self._copied = min(end, target.size)
        return (self._copied - begin) * target.itemsize

    @property
    def whole(self) -> bool:
        """Whether all is there."""
        return self._copied == self._copy.size

    @property
    def voxels(self) -> NDArray[Any]:
        """The copy, once it is whole."""
        assert self.whole
        return self._copy


def copy_piece(copies: Sequence[ImageCopy], name: str) -> bool:
    """Copy the next piece of images that belong to one another; whether that was the last. Raises ValueError where
    somebody changed one since the first piece; ``name`` is what people call them.
    """
    if any(copy.changed for copy in copies):
        text = _("The voxels of '{name}' were changed while they were being copied, so nothing of it was taken. Try "
                 "again when nothing changes them.")  # fmt: skip
        raise ValueError(text.format(name=name))
    room = PIECE_BYTES
    for copy in copies:
        if room > 0 and not copy.whole:
            room -= copy.copy_on(room)
    return all(copy.whole for copy in copies)


class SceneVolume:
    """A copy of a volume node's voxels (k, j, i), or (k, j, i, values per voxel) of colours, as they are now: Slicer
    may show others in the node, or take it away, meanwhile. Raises ValueError as :func:`seen`.
    """

    def __init__(self, node: Any) -> None:
        view, self.grid = seen(node)
        self.name = str(node.GetName())
        self._copy = ImageCopy(node.GetImageData(), view.shape)

    def copy_on(self) -> bool:
        """Copy the next piece; whether that was the last. Raises ValueError where somebody changed the voxels."""
        return copy_piece([self._copy], self.name)

    @property
    def voxels(self) -> NDArray[Any]:
        """The copy, once it is whole."""
        return self._copy.voxels
