"""Reads GUI code without running it: which attributes does it use on which Qt, ctk and qMRML classes?"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .facts import facts_of

TOOLKITS = ("qt", "ctk", "slicer")
KNOWN = {"slicer.app": "slicer.qSlicerApplication"}
"""Objects that are there without being made."""
RESULTS = {
    "horizontalHeader": "qt.QHeaderView",
    "verticalHeader": "qt.QHeaderView",
    "addAction": "qt.QAction",
    "labelForField": "qt.QWidget",
    "item": "qt.QListWidgetItem",
}
"""What methods of widgets return, so that a use of their result is read too."""


@dataclass(frozen=True)
class Use:
    """A use of ``attribute`` on a ``kind`` (``qt.QLabel``): "read", "called" or "set"; ``detail``: a signal."""

    place: str
    kind: str
    attribute: str
    how: str
    detail: str = ""

    def problem(self) -> str:
        """Why the real application would refuse it; empty when it would not."""
        facts = facts_of(self.kind)
        if facts is None:
            return ""
        known = facts.properties | facts.callables | facts.signal_names
        if self.attribute not in known and not self.attribute[0].isupper():
            return f"{self.place}: {self.kind} has no '{self.attribute}'"
        if self.how == "called" and self.attribute in facts.properties:
            return f"{self.place}: {self.kind}.{self.attribute} is a property, not to be called"
        if self.how == "set" and self.attribute not in facts.properties:
            return f"{self.place}: {self.kind}.{self.attribute} cannot be set"
        if self.detail and self.detail not in facts.signals:
            return f"{self.place}: {self.kind} has no signal {self.detail}"
        return ""


def uses_in(path: Path, returns: dict[str, list[str]]) -> Iterator[Use]:
    """Every use in a file; ``returns`` gives the kinds that helper functions return, by name."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    plain = [node for node in tree.body if not isinstance(node, ast.ClassDef)]
    for scope in plain:
        yield from _uses(path.name, scope, _kinds(scope, returns))
    for group in classes:
        shared = {name: kind for name, kind in _kinds(group, returns).items() if name.startswith("self.")}
        for part in group.body:
            yield from _uses(path.name, part, shared | _kinds(part, returns))


def helpers_in(path: Path) -> dict[str, list[str]]:
    """Functions whose annotation says which widgets they return."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.returns is not None:
            kinds = [ast.unparse(part) for part in ast.walk(node.returns) if isinstance(part, ast.Attribute)]
            if kinds and all(kind.split(".")[0] in TOOLKITS for kind in kinds):
                found[node.name] = kinds
    return found


def toolkit_names(path: Path) -> set[str]:
    """``qt.QLabel``, ``slicer.util.confirmYesNoDisplay``: every dotted name of the toolkits in a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return {name for name in names if name.split(".")[0] in TOOLKITS and "(" not in name}


def _kinds(scope: ast.AST, returns: dict[str, list[str]]) -> dict[str, str]:
    """``self.name`` or ``name`` -> kind, from assignments."""
    kinds: dict[str, str] = {}
    for node in ast.walk(scope):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.DictComp):  # widgets by name
            made = _made(node.value.value, returns) if isinstance(node.value.value, ast.Call) else []
            kinds.update({f"{ast.unparse(target)}[]": made[0] for target in node.targets if made})
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            made = _made(node.value, returns)
            for target in node.targets:
                targets = target.elts if isinstance(target, ast.Tuple) else [target]
                kinds.update({ast.unparse(t): kind for t, kind in zip(targets, made, strict=False)})
    return kinds


def _made(call: ast.Call, returns: dict[str, list[str]]) -> list[str]:
    name = ast.unparse(call.func)
    result = RESULTS.get(call.func.attr) if isinstance(call.func, ast.Attribute) else None
    if result is not None:
        return [result]
    return [name] if name.split(".")[0] in TOOLKITS else returns.get(name, [])


def _kind(owner: ast.expr, kinds: dict[str, str]) -> str | None:
    """The kind of what an attribute is taken of: a name that was assigned, an entry of such a collection, or the
    result of a call on the spot.
    """
    if isinstance(owner, ast.Call):
        made = _made(owner, {})
        return made[0] if made and (made[0] in RESULTS.values() or made[0][3:4].isupper()) else None
    name = ast.unparse(owner)
    return (
        kinds.get(name)
        or KNOWN.get(name)
        or (kinds.get(f"{ast.unparse(owner.value)}[]") if isinstance(owner, ast.Subscript) else None)
    )


def _uses(file: str, scope: ast.AST, kinds: dict[str, str]) -> Iterator[Use]:
    called = {id(node.func): node for node in ast.walk(scope) if isinstance(node, ast.Call)}
    for node in ast.walk(scope):
        if isinstance(node, ast.Attribute) and (kind := _kind(node.value, kinds)) is not None:
            call = called.get(id(node))
            how = "set" if isinstance(node.ctx, ast.Store) else "called" if call is not None else "read"
            signal = call.args[0] if call is not None and node.attr == "connect" and call.args else None
            detail = str(signal.value) if isinstance(signal, ast.Constant) else ""
            yield Use(f"{file}:{node.lineno}", kind, node.attr, how, detail)
