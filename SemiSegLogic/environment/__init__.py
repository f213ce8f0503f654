"""A private Python environment: found or made, filled by pip, and the command run again inside it.

Standard library only, and written so that an old Python can read it far enough to say that it is too old. Nothing
outside the environment's own folder is installed or changed.
"""

from __future__ import annotations

from .folder import EnvironmentFolder
from .interpreter import NEEDED_FOR_SERVER, NEEDED_FOR_TESTS, check_python, missing
from .preparing import default_folder, prepare
from .problem import EnvironmentProblem
from .requirements import LIST, NEEDED, Requirements, list_digest
from .running import CHOSEN, INSIDE, chosen_folder, ensure, run_inside

__all__ = [
    "CHOSEN", "INSIDE", "LIST", "NEEDED", "NEEDED_FOR_SERVER", "NEEDED_FOR_TESTS", "EnvironmentFolder",
    "EnvironmentProblem", "Requirements", "check_python", "chosen_folder", "default_folder", "ensure", "list_digest",
    "missing", "prepare", "run_inside",
]
