"""The second command of the README: set up what the tests need, then ruff, mypy and pytest.

``python3 Testing/run.py [--environment PATH] [arguments for pytest]``. The exit code is the worst of the three.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from SemiSegLogic import environment  # noqa: E402


def commands(pytest_arguments: list[str]) -> list[list[str]]:
    """What is run, in order; pytest last, so that its count closes the output."""
    python = [sys.executable, "-m"]
    return [[*python, "ruff", "check"], [*python, "mypy"], [*python, "pytest", *pytest_arguments]]


def main(arguments: list[str]) -> int:
    """Exit code."""
    try:
        folder, rest = environment.chosen_folder(arguments)
        modules = environment.NEEDED + environment.NEEDED_FOR_TESTS
        environment.ensure([__file__, *rest], extras=("test", "slicer", "mn"), modules=modules, folder=folder)
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
