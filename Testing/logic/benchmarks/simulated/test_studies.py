"""A simulated study from its labels to the truth, on phantoms and at a tiny size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from SemiSegLogic.sample.phantom import write_phantoms
from SemiSegLogic.settings import recommended
from Testing.benchmarks.runner.queue.rows import Rows
from Testing.benchmarks.simulated import studies as simulated_studies
from Testing.benchmarks.simulated import study as simulated_study
from Testing.benchmarks.simulated.studies import Wanted
from Testing.benchmarks.simulated.studies_table import table
from Testing.support.stand_ins.narrow import narrow


@pytest.fixture(scope="module", autouse=True)
def small() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulated_study, "MEASURED_ON", 2)
        narrow(patch)
        yield


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_phantoms(tmp_path_factory.mktemp("phantoms"), 24)


@pytest.fixture(scope="module")
def row(phantoms: Path) -> dict[str, Any]:
    """Of a study that has too few slices for a candidate."""
    return simulated_studies.run(phantoms, Wanted(0, "calibration", 8))


def test_a_study_without_a_candidate_gives_both_scores_from_one_training(row: dict[str, Any]) -> None:
    assert (row["candidate"], row["kept"]) == (None, "supervised")
    assert len(row["supervised"]) == len(row["recommended"]) == 2
    assert "| 0 | 1 | posterior |" in table([row])
    assert Wanted.of(row) == Wanted(0, "calibration", 8)


def test_with_a_candidate_the_supervised_method_trains_beside_it(
    phantoms: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recommended, "CONTEST_STEPS", 2)
    monkeypatch.setattr(recommended, "CONTEST_SLICES", 1)
    trained: list[dict[str, object]] = []
    train = simulated_studies.train

    def noted(study: simulated_study.SimulatedStudy, training: object, settings: dict[str, object]) -> object:
        trained.append(settings)
        return train(study, training, settings)  # type: ignore[arg-type]

    monkeypatch.setattr(simulated_studies, "train", noted)
    row = simulated_studies.run(phantoms, Wanted(0, "calibration", 12))
    assert row["candidate"] == "mean_teacher"
    assert "mean_teacher" in row["scores"]
    assert trained == [{}, simulated_studies.ALONE]


def test_a_training_is_measured_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Wanted] = []

    def run(data: object, wanted: Wanted) -> dict[str, object]:
        asked.append(wanted)
        return {**asdict(wanted), "seconds": 0, "scores": {}}

    monkeypatch.setattr(simulated_studies, "ROWS", Rows(tmp_path / "rows.jsonl"))
    monkeypatch.setattr(simulated_studies, "run", run)
    once, again = Wanted(3, "reported", 9), Wanted(3, "reported", 9, 1)
    for wanted in (once, once, again):
        simulated_studies._add(None, wanted)
    assert asked == [once, again]


def test_the_summary_averages_the_trainings_of_a_study(row: dict[str, Any]) -> None:
    ahead, behind = (row | {"again": n, "recommended": _scored(row["recommended"], dice), "supervised":
                     _scored(row["supervised"], 0.5)} for n, dice in ((0, 0.9), (1, 0.3)))
    summary = table([ahead, behind])
    assert "1 studies, 2 trainings" in summary
    assert "+0.100 ± 0.000 (standard error) on average, +0.100 at worst" in summary


def _scored(truth: list[dict[str, object]], value: float) -> list[dict[str, object]]:
    return [{**case, "dice": [value]} for case in truth]
