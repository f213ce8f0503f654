"""A live run that goes on from a kept model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from SemiSegLogic.rounds import Round
from SemiSegLogic.runner.live import endless
from SemiSegLogic.runner.model import Model
from SemiSegLogic.settings import Training
from Testing.support.blobs import BlobStudy, tiny
from Testing.support.rounds import finished, run_here


@pytest.mark.parametrize("values", [(1, 2), (2, 1)])
def test_each_structure_is_known_by_its_value(
    values: tuple[int, int], blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = finished(blobs.study, jobs, tiny(4, 2)).model
    assert kept is not None
    earlier = replace(Model.load(kept), values=values)  # of a study that listed its structures otherwise, perhaps
    earlier.save(kept)
    this = Round.live(blobs.study, Training(device="cpu", precision="float32"), jobs=jobs, start_from=kept)
    begun: list[torch.nn.Module] = []

    def look(trainer: endless.Endless, *arguments: Any) -> Any:
        if not begun:
            begun.append(trainer.method.predictor())
            network.load_state_dict(begun[0].state_dict())
            this.job.request_stop()
        return step(trainer, *arguments)

    network, step = earlier.build(torch.device("cpu")).predictor(), endless.Endless._step
    old = earlier.network((1, 2), torch.device("cpu"))
    image = torch.rand(1, 1, *earlier.task.patch, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = old(image)
    monkeypatch.setattr(endless.Endless, "_step", look)
    run_here(this)
    assert this.job.status().state == "stopped", this.job.status()
    with torch.no_grad():
        assert torch.allclose(network(image), expected, atol=1e-5)
