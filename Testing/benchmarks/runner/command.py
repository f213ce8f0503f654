"""``semiseg benchmark``: what there is, running it in pieces, tables, plots.

    semiseg benchmark list
    semiseg benchmark run   --protocol few_slices_hippocampus --recipe short --data FOLDER --minutes 9
    semiseg benchmark table --protocol few_slices_hippocampus --write
    semiseg benchmark plot  --protocol few_slices_hippocampus

``run`` may be stopped at any moment, by Ctrl+C, by --minutes or by pulling the plug: the same command goes on.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from SemiSegLogic.errors import SemiSegError

from .definitions.checked import BenchmarkError
from .definitions.protocol import PROTOCOLS, Choice, Protocol, protocol, protocol_names
from .definitions.runs import runs, todo
from .queue.conditions import Conditions, work_folder
from .queue.rows import rows_of

RESULTS = PROTOCOLS.parent / "results" / "protocols"


def parser() -> argparse.ArgumentParser:
    """The grammar."""
    top = argparse.ArgumentParser(prog="semiseg benchmark", description=__doc__,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, do, words in (("list", _list, "the protocols, and what is done of each recipe"),
                            ("run", _run, "do what is not done"),
                            ("table", _table, "the results as Markdown"),
                            ("plot", _plot, "the results as pictures")):
        command = commands.add_parser(name, help=words)
        command.set_defaults(do=do)
        _add_choice(command)
        if name in ("list", "run"):
            command.add_argument("--json", action="store_true", help="print JSON lines for programs instead of text")
        if name == "run":
            _add_run(command)
        if name == "table":
            command.add_argument("--write", action="store_true", help="into the results folder, with its pictures")
    return top


def main(words: list[str]) -> int:
    """Do one command; errors meant for people are printed as one line."""
    options = parser().parse_args(words)
    try:
        return int(options.do(options) or 0)
    except SemiSegError as error:
        print(f"semiseg benchmark: {error}", file=sys.stderr)
        return 1


def _add_choice(command: argparse.ArgumentParser) -> None:
    command.add_argument("--protocol", help=f"one of {', '.join(protocol_names())}; default: all, or needed to run")
    command.add_argument("--recipe", help="of the protocol; default: all of them, or the first one to run")
    command.add_argument("--cell", nargs="+", default=[], help="default: those of the recipe")
    command.add_argument("--method", nargs="+", default=[], help="default: those of the recipe, in this order")
    command.add_argument("--seeds", nargs="+", type=int, default=[], help="default: those of the recipe")
    command.add_argument("--results", type=Path, default=RESULTS, help="folder of the rows and pages")
    command.add_argument("--protocols", type=Path, default=PROTOCOLS, help="folder of protocols, such as your own")


def _add_run(command: argparse.ArgumentParser) -> None:
    command.add_argument("--data", type=Path, required=True, help="the folder that holds the data set")
    command.add_argument("--minutes", type=float, default=0, help="stop after this time; the same command goes on")
    command.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    command.add_argument("--jobs", default="1", help="processes side by side, or auto: measured once per computer")
    command.add_argument("--threads", type=int, default=1, help="processor threads of each process")
    command.add_argument("--save-seconds", type=float, default=20, help="how much a power cut may cost")
    command.add_argument("--work", type=Path, help="folder for what is unfinished; default: the user's cache")


def _choice(options: argparse.Namespace) -> Choice:
    return Choice(tuple(options.cell), tuple(options.method), tuple(options.seeds))


def _protocols(options: argparse.Namespace) -> list[Protocol]:
    """The one named, or all."""
    names = [options.protocol] if options.protocol else protocol_names(options.protocols)
    return [protocol(name, options.protocols) for name in names]


def _list(options: argparse.Namespace) -> int:
    for about in _protocols(options):
        rows = rows_of(options.results, about).read()
        if not options.json:
            print(f"{about.name}: {about.title}. {about.purpose}")
        for recipe in [about.recipe(options.recipe)] if options.recipe else about.recipes.values():
            wanted = runs(about, recipe, _choice(options))
            done = len(wanted) - len(todo(wanted, rows))
            words = f"  {recipe.name}: {done} of {len(wanted)} runs done. {recipe.why}"
            _say(options, words, protocol=about.name, recipe=recipe.name, done=done, of=len(wanted))
    return 0


def _run(options: argparse.Namespace) -> int:
    if not options.protocol:
        raise BenchmarkError(f"Name a protocol with --protocol: one of {', '.join(protocol_names(options.protocols))}.")
    about = protocol(options.protocol, options.protocols)
    recipe, choice = about.recipe(options.recipe or next(iter(about.recipes))), _choice(options)
    from .queue.processes import work_off  # torch from here on

    on = Conditions(options.data, options.protocols, options.results, options.work or work_folder(), options.device,
                    options.threads, options.minutes, options.save_seconds)
    with clock(options.minutes) as go_on:
        left = work_off(about, recipe, choice, on, options.jobs, go_on)
    of = len(runs(about, recipe, choice))
    words = f"{of - left} of {of} runs done" + (". The same command goes on." if left else ".")
    _say(options, words, protocol=about.name, recipe=recipe.name, done=of - left, of=of)
    return 0


def _say(options: argparse.Namespace, words: str, **data: object) -> None:
    print(json.dumps(data) if options.json else words, flush=True)


@contextmanager
def clock(minutes: float) -> Iterator[Callable[[], bool]]:
    """Yields what says whether time is left: until ``minutes`` are over (0: no limit) or somebody asks to stop, by
    Ctrl+C or politely.
    """
    end, asked = time.monotonic() + 60 * minutes, []

    def stop(number: int, frame: FrameType | None) -> None:
        asked.append(number)

    before = {wish: signal.signal(wish, stop) for wish in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: not asked and (not minutes or time.monotonic() < end)
    finally:
        for wish, handler in before.items():
            signal.signal(wish, handler)


def _table(options: argparse.Namespace) -> int:
    from .report.pages import overview, page, write_page, write_text

    for about in _protocols(options):
        rows = rows_of(options.results, about).read()
        if options.write:
            print(*write_page(about, rows, options.results), sep="\n")
        else:
            print(page(about, rows, options.recipe))
    if options.write:
        everything = [protocol(name, options.protocols) for name in protocol_names(options.protocols)]
        known = [(about, rows_of(options.results, about).read()) for about in everything]
        print(write_text(options.results / "README.md", overview(known)))
    return 0


def _plot(options: argparse.Namespace) -> int:
    from .report.plots import draw

    for about in _protocols(options):
        print(*draw(about, rows_of(options.results, about).read(), options.results), sep="\n")
    return 0
