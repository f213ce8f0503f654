"""Every number a user or a paper can set: frozen dataclasses, validated, free of torch."""

from .about import ABOUT, About
from .fields import Settings, SettingsError
from .methods import BCP, C3S3, CAD, ERSR, M3HL, MEDL, METHOD_SETTINGS, MN, SPCL, MeanTeacher, Supervised, TransMedSeg
from .recipes import PAPER, RECIPES, Published, published, recipe
from .recommended import CHOICES, CHOICES_ABOUT, RECOMMENDED, Recommended
from .training import Training

__all__ = [
    "ABOUT",
    "BCP",
    "C3S3",
    "CAD",
    "CHOICES",
    "CHOICES_ABOUT",
    "ERSR",
    "M3HL",
    "MEDL",
    "METHOD_SETTINGS",
    "MN",
    "PAPER",
    "RECIPES",
    "RECOMMENDED",
    "SPCL",
    "About",
    "MeanTeacher",
    "Published",
    "Recommended",
    "Settings",
    "SettingsError",
    "Supervised",
    "Training",
    "TransMedSeg",
    "published",
    "recipe",
]
