"""Every command as a person or a program calls it, with files and jobs in a folder of its own."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from SemiSegLogic.cli import run
from SemiSegLogic.geometry import Grid
from SemiSegLogic.job import JobFolder, JobSpec
from SemiSegLogic.preflight import check
from SemiSegLogic.runner.course.legs import legs_of
from SemiSegLogic.settings import METHOD_SETTINGS, Training, published, recipe
from SemiSegLogic.settings.costs import costs
from SemiSegLogic.study import Study, all_slices, write_image, write_labelmap
from Testing.support.blobs import BlobStudy, make_study, tiny
from Testing.support.data.blob_images import blob
from Testing.support.rounds import begin

Command = Callable[..., list[dict[str, Any]]]


def named(events: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [event for event in events if event["event"] == name]


@pytest.fixture
def orders(monkeypatch: pytest.MonkeyPatch) -> list[JobSpec]:
    """What ``train`` orders, instead of carrying it out."""
    found: list[JobSpec] = []
    monkeypatch.setattr("SemiSegLogic.cli.train._submit", lambda this, *_: found.append(this.job.spec()) or 0)
    return found


def write_volume(folder: Path, number: int = 0) -> tuple[Path, Path]:
    """An image and its mask with the values 1 and 2."""
    image, label = blob((16, 14, 15), number)
    paths = folder / f"scan{number}.nrrd", folder / f"mask{number}.nrrd"
    write_image(paths[0], image, Grid((16, 14, 15)))
    study = Study.create(folder / f"for_names{number}", structures=["core", "cap"])
    write_labelmap(paths[1], label, Grid((16, 14, 15)), study.structures)
    return paths


def test_a_study_is_made_filled_labelled_and_listed(tmp_path: Path, semiseg: Command) -> None:
    folder, (image, mask) = tmp_path / "mine", write_volume(tmp_path)
    (made,) = semiseg("study", "new", folder, "--structure", "core", "--structure", "cap")
    assert made["values"] == {"core": 1, "cap": 2}
    (case,) = semiseg("study", "add", folder, image)
    assert case == {"event": "case", "case": "scan0", "shape": [16, 14, 15]}
    (labelled,) = semiseg("study", "label", folder, "scan0", mask, "--slices", "k:7,9", "--slices", "i:8")
    assert labelled["slices"] == [[0, 7], [0, 9], [2, 8]]
    (row,) = semiseg("study", "status", folder)
    assert (row["id"], row["status"], row["drawn"], row["suggestion"]) == ("scan0", "slices drawn", 3, False)
    assert row["done"] == [[0, 7], [0, 9], [2, 8]]


def test_by_default_the_slices_with_voxels_are_taken(tmp_path: Path, semiseg: Command) -> None:
    folder, (image, mask) = tmp_path / "mine", write_volume(tmp_path)
    semiseg("study", "new", folder, "--structure", "core", "--structure", "cap")
    semiseg("study", "add", folder, image, "--reference")
    (labelled,) = semiseg("study", "label", folder, "scan0", mask, "--axis", "j", "--name", "core=2", "--name", "cap=1")
    assert {axis for axis, _ in labelled["slices"]} == {1}
    (everything,) = semiseg("study", "label", folder, "scan0", mask, "--slices", "all")
    assert len(everything["slices"]) == 16
    assert Study.open(folder).case("scan0").image_path == image.resolve()


def test_train_predict_and_export_go_through(blobs: BlobStudy, semiseg: Command) -> None:
    folder = blobs.study.folder
    told = semiseg("train", folder, "--seconds", "1.5", "--first", "0.7", "--device", "cpu", "--open", "volume1",
                   "--method", "mean_teacher", "--set", "learning_rate=0.003")
    (end,) = named(told, "ended")
    assert (end["state"], end["cases"]) == ("done", ["volume0", "volume1", "volume2"])
    fractions = [event["fraction"] for event in named(told, "progress")]
    assert max(fractions) == 1.0
    assert [event["phase"] for event in named(told, "phase")][-2:] == ["mean_teacher", "all slices"]
    assert {event["case"] for event in named(told, "next")} <= {"volume0", "volume1", "volume2"}
    blobs.cases[2].discard_suggestion()
    (end,) = named(semiseg("predict", folder, "--device", "cpu"), "ended")
    assert (end["state"], len(end["cases"])) == ("done", 3)
    files = [Path(event["file"]) for event in semiseg("export", folder, "--format", "nrrd", "--format", "nii.gz")
             if event["event"] == "exported"]
    assert len(files) == 6
    assert all(path.exists() for path in files)
    listed = semiseg("jobs")
    assert [event["state"] for event in listed] == ["done", "done"]
    semiseg("jobs", "resume", listed[0]["id"], code=1)


def test_a_job_that_waits_is_stopped_and_resumed_by_its_id(
    blobs: BlobStudy, jobs: Path, semiseg: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    this = begin(blobs.study, jobs, tiny(2, 2))
    (stopped,) = semiseg("jobs", "stop", this.id)
    assert stopped["state"] in ("queued", "stopped")
    (resumed,) = semiseg("jobs", "resume", this.id)
    assert resumed["id"] == this.id
    from SemiSegLogic.backends import LocalBackend
    from Testing.support.processes import ended

    assert ended(LocalBackend(jobs), this).state == "done"


def test_a_folder_of_jobs_that_is_none_is_told_in_words(
    tmp_path: Path, says: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("SEMISEG_JOBS", str(tmp_path / "file"))
    assert f"The folder of jobs, {tmp_path / 'file'}, cannot be read" in says("jobs", code=1)


def test_every_method_is_listed_with_its_settings(semiseg: Command) -> None:
    told = semiseg("methods")
    assert [event["method"] for event in told] == ["recommended", *METHOD_SETTINGS]
    assert all(event["does"] and event["suits"] and event["settings"] for event in told)
    assert all(cost["time"] > 0.5 and cost["memory"] > 0 and cost["device"] for e in told for cost in e["costs"])
    assert told[1]["costs"][0]["time"] == pytest.approx(1.0, abs=0.25)  # supervised over supervised


def test_people_see_what_a_step_costs_and_where_it_was_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["methods"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    first = costs("supervised")[0]
    assert f"{first.time:.1f} x" in told
    assert f"{first.memory} MB" in told
    assert first.date in told


def test_the_help_pages_are_written_where_asked(tmp_path: Path, semiseg: Command) -> None:
    (told,) = semiseg("methods", "--pages", tmp_path / "help")
    assert {Path(path) for path in told["files"]} == set((tmp_path / "help").iterdir())
    assert (tmp_path / "help" / "bcp.svg").is_file()


def test_the_doctor_looks_at_everything(semiseg: Command) -> None:
    told = semiseg("doctor", code=0)
    assert [event["what"] for event in named(told, "finding")] == [
        "Python", "Packages", "PyTorch", "Graphics card", "Memory", "Disk", "Jobs folder", "Processes"
    ]
    assert told[-1] == {"event": "verdict", "failed": 0}


def test_the_doctor_says_what_is_wrong_and_what_to_do(
    tmp_path: Path, semiseg: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("SEMISEG_JOBS", str(tmp_path / "file" / "jobs"))
    told = semiseg("doctor", code=1)
    (wrong,) = [event for event in named(told, "finding") if not event["good"]]
    assert wrong["what"] == "Jobs folder"
    assert "SEMISEG_JOBS" in wrong["remedy"]


def test_the_doctor_says_why_a_card_cannot_compute(monkeypatch: pytest.MonkeyPatch) -> None:
    """CUDA's errors end with how to debug them."""
    from SemiSegLogic.cli import doctor

    error = "CUDA error: no kernel image is available\nFor debugging consider passing\nCompile with"
    monkeypatch.setattr(doctor, "PROBE", f"import warnings\nwarnings.warn('old')\nraise RuntimeError({error!r})")
    finding = doctor.torch_works()
    assert (finding.good, finding.found) == (False, "RuntimeError: CUDA error: no kernel image is available")


