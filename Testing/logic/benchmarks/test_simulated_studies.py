"""A simulated study from its labels to the truth, on phantoms and at a tiny size."""

from __future__ import annotations

from pathlib import Path

import pytest

from SemiSegLogic.sample.phantom import write_phantoms
from SemiSegLogic.settings import recommended
from Testing.benchmarks import simulated_studies
from Testing.benchmarks.simulated_studies_table import table


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_phantoms(tmp_path_factory.mktemp("phantoms"), 24)


def test_a_study_without_a_candidate_gives_both_scores_from_one_training(
    phantoms: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulated_studies, "MEASURED_ON", 2)
    row = simulated_studies.run(phantoms, 0, "calibration", 8)
    assert (row["candidate"], row["kept"]) == (None, "supervised")
    assert len(row["supervised"]) == len(row["recommended"]) == 2
    assert "| 0 | posterior |" in table([row])


def test_with_a_candidate_the_supervised_method_trains_beside_it(
    phantoms: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulated_studies, "MEASURED_ON", 2)
    monkeypatch.setattr(recommended, "CONTEST_STEPS", 2)
    trained: list[dict[str, object]] = []
    train = simulated_studies.train

    def noted(study: simulated_studies.SimulatedStudy, training: object, settings: dict[str, object]) -> object:
        trained.append(settings)
        return train(study, training, settings)  # type: ignore[arg-type]

    monkeypatch.setattr(simulated_studies, "train", noted)
    row = simulated_studies.run(phantoms, 0, "calibration", 12)
    assert row["candidate"] == "mean_teacher"
    assert "mean_teacher" in row["scores"]
    assert trained == [{}, simulated_studies.ALONE]
