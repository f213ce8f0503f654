"""A device that is not there is refused before anything is ordered, not by the job."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from SemiSegLogic.cli import run
from SemiSegLogic.engine.hardware.device import NoSuchDevice, choose
from SemiSegLogic.rounds import Round
from Testing.support.blobs import BlobStudy

Said = Callable[..., str]


@pytest.mark.parametrize("words", [["train"], ["predict"], ["train", "--recipe", "paper", "--method", "bcp"]])
def test_a_card_that_is_not_there_is_refused_with_the_devices_that_are(
    blobs: BlobStudy, says: Said, jobs: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    text = says(*words, blobs.study.folder, "--device", "cuda", code=1)
    assert "Available: cpu (the processor" in text
    assert "'auto' or 'cpu'" in text
    assert "resume" not in text
    assert not jobs.exists()
    assert not list((blobs.study.folder / "models").glob("*"))


def test_a_card_that_is_there_is_ordered(blobs: BlobStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    class Ordered(Exception):
        """As far as this test goes."""

    def begin(study: object, training: object, *_: object, **__: object) -> Round:
        raise Ordered(training)

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(Round, "begin", begin)
    with pytest.raises(Ordered) as caught:
        run(["train", str(blobs.study.folder), "--device", "cuda"])
    assert caught.value.args[0].device == "cuda"


def test_a_job_that_finds_no_card_says_what_to_do_instead_of_resuming_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(NoSuchDevice, match="Available: cpu") as caught:
        choose("cuda")
    assert caught.value.remedy.startswith("Train again on 'auto' or 'cpu'.")
