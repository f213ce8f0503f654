"""``semiseg methods``: what can be trained, in a sentence each."""

from __future__ import annotations

import argparse
import inspect
from typing import Any

from rich.table import Table

from ..settings import METHOD_SETTINGS
from .output import Output, add_json


def add(commands: Any) -> None:
    """The grammar."""
    methods = commands.add_parser("methods", help="list the methods")
    add_json(methods)
    methods.set_defaults(do=_methods)


def _methods(options: argparse.Namespace) -> None:
    out = Output(options.json)
    table = Table("method", "what it is")
    for name, settings in METHOD_SETTINGS.items():
        sentence = (inspect.getdoc(settings) or "").split("\n\n")[0].replace("\n", " ")
        table.add_row(name, sentence)
        if options.json:
            out.event("method", "", method=name, sentence=sentence, settings=settings().to_dict())
    if not options.json:
        out.console.print(table)
