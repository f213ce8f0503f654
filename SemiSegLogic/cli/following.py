"""Following a round in a terminal: bar, messages, suggestions into the study as they come, Ctrl+C stops and keeps."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..backends import Backend
from ..job import Status
from ..rounds import Round
from .output import Output

LOOK_EVERY_S = 0.5


def follow(
    this: Round, backend: Backend, out: Output, seen: Callable[[Status], None] = lambda status: None
) -> Status:
    """Watch until the job ends; collects suggestions whenever there are new ones. Returns the last status.

    ``seen`` hears of every status. Ctrl+C asks the job to stop, with its best model kept; a second one no longer waits
    for that.
    """
    said, results, changed = "", dict[str, int](), set[str]()
    with out.progress() as tell:
        while True:
            status = backend.poll(this.id)
            seen(status)
            tell(status.message, status.fraction, status.seconds_left)
            if status.phase != said:
                said = status.phase
                out.event("phase", f"{said} on {status.device}", phase=said, device=status.device)
            if status.ended:
                break
            if status.first_mask and status.results != results:
                results = status.results
                changed.update(this.collect())
            _wait(this, backend, out)
    changed.update(this.collect())
    out.event("ended", f"{status.message} Suggestions for {len(changed)} cases are in the study.", state=status.state,
              scores=status.scores, cases=sorted(changed))
    if status.error:
        out.event("error", f"{status.error['text']} {status.error['remedy']}", **status.error)
    return status


def _wait(this: Round, backend: Backend, out: Output) -> None:
    try:
        time.sleep(LOOK_EVERY_S)
    except KeyboardInterrupt:
        if this.job.stop_requested():
            raise
        out.event("stopping", "Stopping; the best model is kept. (Ctrl+C again: do not wait for it.)")
        backend.stop(this.id, wait=False)
