"""``semiseg models``: list, card, export, delete; and going on from a model by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from SemiSegLogic.cli import run
from SemiSegLogic.files import digest_file
from SemiSegLogic.rounds import Round
from Testing.support.blobs import make_study, tiny
from Testing.support.rounds import finished


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Round:
    monkeypatch.setenv("SEMISEG_JOBS", str(tmp_path / "jobs"))
    return finished(make_study(tmp_path).study, tmp_path / "jobs", tiny(4, 2))


def test_a_model_is_listed_with_its_quality_and_its_card_is_read(
    trained: Round, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(trained.study.folder)
    assert run(["models", folder, "--json"]) == 0
    listed = capsys.readouterr().out
    assert trained.id in listed
    assert "training had not seen" in listed
    assert run(["models", folder, "--card", trained.id]) == 0
    card = capsys.readouterr().out
    assert "# Model for core, cap" in card
    assert "5 slices of 2 cases, 3 cases in all" in card, "the sixth was kept aside to measure"


def test_the_table_of_models_has_room_for_them(trained: Round, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", str(trained.study.folder)]) == 0
    shown = capsys.readouterr().out
    assert trained.id in shown
    assert len(shown.splitlines()) < 12


def test_a_model_whose_quality_is_not_known_takes_one_line_of_the_table(
    tmp_path: Path, jobs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Why it is not known filled a column of ten letters over twenty lines; the card says it."""
    trained = finished(make_study(tmp_path, slices=1).study, jobs, tiny(4, 2))
    assert run(["models", str(trained.study.folder)]) == 0
    shown = capsys.readouterr().out
    assert "not known" in shown
    assert len(shown.splitlines()) < 12


@pytest.mark.parametrize("words", [["train", "--start"], ["predict", "--model"]])
def test_a_file_that_is_no_model_is_refused_before_anything_is_ordered(
    trained: Round, tmp_path: Path, jobs: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    before = sorted(jobs.iterdir())
    (tmp_path / "notes.pt").write_text("no model")
    assert run([words[0], str(trained.study.folder), words[1], str(tmp_path / "notes.pt")]) == 1
    assert f"{tmp_path / 'notes.pt'} is not a model made by SemiSeg" in capsys.readouterr().err
    assert sorted(jobs.iterdir()) == before


def test_an_exported_model_is_the_same_to_the_bit_and_never_overwrites(
    trained: Round, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["models", str(trained.study.folder), "--export", trained.id, "--to", str(tmp_path / "out")]
    assert run(words) == 0
    copy = tmp_path / "out" / f"model-{trained.id}"
    assert trained.model is not None
    assert digest_file(copy / "model.pt") == digest_file(trained.model)
    assert (copy / "model.md").exists()
    assert run(words) == 1
    assert "exists already" in capsys.readouterr().err


def test_a_deleted_model_does_not_come_back_and_suggestions_stay(trained: Round) -> None:
    assert run(["models", str(trained.study.folder), "--delete", trained.id]) == 0
    trained.collect()
    assert trained.model is None
    assert all(case.has_suggestion for case in trained.study.cases)


def test_a_model_that_is_not_there_is_named_with_those_that_are(
    trained: Round, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["models", str(trained.study.folder), "--card", "nonsense"]) == 1
    assert trained.id in capsys.readouterr().err
    assert run(["train", str(trained.study.folder), "--start", "nowhere.pt"]) == 1
    assert "There is no model nowhere.pt" in capsys.readouterr().err
