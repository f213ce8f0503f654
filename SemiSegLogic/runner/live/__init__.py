"""Learning while the person draws: training without an end, and the case on screen shown again after every slice."""

from .course import LiveCourse

__all__ = ["LiveCourse"]
