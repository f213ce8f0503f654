"""How many of something: a whole number of the command line."""

from __future__ import annotations

import argparse


def at_least_one(text: str) -> int:
    """``text`` as a number from 1 on. Raises ArgumentTypeError, which argparse prints with the option."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no whole number from 1 on")
    return int(text)
