"""Write ``pythonqt_facts.json`` from a list of what a running Slicer exposes.

``python derive_facts.py LIST.json``. The list (made inside Slicer by dir() and the meta-objects) names for every Qt,
ctk and qMRML class its properties, callables and signals with all inherited ones. Kept here: the classes our panel and
our harness use, each without what it shares with its base.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

CLASSES = {
    "qt.QWidget": "",
    "qt.QTimer": "",
    "qt.QTableWidgetItem": "",
    "qt.QSettings": "",
    "qt.QColor": "",
    "qt.QIcon": "",
    "qt.QUrl": "",
    "qt.QDesktopServices": "",
    "qt.QAction": "",
    "qt.QVBoxLayout": "",
    "qt.QHeaderView": "",
    "qt.QHBoxLayout": "qt.QVBoxLayout",
    "qt.QFormLayout": "qt.QVBoxLayout",
    "slicer.qSlicerApplication": "",
    "qt.QTableWidget": "qt.QWidget",
    "qt.QProgressBar": "qt.QWidget",
    "qt.QSpinBox": "qt.QWidget",
    "qt.QDoubleSpinBox": "qt.QSpinBox",
    "qt.QComboBox": "qt.QWidget",
    "qt.QPushButton": "qt.QWidget",
    "qt.QToolButton": "qt.QPushButton",
    "qt.QLabel": "qt.QWidget",
    "qt.QCheckBox": "qt.QPushButton",
    "qt.QLineEdit": "qt.QWidget",
    "qt.QPlainTextEdit": "qt.QWidget",
    "qt.QFileDialog": "qt.QWidget",
    "qt.QListWidget": "qt.QWidget",
    "qt.QMenu": "qt.QWidget",
    "qt.QGroupBox": "qt.QWidget",
    "qt.QStackedWidget": "qt.QWidget",
    "ctk.ctkCollapsibleButton": "qt.QPushButton",
    "slicer.qMRMLWidget": "qt.QWidget",
    "slicer.qMRMLSegmentEditorWidget": "slicer.qMRMLWidget",
    "slicer.qMRMLNodeComboBox": "qt.QWidget",
    "slicer.qMRMLLayoutManager": "",
}
KINDS = ("properties", "callables", "signals")


def derive(source: dict[str, object]) -> dict[str, object]:
    """The facts of ``CLASSES``: {class: {base, properties, callables, signals}}."""
    every: dict[str, dict[str, list[str]]] = source["classes"]  # type: ignore[assignment]
    facts = {}
    for name, base in CLASSES.items():
        shared = every.get(base, {})
        own = {kind: sorted(set(every[name][kind]) - set(shared.get(kind, []))) for kind in KINDS}
        lacks = {kind: sorted(set(shared.get(kind, [])) - set(every[name][kind])) for kind in KINDS}
        facts[name] = {"base": base, **own, "lacks": {kind: names for kind, names in lacks.items() if names}}
    return {"source": source["source"], "classes": facts}


if __name__ == "__main__":
    listed = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    target = Path(__file__).with_name("pythonqt_facts.json")
    text = json.dumps(derive(listed), indent=0, separators=(",", ":")).replace('",\n"', '","')
    target.write_text(text + "\n", encoding="utf-8")
