"""Texts for people can be translated: all go through ``_()``, whole, with named places; the template holds them all."""

from __future__ import annotations

import ast
import re
import xml.etree.ElementTree as xml
from collections.abc import Iterator
from pathlib import Path

import pytest

from Testing.translations import TEMPLATE, context, files, texts, write

SHOWS = {
    "setToolTip", "setPlaceholderText", "setText", "setHorizontalHeaderLabels", "addItem", "addRow", "addAction",
    "section", "button", "primary", "label", "say", "errorDisplay", "warningDisplay", "infoDisplay", "QCheckBox",
    "QPushButton", "QLabel", "QRadioButton", "confirmOkCancelDisplay", "confirmYesNoDisplay", "getExistingDirectory",
    "getOpenFileNames", "Finding",
}
"""Functions whose texts a person sees."""

SHOWN = {"text", "toolTip", "title", "placeholderText"}
"""Properties whose texts a person sees."""

NO_TEXT = {"stop", "warning", "good", "info", "error", "SemiSeg", "touched"}
SHORTCUT = re.compile(r"(Ctrl|Shift|Alt)\+")
WORDS = re.compile(r"[^\W\d_]{3,}")


def bare(node: ast.expr) -> Iterator[ast.expr]:
    """Literal texts in an expression that no ``_()`` stands around."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        plain = re.sub(r"<[^>]*>|&\w+;|\*\.\w+", "", node.value)
        if WORDS.search(plain) and not SHORTCUT.match(plain) and plain not in NO_TEXT:
            yield node
    elif isinstance(node, ast.JoinedStr):
        for part in node.values:
            yield from bare(part)
    elif isinstance(node, (ast.BinOp, ast.List, ast.Tuple)):
        parts = [node.left, node.right] if isinstance(node, ast.BinOp) else node.elts
        for part in parts:
            yield from bare(part)
    elif isinstance(node, ast.IfExp):
        yield from bare(node.body)
        yield from bare(node.orelse)


def untranslated(path: Path) -> list[str]:
    """file:line: text of what a person would see in English everywhere."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        shown: list[ast.expr] = []
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            shown = [*node.args, *(k.value for k in node.keywords if k.arg == "windowTitle")] if name in SHOWS else []
        elif isinstance(node, ast.Assign):
            targets = [t.attr for t in node.targets if isinstance(t, ast.Attribute)]
            shown = [node.value] if SHOWN & set(targets) else []
        found += [f"{path.name}:{part.lineno}: {ast.unparse(part)}" for one in shown for part in bare(one)]
    return found


def test_every_text_that_a_person_sees_can_be_translated() -> None:
    assert [line for path in files() for line in untranslated(path)] == []


def test_the_search_finds_a_bare_text(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_text('b = button(row, "Press me", _("tip"))\nb.toolTip = f"Open {x} now"\nc.text = "<b>" + _("y")\n')
    assert {line.split(":")[1] for line in untranslated(path)} == {"1", "2"}


@pytest.mark.parametrize("path", files(), ids=lambda path: path.stem)
def test_no_text_is_put_together_before_it_is_translated(path: Path) -> None:
    for line, text in texts(path):
        assert "{}" not in text, f"{path.name}:{line}: a translator needs named places"


def test_the_template_holds_every_text_under_slicers_name_for_its_file(tmp_path: Path) -> None:
    try:
        write(tmp_path / "fresh.ts")
    except FileNotFoundError as missing:
        pytest.skip(str(missing))
    fresh, kept = entries(tmp_path / "fresh.ts"), entries(TEMPLATE)
    assert fresh == {(context(path), text) for path in files() for _line, text in texts(path)}
    assert len(kept & fresh) > 0.9 * len(fresh), "many texts have changed: run python -m Testing.translations"


def test_a_text_that_no_translator_could_see_is_noticed_when_it_is_shown() -> None:
    """``_(word)`` with a word that stands in another file: Slicer looks it up under the name of the asking file."""
    from Testing.support.slicer_harness.i18n import out_of_reach, tr

    label = next(path for path in files() for _line, text in texts(path) if text == "Slice done")
    for text, unseen in (("Slice done", 0), ("axial", 1)):
        exec(compile(f"tr({text!r})", str(label), "exec"), {"tr": tr})
        assert len(out_of_reach()) == unseen, text


def entries(template: Path) -> set[tuple[str, str]]:
    """(context, source text) of a .ts file."""
    return {
        (str(part.findtext("name")), str(message.findtext("source")))
        for part in xml.parse(template).getroot().iter("context")
        for message in part.iter("message")
    }
