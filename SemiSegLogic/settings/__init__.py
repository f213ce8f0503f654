"""Every number a user or a paper can set: frozen dataclasses, validated, free of torch."""

from .about import ABOUT, About
from .fields import Settings, SettingsError
from .methods import BCP, C3S3, CAD, ERSR, M3HL, MEDL, METHOD_SETTINGS, MN, SPCL, MeanTeacher, Supervised, TransMedSeg
from .recipes import PAPER, RECIPES, Published, published, recipe
from .training import Training

__all__ = [
    "ABOUT",
    "BCP",
    "C3S3",
    "CAD",
    "ERSR",
    "M3HL",
    "MEDL",
    "METHOD_SETTINGS",
    "MN",
    "PAPER",
    "RECIPES",
    "SPCL",
    "About",
    "MeanTeacher",
    "Published",
    "Settings",
    "SettingsError",
    "Supervised",
    "Training",
    "TransMedSeg",
    "published",
    "recipe",
]
