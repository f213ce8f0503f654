"""Our GUI code, held against what the real application exposes and what slicer-core holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[3]
FILES = sorted((ROOT / "SemiSegExtension").rglob("*.py"))
PARTS = ROOT / "SemiSegExtension" / "SemiSegLib" / "panel" / "parts.py"


def test_every_attribute_used_on_a_widget_exists_and_is_used_as_what_it_is() -> None:
    from Testing.support.slicer_harness.reading import helpers_in, uses_in

    uses = [use for path in FILES for use in uses_in(path, helpers_in(PARTS))]
    assert [problem for use in uses if (problem := use.problem())] == []
    assert len(uses) > 300
    kinds = {use.kind for use in uses}
    assert kinds >= {"qt.QTableWidget", "qt.QHeaderView", "qt.QAction", "qt.QListWidget", "qt.QCheckBox", "qt.QMenu",
                     "qt.QListWidgetItem", "slicer.qSlicerApplication", "slicer.qMRMLSegmentEditorWidget"}  # fmt: skip


def test_the_reading_finds_a_property_called_and_a_name_that_does_not_exist(tmp_path: Path) -> None:
    from Testing.support.slicer_harness.reading import uses_in

    path = tmp_path / "bad.py"
    lines = ("t = qt.QTimer()", "t.active()", "t.beat = 3", "t.connect('tick()', f)", "t.interval = 5", "t.start()")
    path.write_text("def f():\n" + "".join(f"    {line}\n" for line in lines))
    problems = [problem for use in uses_in(path, {}) if (problem := use.problem())]
    assert len(problems) == 3


def test_the_reading_follows_results_and_collections(tmp_path: Path) -> None:
    from Testing.support.slicer_harness.reading import uses_in

    path = tmp_path / "bad.py"
    lines = (
        "t = qt.QTableWidget()",
        "t.horizontalHeader().sectionClicked(3)",
        "m = qt.QMenu()",
        "m.addAction('x').connect('pressed()', f)",
        "b = {n: qt.QCheckBox(n) for n in names}",
        "b['x'].checked()",
        "qt.QSettings().fetch('x')",
        "m.addAction('x').connect('triggered()', f)",
        "b['x'].checked = True",
        "qt.QSettings().value('x')",
    )
    path.write_text("def f():\n" + "".join(f"    {line}\n" for line in lines))
    problems = [problem for use in uses_in(path, {}) if (problem := use.problem())]
    assert [problem.split(":")[1] for problem in problems] == ["3", "5", "7", "8"]


def test_every_class_of_qt_that_we_name_is_in_the_list() -> None:
    from Testing.support.slicer_harness.facts import listed
    from Testing.support.slicer_harness.reading import toolkit_names

    names = {".".join(name.split(".")[:2]) for path in FILES for name in toolkit_names(path)}
    widgets = {name for name in names if name.startswith(("qt.", "ctk.", "slicer.qMRML", "slicer.qSlicer"))}
    assert widgets - set(listed()) == set()


def test_every_constant_of_qt_is_spelled_alike_in_qt_5_and_qt_6(slicer: Any) -> None:
    import qt

    from Testing.support.slicer_harness.facts import CONSTANTS
    from Testing.support.slicer_harness.reading import toolkit_names

    names = {name for path in FILES for name in toolkit_names(path) if name.startswith("qt.")}
    used = {name for name in names if name.count(".") == 2 and name.split(".")[2][0].isupper()}
    assert used == CONSTANTS
    for name in used:
        assert getattr(getattr(qt, name.split(".")[1]), name.split(".")[2]) is not None


def test_a_file_dialog_refuses_what_the_real_one_would(slicer: Any) -> None:
    import qt

    box = qt.QWidget()
    slicer.harness.answers["files"] = ["a.nrrd"]
    assert qt.QFileDialog.getOpenFileNames(box, "Add images", "", "Images (*.nrrd)") == ("a.nrrd",)
    assert qt.QFileDialog.getExistingDirectory(box, "Open", "") == "", "cancelled"
    with pytest.raises(TypeError):
        qt.QFileDialog.getOpenFileNames("Add images", "", "")
    with pytest.raises(TypeError):
        qt.QFileDialog.getExistingDirectory(box, "Open", None)


def test_every_mrml_class_and_function_of_slicer_util_that_we_name_exists(slicer: Any) -> None:
    from Testing.support.slicer_harness.reading import toolkit_names

    known = {"slicer.app", "slicer.modules", "slicer.mrmlScene"}
    names = {name for path in FILES for name in toolkit_names(path) if name.startswith(("slicer.vtk", "slicer.util."))}
    for name in sorted(names - known):
        found: Any = slicer
        for part in name.split(".")[1:]:
            assert hasattr(found, part), f"{name} does not exist in slicer-core"
            found = getattr(found, part)


def test_a_wrapped_widget_refuses_what_the_real_one_lacks(slicer: Any) -> None:
    import qt

    made = qt.QLabel("text")
    with pytest.raises(AttributeError):
        made.setTekst("x")
    with pytest.raises(TypeError):
        made.text()
    with pytest.raises(AttributeError):
        made.connect("clicked()", print)
    with pytest.raises(AttributeError):
        made.somethingOfMine = 3


def test_a_value_that_a_widget_gives_is_held_to_what_the_real_one_has(slicer: Any) -> None:
    """A font, a rectangle, a point: PySide's own have more names, and keyword arguments."""
    import qt

    made = qt.QLabel("text")
    font, corner = made.font, made.rect.bottomLeft()
    font.setItalic(True)
    made.font = font
    assert made.font.italic()
    assert corner.y() == made.height - 1
    made.mapToGlobal(corner)
    for wrong in (lambda: font.setItalics(True), lambda: made.rect.bottom_left(), lambda: corner.toTuple()):
        with pytest.raises(AttributeError):
            wrong()
    with pytest.raises(TypeError):
        font.setItalic(enable=True)


