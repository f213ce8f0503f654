"""Reading masks: label maps and segmentations, their names matched to the structures of a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ...geometry import IGNORE, Grid
from ...naming import counted, enumerated, folded
from ..errors import ImageError, LabelError, UnknownSegmentError
from ..structures import LAST_VALUE, Color
from ..values import values_of
from . import segnrrd
from .fitting import fit
from .segnrrd import HeaderSegment
from .volumes import grid_of, load


@dataclass(frozen=True)
class MaskSegment:
    """A segment as it was read: the file's ``name`` and the label ``value`` it has in the mask's array."""

    name: str
    value: int
    color: Color | None


@dataclass(frozen=True)
class Mask:
    """A mask as somebody drew it. ``array`` uint8 ``(k, j, i)``: 0 background, 255 nobody judged.

    ``outside`` is what a voxel beyond its border means: 0 for segmentations, which Slicer crops; IGNORE for label maps,
    which say nothing there. ``source``: what messages call it.
    """

    array: NDArray[np.uint8]
    grid: Grid
    segments: tuple[MaskSegment, ...]
    outside: int
    source: str

    def on(self, grid: Grid) -> NDArray[np.uint8]:
        """The mask on an image's grid, uint8 (k, j, i). Raises LabelError when it does not fit without resampling."""
        return fit(self.array, self.grid, grid, self.outside, self.source)


@dataclass(frozen=True)
class LayeredMask:
    """A mask before its segments are matched to the structures of a study. ``layers`` (layer, k, j, i) whole numbers on
    ``grid``; ``described``: the segments of a segmentation, none of a label map; ``called``: how a label map says that
    its values (as text) are called; ``source``: what messages call it, e.g. its file.
    """

    layers: Sequence[NDArray[np.generic]]
    grid: Grid
    described: list[HeaderSegment]
    called: Mapping[str, str]
    source: str

    def mask(self, names: Mapping[str, int] | None = None) -> Mask:
        """With its label values given by ``names``, as :func:`read_mask` says, which names what is raised."""
        found = self._found(names or {})
        _check_unambiguous(found, names, self.source)
        targets = [_target(segment, names, self.source) for segment in found]
        if len(self.layers) == 1 and targets == [one.value for one in found]:  # every value is known and stays
            array = self.layers[0].astype(np.uint8, copy=False)
        else:
            array = _merged(self.layers, list(zip(found, targets, strict=True)), self.source)
            if not self.described and IGNORE not in {one.value for one in found}:
                array[self.layers[0] == IGNORE] = IGNORE
        segments = tuple(MaskSegment(one.name, value, one.color) for one, value in zip(found, targets, strict=True))
        return Mask(array, self.grid, segments, 0 if self.described else IGNORE, self.source)

    def segments(self) -> list[MaskSegment]:
        """Its segments with its own values, to make a table of names from. Raises LabelError."""
        return [MaskSegment(one.name, one.value, one.color) for one in self._found({})]

    def _found(self, names: Mapping[str, int]) -> list[HeaderSegment]:
        return self.described + _undescribed(self.layers, self.described, self.called, self.source, names)


def read_mask(path: Path, names: Mapping[str, int] | None = None) -> Mask:
    """A mask file with its label values given by ``names`` (segment name to value, case ignored; 0 drops a segment).

    Label maps have no names: there the name is the number itself, ``{"1": 2}`` renumbers, and a table without
    numbers means that the values are to be taken as they are, if the table knows them. Those of :func:`write_labelmap`
    do say how they call a value, and that counts where the table does not have its number: another study numbers its
    structures otherwise. Without a table the file's own values stay. Raises LabelError when the file is damaged, two
    segments claim a voxel or a value is no whole number in 1..254, UnknownSegmentError when a segment is not in the
    table. Nothing unknown becomes background.

    In a label map 255 means that nobody judged, unless the table names it or nothing else is there: many programs
    write masks as 0 and 255.
    """
    return read_layers(path).mask(names)


def read_layers(path: Path) -> LayeredMask:
    """A mask file as it is. Raises LabelError when it is damaged or no mask."""
    try:
        image = load(path)
        entries = {key: image.GetMetaData(key) for key in image.GetMetaDataKeys() if key.startswith("Se")}
        count, grid = image.GetNumberOfComponentsPerPixel(), grid_of(image)
        described = segnrrd.parse(entries, count)
        called = {} if described else segnrrd.values_called(entries)
    except ImageError as error:
        raise LabelError(str(error)) from error
    except ValueError as error:
        raise LabelError(f"{path} has a damaged segment in its header: {error}. Save it again in Slicer.") from error
    array = sitk.GetArrayFromImage(image)
    if count > 1 and not described:
        raise LabelError(f"{path} has several values per voxel ({count}) and no segments: it is a picture, not a mask. "
                         "Save it as a label map with one whole number per voxel.")
    beyond = [one.name for one in described if not 0 <= one.layer < count]
    if beyond:
        raise LabelError(f"{path}: segment '{beyond[0]}' lies in a layer that the file does not have. Save it again "
                         "in Slicer.")
    layers = np.moveaxis(array.reshape(*grid.shape, count), -1, 0)
    return LayeredMask(list(layers), grid, described, called, str(path))


