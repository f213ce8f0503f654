"""Learning while the person draws: training without an end, and the case on screen shown again after every slice."""

from .course import LiveCourse
from .staying import Stay

__all__ = ["LiveCourse", "Stay"]
