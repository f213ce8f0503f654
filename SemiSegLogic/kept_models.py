"""The models that a study keeps, one per run: list, export, delete."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import SemiSegError
from .files import digest_file, disk_errors, read_json
from .rounds import jobs_folder
from .study import Study, StudyError

FILES = ("model.pt", "model.json", "model.md")
"""Weights, card for programs, card for people."""


@dataclass(frozen=True)
class KeptModel:
    """The model of one run: its folder in the study, its card (empty when it cannot be read), megabytes of weights."""

    run: str
    folder: Path
    card: dict[str, Any]
    megabytes: float

    @property
    def weights(self) -> Path:
        """What `semiseg predict --model` and `semiseg train --start` take."""
        return self.folder / "model.pt"

    @property
    def quality(self) -> str:
        """How good it is, in words."""
        return str(self.card.get("quality", {}).get("words", "Nothing is known of its quality."))

    @property
    def text(self) -> str:
        """The card for people; empty when it was made before there were such cards."""
        path = self.folder / "model.md"
        return path.read_text(encoding="utf-8") if path.exists() else ""


def kept_models(study: Study) -> list[KeptModel]:
    """All models of the study, the oldest first."""
    folders = [folder for folder in study.runs if (folder / "model.pt").exists()]
    return [KeptModel(folder.name, folder, _card(folder), (folder / "model.pt").stat().st_size / 1e6)
            for folder in folders]


def kept_model(study: Study, run: str) -> KeptModel:
    """The model of that run. Raises StudyError naming those there are."""
    found = {model.run: model for model in kept_models(study)}
    if run not in found:
        known = ", ".join(found) or "none yet; train first"
        raise StudyError(f"{study.folder} keeps no model '{run}'. It keeps: {known}.")
    return found[run]


def export_model(model: KeptModel, target: Path) -> Path:
    """Copy the model and its cards to a new folder in ``target``, and compare what was written. Raises StudyError
    where there is one already or the copy differs, FileError where the disk refuses.
    """
    folder = target / f"model-{model.run}"
    if folder.exists():
        raise StudyError(f"{folder} exists already. Remove it, or choose another folder.")
    with disk_errors(folder):
        folder.mkdir(parents=True)
        for name in FILES:
            if (model.folder / name).exists():
                shutil.copyfile(model.folder / name, folder / name)
    if digest_file(folder / "model.pt") != digest_file(model.weights):
        raise StudyError(f"{folder / 'model.pt'} differs from {model.weights}. Check the disk, and export again.")
    return folder


def delete_model(model: KeptModel, jobs: Path | None = None) -> None:
    """Remove weights and cards, also from the job that made them. Suggestions and everything drawn stay; what the run
    was stays in its provenance. Raises FileError where the disk refuses.
    """
    for folder in ((jobs or jobs_folder()) / model.run, model.folder):  # from the study last: until then it is listed
        for name in FILES:
            with disk_errors(folder / name):
                (folder / name).unlink(missing_ok=True)


def _card(folder: Path) -> dict[str, Any]:
    try:
        return dict(read_json(folder / "model.json"))
    except SemiSegError:
        return {}
