"""``semiseg methods``: what can be trained, in a sentence each."""

from __future__ import annotations

import argparse
from typing import Any

from rich.table import Table

from ..settings import ABOUT, METHOD_SETTINGS
from .output import Output, add_json


def add(commands: Any) -> None:
    """The grammar."""
    methods = commands.add_parser("methods", help="list the methods: what they do, which data they suit")
    add_json(methods)
    methods.set_defaults(do=_methods)


def _methods(options: argparse.Namespace) -> None:
    out = Output(options.json)
    table = Table("method", "what it does", "suits", "paper", show_lines=True)
    for name, settings in METHOD_SETTINGS.items():
        about = ABOUT[name]
        table.add_row(name, about.does, about.suits, about.paper)
        if options.json:
            out.event("method", "", method=name, **vars(about), settings=settings().to_dict())
    if not options.json:
        out.console.print(table)