def test_a_widget_takes_no_value_that_the_real_one_would_not_take(slicer: Any) -> None:
    """As tried with PythonQt 4.1: None became a text, and numpy's numbers of one kind only are numbers."""
    import qt

    label, bar, choice = qt.QLabel("text"), qt.QProgressBar(), qt.QComboBox()
    for wrong in (
        lambda: label.setText(None), lambda: setattr(label, "text", None), lambda: setattr(bar, "value", None),
        lambda: setattr(bar, "value", np.float64(3)), lambda: bar.setValue(np.float32(3)),
        lambda: choice.addItems({"a": 1}.keys()), lambda: choice.addItems({"a"}), lambda: choice.addItems(iter("ab")),
        lambda: qt.QTableWidgetItem(None),
    ):  # fmt: skip
        with pytest.raises(TypeError):
            wrong()
    bar.value, label.enabled = np.int64(3), np.bool_(False)
    choice.addItems(("a", "b"))
    assert (bar.value, label.enabled, choice.count) == (3, False, 2)


def test_what_is_shown_and_hidden_in_a_folded_section_is_seen_when_it_unfolds(slicer: Any) -> None:
    import qt

    from SemiSegLib.panel.parts import box, label, section

    root = slicer.qMRMLWidget()
    root.setLayout(qt.QVBoxLayout())
    header, inside = section(root.layout(), "Section", collapsed=True)
    first, (group, _inner) = label(inside, "first"), box(inside)
    first.visible = False
    root.show()
    slicer.app.processEvents()
    assert (first.visible, group.visible) == (False, False), "all is folded away"
    first.visible, group.visible = True, False
    assert not first.visible, "still folded"
    header.collapsed = False
    assert (first.visible, group.visible) == (True, False), "what was wanted meanwhile"
    header.collapsed = True
    assert not first.visible
    header.collapsed = False
    assert (first.visible, group.visible) == (True, False)
    root.close()


def test_a_function_of_qt_takes_no_argument_by_name(slicer: Any) -> None:
    """PythonQt refuses them, PySide6 would not."""
    import qt

    with pytest.raises(TypeError):
        qt.QFileDialog.getExistingDirectory(None, "Open", dir="")
    with pytest.raises(TypeError):
        qt.QVBoxLayout().addStretch(stretch=1)
    with pytest.raises(TypeError):
        qt.QLabel(text="x")
