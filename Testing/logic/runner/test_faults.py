"""Memory that runs out, losses that are no numbers, damaged files: the training goes on, or says what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from SemiSegLogic import run
from SemiSegLogic.engine.hardware.device import Device
from SemiSegLogic.engine.training.checkpoint import CheckpointError
from SemiSegLogic.engine.training.trainer import Trainer
from SemiSegLogic.methods.mean_teacher import MeanTeacher
from SemiSegLogic.methods.supervised import Supervised
from SemiSegLogic.rounds import Round
from SemiSegLogic.runner import model as models
from SemiSegLogic.runner.contest.judging import Jury
from SemiSegLogic.runner.contest.outcome import Outcome
from SemiSegLogic.runner.course.legs import Leg
from SemiSegLogic.runner.model import Model
from SemiSegLogic.runner.suggest import Suggester
from Testing.support.blobs import BlobStudy, make_study, tiny
from Testing.support.rounds import at_step, begin, kill_at_step, run_here


def never_a_number(self: Any, *given: Any) -> dict[str, torch.Tensor]:
    return {"loss": torch.full((), float("nan")) * next(self.parameters()).sum()}


def out_of_memory(trainer: Trainer) -> None:
    raise MemoryError("injected")


def test_a_choice_that_the_data_do_not_allow_is_not_to_be_resumed(blobs: BlobStudy, jobs: Path) -> None:
    """A job keeps its settings: resumed, it failed with the same words, for ever."""
    status = run_here(begin(blobs.study, jobs, tiny(4, 2), "ersr"))
    assert status.state == "failed"
    assert status.error is not None
    assert "For volumes choose m3hl or bcp" in status.error["text"]
    assert status.error["remedy"].startswith("Train again with another choice")


def test_packages_that_cannot_be_loaded_are_to_be_repaired(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said was to resume the job, which then failed in the same way."""

    def damaged(*_: object) -> None:
        raise ImportError("DLL load failed while importing _C: The specified module could not be found.")

    monkeypatch.setattr(run, "_carry_out", damaged)
    status = run_here(begin(blobs.study, jobs, tiny(4, 2)))
    assert status.error is not None
    assert "cannot be loaded. (ImportError: DLL load failed" in status.error["text"]
    assert status.error["remedy"].startswith("Repair the computing environment")


