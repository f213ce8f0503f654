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
PHRASE = re.compile(r"[^\W\d_]{3,} | [^\W\d_]{3,}")
COUNTED = re.compile(r"\{(n|slices|cases|annotated|all)\} (?!has )([a-z]+ )?[a-z]+s\b|[a-z]+s \{numbers\}")
"""A noun in the plural beside a number, which may be one: the number stands behind a colon instead."""


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


def phrases(node: ast.expr) -> Iterator[ast.expr]:
    """Literal texts of several words in an expression that no ``_()`` stands around. Single words are mostly names."""
    if isinstance(node, (ast.Constant, ast.JoinedStr)):
        if PHRASE.search(re.sub(r"<[^>]*>", "", _whole(node))):
            yield node
    elif isinstance(node, ast.Subscript):
        yield from phrases(node.value)
    elif isinstance(node, (ast.BinOp, ast.List, ast.Tuple, ast.IfExp, ast.BoolOp, ast.Dict)):
        for part in ast.iter_child_nodes(node):
            if isinstance(part, ast.expr):
                yield from phrases(part)


def _whole(node: ast.Constant | ast.JoinedStr) -> str:
    """The text with a stand-in for everything that is put into it."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "0" for part in node.values)


def handed_on(node: ast.AST) -> list[ast.expr]:
    """What a function returns or raises: sooner or later it is shown."""
    if isinstance(node, ast.Return) and node.value is not None:
        return [node.value]
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
        return list(node.exc.args)
    return []


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
        there = [part for one in shown for part in bare(one)] + [p for one in handed_on(node) for p in phrases(one)]
        found += [f"{path.name}:{part.lineno}: {ast.unparse(part)}" for part in there]
    return found


def test_every_text_that_a_person_sees_can_be_translated() -> None:
    assert [line for path in files() for line in untranslated(path)] == []


def test_the_search_finds_a_bare_text(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_text('b = button(row, "Press me", _("tip"))\nb.toolTip = f"Open {x} now"\nc.text = "<b>" + _("y")\n')
    assert {line.split(":")[1] for line in untranslated(path)} == {"1", "2"}


def test_the_search_finds_bare_texts_that_are_returned_or_raised(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_text(
        "def f(n):\n"
        '    if n: raise ValueError(f"There is no slice {n}")\n'
        '    if n: raise ValueError(_("There is no slice {n}").format(n=n))\n'
        '    if n: return a + (f" and {n} more" if n else "")\n'
        '    if n: return _("a whole phrase"), "good"\n'
        '    return {"a": (_("a whole phrase"), "info"), "b": ("two words", "info")}[n]\n'
    )
    assert {line.split(":")[1] for line in untranslated(path)} == {"2", "4", "6"}


def test_every_setting_of_a_method_has_its_words_where_they_are_translated() -> None:
    """The settings are SemiSegLogic's; the panel has their labels and units in a list of its own."""
    from dataclasses import fields

    from SemiSegLogic.settings import CHOICES

    (path,) = (path for path in files() if path.stem == "setting_words")
    listed = {text for _line, text in texts(path)}
    known = [item.metadata for kind in CHOICES.values() for item in fields(kind) if "label" in item.metadata]
    assert {about["label"] for about in known} | {about["unit"] for about in known if about.get("unit")} == listed


def test_no_text_speaks_of_1_slices() -> None:
    varying = [path for path in files() if path.stem != "sample"]  # which has the same slices and cases always
    assert [text for path in varying for _line, text in texts(path) if COUNTED.search(text)] == []


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
