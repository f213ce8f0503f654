"""The keys that Slicer waits for in its main window (5.10, 5.12 and 5.13 alike), and how they are found in its sources.

Two widgets that wait for the same keys both get nothing: Qt calls them ambiguous.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

OF_THE_WINDOW = (
    *(f"Ctrl+{letter}" for letter in "0123456BCFHOSVWXYZ`"), "Ctrl+Left", "Ctrl+Right",
    "Ctrl+Shift+A", "Ctrl+Shift+T", "Ctrl+Shift+Space",  # the toolbar of markups
    "Ctrl+Shift+Down", "Ctrl+Shift+Left", "Ctrl+Shift+Right",  # sequences
)  # fmt: skip
OF_THE_EDITOR = (
    *"0123456789", *(f"Shift+{number}" for number in range(10)), *"ZYQWI/*,.<>", "Esc", "Space",
)  # fmt: skip
"""While the keyboard of the Segment Editor is installed: effects, undo, segments."""
FOLDERS, KINDS = ("Base", "Applications", "Modules", "Libs"), {".cxx", ".cpp", ".h", ".ui", ".py"}
NAMED = re.compile(r"""["'>]((?:(?:Ctrl|Shift|Alt|Meta)\+)+(?:[A-Za-z]+|[0-9`]))["'<]""")
MADE = re.compile(r"Qt::ControlModifier [+|] Qt::Key_(\w+)")


def keys_in(sources: Path) -> Iterator[str]:
    """Every combination of keys that is spelled out in Slicer's source tree."""
    for file in (file for folder in FOLDERS for file in (sources / folder).rglob("*") if file.suffix in KINDS):
        text = file.read_text(encoding="utf-8", errors="replace")
        yield from NAMED.findall(text)
        yield from (f"Ctrl+{key}" for key in MADE.findall(text))
