"""Two small pictures, drawn with numpy and shown in labels: the strip of slices and the learning curve."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import qt
from numpy.typing import NDArray

from SemiSegLogic.geometry import SliceIndex

from .parts import BLUE, as_wide_as_there_is_room

COLOURS = {"drawn": (67, 160, 86), "empty": (120, 185, 200), "touched": (236, 168, 52), "look": (150, 90, 200)}
BASE, HERE, LINE, GRID = (222, 224, 228), (20, 20, 20), (38, 110, 190), (232, 234, 238)


class PictureLabel:
    """Shows pictures in a QLabel, as wide as the panel is. Each gets a new file name, because Qt remembers pictures by
    name. The file goes as soon as it was read, or with a later picture where the system holds it: nothing stays when
    Slicer ends or is killed. Where ``folder()`` takes no file, its disk being full say, there is no picture; the next
    one is tried again.
    """

    def __init__(self, widget: Any, folder: Callable[[], str], stem: str) -> None:
        self._widget, self._folder = widget, folder
        widget.scaledContents = True
        as_wide_as_there_is_room(widget)  # a picture has a width of its own
        self._stem = f"SemiSeg-{stem}-{os.getpid()}-{id(self):x}"  # all windows of a person share the folder
        self._number = 0
        self._shown: bytes = b""
        self._read: list[Path] = []

    def show(self, picture: NDArray[np.uint8]) -> None:
        data = png(picture)
        if data == self._shown:
            return
        self._number += 1
        path = Path(self._folder()) / f"{self._stem}-{self._number}.png"
        self._shown = data if _written(path, data) else b""
        self._widget.setPixmap(qt.QPixmap(str(path)) if self._shown else qt.QPixmap())
        self._widget.minimumHeight = self._widget.maximumHeight = picture.shape[0]
        self._read = [file for file in (*self._read, path) if not _removed(file)]


def _written(file: Path, data: bytes) -> bool:
    try:
        file.write_bytes(data)
    except OSError:
        return False
    return True


def _removed(file: Path) -> bool:
    try:
        file.unlink(missing_ok=True)
    except OSError:
        return False
    return True


def strip(count: int, marks: Mapping[str, Sequence[int]], here: int | None, width: int = 380) -> NDArray[np.uint8]:
    """One column per slice, ``marks`` by kind (keys of COLOURS, later ones on top), the slice in view framed."""
    picture = np.full((22, width, 3), 255, np.uint8)
    edges = np.linspace(0, width, count + 1).round().astype(int)
    gap = 1 if width / count >= 4 else 0
    for index in range(count):
        picture[5:17, edges[index] : max(edges[index] + 1, edges[index + 1] - gap)] = BASE
    for kind, indices in marks.items():
        for index in indices:
            if 0 <= index < count:
                rows = slice(0, 5) if kind == "look" else slice(5, 17)
                picture[rows, edges[index] : max(edges[index] + 3, edges[index + 1] - gap)] = COLOURS[kind]
    if here is not None and 0 <= here < count:
        middle = (edges[here] + edges[here + 1]) // 2
        for step in range(5):
            picture[17 + step, max(0, middle - step) : middle + step + 1] = HERE
    return picture


def curve(points: Sequence[tuple[float, float]], width: int = 380, height: int = 90) -> NDArray[np.uint8]:
    """A line through (x, y), scaled to the picture; y upwards."""
    picture = np.full((height, width, 3), 255, np.uint8)
    picture[:: max(1, (height - 1) // 3)] = GRID
    if len(points) < 2:
        return picture
    x, y = (np.array(values, float) for values in zip(*points, strict=True))
    columns = np.arange(4, width - 4)
    line = np.interp(columns, _scaled(x, 4, width - 5), _scaled(y, height - 8, 7))
    thickness = np.maximum(1.3, np.abs(np.gradient(line)) / 2 + 1)
    distance = np.abs(np.arange(height)[:, None] - line[None]) - thickness[None]
    cover = np.clip(0.5 - distance, 0, 1)[..., None]
    part = picture[:, columns]
    picture[:, columns] = (part * (1 - cover) + np.array(LINE) * cover).astype(np.uint8)
    return picture


def _scaled(values: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    span = float(values.max() - values.min())
    return low + (values - values.min()) / (span or 1.0) * (high - low)


def png(picture: NDArray[np.uint8]) -> bytes:
    """``picture`` (rows, columns, 3) as PNG."""
    height, width, _ = picture.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), picture.reshape(height, -1)], axis=1)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows.tobytes()))
        + chunk(b"IEND", b"")
    )


def links(slices: Sequence[SliceIndex], limit: int = 10) -> str:
    """Slice numbers, from 1, that can be clicked; in an ink of ours: that of links is hard to read on a dark theme."""
    to = '<a href="{}:{}" style="color: {}">{}</a>'
    shown = [to.format(place.axis, place.index, BLUE, place.index + 1) for place in slices[:limit]]
    return ", ".join(shown) + (" …" if len(slices) > limit else "")


def swatch(kind: str) -> str:
    """A small square in the colour of ``kind``."""
    return '<span style="color: rgb({}, {}, {})">■</span>'.format(*COLOURS[kind])
