"""Where jobs lie."""

from __future__ import annotations

import os
from pathlib import Path

from ..home import expanded, home


def jobs_folder() -> Path:
    """Where this user's jobs lie: SEMISEG_JOBS, else ``.semiseg/jobs`` in the home folder. Raises
    NoHomeError.
    """
    chosen = os.environ.get("SEMISEG_JOBS")
    return expanded(Path(chosen)) if chosen else home() / ".semiseg" / "jobs"
