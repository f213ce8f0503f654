"""What the panel asks of the place where training runs. Called off the main thread only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from SemiSegLogic.geometry import SliceIndex

from .workplaces import Workplaces

if TYPE_CHECKING:
    from SemiSegLogic.job import Status
    from SemiSegLogic.rounds import Round
    from SemiSegLogic.study import Study


AS_LONG_AS_IT_HELPS_S = 6 * 3600.0
LAST = "last"
"""In place of a run to go on from: the newest that left a model; for a training, the newest training."""


@dataclass(frozen=True)
class Next:
    """A slice worth a look: the case's id in the study and why."""

    case: str
    place: SliceIndex
    reason: str


@dataclass(frozen=True)
class Untold:
    """A case of whose labels a run could not be told, and why: it, or a structure drawn there, was ``added_later`` than
    the run was begun, or its labels cannot be read.
    """

    case: str
    why: Exception
    added_later: bool


@dataclass(frozen=True)
class Look:
    """A run at one moment: its status, its curve, the slices worth a look, best first, and the cases that got a new
    suggestion just now. ``live``: it learns while the person draws; ``outdated``: cases or structures changed since it
    was begun, so that it has to be begun anew. ``applied``: it uses a model and learns nothing. ``far``: address
    of the server or cluster that it runs on ("": this computer).
    """

    job: str
    status: Status
    curves: list[dict[str, Any]] = field(default_factory=list)
    ranking: list[Next] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    live: bool = False
    outdated: bool = False
    applied: bool = False
    far: str = ""


@dataclass(frozen=True)
class Manner:
    """How slices are learned, by *Train on my labels* and while the person draws alike: whether fragments are left out
    that no drawn slice speaks for, and whether few drawn outlines are carried to the slices beside them at first.
    """

    leave_out_fragments: bool = True
    carry_outlines: bool = True


@dataclass(frozen=True)
class Order:
    """What the person asked for: the method's name, seconds (0: as long as it helps), the run to go on from (LAST; "":
    a new model), the case on screen ("": none), the method's settings that differ from their defaults, the file of
    the server or cluster to train on ("": this computer), and in which manner.
    """

    method: str
    seconds: float
    start_from: str = ""
    open_case: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    far: str = ""
    manner: Manner = Manner()


class Connection(Protocol):
    """A place of computation, for one study."""

    def start(self, order: Order) -> str:
        """Begin; the job's id."""

    def start_live(self, open_case: str, start_from: str, manner: Manner) -> str:
        """Begin to learn while the person draws, from the model of a run ("": a new one); the job's id."""

    def apply(self, model: str, open_case: str, only: bool, far: str) -> str:
        """Suggest with the model of a run, without training: for every case, or ``only`` the open one; on this computer
        or the place that a file describes; the job's id.
        """

    def show(self, job: str, case: str) -> None:
        """Tell a running job which case is on screen ("": none)."""

    def look(self, job: str) -> Look:
        """How it stands. New results are put into the study."""

    def stop(self, job: str) -> None:
        """Save the best model and stop; returns at once."""

    def resume(self, job: str) -> None:
        """Go on with a job that was lost or stopped."""

    def catch_up(self, job: str) -> list[Untold]:
        """Tell a running job what was drawn since it was begun, whoever drew it; what it could not be told."""

    def newest(self) -> str:
        """The job that was started last; "" when there is none."""

    def at_work(self, case: str) -> str:
        """The kind of a run that has not ended and works with this case: "train", "live" or "predict"; "" for none."""


class BackendConnection:
    """This computer through the local backend, or the place that an order names."""

    def __init__(
        self, study: Study, python: Callable[[], Sequence[str]], environment: Callable[[], Mapping[str, str]],
        far: str = "",
    ) -> None:
        """See :class:`Workplaces`."""
        self._study = type(study)(study.folder)  # of its own: two threads must not share a lock
        self._places = Workplaces(python, environment, far)

    def start(self, order: Order) -> str:
        from SemiSegLogic.rounds import Round
        from SemiSegLogic.settings import CHOICES, Training

        place = self._places.on(order.far) if order.far else self._places.here(starts=True)
        seconds = order.seconds or AS_LONG_AS_IT_HELPS_S
        training = Training(seconds=seconds, **asdict(order.manner))
        this = Round.begin(
            self._study, training, order.method, CHOICES[order.method](**order.settings), jobs=place.root,
            open_case=order.open_case or None,
            start_from=self._trained() if order.start_from == LAST else self._model(order.start_from),
        )
        return str(place.submit(this.job))

    def start_live(self, open_case: str, start_from: str, manner: Manner) -> str:
        from SemiSegLogic.rounds import Round
        from SemiSegLogic.settings import Training

        place = self._places.here(starts=True)
        this = Round.live(
            self._study, Training(**asdict(manner)), jobs=place.root, open_case=open_case or None,
            start_from=self._model(start_from),
        )
        return str(place.submit(this.job))

    def apply(self, model: str, open_case: str, only: bool, far: str) -> str:
        from SemiSegLogic.rounds import Round

        place, weights = self._places.on(far) if far else self._places.here(starts=True), self._model(model)
        assert weights is not None  # a run was named
        this = Round.apply(
            self._study, weights, jobs=place.root, open_case=open_case or None, only=open_case if only else None
        )
        return str(place.submit(this.job))

    def show(self, job: str, case: str) -> None:
        self._round(job).show(case or None)

    def look(self, job: str) -> Look:
        this, status = self._round(job), self._places.of(job).poll(job)
        changed = this.collect()
        ranking = [Next(item.case, item.place, item.reason) for item in this.next_slices()]
        kind = this.job.spec().kind if this.job.submitted else ""
        outdated = kind == "live" and not this.covers_study()
        return Look(job, status, this.job.curves(), ranking, changed, kind == "live", outdated, kind == "predict",
                    self._places.address(job))

    def stop(self, job: str) -> None:
        self._places.of(job).stop(job, wait=False)

    def resume(self, job: str) -> None:
        self._places.of(job, starts=True).resume(job)

    def catch_up(self, job: str) -> list[Untold]:
        from SemiSegLogic.rounds import AddedLaterError

        untold = self._round(job).catch_up()
        return [Untold(case, error, isinstance(error, AddedLaterError)) for case, error in untold.items()]

    def newest(self) -> str:
        from SemiSegLogic.rounds import Round

        latest = Round.latest(self._study)
        return latest.id if latest is not None and self._round(latest.id).job.submitted else ""

    def at_work(self, case: str) -> str:
        for folder in reversed(self._study.runs):
            this = self._round(folder.name)
            if this.job.submitted and not self._places.of(this.id).poll(this.id).ended and case in this.cases.values():
                return str(this.job.spec().kind)
        return ""

    def _model(self, run: str) -> Path | None:
        """The model of a run of this study; None for "", and for LAST when there is none yet. Raises StudyError when
        the run that was named keeps none any more.
        """
        from SemiSegLogic.kept_models import kept_model, kept_models

        if run != LAST:
            return kept_model(self._study, run).weights if run else None
        self._bring_home()
        found = kept_models(self._study)
        return found[-1].weights if found else None

    def _trained(self) -> Path | None:
        """The model of the newest training; None when there is none yet."""
        from SemiSegLogic.kept_models import last_trained

        self._bring_home()
        found = last_trained(self._study)
        return found.weights if found is not None else None

    def _bring_home(self) -> None:
        """What the newest run saved last may not be in the study yet."""
        newest = self.newest()
        if newest:
            self._round(newest).collect()

    def _round(self, job: str) -> Round:
        found: Round = self._places.round(self._study, job)
        return found
