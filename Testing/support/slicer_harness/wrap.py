"""PythonQt's way of showing Qt objects, over PySide6, held to what the real application exposes.

A wrapped object has exactly the properties, callables and signals listed for its class: properties are attributes
(``button.checked``), everything else is called, and a name that the real application lacks raises AttributeError here
too. Slots get as many arguments as they take, as in PythonQt; what a slot raises is kept in ``slot_errors``.
"""

from __future__ import annotations

import enum
import inspect
import re
import traceback
from collections.abc import Callable, Iterable, Iterator, KeysView, Set, ValuesView
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
import shiboken6
from PySide6 import QtCore

from .facts import Facts, facts_of

slot_errors: list[str] = []
_live: WeakValueDictionary[int, Wrapped] = WeakValueDictionary()
_classes: dict[type, type[Wrapped]] = {}
_kept: dict[tuple[int, str, Any], Callable[..., None]] = {}


def unwrap(value: Any) -> Any:
    """PySide objects for our wrappers, also inside lists and tuples."""
    if isinstance(value, Wrapped):
        return value.real
    if isinstance(value, (list, tuple)):
        return type(value)(unwrap(item) for item in value)
    if isinstance(value, WrappedMeta):
        return value.pyside
    return value


def taken(values: Iterable[Any]) -> tuple[Any, ...]:
    """What Qt is given, of those that PythonQt takes: it shows None as a text "None", has no conversion of numpy's
    floating-point numbers, and makes a list of texts of a list or tuple only.
    """
    found = tuple(values)
    for value in found:
        if value is None or isinstance(value, (np.floating, np.bool_, Set, KeysView, ValuesView, Iterator)):
            raise TypeError(f"The real application does not take {value!r} here.")
    return unwrap(found)  # type: ignore[no-any-return]


def wrap(value: Any) -> Any:
    """The wrapper of a PySide object (one per object while it lives); other values as they are."""
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return tuple(wrap(item) for item in value)
    if isinstance(value, list):
        return [wrap(item) for item in value]
    cls = next((_classes[base] for base in type(value).__mro__ if base in _classes), None)
    return value if cls is None else cls._adopt(value)


def trim(function: Callable[..., Any], arguments: int) -> Callable[..., None]:
    """``function`` called with as many of the signal's ``arguments`` as it takes; what it raises is kept."""
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    bound = getattr(function, "__self__", None) is not None
    takes = arguments
    if code is not None and not code.co_flags & inspect.CO_VARARGS:
        takes = min(arguments, code.co_argcount - bound)

    def slot(*values: Any) -> None:
        try:
            function(*(wrap(value) for value in values[:takes]))
        except Exception:
            slot_errors.append(traceback.format_exc())

    return slot


class BoundSignal:
    """``button.clicked``: connect, disconnect, or call it to emit."""

    def __init__(self, owner: Wrapped, name: str) -> None:
        self.owner, self.name = owner, name

    def connect(self, slot: Callable[..., Any]) -> bool:
        return self.owner.connect(self.owner.signature(self.name), slot)

    def disconnect(self, slot: Callable[..., Any]) -> bool:
        return self.owner.disconnect(self.owner.signature(self.name), slot)

    def __call__(self, *values: Any) -> None:
        getattr(self.owner.real, self.name).emit(*unwrap(values))


class WrappedMeta(type):
    """Class attributes: enum values and static functions, e.g. ``qt.QTimer.singleShot``."""

    pyside: type
    facts: Facts | None

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = getattr(cls.pyside, name)
        if isinstance(found, enum.Enum) or inspect.isclass(found):
            return found
        if cls.facts is not None and name not in cls.facts.callables:
            raise AttributeError(f"{cls.__name__} of the real application has no '{name}'.")
        return lambda *values: wrap(found(*(_as_slot(value) for value in unwrap(values))))


