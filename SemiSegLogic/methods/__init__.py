"""The methods, by name: what the button, the command line and a job can ask for."""

from __future__ import annotations

from importlib import import_module

from ..settings import METHOD_SETTINGS, SettingsError
from .base import Method, Task

METHODS = {
    "supervised": "Supervised",
    "mean_teacher": "MeanTeacher",
    "bcp": "BCP",
    "c3s3": "C3S3",
    "medl": "MEDL",
    "ersr": "ERSR",
    "m3hl": "M3HL",
    "mn": "MN",
    "spcl": "SPCL",
    "transmedseg": "TransMedSeg",
    "cad": "CAD",
}
"""The class of each method, in the module of the method's name. Only the one that is asked for is imported: some bring
half a second of other libraries.
"""


def make(name: str, values: dict[str, object], task: Task) -> Method:
    """The method ``name`` with the settings ``values`` (those left out keep their defaults) for ``task``.

    Raises SettingsError when there is no such method or a value does not fit.
    """
    return _class_of(name)(METHOD_SETTINGS[name].from_dict(values), task)


def make_to_predict(name: str, values: dict[str, object], task: Task) -> Method:
    """The same for one that has learned and only predicts: it needs nothing that is for training alone."""
    return _class_of(name).to_predict(METHOD_SETTINGS[name].from_dict(values), task)


def _class_of(name: str) -> type[Method]:
    if name not in METHODS:
        raise SettingsError(f"There is no method '{name}'; there are {', '.join(METHODS)}.")
    method: type[Method] = getattr(import_module(f".{name}", __package__), METHODS[name])
    return method


__all__ = ["METHODS", "Method", "make", "make_to_predict"]