def test_when_memory_runs_out_patches_get_smaller_and_training_goes_on(
    tmp_path: Path, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    this = begin(make_study(tmp_path, shape=(16, 16, 31)).study, jobs, tiny(8, 4))
    at_step(monkeypatch, 6, out_of_memory)
    given_back: list[int] = []
    monkeypatch.setattr(Device, "give_back_memory", lambda device: given_back.append(1))
    status = run_here(this)
    assert status.state == "done"
    assert given_back, "the process would keep as much as the step that failed had taken"
    assert Model.load(this.job.weights).plan.patch == (16, 16, 16)
    assert len(this.collect()) == 3


def test_the_smaller_patches_outlive_a_kill(
    tmp_path: Path, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    this = begin(make_study(tmp_path, shape=(16, 16, 31)).study, jobs, tiny(8, 4, checkpoint_seconds=0.0))
    with pytest.MonkeyPatch.context() as patch:
        at_step(patch, 2, out_of_memory)
        kill_at_step(this, 6)
    seen: list[Any] = []
    at_step(monkeypatch, 1, lambda trainer: seen.append(trainer.sampler.plan.patch))
    assert run_here(this).state == "done"
    assert seen == [(16, 16, 16)]


def test_memory_for_nothing_at_all_is_said_in_words(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Trainer, "_step", lambda trainer, *_: out_of_memory(trainer))
    status = run_here(begin(blobs.study, jobs, tiny(8, 4)))
    assert status.state == "failed"
    assert status.error is not None
    assert "Close other programs" in status.error["text"]


def test_memory_that_runs_out_between_steps_is_said_in_words_and_the_job_can_be_resumed(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The words of PyTorch's allocator were shown, with the remedy to send a log."""
    this = begin(blobs.study, jobs, tiny(8, 4))

    def lacking(*_: Any) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 11059200 bytes.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Suggester, "case", lacking)
        status = run_here(this)
    assert status.state == "failed"
    assert status.error is not None
    assert status.error["text"].startswith("Memory ran out.")
    assert "Close other programs and resume the job" in status.error["remedy"]
    assert run_here(this).state == "done"


@pytest.mark.parametrize("fault", ["losses", "memory"])
def test_a_second_leg_that_fails_leaves_the_first_model_and_its_suggestions(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    if fault == "losses":
        monkeypatch.setattr(MeanTeacher, "losses", never_a_number)
    else:
        monkeypatch.setattr(MeanTeacher, "losses", lambda *_: out_of_memory(None))  # type: ignore[arg-type]
    this = begin(blobs.study, jobs, tiny(8, 4))
    status = run_here(this)
    assert (status.state, status.scores["kept"]) == ("done", "supervised")
    assert status.error is not None
    assert "mean_teacher was given up" in status.error["text"]
    assert Model.load(this.job.weights).method == "supervised"
    assert len(this.collect()) == 3


@pytest.mark.parametrize("stopped", [False, True])
def test_a_second_leg_that_there_is_no_memory_to_judge_leaves_the_first_model(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch, stopped: bool
) -> None:
    """The whole job was called failed, although it had a model."""
    this, outcome = begin(blobs.study, jobs, tiny(8, 4)), Jury.outcome

    def lacking(jury: Jury, method: Any, plain: Any, leg: Leg) -> Outcome:
        if leg.role == "first":
            return outcome(jury, method, plain, leg)
        raise MemoryError("injected")

    monkeypatch.setattr(Jury, "outcome", lacking)
    if stopped:
        at_step(monkeypatch, 6, lambda trainer: this.job.request_stop())
    status = run_here(this)
    assert status.scores["kept"] == "supervised"
    assert status.state == ("stopped" if stopped else "done")
    assert status.error is not None
    assert "mean_teacher was given up" in status.error["text"]
    assert "Memory ran out while the model was measured" in status.error["text"]
    assert Model.load(this.job.weights).method == "supervised"
    assert len(this.collect()) == 3


def test_a_loss_that_is_no_number_from_the_first_step_on_is_said_in_words(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Supervised, "losses", never_a_number)
    status = run_here(begin(blobs.study, jobs, tiny(8, 4)))
    assert status.state == "failed"
    assert status.error is not None
    assert "undefined" in status.error["text"]


def test_one_loss_that_is_no_number_is_taken_back(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoil(trainer: Trainer) -> None:
        with torch.no_grad():
            next(trainer.method.parameters()).fill_(float("nan"))

    this = begin(blobs.study, jobs, tiny(8, 4))
    at_step(monkeypatch, 3, spoil)
    assert run_here(this).state == "done"
    weights = Model.load(this.job.weights).weights
    assert all(value.isfinite().all() for value in weights.values())


@pytest.mark.parametrize("content", [b"", b"half a checkpoint", None, "foreign"], ids=["empty", "text", "cut", "other"])
def test_a_damaged_checkpoint_is_named_and_its_removal_is_the_remedy(
    blobs: BlobStudy, jobs: Path, content: bytes | str | None
) -> None:
    this = begin(blobs.study, jobs, tiny(8, 4, checkpoint_seconds=0.0))
    kill_at_step(this, 6)
    if content == "foreign":
        torch.save({"weights": torch.zeros(3)}, this.job.checkpoint)
    else:
        whole = this.job.checkpoint.read_bytes()
        this.job.checkpoint.write_bytes(whole[: len(whole) // 2] if content is None else content)  # type: ignore[arg-type]
    status = run_here(this)
    assert status.state == "failed"
    assert status.error is not None
    assert "model.ckpt" in status.error["text"]
    assert "Delete it to start this run again" in status.error["text"]
    assert len(status.error["text"]) < 600
    assert this.job.results().keys() == {"c001", "c002", "c003"}  # nothing of before is lost
    this.job.checkpoint.unlink()
    assert run_here(this).state == "done"


def test_a_file_that_is_no_model_is_named(blobs: BlobStudy, jobs: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    torch.save([1, 2], path)
    with pytest.raises(CheckpointError, match=r"model.pt is not a model of format 2"):
        Model.load(path)
    status = run_here(Round.apply(blobs.study, path, jobs=jobs, device="cpu"))
    assert status.state == "failed"
    assert status.error is not None
    assert "is not a model" in status.error["text"]


def test_an_error_of_a_wordy_library_still_reaches_the_status(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wordy(trainer: Trainer) -> None:
        raise RuntimeError("a size mismatch for weight\n" * 4000)

    this = begin(blobs.study, jobs, tiny(8, 4))
    at_step(monkeypatch, 2, wordy)
    status = run_here(this)
    assert status.state == "failed"
    assert status.error is not None
    assert status.error["text"].startswith("RuntimeError: a size mismatch")
    assert "log.txt" in status.error["remedy"]


def test_any_failure_leaves_the_model_that_was_kept_so_far(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(trainer: Trainer) -> None:
        raise ValueError("a bug")

    this = begin(blobs.study, jobs, tiny(8, 4))
    at_step(monkeypatch, 6, crash)
    assert run_here(this).state == "failed"
    this.collect()
    assert this.model is not None
    assert Model.load(this.model).method == this.card()["method"] == "supervised"


def test_an_image_of_the_job_that_was_damaged_is_named(blobs: BlobStudy, jobs: Path) -> None:
    this = begin(blobs.study, jobs, tiny(8, 4))
    path = this.job.inputs / f"{this.job.spec().cases[1].image}.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    status = run_here(this)
    assert status.state == "failed"
    assert status.error is not None
    assert path.name in status.error["text"]


def test_reordered_classes_say_what_they_mean() -> None:
    network = torch.nn.Conv3d(1, 3, 1)
    image = torch.randn(1, 1, 2, 3, 4)
    other = models.Reordered(network, (4, 7), (5, 7))
    logits, plain = other(image), network(image)
    assert torch.equal(logits[:, 0], plain[:, 0])
    assert torch.equal(logits[:, 2], plain[:, 2])
    assert bool((logits[:, 1] < -1000).all())
