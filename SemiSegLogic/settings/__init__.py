"""Every number a user or a paper can set: frozen dataclasses, validated, free of torch."""

from .fields import Settings, SettingsError
from .methods import MeanTeacher, Supervised
from .training import Training

__all__ = ["MeanTeacher", "Settings", "SettingsError", "Supervised", "Training"]
