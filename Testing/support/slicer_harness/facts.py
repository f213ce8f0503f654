"""What the real application exposes of a Qt, ctk or qMRML class (see ``derive_facts.py``)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Facts:
    """Of one class, inherited members included. ``signals`` have their C++ signature, e.g. ``clicked(bool)``."""

    properties: frozenset[str]
    callables: frozenset[str]
    signals: frozenset[str]

    @property
    def signal_names(self) -> frozenset[str]:
        return frozenset(signal.split("(")[0] for signal in self.signals)


MORE: dict[str, set[str]] = {
    "qt.QAbstractItemView": set(),
    "qt.QBrush": set(),
    "qt.QFont": {"italic", "setItalic"},
    "qt.QKeySequence": {"toString"},
    "qt.QListWidgetItem": {"isSelected", "setSelected", "text", "setText"},
    "qt.QPixmap": set(),
    "qt.QPoint": {"x", "y"},
    "qt.QRect": {"bottomLeft"},
    "qt.QSize": {"height", "width"},
    "qt.QSizePolicy": set(),
    "qt.Qt": set(),
}
"""Classes that the stored list lacks, with their functions that we may use; constructors and constants beside. Looked
up in the wrappers that PythonQt 3.6 (Slicer 5.10) and 4.1 (5.12 and newer) generate for Qt 5.15."""

CONSTANTS = {
    "qt.QAbstractItemView.MultiSelection",
    "qt.QAbstractItemView.NoEditTriggers",
    "qt.QAbstractItemView.SelectRows",
    "qt.QAbstractItemView.SingleSelection",
    "qt.QComboBox.AdjustToMinimumContentsLengthWithIcon",
    "qt.QFormLayout.AllNonFixedFieldsGrow",
    "qt.QFormLayout.WrapAllRows",
    "qt.QFormLayout.WrapLongRows",
    "qt.QHeaderView.ResizeToContents",
    "qt.QHeaderView.Stretch",
    "qt.QKeySequence.NativeText",
    "qt.QSizePolicy.Ignored",
    "qt.QSizePolicy.Preferred",
    "qt.Qt.CustomContextMenu",
    "qt.Qt.ElideMiddle",
    "qt.Qt.PlainText",
}
"""Constants of Qt that are spelled alike in Qt 5 and Qt 6: those of unscoped enumerations."""


@cache
def listed() -> dict[str, dict[str, object]]:
    """The stored list, and ours: {class: {base, properties, callables, signals, lacks}}."""
    text = Path(__file__).with_name("pythonqt_facts.json").read_text(encoding="utf-8")
    more = {
        name: {"base": "", "properties": [], "callables": sorted(callables), "signals": [], "lacks": {}}
        for name, callables in MORE.items()
    }
    return {**more, **json.loads(text)["classes"]}


@cache
def facts_of(name: str) -> Facts | None:
    """Facts of ``qt.QLabel``, ``ctk.ctkCollapsibleButton`` ...; None for a class the list does not have."""
    if name not in listed():
        return None
    return Facts(*(frozenset(_members(name, kind)) for kind in ("properties", "callables", "signals")))


def _members(name: str, kind: str) -> set[str]:
    entry = listed()[name]
    base = str(entry["base"])
    inherited = _members(base, kind) if base else set()
    lacks: dict[str, list[str]] = entry["lacks"]  # type: ignore[assignment]
    return (inherited - set(lacks.get(kind, []))) | set(entry[kind])  # type: ignore[call-overload]
