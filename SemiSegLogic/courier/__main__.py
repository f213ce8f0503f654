"""The courier's process on one page."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from ..backends.local.queue import NoTurn, placed
from ..backends.server.backend import Server
from ..backends.server.gateway import Gateway
from ..job import JobError, JobFolder
from .courier import LOOK_EVERY_S, Courier


def main(arguments: list[str]) -> int:
    """See to the job that ``arguments`` name; 0 when it ended as it should."""
    options = _grammar().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout, force=True)
    job = JobFolder(options.job)
    try:
        with placed(job):
            status = Courier(job, Gateway(Server.read(options.server)), options.look_every).run()
            logging.info("%s: %s", status.state, status.message)
            return 0 if status.state in ("done", "stopped") else 1
    except NoTurn as reason:
        logging.info(str(reason))
        return 0


def _grammar() -> argparse.ArgumentParser:
    words = argparse.ArgumentParser(prog="python -m SemiSegLogic.courier", description="Have a server do a job.")
    words.add_argument("job", type=Path, metavar="JOB_FOLDER")
    words.add_argument("--server", type=Path, required=True, metavar="FILE", help="the file that describes the server")
    words.add_argument("--look-every", type=float, default=LOOK_EVERY_S, metavar="S", help="seconds between two looks")
    return words


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except JobError as problem:
        raise SystemExit(str(problem)) from problem
