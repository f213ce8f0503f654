"""Where jobs lie."""

from __future__ import annotations

import os
from pathlib import Path


def jobs_folder() -> Path:
    """Where this user's jobs lie: SEMISEG_JOBS, else ``.semiseg/jobs`` in the home folder."""
    chosen = os.environ.get("SEMISEG_JOBS")
    return Path(chosen).expanduser() if chosen else Path.home() / ".semiseg" / "jobs"
