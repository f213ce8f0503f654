"""Learning while somebody draws, where memory runs out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from SemiSegLogic.engine.hardware.device import Device
from SemiSegLogic.rounds import Round
from SemiSegLogic.runner.live import endless
from SemiSegLogic.settings import Training
from Testing.support.blobs import make_study
from Testing.support.rounds import run_here


def test_it_goes_on_with_smaller_patches_after_what_the_larger_ones_took_was_given_back(
    tmp_path: Path, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the error is handled its traceback holds the failed step: nothing could be given back then."""
    study = make_study(tmp_path, shape=(16, 16, 31)).study
    this = Round.live(study, Training(device="cpu", precision="float32"), jobs=jobs, open_case="volume0")
    seen: list[Any] = []
    step = endless.Endless._step

    def lacking(trainer: endless.Endless, *arguments: Any) -> Any:
        seen.append(trainer.sampler.plan.patch)
        if len(seen) == 1:
            raise MemoryError("injected")
        this.job.request_stop()
        return step(trainer, *arguments)

    monkeypatch.setattr(endless.Endless, "_step", lacking)
    monkeypatch.setattr(Device, "give_back_memory", lambda device: seen.append(sys.exc_info()[1]))
    run_here(this)
    assert seen[:3] == [(16, 16, 32), None, (16, 16, 16)]
