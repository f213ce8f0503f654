"""The command line: every step of the panel, for people with a terminal and for programs (``--json``)."""

from __future__ import annotations

import argparse
import errno
import os
import sys

import SimpleITK as sitk

from ..errors import SemiSegError
from ..files import name_files_in_utf8
from . import benchmark, bundle, demo, doctor, export, jobs, methods, models, serve, study, train
from .output import Output

COMMANDS = (demo, study, train, export, models, methods, jobs, serve, bundle, benchmark, doctor)


def parser() -> argparse.ArgumentParser:
    """The whole grammar."""
    top = argparse.ArgumentParser(prog="semiseg", description="Label a few slices, train on all your volumes.")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in COMMANDS:
        module.add(commands)
    return top


def run(words: list[str]) -> int:
    """Do one command; errors meant for people are printed as one line."""
    options = parser().parse_args(words)
    name_files_in_utf8()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)  # what ITK warns of is checked and said in words
    try:
        return int(options.do(options) or 0)
    except SemiSegError as error:
        remedy = getattr(error, "remedy", "")
        text = error.whole if remedy in str(error) else f"{error.whole} {remedy}"
        print(f"semiseg: {text}", file=sys.stderr)
        if getattr(options, "json", False):
            Output(machine=True).event("error", "", text=text)
        return 1
    except KeyboardInterrupt:
        print("semiseg: interrupted.", file=sys.stderr)
        return 130
    except OSError as error:
        _print_no_more()
        if _has_seen_enough(error):
            return 141
        where = "" if error.filename is None else f"{error.filename}: "
        print(f"semiseg: {where}{error.strerror or error}. Correct that and run the command again.", file=sys.stderr)
        return 1


def _print_no_more() -> None:
    """Where what is printed finds no place (a reader that has gone, a full disk), Python may not complain of it again
    at the end.
    """
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _has_seen_enough(error: OSError) -> bool:
    """Whether whoever read the output, "head" for one, has gone; Windows calls that an invalid argument."""
    invalid = os.name == "nt" and error.errno == errno.EINVAL and error.filename is None
    return isinstance(error, BrokenPipeError) or invalid


__all__ = ["parser", "run"]
