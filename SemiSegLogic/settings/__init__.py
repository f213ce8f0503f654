"""Every number a user or a paper can set: frozen dataclasses, validated, free of torch."""

from .fields import Settings, SettingsError
from .methods import BCP, ERSR, METHOD_SETTINGS, SPCL, MeanTeacher, Supervised
from .training import Training

__all__ = [
    "BCP",
    "ERSR",
    "METHOD_SETTINGS",
    "SPCL",
    "MeanTeacher",
    "Settings",
    "SettingsError",
    "Supervised",
    "Training",
]
