"""The help pages of the methods: text from their docstrings, settings, recipes and measurements, and a figure each."""

from .drawing import draw
from .flows import FLOWS
from .writing import pages, write_pages

__all__ = ["FLOWS", "draw", "pages", "write_pages"]
