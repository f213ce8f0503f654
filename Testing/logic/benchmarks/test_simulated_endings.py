"""Every ending of a contest, on phantoms and at a tiny size."""

from __future__ import annotations

from pathlib import Path

import pytest

from SemiSegLogic.sample.phantom import write_phantoms
from SemiSegLogic.settings import recommended
from Testing.benchmarks import simulated_endings, simulated_studies


def test_a_study_is_trained_to_each_of_its_endings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulated_studies, "MEASURED_ON", 2)
    monkeypatch.setattr(simulated_endings, "STEPS", 16)
    monkeypatch.setattr(recommended, "CONTEST_STEPS", 2)
    endings = simulated_endings.Endings(write_phantoms(tmp_path, 24), 0, 3)
    found = endings.row()
    assert tuple(found) == simulated_endings.COLUMNS
    assert all(0 <= value <= 1 for value in found.values())
    row = {"number": 0, "seed": 3, "slices": endings.study.drawn.slices, "structures": "posterior", "dice": found}
    assert f"| 0 | 3 | 4 4 1 4 | posterior | {found['supervised']:.3f} |" in simulated_endings.table([row])
