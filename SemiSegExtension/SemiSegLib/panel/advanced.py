"""The numbers of a method, made from its settings class."""

from __future__ import annotations

import dataclasses
from typing import Any

import qt

from ..words import _
from .parts import choice, form


class SettingsForm:
    """Fields for every setting; ``values()`` gives those that differ from their defaults."""

    def __init__(self, layout: Any) -> None:
        self._rows = form(layout)
        self._rows.setRowWrapPolicy(qt.QFormLayout.WrapAllRows)  # their names take the width of a narrow panel
        self._fields: dict[str, tuple[dataclasses.Field[Any], Any]] = {}

    def show(self, kind: type) -> None:
        """Fields for the settings class ``kind`` in place of those before."""
        while self._fields:
            self._fields.popitem()
            self._rows.removeRow(0)
        for item in dataclasses.fields(kind):
            if "label" in item.metadata:
                widget = _widget(item)
                widget.toolTip = _tip(item)
                self._fields[item.name] = (item, widget)
                self._rows.addRow(_label(item) + ":", widget)

    def values(self) -> dict[str, Any]:
        """Raises ValueError naming the field that holds no number."""
        read = {name: _value(item, widget) for name, (item, widget) in self._fields.items()}
        return {name: value for name, value in read.items() if value != self._fields[name][0].default}


def _label(item: dataclasses.Field[Any]) -> str:
    return _word(item.metadata["label"])


def _word(text: str) -> str:
    from ..training.setting_words import setting_word  # a long list: most people never look at the settings

    return setting_word(text)


def _widget(item: dataclasses.Field[Any]) -> Any:
    if "options" in item.metadata:
        made = choice()
        made.addItems(list(item.metadata["options"]))
        made.setCurrentIndex(item.metadata["options"].index(item.default))
        return made
    if isinstance(item.default, bool):
        box = qt.QCheckBox()
        box.checked = item.default
        return box
    line = qt.QLineEdit()
    line.text = _text(item)
    return line


def _text(item: dataclasses.Field[Any]) -> str:
    """The default as a person reads it; 2/3 is rounded."""
    return f"{item.default:g}" if isinstance(item.default, float) else str(item.default)


def _value(item: dataclasses.Field[Any], widget: Any) -> Any:
    if "options" in item.metadata:
        return item.metadata["options"][widget.currentIndex]
    if isinstance(item.default, bool):
        return bool(widget.checked)
    text = widget.text.strip()
    if text == _text(item):
        return item.default
    if isinstance(item.default, str):
        return text
    try:
        return type(item.default)(text)
    except ValueError as error:
        told = _("{label}: '{text}' is not a number; the default is {default}.")
        raise ValueError(told.format(label=_label(item), text=text, default=f"{item.default:g}")) from error


def _tip(item: dataclasses.Field[Any]) -> str:
    about = item.metadata
    limits = ""
    if about.get("low") is not None:
        limits = _("{low} to {high}").format(low=about["low"], high=about["high"])
        limits += f" {_word(about['unit'])}" if about.get("unit") else ""
    return "; ".join(part for part in (limits, about.get("source", "")) if part)
