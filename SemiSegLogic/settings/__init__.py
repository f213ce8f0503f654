"""Every number a user or a paper can set: frozen dataclasses, validated, free of torch."""

from .fields import Settings, SettingsError
from .methods import BCP, CAD, ERSR, M3HL, MEDL, METHOD_SETTINGS, SPCL, MeanTeacher, Supervised, TransMedSeg
from .training import Training

__all__ = [
    "BCP",
    "CAD",
    "ERSR",
    "M3HL",
    "MEDL",
    "METHOD_SETTINGS",
    "SPCL",
    "MeanTeacher",
    "Settings",
    "SettingsError",
    "Supervised",
    "Training",
    "TransMedSeg",
]
