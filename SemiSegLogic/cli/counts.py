"""How many of something, or for how long: numbers of the command line."""

from __future__ import annotations

import argparse
import math


def at_least_one(text: str) -> int:
    """``text`` as a number from 1 on. Raises ArgumentTypeError, which argparse prints with the option."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of at least 1")
    return int(text)


def a_port(text: str) -> int:
    """``text`` as the number of a port, 0 for any. Raises ArgumentTypeError."""
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"'{text}' is not a port (0 to 65535)")
    return int(text)


def some_seconds(text: str) -> float:
    """``text`` as a time above 0: no time at all would train for one step, which nobody wants. Raises
    ArgumentTypeError.
    """
    return _above_nothing(text, "seconds")


def some_days(text: str) -> float:
    """``text`` as a time above 0. Raises ArgumentTypeError."""
    return _above_nothing(text, "days")


def some_gigabytes(text: str) -> float:
    """``text`` as a room above 0. Raises ArgumentTypeError."""
    return _above_nothing(text, "gigabytes")


def _above_nothing(text: str, unit: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < math.inf:  # nor NaN
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of {unit} above 0")
    return number
