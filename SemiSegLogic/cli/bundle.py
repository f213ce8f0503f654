"""``semiseg bundle``: everything for a computer without a network, in one file."""

from __future__ import annotations

from typing import Any

from ..environment import bundling


def add(commands: Any) -> None:
    """The grammar. The command itself never comes so far: it runs before the packages are made sure of."""
    parser = commands.add_parser("bundle", help="make an offline bundle: all packages for a computer without a network")
    bundling.grammar(parser)
    parser.set_defaults(do=bundling.run)
