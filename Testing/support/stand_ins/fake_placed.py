"""The fake runner as a cluster starts it.

    python -m Testing.support.stand_ins.fake_placed -m MODULE JOB --placed
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from SemiSegLogic.backends.claims import called_upon
from SemiSegLogic.backends.local.queue import NoTurn, placed
from SemiSegLogic.job import JobFolder

from .fake_runner import how_of, work


def main(job: JobFolder, how: str) -> None:
    if how == "--second":
        called_upon(job)
        return
    with placed(job):
        signal.signal(signal.SIGTERM, lambda number, frame: job.request_stop())
        work(job, how_of(job))


if __name__ == "__main__":
    try:
        main(JobFolder(Path(sys.argv[3])), sys.argv[4])
    except NoTurn as reason:
        print(reason)
