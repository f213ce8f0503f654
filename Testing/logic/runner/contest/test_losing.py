"""A method that forgets a structure where nobody drew does not take the first mask's place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from SemiSegLogic.methods.mean_teacher import MeanTeacher
from SemiSegLogic.runner.model import Model
from Testing.support.blobs import make_study, tiny
from Testing.support.rounds import begin, run_here

BUDGET = tiny(70, 60)


def forget(method: MeanTeacher, *_: object) -> None:
    """What the teacher says from now on: background, whatever it sees."""
    with torch.no_grad():
        bias = next(value for name, value in reversed(list(method.teacher.named_parameters())) if name.endswith("bias"))
        bias.copy_(torch.where(torch.arange(len(bias)) == 0, 1e3, -1e3))


@pytest.mark.parametrize("forgets", [True, False])
def test_the_first_mask_stays_where_a_method_finds_nothing_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forgets: bool
) -> None:
    """One slice of one case is drawn, so that nothing can be held out to tell."""
    if forgets:
        monkeypatch.setattr(MeanTeacher, "after_step", forget)
    study = make_study(tmp_path, count=4, annotated=1, slices=1).study
    this = begin(study, tmp_path / "jobs", BUDGET)
    status = run_here(this)
    assert status.state == "done"
    model = Model.load(this.job.weights)
    assert model.method == ("supervised" if forgets else "mean_teacher")
    reasons = json.loads(this.job.card.read_text())["scores"]["reasons"]
    told = [text for text in reasons if "no longer finds" in text]
    assert bool(told) == forgets
    if forgets:
        assert told[0].startswith("mean_teacher no longer finds core")
        assert "although the earlier model does" in told[0]
