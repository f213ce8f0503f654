"""The methods, by name: what the button, the command line and a job can ask for."""

from __future__ import annotations

from importlib import import_module

from ..settings import METHOD_SETTINGS, Settings, SettingsError
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
    if name not in METHODS:
        raise SettingsError(f"There is no method '{name}'; there are {', '.join(METHODS)}.")
    settings: Settings = METHOD_SETTINGS[name].from_dict(values)
    method: type[Method] = getattr(import_module(f".{name}", __package__), METHODS[name])
    return method(settings, task)


__all__ = ["METHODS", "Method", "make"]
