"""Real trainings and live learning in processes of their own, beside whatever the person does."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from SemiSegLib.training.connection import BackendConnection
from SemiSegLogic.backends.local.launch import Workers
from SemiSegLogic.geometry import SliceIndex
from SemiSegLogic.study import Case, Study
from Testing.support.clinician import settle
from Testing.support.jobs import session_members

from .given import Audit, PlainImage
from .plain import stored_suggestion
from .user import RandomUser

WORKER = [sys.executable, "-m", "Testing.support.stand_ins.narrow_worker"]
VARIABLES = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
SECONDS = 1.0
"""Of a training."""
ENDS_S, DIES_S = 60.0, 20.0
"""A run has ended after that long; a process that was killed is gone."""


class RealRuns(RandomUser):
    """``panel.training`` speaks to the real backend; every worker is a process."""

    def __init__(self, open_panel: Callable[..., Any], studies: list[Study], folder: Path, seed: int) -> None:
        self._suggested: deque[tuple[Path, str, Any, str]] = deque()
        self.suggested_by: dict[tuple[Path, str], str] = {}
        self.came = 0
        self.images = {(study.folder, case.id): PlainImage.of(case.image(), case.grid)
                       for study in studies for case in study.cases}  # fmt: skip
        super().__init__(open_panel, studies, folder, seed)
        self.audit = Audit(Path(os.environ["SEMISEG_JOBS"]), self.plain, self.images)
        self._open_marks()

    def _connect(self, study: Study) -> Any:
        return BackendConnection(study, lambda: WORKER, lambda: {**os.environ, **VARIABLES})

    def _begin(self) -> Any:
        panel = super()._begin()
        if hasattr(self, "audit"):
            self.panel = panel
            self._open_marks()
        return panel

    def _open_marks(self) -> None:
        """What is done when a run is asked for must be given to it."""
        training = self.panel.training
        for name in ("start", "start_live", "use"):
            setattr(training, name, self._marking(getattr(training, name)))

    def _marking(self, plain: Callable[..., Any]) -> Callable[..., Any]:
        def asked(*given: Any) -> Any:
            self.audit.look(self.names)  # the run before was asked for earlier
            self.audit.mark()
            return plain(*given)

        return asked

    # --- what came --------------------------------------------------------------------------------------------

    @contextmanager
    def watching(self) -> Iterator[None]:
        """While suggestions come into studies through this process."""
        plain = Case.put_suggestion

        def put(case: Case, label: Any, uncertainty: Any, provenance: Any) -> None:
            plain(case, label, uncertainty, provenance)
            stored = self._as_suggested(case, label, provenance)
            self._suggested.append((case.folder.parents[1], case.id, stored, str(provenance["run"])))

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Case, "put_suggestion", put)
            yield

    def _as_suggested(self, case: Case, label: Any, provenance: Any) -> Any:
        """The suggestion in its file, which is the run's of this very case but for what was judged until then."""
        order = self.audit.orders.get(provenance["run"])
        if order is not None:
            names = [name for name, key in order.cases.items() if key[1] == case.id]
            assert [order.job.spec().case(name).image for name in names] == [self.images[names and
                    order.cases[names[0]]].digest], "the suggestion of another image"  # fmt: skip
        return stored_suggestion(case, label)

    def _see_results(self) -> None:
        while self._suggested:
            folder, case, stored, run = self._suggested.popleft()
            self.plain[folder, case].suggestion = stored
            self.suggested_by[folder, case] = run
            self.came += 1

    # --- after every step -------------------------------------------------------------------------------------

    def _called_done(self, places: list[SliceIndex], empty: bool, own: bool) -> None:
        self._note()
        super()._called_done(places, empty, own)
        self._note()

    def _note(self) -> None:
        for plain in self.plain.values():
            plain.note()

    def beat(self) -> None:
        super().beat()
        self._note()

    def do_something(self, number: int) -> str:
        self._note()
        act = super().do_something(number)
        self._note()
        self._learn_values()
        self.audit.look(self.names)
        return act

    def require_saved(self) -> None:
        training = self.panel.training
        training.poll()  # whatever was judged, here or elsewhere, is told behind it
        self.settle()
        super().require_saved()
        self.audit.look(self.names)
        going = training.running and training.look is not None
        if going and not (training.applied or training.asking) and training.job in self.audit.orders:
            assert list(self.audit.behind(training.job)) == []

    # --- what a person does -----------------------------------------------------------------------------------

    def draw_slice(self) -> None:
        """And mark it as done."""
        place = self._some_place()
        if place is not None and not self._elsewhere() and self.panel.screen.jump(place):
            for value in self.names[self.study.folder]:
                segment = next((item.segment_id for item in self.panel.screen.structures() if item.value == value), "")
                self._stroke(segment, [place], 0.4)
            if self.panel.screen.current_slice() == place:
                self.panel.label.on_done()

    def time_passes(self) -> None:
        """The timer beats meanwhile."""
        self._tick_until(lambda: False, float(self.rng.uniform(0.1, 1.0)))

    def wait_for_the_end(self) -> None:
        """Of a training, if there is one."""
        training = self.panel.training
        if training.running and not training.live:
            self.release()
            assert self._tick_until(lambda: not training.running, ENDS_S), f"does not end: {training.look}"

    def wait_for_a_suggestion(self) -> None:
        training, before = self.panel.training, self._results()
        if training.running:
            self.release()
            self._tick_until(lambda: self._results() != before or not training.running, 8.0)

    def _results(self) -> dict[str, int]:
        look = self.panel.training.look
        return dict(look.status.results) if look is not None else {}

    def _only_across(self) -> bool:
        """All slices that are done lie across thick ones: that is told, and nothing begins."""
        findings = self.panel.training.preflight.findings
        return any(found.level == "stop" and "lie across them" in found.text for found in findings)

    def _tick_until(self, there: Callable[[], bool], seconds: float) -> bool:
        end = time.monotonic() + seconds
        while not there():
            if time.monotonic() > end:
                return False
            self.panel.tick()
            self._see_results()
            self._note()
            time.sleep(0.02)
        return True

    def go_on(self) -> None:
        """With a run that was stopped, lost or failed."""
        if not self.panel.train.run.resume.isHidden() and self.panel.training.look is not None:
            self.panel.train.run.on_resume()

    def kill_worker(self) -> None:
        """With signal 9."""
        job = self.panel.training.job
        for launch in Workers.of(self.audit.root / job).known if job else ():
            if launch.process.alive:
                os.kill(launch.process.pid, signal.SIGKILL)

    def choose_manner(self) -> None:
        choices = self.panel.train.choices
        choices.method.currentIndex = int(self.rng.choice([0, 0, 1, 2]))
        choices.go_on.checked = bool(self.rng.integers(2))

    # --- models -----------------------------------------------------------------------------------------------

    def _some_model(self) -> bool:
        self.panel.models.header.collapsed = False
        self.settle()
        found = self.panel.models.models.found
        if found:
            self.panel.models.on_choose(int(self.rng.integers(len(found))))
        return bool(found)

    def use_model(self) -> None:
        if self._some_model() and self.panel.models.use.enabled:
            self.panel.models.on_use(only=bool(self.rng.integers(2)) and self.opened is not None)

    def go_on_from_model(self) -> None:
        if self._some_model() and self.panel.models.go_on.enabled:
            self.panel.models.on_go_on()

    def delete_model(self) -> None:
        if self._some_model():
            self.panel.models.on_delete()

    # --- at the end -------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """A last training comes to its end after all that; then no process is left, and no half file."""
        self.panel.live.want(False)
        self.release()
        self.panel.training.stop()
        assert self._tick_until(lambda: not self.panel.training.engaged and not self.panel.training.running, ENDS_S)
        self._train_in_peace()
        super().finish()
        for root in sorted(self.audit.root.glob("*/job.json")):
            for launch in Workers.of(root.parent).known:
                self._send_home(root.parent, launch.process)
        left = [path for study in self.studies for path in study.folder.rglob("*")
                if path.name.startswith(".") or path.name == "lock.json"]  # fmt: skip
        assert not left, f"left behind: {left}"
        assert not os.listdir(tempfile.gettempdir()), os.listdir(tempfile.gettempdir())

    def _train_in_peace(self) -> None:
        """Every case that it was given has a suggestion of it then."""
        training, before = self.panel.training, self.panel.training.job
        if self._ready() is None or not any(plain.on_disk.any() for (folder, _), plain in self.plain.items()
                                            if folder == self.study.folder):  # fmt: skip
            return
        self.panel.train.on_train()
        assert self._tick_until(lambda: training.job not in ("", before) or self._only_across(), ENDS_S), self.said[-3:]
        if self._only_across():
            return
        assert self._tick_until(lambda: not training.running, ENDS_S), training.look
        self.require_saved()
        order = self.audit.orders[training.job]
        if training.look.status.state == "done":
            for key in order.cases.values():
                assert self.suggested_by[key] == training.job, f"{key} has no suggestion of the last run"

    def account(self) -> str:
        """How much really happened."""
        return (f"{len(self.audit.orders)} runs, {self.came} suggestions, "
                f"{sum(order.taken for order in self.audit.orders.values())} times labels while a run went on, "
                f"slowest beat {self.slowest_beat:.3f} s")

    def _send_home(self, job: Path, process: Any) -> None:
        """A run of a study that is not open may go on: it is stopped, and then nothing of it is left."""
        from SemiSegLogic.backends import LocalBackend

        backend = LocalBackend(job.parent)
        if not backend.poll(job.name).ended:
            backend.stop(job.name, patience_s=5.0)
        end = time.monotonic() + DIES_S
        while session_members(process.pid):
            assert time.monotonic() < end, f"{job.name} left a process behind"
            time.sleep(0.05)
        settle(self.panel)

    def end_all(self) -> None:
        """Whatever happened, no worker outlives the test, and no panel listens."""
        self.panel.close()
        for order in self.audit.root.glob("*/job.json"):
            for launch in Workers.of(order.parent).known:
                if launch.process.alive:
                    os.kill(launch.process.pid, signal.SIGKILL)
