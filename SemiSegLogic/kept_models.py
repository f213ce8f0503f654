"""The models that a study keeps, one per run: list, export, delete."""

from __future__ import annotations

import contextlib
import math
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .backends import LocalBackend
from .backends.local.launch import Workers
from .errors import SemiSegError
from .files import FileError, digest_file, disk_errors, read_json
from .job import JobError, JobFolder
from .patience import remove, rename
from .rounds import jobs_folder
from .rounds.run_folder import MODEL, RunFolder
from .study import Study, StudyError

if TYPE_CHECKING:
    from .backends.far import FarBackend

STAMP = "%Y%m%dT%H%M%S.%fZ"
"""How the name of a run begins."""
LIVE = "-live"
"""How the name of a run ends that learned while somebody drew."""


@dataclass(frozen=True)
class KeptModel:
    """The model of one run: its folder in the study, its card (empty when it cannot be read: ``problem`` says why),
    megabytes of weights. A card may have been damaged or edited, so nothing in it is taken on trust.
    """

    run: str
    folder: Path
    card: dict[str, Any]
    megabytes: float
    problem: str = ""

    @property
    def weights(self) -> Path:
        """What `semiseg predict --model` and `semiseg train --start` take."""
        return self.folder / "model.pt"

    @property
    def made(self) -> datetime | None:
        """When its run was begun, in UTC; None when the run is not named after its time."""
        with contextlib.suppress(ValueError):
            return datetime.strptime(self.run.partition("-")[0], STAMP).replace(tzinfo=UTC)
        return None

    @property
    def method(self) -> str:
        """The name of its method; without a card, what the run was called."""
        name = self.card.get("method")
        return name if isinstance(name, str) else self.run.partition("-")[2]

    @property
    def quality(self) -> str:
        """How good it is, in words."""
        return str(self._measured.get("words", "Nothing is known of its quality."))

    @property
    def expected(self) -> tuple[float, float, float] | None:
        """The Dice to expect on other cases and the interval around it, low to high; None when it was not measured."""
        dice, low, high = (_number(self._measured.get(key)) for key in ("dice", "low", "high"))
        return None if dice is None or low is None or high is None else (dice, low, high)

    def count(self, what: str) -> int | None:
        """A number of the card, such as "annotated_slices"; None when it does not tell."""
        count = self.card.get(what)
        return count if isinstance(count, int) else None

    @property
    def text(self) -> str:
        """The card for people; empty when there is none."""
        with contextlib.suppress(OSError):
            return (self.folder / "model.md").read_text(encoding="utf-8", errors="replace")
        return ""

    @property
    def _measured(self) -> dict[str, Any]:
        quality = self.card.get("quality")
        return quality if isinstance(quality, dict) else {}


def kept_models(study: Study) -> list[KeptModel]:
    """All models of the study, the oldest first."""
    return [model for folder in study.runs if (model := _model_in(folder)) is not None]


def kept_model(study: Study, run: str) -> KeptModel:
    """The model of that run. Raises StudyError naming those there are."""
    found = {model.run: model for model in kept_models(study)}
    if run not in found:
        known = ", ".join(found) or "none yet; train first"
        raise StudyError(f"{study.folder} keeps no model '{run}'. It keeps: {known}.")
    return found[run]


def last_trained(study: Study) -> KeptModel | None:
    """The newest model of a training, if there is any. One that learned while somebody drew has learned from every
    slice: the quality of what goes on from it could not be measured.
    """
    return next((model for model in reversed(kept_models(study)) if not model.run.endswith(LIVE)), None)


def export_model(model: KeptModel, target: Path) -> Path:
    """Copy the model and its cards to a new folder in ``target``, and compare what was written; the folder appears
    whole or not at all. Raises StudyError where there is one already or the copy differs, FileError where the disk
    refuses.
    """
    folder = target / f"model-{model.run}"
    if folder.exists():
        raise StudyError(f"{folder} exists already. Remove it, or choose another folder.")
    RunFolder(model.folder).keep()
    draft = target / f".{secrets.token_hex(4)}.tmp.{folder.name}"
    try:
        with disk_errors(folder):
            draft.mkdir(parents=True)
            _copy(model, draft)
            rename(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder


def delete_model(model: KeptModel, jobs: Path | None = None, far: FarBackend | None = None) -> None:
    """Remove weights and cards, also from the job that made them, when that is on this computer; from one elsewhere
    they are not fetched again. Suggestions and everything drawn stay; what the run was stays in its provenance. Raises
    StudyError when a run on its way, here or on ``far``, makes or needs the model, FileError where the disk
    refuses.
    """
    home = jobs or jobs_folder()
    _require_unused(model, home, far)
    RunFolder(model.folder).note_deleted()
    for folder in (home / model.run, model.folder):  # from the study last: until then it is listed
        for name in MODEL:
            with disk_errors(folder / name):
                remove(folder / name)


def _model_in(folder: Path) -> KeptModel | None:
    try:
        megabytes = (folder / "model.pt").stat().st_size / 1e6
    except OSError:
        return None  # the run left none, or another window has just deleted it
    try:
        card = read_json(folder / "model.json")
    except FileError as error:
        return KeptModel(folder.name, folder, {}, megabytes, str(error))
    if not isinstance(card, dict):
        return KeptModel(folder.name, folder, {}, megabytes, f"{folder / 'model.json'} is damaged: it is no card.")
    return KeptModel(folder.name, folder, card, megabytes)


def _copy(model: KeptModel, draft: Path) -> None:
    for name in MODEL:
        if (model.folder / name).exists():
            shutil.copyfile(model.folder / name, draft / name)
    if not (draft / "model.pt").exists():
        raise StudyError(f"{model.weights} no longer exists: the model was deleted meanwhile. Choose another one.")
    if digest_file(draft / "model.pt") != digest_file(model.weights):
        raise StudyError(f"The copy of {model.weights} in {draft.parent} differs from the original. Check the disk, "
                         "and export again.")


def _require_unused(model: KeptModel, jobs: Path, far: FarBackend | None) -> None:
    running = list(_running(model.folder.parent, jobs, far))
    if any(job.root.name == model.run for job in running):
        raise StudyError(
            f"The training {model.run} is still in progress and will write its model again. Stop it first."
        )
    needed = {job.root.name for job in running if _starts_from(job, model)}
    if needed:
        raise StudyError(f"The training {min(needed)} is in progress and continues from the model {model.run}. Stop it "
                         "first, or wait until it is done.")


def _running(runs: Path, jobs: Path, far: FarBackend | None) -> Iterator[JobFolder]:
    """The runs of a study that a process works on, or waits to."""
    backend = LocalBackend(jobs)
    for folder in sorted(runs.iterdir()):
        with contextlib.suppress(JobError):  # its name is none that a job can have
            if Workers.of(jobs / folder.name).known and not backend.poll(folder.name).ended:
                yield backend.folder(folder.name)
            elif far is not None and _is_on_its_way(far, folder.name):
                yield far.folder(folder.name)


def _is_on_its_way(far: FarBackend, run: str) -> bool:
    with contextlib.suppress(OSError):  # its disk is not there
        return far.folder(run).submitted and not far.poll(run).ended
    return False


def _starts_from(job: JobFolder, model: KeptModel) -> bool:
    with contextlib.suppress(SemiSegError):  # an order that cannot be read, or a model that has just gone
        return job.spec().start_from == digest_file(model.weights)
    return False


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
