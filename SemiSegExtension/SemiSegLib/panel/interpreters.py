"""The three Pythons that can train, as they are in this Slicer."""

from __future__ import annotations

from typing import Any

import slicer

from ..setup.interpreters import Interpreters, Kept
from ..setup.pythons import python_slicer, with_pythons_names
from .preferences import Preferences

EXTENSION = "pytorchutils"
"""The module of the PyTorch extension, as ``slicer.modules`` calls it."""


def make_interpreters(preferences: Preferences, private: Any = None) -> Interpreters:
    """``private`` is given by tests in place of an environment of our own."""
    return Interpreters(
        Kept(preferences.get),
        with_pythons_names(slicer.util.startupEnvironment()),
        python_slicer(str(slicer.app.slicerHome)),
        lambda: hasattr(slicer.modules, EXTENSION),
        private,
    )