def test_the_doctor_tells_of_a_pytorch_that_loads_slowly_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first time, protection software may look at every file for minutes; the doctor ended in an error."""
    from SemiSegLogic.cli import doctor

    monkeypatch.setattr(doctor, "PROBE", "import time; time.sleep(30)")
    monkeypatch.setattr(doctor, "PATIENCE_S", 0.3)
    finding = doctor.torch_works()
    assert (finding.good, finding.found) == (False, "is not loaded after 0.3 seconds")
    assert "wait some minutes" in finding.remedy


@pytest.mark.parametrize(("driver", "visible", "good"), [(580, "0", False), (580, "-1", True), (400, "0", True)])
def test_the_doctor_says_that_pytorch_does_not_see_a_card_that_it_could_use(
    driver: int, visible: str, good: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One made for processors, set up before there was a card, was found to be well. Of an old driver another check
    tells, and who hides the cards knows it.
    """
    from SemiSegLogic.cli import doctor
    from SemiSegLogic.environment.builds import Card, fitting

    monkeypatch.setattr(doctor, "fitting", partial(fitting, system="linux", machine="x86_64"))
    monkeypatch.setattr(doctor, "PROBE", "print('2.9.0+cpu', False, 8)")
    monkeypatch.setattr(doctor, "find_cards", lambda: [Card("RTX 4090", driver, (8, 9))])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    finding = doctor.torch_works()
    assert finding.good is good
    if not good:
        assert finding.found == "2.9.0+cpu does not see the graphics card"
        assert "cu130" in finding.remedy


