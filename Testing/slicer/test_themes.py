"""Coloured words can be read on Slicer's light theme and on its dark one."""

from __future__ import annotations

from typing import Any

import pytest

LIGHT, DARK = "#f5f5f5", "#323232"
"""The darker rows of a table in the light theme, the ground of the dark one."""


def lightness(colour: str) -> float:
    """Relative luminance of ``#rrggbb`` in [0, 1], as WCAG 2 defines it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """From 1 (none) to 21 (black on white); 3 is the least for words beside a sign."""
    dark, light = sorted((lightness(one), lightness(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("ground", [LIGHT, DARK])
def test_coloured_words_stand_out_from_every_theme(slicer: Any, ground: str) -> None:
    from SemiSegLib.panel.cases import FLAGS, STATUS
    from SemiSegLib.panel.setup import MARKS

    inks = {*(found[2] for found in STATUS.values()), *(found[1] for found in FLAGS.values()), *MARKS.values()}
    assert {ink: round(contrast(ink, ground), 2) for ink in inks if contrast(ink, ground) < 3} == {}
