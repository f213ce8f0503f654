"""``semiseg`` and ``python -m SemiSegLogic``: sets up what it needs on the first use, then does as it is told."""

from __future__ import annotations

import io
import sys

from .environment import NEEDED, NEEDED_FOR_SERVER, EnvironmentProblem, bundling, check_python, chosen_folder, ensure
from .errors import SemiSegError


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code (0 done, 1 failed in words, 2 not understood, 130 interrupted)."""
    words = sys.argv[1:] if arguments is None else arguments
    _print_whatever_comes()
    try:
        folder, words = chosen_folder(words)
        if words[:1] == ["bundle"]:  # made on any connected computer: needs pip and none of the packages
            check_python()
            return bundling.command(words[1:])
        serves = words[:1] == ["serve"]
        ensure(("-m", "SemiSegLogic", *words), extras=("server",) if serves else (),
               modules=NEEDED + NEEDED_FOR_SERVER if serves else NEEDED, folder=folder)
        from .cli import run  # needs the packages that were made sure of above; loading them takes a second or two

        return run(words)
    except (EnvironmentProblem, SemiSegError) as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("semiseg: interrupted.", file=sys.stderr)
        return 130


def _print_whatever_comes() -> None:
    """Into a file or a pipe Windows writes text of the country's code page: a letter that it lacks becomes a question
    mark, instead of the end of the command.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


if __name__ == "__main__":
    sys.exit(main())
