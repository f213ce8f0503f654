"""What commands print: a live progress bar for people, one JSON object per line for programs."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from ..rounds.handing_over import OnProgress


def add_json(command: argparse.ArgumentParser) -> None:
    """The ``--json`` option."""
    command.add_argument("--json", action="store_true", help="print JSON lines for programs instead of text")


class Output:
    """Prints for a person or, with ``machine``, one JSON object per event."""

    def __init__(self, machine: bool = False):
        self.machine = machine
        self.console = Console(highlight=False)

    def event(self, name: str, text: str, /, **data: Any) -> None:
        """Say ``text`` to a person; give a program ``data`` under ``name``."""
        if self.machine:
            print(json.dumps({"event": name, **data}), flush=True)
        else:
            self.console.print(text, markup=False, soft_wrap=True)  # a path may hold brackets, and is copied whole

    def problem(self, text: str, /, **data: Any) -> None:
        """Say to a person, beside the results, what did not go; give a program ``text`` and ``data``."""
        if self.machine:
            self.event("problem", text, text=text, **data)
        else:
            print(f"semiseg: {text}", file=sys.stderr, flush=True)

    @contextmanager
    def progress(self) -> Iterator[Callable[[str, float, float | None], None]]:
        """A bar; the yielded function takes (what, fraction done in [0, 1], seconds left or None)."""
        if self.machine:
            yield lambda what, done, left: self.event("progress", "", what=what, fraction=done, seconds_left=left)
            return
        columns = (TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.percentage:>3.0f} %"),
                   TimeElapsedColumn(), TextColumn("{task.fields[left]}"))
        with Progress(*columns, console=self.console) as bar:
            task = bar.add_task("", total=1.0, left="", visible=False)
            yield lambda what, done, left: bar.update(
                task, description=what, completed=done, left=_left(left), visible=True
            )

    @contextmanager
    def working(self, what: str) -> Iterator[None]:
        """While something takes its time: what it is, for a person who watches. Nothing stays of it, and where nobody
        watches (a file, a program) nothing is said.
        """
        if self.machine or not self.console.is_terminal:
            yield
            return
        with self.console.status(escape(f"{what} ...")):
            yield

    @contextmanager
    def counting(self, what: str) -> Iterator[OnProgress]:
        """A bar for things that are counted; the yielded function takes (done, all)."""
        with self.progress() as tell:
            if not self.machine and self.console.is_terminal:
                tell(what, 0.0, None)  # the first of them may take its time
            yield lambda done, of: tell(f"{what}: {done} of {of}", done / max(of, 1), None)


def _left(seconds: float | None) -> str:
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d} left"
