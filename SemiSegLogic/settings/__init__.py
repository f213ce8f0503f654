"""Every number a user or a paper can set: frozen dataclasses, validated, free of torch."""

from .fields import Settings, SettingsError
from .methods import METHOD_SETTINGS, MeanTeacher, Supervised
from .training import Training

__all__ = ["METHOD_SETTINGS", "MeanTeacher", "Settings", "SettingsError", "Supervised", "Training"]
