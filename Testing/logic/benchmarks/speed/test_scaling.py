"""What many volumes cost, measured at a small size."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from Testing.benchmarks.speed import scaling


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_every_annotated_volume_of_many_costs_its_slices(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scaling, "STEPS", 6)
    row = scaling.measure(tmp_path, 5, 4, (40, 48, 48), False)
    assert (row["volumes"], row["annotated"]) == (5, 4)
    scaling.show([json.loads(json.dumps(row))])
    assert "| 5 | 4 | " in capsys.readouterr().out
