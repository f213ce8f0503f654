"""Colours of words, which can be read on the light theme of Slicer and on its dark one (a contrast of 3 or more)."""

from __future__ import annotations

GREY, AMBER, PURPLE, BLUE, GREEN, RED = "#7d828c", "#ad6f00", "#9769d0", "#2f82cc", "#3a8d54", "#dc463d"