@pytest.mark.parametrize(("told", "good", "found"), [
    (8 << 30, True, "8.6 GB free"), (1 << 30, False, "1.1 GB free"), (None, True, "cannot be read on this system"),
])
def test_the_doctor_tells_what_memory_is_free(
    told: int | None, good: bool, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from SemiSegLogic.cli import doctor

    monkeypatch.setattr(doctor, "available_memory", lambda: told)
    assert (doctor.memory().good, doctor.memory().found) == (good, found)


WRONG = {
    "no study": (["study", "status", "nowhere"], "is not a study"),
    "in use": (["study", "new", "{study}", "--structure", "a"], "is a study already"),
    "no image": (["study", "add", "{study}", "nothing.nrrd"], "does not exist"),
    "no case": (["study", "label", "{study}", "nobody", "mask.nrrd"], "has no case 'nobody'"),
    "no mask": (["study", "label", "{study}", "volume0", "mask.nrrd"], "mask.nrrd"),
    "bad name": (["study", "label", "{study}", "volume0", "mask.nrrd", "--name", "Liver"],
                 "--name SEGMENT=STRUCTURE"),
    "no model": (["predict", "{study}"], "There is no model in"),
    "no such model": (["predict", "{study}", "--model", "gone.pt"], "There is no model gone.pt"),
    "no result": (["export", "{study}"], "has a result yet"),
    "no case to open": (["train", "{study}", "--open", "nobody"], "has no case 'nobody'"),
    "bad setting": (["train", "{study}", "--set", "speed=3"], "speed"),
    "setting out of range": (["train", "{study}", "--set", "learning_rate=-1"], "learning_rate"),
    "half a setting": (["train", "{study}", "--set", "ema"], "--set learning_rate=0.001"),
    "a file in the way": (["methods", "--pages", "{study}/study.json"], "study.json was not written"),
    "bad time": (["train", "{study}", "--seconds", "1e9"], "seconds"),
    "no job": (["jobs", "stop", "nobody"], "There is no job nobody"),
    "no job to resume": (["jobs", "resume", "nobody"], "nobody"),
    "which job": (["jobs", "stop"], "Give the job"),
}


@pytest.mark.parametrize(("words", "message"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_said_in_words(
    blobs: BlobStudy, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: list[str],
    message: str, tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    code = run([word.format(study=blobs.study.folder) for word in words])
    printed = capsys.readouterr()
    assert code == 1, printed.out
    assert "Traceback" not in printed.err + printed.out
    assert message in printed.err
    assert len(printed.err.splitlines()) == 1
    assert printed.err.startswith("semiseg: ")


@pytest.mark.parametrize("words", [
    [], ["fly"], ["train"], ["study", "label", "a", "b", "c", "--axis", "x"], ["study", "next", "a", "--count", "0"],
    ["demo", "--slices", "0"], ["demo", "--cases", "-1"], ["demo", "--annotated", "few"],
    ["train", "a", "--seconds", "0"], ["train", "a", "--seconds", "nan"], ["demo", "--seconds", "-3"],
    ["train", "a", "--seconds", "inf"], ["train", "a", "--first", "-1"], ["demo", "--first", "nan"],
], ids=str)
def test_words_that_are_not_understood_end_with_two(words: list[str]) -> None:
    with pytest.raises(SystemExit) as problem:
        run(words)
    assert problem.value.code == 2


def test_training_goes_on_from_the_last_training_unless_told_otherwise(
    blobs: BlobStudy, semiseg: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders: list[str | None] = []
    monkeypatch.setattr("SemiSegLogic.cli.train._submit", lambda this, *_: orders.append(_begins(this.job)) or 0)
    semiseg("train", blobs.study.folder)  # there is none yet
    models = {name: blobs.study.folder / "models" / f"2026112{day}T101500.000000Z-{name}" / "model.pt"
              for day, name in enumerate(("first", "second", "live"))}
    for name, path in models.items():
        path.parent.mkdir()
        _packed(path, name)
    for words in ((), ("--anew",), ("--start", models["first"]), ("--recipe", "paper", "--method", "bcp")):
        semiseg("train", blobs.study.folder, *words)
    semiseg("train", blobs.study.folder, "--recipe", "paper", "--method", "bcp", "--start", models["live"])
    assert orders == [None, "second", None, "first", None, "live"]


def _begins(job: JobFolder) -> str | None:
    path = job.start_model()
    return zipfile.ZipFile(path).namelist()[0] if path else None


def _packed(path: Path, name: str) -> None:
    """As a model looks from afar."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, b"")


@pytest.mark.parametrize(("content", "words"), [
    (None, "cluster.json is missing"), ('{"ray": "http://gpu:8265", "token": "t", "jobs": "j"}', "SSH tunnel"),
    ('{"ray": "http://127.0.0.1:8265", "token": "t"}', "does not say jobs"),
])
def test_what_is_wrong_with_a_cluster_is_said_before_anything_is_done(
    tmp_path: Path, blobs: BlobStudy, capsys: pytest.CaptureFixture[str], content: str | None, words: str
) -> None:
    path = tmp_path / "cluster.json"
    if content is not None:
        path.write_text(content)
    for command in (["train", str(blobs.study.folder)], ["jobs"]):
        assert run([*command, "--cluster", str(path)]) == 1
        assert words in capsys.readouterr().err
    assert not list((blobs.study.folder / "models").glob("*"))


def test_training_without_labels_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = make_study(tmp_path, annotated=0).study
    assert run(["train", str(study.folder)]) == 1
    assert "Draw the structures on two or three slices" in capsys.readouterr().err


def test_a_failed_job_ends_with_one_and_its_remedy(
    tmp_path: Path, blobs: BlobStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "model.pt"
    _packed(model, "no model")
    assert run(["predict", str(blobs.study.folder), "--model", str(model), "--device", "cpu"]) == 1
    printed = " ".join(capsys.readouterr().out.split())
    assert "cannot be read: it is damaged, or SemiSeg did not write it. Choose another model" in printed
    assert "weights_only" not in printed


def test_names_with_brackets_are_shown_as_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    folder = tmp_path / "study [old] [/bold]"
    image, _ = write_volume(tmp_path)
    renamed = image.rename(tmp_path / "scan [red].nrrd")
    assert run(["study", "new", str(folder), "--structure", "core"]) == 0
    assert run(["study", "add", str(folder), str(renamed)]) == 0
    assert run(["study", "status", str(folder)]) == 0
    printed = capsys.readouterr().out
    assert str(folder) in printed
    assert printed.count("scan [red]") == 2


def test_a_bad_image_among_good_ones_is_named_and_the_good_ones_are_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (good, _), folder = write_volume(tmp_path), tmp_path / "mine"
    bad = tmp_path / "bad.nrrd"
    bad.write_bytes(good.read_bytes()[:200])
    run(["study", "new", str(folder), "--structure", "core"])
    assert run(["study", "add", str(folder), str(good), str(bad)]) == 1
    assert "bad.nrrd" in capsys.readouterr().err
    assert [case.id for case in Study.open(folder).cases] == ["scan0"]


def test_a_mask_on_another_grid_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (image, _), folder = write_volume(tmp_path), tmp_path / "mine"
    run(["study", "new", str(folder), "--structure", "core"])
    run(["study", "add", str(folder), str(image)])
    write_image(tmp_path / "other.nrrd", np.eye(9, dtype=np.uint8)[None].repeat(4, 0), Grid((4, 9, 9), (2.0, 1.5, 1.5)))
    assert run(["study", "label", str(folder), "scan0", str(tmp_path / "other.nrrd")]) == 1
    assert "other.nrrd does not fit the image: it has 4 x 9 x 9 voxels" in capsys.readouterr().err
    assert Study.open(folder).case("scan0").places == []


def test_the_paper_recipe_orders_the_papers_network_steps_and_settings(
    blobs: BlobStudy, semiseg: Command, orders: list[JobSpec]
) -> None:
    semiseg("train", blobs.study.folder, "--method", "bcp", "--recipe", "paper", "--set", "ema=0.98", "--anew")
    semiseg("train", blobs.study.folder, "--method", "bcp", "--seconds", 30, "--anew")
    paper, clinical = orders
    assert paper.method_settings == {**recipe("bcp", "paper", 3).to_dict(), "ema": 0.98}
    assert (paper.training["network"], paper.training["steps"]) == ("vnet", 17_000 + 200)
    assert clinical.method_settings == recipe("bcp", "clinical", 3).to_dict()
    assert (clinical.training["network"], clinical.training["seconds"]) == ("auto", 30.0)


@pytest.mark.parametrize("method", ["bcp", "medl", "spcl"])
def test_a_papers_steps_are_all_its_own_and_in_one_go(
    blobs: BlobStudy, semiseg: Command, orders: list[JobSpec], method: str
) -> None:
    semiseg("train", blobs.study.folder, "--method", method, "--recipe", "paper", "--anew")
    training = Training.from_dict(orders[0].training)
    legs = legs_of(training, method, orders[0].method_settings, judged=training.held_out > 0)
    steps = published(method, 3).steps
    assert [(leg.name, leg.budget.steps) for leg in legs] == [("supervised", 200), (method, steps)]


def test_fragments_are_left_out_unless_the_person_keeps_them(
    blobs: BlobStudy, semiseg: Command, orders: list[JobSpec]
) -> None:
    for recipe_words in ([], ["--recipe", "paper", "--method", "bcp"]):
        semiseg("train", blobs.study.folder, "--anew", *recipe_words)
        semiseg("train", blobs.study.folder, "--anew", "--keep-fragments", *recipe_words)
    assert [order.training["leave_out_fragments"] for order in orders] == [True, False] * 2


def test_outlines_are_carried_unless_the_person_or_a_paper_wants_them_as_drawn(
    blobs: BlobStudy, semiseg: Command, orders: list[JobSpec]
) -> None:
    for words in ([], ["--as-drawn"], ["--recipe", "paper", "--method", "bcp"]):
        semiseg("train", blobs.study.folder, "--anew", *words)
    assert [order.training["carry_outlines"] for order in orders] == [True, False, False]


def test_what_a_setting_takes_as_words_stays_words_even_if_it_looks_like_a_number(
    blobs: BlobStudy, semiseg: Command, orders: list[JobSpec]
) -> None:
    semiseg("train", blobs.study.folder, "--method", "ersr", "--set", "elliptical=1", "--set", "soft=true", "--anew")
    assert orders[0].method_settings["elliptical"] == "1"
    assert orders[0].method_settings["soft"] is True


def test_a_bad_image_before_good_ones_keeps_none_of_them_out(tmp_path: Path, says: Callable[..., str]) -> None:
    (good, _), folder, bad = write_volume(tmp_path), tmp_path / "mine", tmp_path / "bad.nrrd"
    bad.write_bytes(good.read_bytes()[:200])
    says("study", "new", folder, "--structure", "core")
    told = says("study", "add", folder, bad, good, good, code=1)
    assert "bad.nrrd is damaged: its header announces" in told
    assert "holds the same voxels as case 'scan0'" in told
    assert "Images not added: 2 of 3. The others are in the study." in told
    assert [case.id for case in Study.open(folder).cases] == ["scan0"]
    says("study", "add", folder, good, "--duplicates")
    assert [case.id for case in Study.open(folder).cases] == ["scan0", "scan0-2"]


def test_a_very_long_file_name_becomes_a_shorter_case_name(tmp_path: Path, semiseg: Command) -> None:
    image, _ = write_volume(tmp_path)
    long = image.rename(tmp_path / f"{'long name ' * 20}.nrrd")
    semiseg("study", "new", tmp_path / "mine", "--structure", "core")
    semiseg("study", "add", tmp_path / "mine", long)
    (case,) = Study.open(tmp_path / "mine").cases
    assert case.name == ("long name " * 20)[:90].strip()


def test_the_status_shows_whole_names_the_flag_and_damage_in_full(
    blobs: BlobStudy, says: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    flag = {"flag": {"state": "look", "words": "Two pieces."}}
    for case in blobs.cases[:2]:
        case.put_suggestion(case.labels(), np.zeros(case.grid.shape, np.uint8), {"run": "r", **flag})
    (blobs.cases[1].folder / "case.json").write_text("{")
    told = says("study", "status", blobs.study.folder)
    assert "volume0" in told
    assert "look here" in told
    assert f"volume1: {blobs.cases[1].folder / 'case.json'} is damaged: it was cut short or overwritten." in told
    assert "semiseg study repair" in told


def test_an_export_goes_on_after_a_case_that_cannot_be_exported(blobs: BlobStudy, semiseg: Command) -> None:
    for case in blobs.cases:
        case.put_suggestion(case.labels(), np.zeros(case.grid.shape, np.uint8), {"run": "r"})
    (blobs.cases[0].folder / "case.json").write_text("{")
    told = semiseg("export", blobs.study.folder, code=1)
    assert [event["case"] for event in named(told, "problem")[:1]] == ["volume0"]
    assert {Path(event["file"]).name.partition(".")[0] for event in named(told, "exported")} == {"volume1", "volume2"}


def test_an_export_writes_what_people_finished_and_names_what_nobody_accepted(
    blobs: BlobStudy, semiseg: Command
) -> None:
    """As the panel's 'finished cases' does, and as its 'all cases'."""
    drawn, accepted, suggested = blobs.cases
    drawn.mark(all_slices(drawn.grid.shape), "ada")
    for case in (accepted, suggested):
        case.put_suggestion(case.labels(), np.zeros(case.grid.shape, np.uint8), {"run": "r"})
    accepted.accept("ada")
    for flags, written in ((["--finished"], [drawn.id, accepted.id]), ([], [drawn.id, accepted.id, suggested.id])):
        told = semiseg("export", blobs.study.folder, "--format", "nrrd", *flags)
        assert [Path(event["file"]).stem for event in named(told, "exported")] == written
        (unaccepted,) = named(told, "unaccepted")
        assert unaccepted["cases"] == [suggested.id]
    assert [event["event"] for event in semiseg("export", blobs.study.folder, "--case", suggested.id)] == [
        "exported", "exported"]


def test_an_export_does_not_call_written_what_was_not(blobs: BlobStudy, tmp_path: Path, semiseg: Command) -> None:
    case = blobs.cases[1]
    case.put_suggestion(case.labels(), np.zeros(case.grid.shape, np.uint8), {"run": "r"})
    (tmp_path / "out").write_text("in the way")
    told = semiseg("export", blobs.study.folder, "--to", tmp_path / "out", code=1)
    assert [event["event"] for event in told] == ["problem"]


def test_an_export_begins_a_damaged_record_of_a_suggestion_anew_and_says_so(blobs: BlobStudy, says: Callable[..., str]
                                                                            ) -> None:
    case = blobs.cases[1]
    case.put_suggestion(case.labels(), np.zeros(case.grid.shape, np.uint8), {"run": "r"})
    (case.folder / "provenance.json").write_text("{")
    told = says("export", blobs.study.folder)
    assert f"{case.id}.nrrd (verified)" in told
    assert "It is not known which model made the suggestion" in told
    assert str(case.folder / "provenance.damaged.json") in told.replace(" ", "")
    assert "not known" not in says("export", blobs.study.folder)


def test_an_export_of_what_is_finished_where_nothing_is_says_so(blobs: BlobStudy, says: Callable[..., str]) -> None:
    blobs.cases[1].put_suggestion(blobs.cases[1].labels(), np.zeros(blobs.cases[1].grid.shape, np.uint8), {"run": "r"})
    told = says("export", blobs.study.folder, "--finished", code=1)
    assert "is finished" in told
    assert blobs.cases[1].name in told
    assert "without --finished" in told
    assert not list(blobs.study.exports.iterdir())


@pytest.mark.parametrize("command", ["models", "jobs"])
def test_what_is_to_be_copied_from_a_table_is_whole_in_a_narrow_window(
    blobs: BlobStudy, jobs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    this = begin(blobs.study, jobs, tiny(2, 2))
    (this.folder / "model.pt").write_bytes(b"weights")
    assert run([command, *([str(blobs.study.folder)] if command == "models" else [])]) == 0
    assert this.id in capsys.readouterr().out


def test_a_structure_that_nobody_drew_is_named_before_training(
    blobs: BlobStudy, semiseg: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("SemiSegLogic.cli.train._submit", lambda *_: 0)
    blobs.study.add_structure("vessel")
    told = [event["text"] for event in named(semiseg("train", blobs.study.folder), "remark")]
    assert told == ["vessel is not drawn anywhere, so the model cannot learn it."]


def test_a_structure_drawn_on_a_voxel_or_two_is_named_before_training(
    blobs: BlobStudy, semiseg: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("SemiSegLogic.cli.train._submit", lambda *_: 0)
    value, case = blobs.study.add_structure("vessel").value, blobs.cases[1]
    label = case.labels()
    label[case.places[0].index, 0, :2] = value
    case.set_slices(label, case.places, "ann")
    (told,) = (event["text"] for event in named(semiseg("train", blobs.study.folder), "remark"))
    assert told.startswith(f"Very little is drawn of vessel (voxels: 2, in {case.name}): too little to learn")


def test_what_the_panel_warns_of_is_said_before_training(
    blobs: BlobStudy, semiseg: Command, says: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Structures in few cases, thick slices drawn across, too little memory and more were said by the panel alone."""
    begun = []
    monkeypatch.setattr("SemiSegLogic.cli.train._submit", lambda *_: begun.append(1) or 0)
    monkeypatch.setattr("SemiSegLogic.preflight.computer.available_memory", lambda: 100 << 20)
    core, case = blobs.study.structures.items[0], blobs.cases[1]
    label = case.labels()
    label[label == core.value] = 0
    case.set_slices(label, case.places, "ann")
    said = named(semiseg("train", blobs.study.folder), "remark")
    assert [(event["kind"], event["text"]) for event in said] == [
        (found.kind, found.words()) for found in check(blobs.study) if found.level == "warning"]
    assert {event["kind"] for event in said} == {"in_few", "little_memory"}
    told = says("train", blobs.study.folder)
    assert len(begun) == 2
    assert all(" ".join(event["text"].split()) in told for event in said)


def test_there_is_no_training_that_the_panel_would_not_start(
    blobs: BlobStudy, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("SemiSegLogic.cli.train._submit", lambda *_: pytest.fail("was begun"))
    for case in blobs.cases[:2]:
        case.set_slices(np.zeros(case.grid.shape, np.uint8), case.places, "ann")
    assert run(["train", str(blobs.study.folder)]) == 1
    assert "Nothing is drawn on any slice that is done." in capsys.readouterr().err


def test_a_folder_without_images_is_refused_without_a_word_of_itk(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["study", "new", str(tmp_path / "mine"), "--structure", "core"]) == 0
    (tmp_path / "empty").mkdir()
    assert run(["study", "add", str(tmp_path / "mine"), str(tmp_path / "empty")]) == 1
    assert "GDCM" not in capfd.readouterr().err


def test_the_demo_leaves_a_folder_alone_in_which_something_lies(tmp_path: Path, says: Callable[..., str]) -> None:
    mine = tmp_path / "first" / "mine.txt"  # the demo has a folder of that name for a while, and clears it away
    mine.parent.mkdir()
    mine.write_text("mine")
    told = says("demo", "--offline", "--out", tmp_path, "--seconds", "1", code=1)
    assert f"{tmp_path} is not an empty folder" in told
    assert [path.name for path in tmp_path.iterdir()] == ["first"]
    assert mine.read_text() == "mine"


def test_a_wrong_word_to_the_demo_leaves_nothing_behind(tmp_path: Path, says: Callable[..., str]) -> None:
    assert "seed is -1" in says("demo", "--offline", "--out", tmp_path / "demo", "--seed", "-1", code=1)
    assert not (tmp_path / "demo").exists()