class Wrapped(metaclass=WrappedMeta):
    """Base of what the stand-ins of ``qt``, ``ctk`` and ``slicer`` export."""

    pyside: type
    facts: Facts | None = None
    takes_nodes = False
    """Widgets of MRML: no node is a node for them."""
    real: Any

    def __init__(self, *values: Any) -> None:
        object.__setattr__(self, "real", self.pyside(*taken(values)))
        _remember(self)

    @classmethod
    def _adopt(cls, real: Any) -> Wrapped:
        known = _live.get(_address(real))
        if known is not None and shiboken6.isValid(known.real):
            return known
        made = cls.__new__(cls)
        object.__setattr__(made, "real", real)
        _remember(made)
        return made

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Wrapped) and (self.real is other.real or _address(self.real) == _address(other.real))

    def __hash__(self) -> int:
        return _address(self.real)

    def __getattr__(self, name: str) -> Any:
        facts = type(self).facts
        if facts is None:
            return _lenient(self, name)
        if name in facts.properties:
            return wrap(_read(self.real, name))
        if name in facts.signal_names:
            return BoundSignal(self, name)
        if name in facts.callables:
            return _method(self, name)
        child = self.real.findChild(QtCore.QObject, name) if isinstance(self.real, QtCore.QObject) else None
        if child is not None:
            return wrap(child)
        if isinstance(getattr(self.pyside, name, None), enum.Enum):
            return getattr(self.pyside, name)
        raise AttributeError(f"{type(self).__name__} of the real application has no '{name}'.")

    def __setattr__(self, name: str, value: Any) -> None:
        facts = type(self).facts
        if facts is not None and name not in facts.properties:
            raise AttributeError(f"{type(self).__name__} of the real application has no property '{name}' to set.")
        (value,) = unwrap([value]) if isinstance(_peek(self.real, name), bool) else taken([value])
        _write(self.real, name, value)

    def signature(self, name: str) -> str:
        """The longest signature of signal ``name``."""
        facts = type(self).facts
        found = [s for s in facts.signals if s.split("(")[0] == name] if facts else []
        return max(found, key=len) if found else name + "()"

    def connect(self, signal: str, slot: Callable[..., Any]) -> bool:
        """PythonQt returns False and prints for an unknown signal; here it is an error."""
        facts = type(self).facts
        if facts is not None and signal.replace(" ", "") not in facts.signals:
            raise AttributeError(f"{type(self).__name__} of the real application has no signal '{signal}'.")
        made = trim(slot, signal.count(",") + 1 if not signal.endswith("()") else 0)
        _kept[(_address(self.real), signal, slot)] = made
        getattr(self.real, signal.split("(")[0]).connect(made)
        return True

    def disconnect(self, signal: str, slot: Callable[..., Any]) -> bool:
        made = _kept.pop((_address(self.real), signal, slot), None)
        return made is not None and bool(getattr(self.real, signal.split("(")[0]).disconnect(made))

    def className(self) -> str:
        return type(self).__name__


def _address(real: Any) -> int:
    return int(shiboken6.getCppPointer(real)[0]) if shiboken6.isValid(real) else id(real)


def _remember(made: Wrapped) -> None:
    _live[_address(made.real)] = made


def _as_slot(value: Any) -> Any:
    return trim(value, 0) if inspect.isfunction(value) or inspect.ismethod(value) else value


def _method(owner: Wrapped, name: str) -> Callable[..., Any]:
    names = {"exec_": "exec", "delete": "deleteLater"}
    found = getattr(owner.real, names.get(name, name))
    given = unwrap if owner.takes_nodes else taken
    return lambda *values: wrap(found(*(_as_slot(value) for value in given(values))))


def _lenient(owner: Wrapped, name: str) -> Any:
    found = getattr(owner.real, name)
    return _method(owner, name) if callable(found) else found


def _read(real: Any, name: str) -> Any:
    if isinstance(real, QtCore.QObject) and real.metaObject().indexOfProperty(name) >= 0:
        return real.property(name)
    getter = getattr(real, name, None) or getattr(real, "is" + name[0].upper() + name[1:])
    return getter()


def _write(real: Any, name: str, value: Any) -> None:
    setter = getattr(real, "set" + name[0].upper() + name[1:], None)
    if isinstance(_peek(real, name), bool):
        value = bool(value)  # PythonQt takes anything for a truth value
    if setter is not None:
        setter(value)
    elif not real.setProperty(name, value):
        raise AttributeError(f"Property '{name}' does not take {value!r}.")


def _peek(real: Any, name: str) -> Any:
    return real.property(name) if isinstance(real, QtCore.QObject) else None


def expose(module: str, pyside: type, name: str = "") -> type[Wrapped]:
    """A wrapper class for ``pyside``, strict when the list of facts has ``module.name``."""
    name = re.sub(r"^.*\.", "", name or pyside.__name__)
    kind = {"pyside": pyside, "facts": facts_of(f"{module}.{name}"), "takes_nodes": module == "slicer"}
    made = WrappedMeta(name, (Wrapped,), kind)
    _classes[pyside] = made
    return made
