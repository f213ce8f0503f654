"""A model of another study is only used where its values mean the same."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from SemiSegLogic.rounds import Round, is_known
from SemiSegLogic.rounds.run_folder import RunFolder
from SemiSegLogic.settings import Training
from SemiSegLogic.study import Study, StudyError
from Testing.support.blobs import BlobStudy, make_study, tiny
from Testing.support.rounds import begin


def model_of(folder: Path, *names: str) -> Path:
    """A model exported from a study with structures 1, 2, ... of these names."""
    folder.mkdir(parents=True)
    packed(folder / "model.pt")
    card = {"structures": [{"value": number, "name": name} for number, name in enumerate(names, 1)]}
    (folder / "model.json").write_text(json.dumps(card))
    return folder / "model.pt"


def packed(path: Path) -> Path:
    """Weights as PyTorch packs them, seen from afar."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data", b"weights " * 100)
    return path


@pytest.mark.parametrize("names", [("cap", "core"), ("core", "rim")], ids=["swapped", "one is another"])
def test_a_model_that_calls_a_value_otherwise_is_refused_with_both_lists(
    blobs: BlobStudy, jobs: Path, tmp_path: Path, names: tuple[str, ...]
) -> None:
    model, open_jobs = model_of(tmp_path / "elsewhere", *names), {"jobs": jobs}
    words = f"another study, for 1 = {names[0]}, 2 = {names[1]}; here it is 1 = core, 2 = cap"
    for attempt in (
        lambda: Round.apply(blobs.study, model, **open_jobs),
        lambda: Round.live(blobs.study, Training(), start_from=model, **open_jobs),
        lambda: begin(blobs.study, jobs, tiny(), start_from=model),
    ):
        with pytest.raises(StudyError, match=words):
            attempt()
    assert Round.latest(blobs.study, jobs) is None


@pytest.mark.parametrize("names", [("core", "cap"), ("Core ", "CAP"), ("core",), ("core", "cap", "rim")])
def test_one_that_means_the_same_is_used_though_it_knows_more_or_less(
    blobs: BlobStudy, jobs: Path, tmp_path: Path, names: tuple[str, ...]
) -> None:
    assert Round.apply(blobs.study, model_of(tmp_path / "elsewhere", *names), jobs=jobs).cases


def test_one_that_knows_no_structure_of_the_study_is_refused(jobs: Path, tmp_path: Path) -> None:
    study = make_study(tmp_path, annotated=0).study
    study.add_structure("rim")
    for value in (1, 2):
        study.remove_structure(value)
    with pytest.raises(StudyError, match="here it is 3 = rim"):
        Round.apply(study, model_of(tmp_path / "elsewhere", "core", "cap"), jobs=jobs)


def test_a_model_of_the_study_itself_outlives_renames(blobs: BlobStudy, jobs: Path) -> None:
    model = model_of(blobs.study.folder / "models" / "earlier", "heart", "cap")
    RunFolder(model.parent).note_cases({})
    assert is_known(blobs.study, model)
    assert Round.apply(blobs.study, model, jobs=jobs).cases


def test_one_that_a_person_copied_among_the_studys_own_is_looked_at_like_any_other(
    blobs: BlobStudy, jobs: Path
) -> None:
    """The panel exports a model, and takes none in: people put the folder where the others lie."""
    model = model_of(blobs.study.folder / "models" / "model-of-another-study", "cap", "core")
    with pytest.raises(StudyError, match="another study, for 1 = cap, 2 = core; here it is 1 = core, 2 = cap"):
        Round.apply(blobs.study, model, jobs=jobs)
    model.with_name("model.json").unlink()
    assert not is_known(blobs.study, model)


@pytest.mark.parametrize("card", [None, b"{half", b"[]", b'{"structures": [7]}'])
def test_without_a_card_nobody_knows(blobs: BlobStudy, jobs: Path, tmp_path: Path, card: bytes | None) -> None:
    model = model_of(tmp_path / "elsewhere", "cap", "core")
    model.with_name("model.json").unlink()
    if card is not None:
        model.with_name("model.json").write_bytes(card)
    assert not is_known(blobs.study, model)
    assert Round.apply(blobs.study, model, jobs=jobs).cases


@pytest.mark.parametrize("harm", ["cut off", "changed", "empty"])
def test_a_damaged_model_is_named_before_anything_is_ordered(
    blobs: BlobStudy, jobs: Path, tmp_path: Path, harm: str
) -> None:
    model = packed(tmp_path / "model.pt")
    whole = model.read_bytes()
    model.write_bytes({"cut off": whole[:300], "changed": whole.replace(b"weights", b"WEIGHTS", 1), "empty": b""}[harm])
    with pytest.raises(StudyError, match=r"model.pt is damaged, or SemiSeg did not write it. Delete this model"):
        begin(blobs.study, jobs, tiny(), start_from=model)
    assert Round.latest(blobs.study, jobs) is None


def test_nothing_to_look_at_or_for_is_said_in_words(tmp_path: Path, jobs: Path, blobs: BlobStudy) -> None:
    model = model_of(tmp_path / "elsewhere", "core")
    with pytest.raises(StudyError, match="has no cases"):
        Round.apply(Study.create(tmp_path / "empty", structures=["core"]), model, jobs=jobs)
    with pytest.raises(StudyError, match="has no structures"):
        Round.apply(Study.create(tmp_path / "aimless"), model, jobs=jobs)
