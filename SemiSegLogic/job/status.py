"""How a job stands: ``status.json``, replaced about every second by the runner; its heartbeat says that it lives."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field, replace
from typing import Any

from . import checks
from .errors import JobError

STATES = ("queued", "running", "done", "failed", "stopped", "lost")
ENDED = ("done", "failed", "stopped", "lost")
LOST_AFTER_S = 30.0
FLAGS = ("good", "look", "unknown")
STUCK = ("The process runs but does not report: the disk is full, or the process hangs. If this does not change, stop "
         "it, then resume it.")
LATER: dict[str, Any] = {"suggesting": 0, "to_suggest": 0, "labels_unread": []}
"""Came with a later version. They are written only while they say something, and may be missing: so a job of before is
read, and a program of before reads most of a new one.
"""


@dataclass(frozen=True)
class Status:
    """A job at one moment.

    ``fraction`` of the work done in [0, 1]; ``seconds_left`` and ``elapsed`` seconds; ``labels_used`` the n of the
    newest labels-<n> that the trainer took in, ``labels_shown`` that of the newest ones which the latest result of
    the case on screen has learned from; ``labelled_share`` of voxels per labelled draw in [0, 1]; ``results`` case id
    -> n of its newest result, ``flags`` case id -> how good that probably is; ``scores`` plain data, e.g.
    {"held_out": {"supervised": .8, "kept": "..."}}; ``heartbeat`` unix time; ``queue_position`` how many jobs are
    ahead (0: none); ``error`` {"text", "remedy"} or None; ``suggesting`` the number of the case whose mask is made
    now, from 1, ``to_suggest`` how many there are (0: none is made now); ``labels_unread`` the n of those labels-<n>
    that cannot be read: what they say is not learned.
    Raises JobError on a value of the wrong type or out of range.
    """

    state: str
    phase: str = ""
    message: str = ""
    step: int = 0
    fraction: float = 0.0
    seconds_left: float | None = None
    elapsed: float = 0.0
    steps_per_second: float = 0.0
    labels_used: int = 0
    labels_shown: int = 0
    labelled_share: float = 0.0
    first_mask: bool = False
    results: dict[str, int] = field(default_factory=dict)
    flags: dict[str, dict[str, Any]] = field(default_factory=dict)
    scores: dict[str, Any] = field(default_factory=dict)
    device: str = ""
    method: str = ""
    pid: int = 0
    heartbeat: float = 0.0
    queue_position: int = 0
    error: dict[str, str] | None = None
    suggesting: int = 0
    to_suggest: int = 0
    labels_unread: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        checks.one_of("state", self.state, STATES)
        for key in ("phase", "message", "device", "method"):
            checks.text(key, getattr(self, key), r"[\s\S]*", 4000)
        for key in ("step", "labels_used", "labels_shown", "pid", "queue_position", "suggesting", "to_suggest"):
            checks.integer(key, getattr(self, key), 0, 2**53)
        for key in ("elapsed", "steps_per_second", "heartbeat"):
            checks.number(key, getattr(self, key), 0, 1e12)
        for key in ("fraction", "labelled_share"):
            checks.number(key, getattr(self, key), 0, 1)
        if self.seconds_left is not None:
            checks.number("seconds_left", self.seconds_left, 0, 1e12)
        _check_unread(self.labels_unread)
        checks.truth("first_mask", self.first_mask)
        checks.mapping("scores", self.scores)
        _check_results(self.results)
        _check_flags(self.flags)
        _check_error(self.error)

    @property
    def ended(self) -> bool:
        """True when nobody works on the job any more."""
        return self.state in ENDED

    def to_dict(self) -> dict[str, Any]:
        """Plain data that :meth:`from_dict` takes back; a NaN score (a structure that is absent) becomes None."""
        values = {**dataclasses.asdict(self), "scores": checks.finite(self.scores)}
        return {key: value for key, value in values.items() if value or key not in LATER}

    @classmethod
    def from_dict(cls, values: Any) -> Status:
        """The status in plain data. Raises JobError on unknown or missing keys and on every value out of place."""
        complete = {**LATER, **values} if isinstance(values, dict) else values
        return cls(**checks.exact_keys("status", complete, cls))


def judged(status: Status, now: float, alive: bool | None, stop_wanted: bool) -> Status:
    """``status`` as its reader should take it: a job that claims to go on but has died is "lost", or "stopped" when
    that was wished; one that lives but writes nothing says so. ``alive`` says whether its process lives; None: unknown,
    then an old heartbeat decides.
    """
    if status.ended:
        return status
    silent = now - status.heartbeat
    if alive:
        return stuck(status) if status.state == "running" and silent > LOST_AFTER_S else status
    if alive is None and (status.heartbeat == 0 or silent <= LOST_AFTER_S):
        return status
    if stop_wanted:
        return replace(status, state="stopped", queue_position=0, seconds_left=None,
                       message="Ended before it could save; the last saved state is kept.")
    ending = "Its process has ended." if alive is False else f"It has not reported for {silent:.0f} s."
    return replace(status, state="lost", queue_position=0, seconds_left=None, message=f"The job is lost: {ending}",
                   error={"text": f"The job stopped unexpectedly. {ending} The file log.txt in its folder may say why.",
                          "remedy": "Resume it: it continues from its last saved state."})


def stuck(status: Status) -> Status:
    """``status`` of a job whose process runs but no longer writes."""
    return replace(status, message=STUCK, seconds_left=None)


def _check_unread(unread: Any) -> None:
    if not isinstance(unread, list):
        raise JobError(f"'labels_unread' is {unread!r:.200}; it must be a list of numbers.", checks.WRITE_AGAIN)
    for n in unread:
        checks.integer("labels_unread", n, 1, 2**53)


def _check_results(results: Any) -> None:
    for case_id, n in checks.mapping("results", results).items():
        checks.text("results", case_id, checks.CASE_ID, 10)
        checks.integer(f"results.{case_id}", n, 1, 2**53)


def _check_flags(flags: Any) -> None:
    for case_id, flag in checks.mapping("flags", flags).items():
        checks.text("flags", case_id, checks.CASE_ID, 10)
        found = checks.mapping(f"flags.{case_id}", flag)
        checks.one_of(f"flags.{case_id}.state", found.get("state"), FLAGS)
        checks.text(f"flags.{case_id}.words", found.get("words"), r"[\s\S]*", 400)
        if found.get("expected_dice") is not None:
            checks.number(f"flags.{case_id}.expected_dice", found["expected_dice"], 0, 1)


def _check_error(error: Any) -> None:
    if error is None:
        return
    for key in ("text", "remedy"):
        checks.text(f"error.{key}", checks.mapping("error", error).get(key), r"[\s\S]*", 20_000)
    for key in error:
        checks.one_of("error key", key, ("text", "remedy"))
