"""Where pip finds PyTorch's builds: light-the-torch knows, which Slicer's own PyTorch extension relies on.

Asking it for the address, instead of letting it install, serves private environments, packages beside another Python
and bundles for other systems alike. Standard library and pip only.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .pip import Pip, clean
from .problem import EnvironmentProblem

LIGHT_THE_TORCH = "light-the-torch>=0.8.1"
ASKED = ("light-the-torch>=0.8.1,<0.9", "packaging>=23")  # what QUESTION calls is not promised to later versions
QUESTION = """
import sys
from light_the_torch._patch import Channel, get_index_urls
print(get_index_urls({sys.argv[1]}, Channel.STABLE)[0])
"""


def index_of(build: str, system: str = sys.platform, python: Sequence[str] = (sys.executable,)) -> str | None:
    """The address of the index that holds ``build``; None where the usual index holds it already.

    The usual index holds the processor's build for Windows and macOS, and for Linux one with all of CUDA. ``python`` is
    the command of one that has pip: Debian's makes environments, but may have none itself. Raises EnvironmentProblem
    when light-the-torch cannot be had, or gives no answer.
    """
    if build == "cpu" and system != "linux":
        return None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as shelf:
        Pip(python, Path(shelf)).install(["--quiet", "--no-deps", "--target", shelf, *ASKED])
        done = subprocess.run(
            [*python, "-c", QUESTION, build], env={**clean(), "PYTHONPATH": shelf}, capture_output=True,
            text=True, errors="replace", check=False,
        )
    if done.returncode:
        raise EnvironmentProblem(
            f"light-the-torch does not say where PyTorch's build '{build}' is. Update pip and try again, or use an "
            "offline bundle.", done.stderr.strip()[-2000:],
        )
    return done.stdout.strip()
