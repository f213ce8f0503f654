"""The second command of the README: set up what the tests need, then ruff, mypy and pytest.

``python3 Testing/run.py [--environment PATH] [arguments for pytest]``. The exit code is the worst of the three. Tests
run on a few processors side by side, a file on one of them; ``-n 0`` at the end runs them one after the other.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MOST_BESIDE = 2  # each holds PyTorch and the panel, up to 2 GB, and starts processes of its own
sys.path.insert(0, str(ROOT))

from SemiSegLogic import environment  # noqa: E402


def commands(pytest_arguments: list[str]) -> list[list[str]]:
    """What is run, in order; pytest last, so that its count closes the output."""
    python = [sys.executable, "-m"]
    # in the order of the folders: the longest tests, of the whole flow, are the first and not the last
    beside = ["-n", str(min(_processors(), MOST_BESIDE)), "--dist", "loadfile", "--no-loadscope-reorder"]
    return [[*python, "ruff", "check"], [*python, "mypy"], [*python, "pytest", *beside, *pytest_arguments]]


def _processors() -> int:
    """How many this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def main(arguments: list[str]) -> int:
    """Exit code."""
    try:
        folder, rest = environment.chosen_folder(arguments)
        modules = environment.NEEDED + environment.NEEDED_FOR_SERVER + environment.NEEDED_FOR_TESTS
        environment.ensure([__file__, *rest], extras=("test", "slicer", "mn", "server"), modules=modules, folder=folder)
    except environment.EnvironmentProblem as problem:
        print(problem, file=sys.stderr)
        return 1
    return max(_run(command) for command in commands(rest))


def _run(command: list[str]) -> int:
    print("$", " ".join(["python", *command[1:]]), flush=True)
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    return code if code >= 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