def _undescribed(layers: Sequence[NDArray[np.generic]], described: list[HeaderSegment], called: Mapping[str, str],
                 source: str, names: Mapping[str, int]) -> list[HeaderSegment]:
    """Segments for the values that are none of the ``described``, named as they are ``called`` unless ``names`` has the
    number; IGNORE in a label map is one only as :func:`read_mask` says.
    """
    known = {(one.layer, one.value) for one in described}
    there = [(number, value) for number, layer in enumerate(layers) for value in values_in(layer, source)
             if value != 0 and (number, value) not in known]
    if not described and str(IGNORE) not in names and {value for _, value in there} != {IGNORE}:
        there = [(number, value) for number, value in there if value != IGNORE]
    return [HeaderSegment(text if (text := str(value)) in names else called.get(text, text), value, number, None)
            for number, value in there]


def values_in(array: NDArray[np.generic], source: Path | str) -> list[int]:
    """The values of a label array (any axes) in order. Raises LabelError unless all are whole numbers."""
    values: set[int] = set()
    for slab in array:
        if slab.dtype == np.uint8:
            values.update(int(value) for value in values_of(slab))
            continue
        found = np.unique(slab)
        whole = np.isfinite(found) & (found == np.rint(found)) if found.dtype.kind == "f" else found == found
        if found.dtype.kind not in "iuf" or not whole.all():
            raise LabelError(f"{source} contains {found[~whole][0]}, which is no label value. It may be an image, or a "
                             "mask resampled with interpolation: use nearest neighbour.")
        values.update(int(value) for value in found)
    return sorted(values)


def _check_unambiguous(found: list[HeaderSegment], names: Mapping[str, int] | None, source: str) -> None:
    """Without a table the file's values must tell the segments apart; with one, their names must."""
    keys = [folded(one.name) if names is not None else str(one.value) for one in found]
    for one, key in zip(found, keys, strict=True):
        if keys.count(key) > 1:
            remedy = "Rename one of them in Slicer" if names is not None else "Give a table of names to values"
            raise LabelError(f"{source}: two segments have the {'name' if names is not None else 'value'} '{key}' (one "
                             f"is '{one.name}'). {remedy}.")


def _target(segment: HeaderSegment, names: Mapping[str, int] | None, source: str) -> int:
    """The label value for a segment."""
    value = segment.value
    if names is not None:
        table = {folded(name): value for name, value in names.items()}
        by_number = any(name.isdigit() for name in table)
        chosen = names.get(segment.name, table.get(folded(segment.name)))
        if chosen is None and segment.name == str(value) and not by_number and value in table.values():
            chosen = value
        if chosen is None:
            known = enumerated([f"{name} = {number}" for name, number in names.items()]) or "there are none yet"
            raise UnknownSegmentError(f"{source} contains '{segment.name}' (value {value}), which is not a structure "
                                      f"of this study ({known}). Say which structure it is, or leave it "
                                      "out.", segment.name)
        value = chosen
    if not (0 if names is not None else 1) <= value <= LAST_VALUE:
        raise LabelError(f"{source}: '{segment.name}' has the label value {value}; it must lie in 1..{LAST_VALUE}. "
                         "Give a table of names to values.")
    return value


def _merged(
    layers: Sequence[NDArray[np.generic]], found: list[tuple[HeaderSegment, int]], source: str
) -> NDArray[np.uint8]:
    """One array out of all layers. Raises LabelError where two structures claim a voxel."""
    array = np.zeros(layers[0].shape, np.uint8)
    owners = {0: ""}
    for segment, value in found:
        if value == 0:
            continue
        here = layers[segment.layer] == segment.value
        clash = [other for other in np.flatnonzero(np.bincount(array[here])).tolist() if other not in (0, value)]
        if clash:
            count = int(np.count_nonzero(here & (array == clash[0])))
            raise LabelError(f"{source}: '{owners[clash[0]]}' and '{segment.name}' overlap on "
                             f"{counted(count, 'voxel')}; here a voxel can belong to one structure only. In Slicer's "
                             "Segment Editor, under Masking, set 'Modify other segments' to 'Overwrite all' and draw "
                             "the overlap again, or leave one of them out (0).")
        array[here] = value
        owners[value] = segment.name
    return array


__all__ = ["HeaderSegment", "LayeredMask", "Mask", "MaskSegment", "read_layers", "read_mask", "values_in"]
