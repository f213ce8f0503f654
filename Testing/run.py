"""The second command of the README: set up what the tests need, then ruff, mypy and pytest.

``python3 Testing/run.py [--environment PATH] [arguments for pytest]``. The exit code is the worst of the three. Tests
run on a few processors side by side, a file on one of them; ``-n 0`` at the end runs them one after the other. mypy
takes what processor time they leave: they wait for processes now and then. What tests write lies in memory, where there
is room: the product waits for the disk twice for every file, a hundred thousand times in all tests. It is gone when
they end; with ``TMPDIR`` set, it lies there and stays.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULE = [sys.executable, "-m"]
POLITE = 10  # of the 19 by which a program can step back
MOST_BESIDE = 2  # each holds PyTorch and the panel, up to 2 GB, and starts processes of its own
IN_MEMORY, ROOM = Path("/dev/shm"), 6 << 30  # of Linux; bytes, for the files and for the tests themselves
sys.path.insert(0, str(ROOT))

from SemiSegLogic import environment  # noqa: E402
from SemiSegLogic.free_memory import available_memory  # noqa: E402


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
    types_command = [*MODULE, "mypy"]
    with _files() as more, _begin(types_command, beside=True) as types, _begin(tests_command, **more) as tests:
        words, _ = types.communicate()
        print(f"\nmypy: {words.strip()}", flush=True)
        tests.wait()
    if types.returncode:
        print("mypy found mistakes: see above.", flush=True)
    return max(_code(types), _code(tests))


@contextmanager
def _files() -> Iterator[dict[str, str]]:
    """What to add to the environment of the tests so that their files lie in memory, where there is room."""
    if "TMPDIR" in os.environ or not _room_in_memory():
        yield {}
        return
    folder = tempfile.mkdtemp(prefix="semiseg-tests-", dir=IN_MEMORY)
    os.chmod(folder, 0o711)  # as of the folder for temporary files itself: some tests are another user for a moment
    try:
        yield {"TMPDIR": folder}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _room_in_memory() -> bool:
    """Tests also start programs that they write, which containers often forbid there."""
    if not (IN_MEMORY.is_dir() and os.access(IN_MEMORY, os.W_OK)) or os.statvfs(IN_MEMORY).f_flag & os.ST_NOEXEC:
        return False
    return min(shutil.disk_usage(IN_MEMORY).free, available_memory() or 0) > ROOM


def _begin(command: list[str], beside: bool = False, **more: str) -> subprocess.Popen[str]:
    """``command`` at work, with ``more`` in its environment; ``beside``: it steps back behind others, and its words are
    kept for its end. Every process of the tests loads the product, so it is compiled once, also where Python is told to
    leave no compiled files behind.
    """
    print("$", " ".join(["python", *command[1:]]), flush=True)
    surroundings = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | more
    step_back = (lambda: os.nice(POLITE)) if beside and os.name == "posix" else None
    output = subprocess.PIPE if beside else None
    return subprocess.Popen(command, cwd=ROOT, env=surroundings, preexec_fn=step_back, stdout=output, text=True)


def _code(ended: subprocess.Popen[str]) -> int:
    return ended.returncode if ended.returncode >= 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
