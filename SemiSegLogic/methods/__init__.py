"""The methods, by name: what the button, the command line and a job can ask for."""

from __future__ import annotations

from ..settings import METHOD_SETTINGS, Settings, SettingsError
from .base import Method, Task
from .bcp import BCP
from .c3s3 import C3S3
from .cad import CAD
from .ersr import ERSR
from .m3hl import M3HL
from .mean_teacher import MeanTeacher
from .medl import MEDL
from .mn import MN
from .spcl import SPCL
from .supervised import Supervised
from .transmedseg import TransMedSeg

METHODS: dict[str, type[Method]] = {
    "supervised": Supervised,
    "mean_teacher": MeanTeacher,
    "bcp": BCP,
    "c3s3": C3S3,
    "medl": MEDL,
    "ersr": ERSR,
    "m3hl": M3HL,
    "mn": MN,
    "spcl": SPCL,
    "transmedseg": TransMedSeg,
    "cad": CAD,
}


def make(name: str, values: dict[str, object], task: Task) -> Method:
    """The method ``name`` with the settings ``values`` (those left out keep their defaults) for ``task``.

    Raises SettingsError when there is no such method or a value does not fit.
    """
    if name not in METHODS:
        raise SettingsError(f"There is no method '{name}'; there are {', '.join(METHODS)}.")
    settings: Settings = METHOD_SETTINGS[name].from_dict(values)
    return METHODS[name](settings, task)


__all__ = ["METHODS", "Method", "make"]
