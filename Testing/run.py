"""The second command of the README: set up what the tests need, then ruff, mypy and pytest.

``python3 Testing/run.py [--environment PATH] [arguments for pytest]``. The exit code is the worst of the three. Tests
run on a few processors side by side, a file on one of them; ``-n 0`` at the end runs them one after the other. mypy
takes what processor time they leave: they wait for processes and disks now and then.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULE = [sys.executable, "-m"]
POLITE = 10  # of the 19 by which a program can step back
MOST_BESIDE = 2  # each holds PyTorch and the panel, up to 2 GB, and starts processes of its own
sys.path.insert(0, str(ROOT))

from SemiSegLogic import environment  # noqa: E402


def pytest_command(arguments: list[str]) -> list[str]:
    """The tests in the order of the folders: the longest, of the whole flow, are the first and not the last."""
    beside = ["-n", str(min(_processors(), MOST_BESIDE)), "--dist", "loadfile", "--no-loadscope-reorder"]
    return [*MODULE, "pytest", *beside, *arguments]


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
    with _begin([*MODULE, "ruff", "check"]) as style:
        style.wait()
    return max(_code(style), _types_and_tests(pytest_command(rest)))


def _types_and_tests(tests_command: list[str]) -> int:
    """The worse exit code. What mypy says comes at once when it ends, and the count of the tests closes the output."""
    with _begin([*MODULE, "mypy"], beside=True) as types, _begin(tests_command) as tests:
        words, _ = types.communicate()
        print(f"\nmypy: {words.strip()}", flush=True)
        tests.wait()
    if types.returncode:
        print("mypy found mistakes: see above.", flush=True)
    return max(_code(types), _code(tests))


def _begin(command: list[str], beside: bool = False) -> subprocess.Popen[str]:
    """``command`` at work; ``beside``: it steps back behind others, and its words are kept for its end. Every process
    of the tests loads the product, so it is compiled once, also where Python is told to leave no compiled files behind.
    """
    print("$", " ".join(["python", *command[1:]]), flush=True)
    surroundings = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    step_back = (lambda: os.nice(POLITE)) if beside and os.name == "posix" else None
    output = subprocess.PIPE if beside else None
    return subprocess.Popen(command, cwd=ROOT, env=surroundings, preexec_fn=step_back, stdout=output, text=True)


def _code(ended: subprocess.Popen[str]) -> int:
    return ended.returncode if ended.returncode >= 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
