"""The models of a study in the panel: listed with what they are, used, gone on from, exported, deleted."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from SemiSegLogic.backends.ray.backend import RayBackend
from SemiSegLogic.files import write_json
from SemiSegLogic.geometry import SliceIndex
from SemiSegLogic.job import JobFolder
from Testing.support.clinician import ball, look, open_first, settle
from Testing.support.jobs import specification
from Testing.support.running import FOREVER, RUNNER
from Testing.support.stand_ins.fake_ray import TOKEN, FakeRay, cluster_of

OLD, NEW = "20261120T101500.000000Z-supervised", "20261121T091500.000000Z-recommended"
WORDS = "Expected Dice on other cases 0.82; in 9 of 10 studies like this one the true value lies between 0.71 and 0.90."
CARD = f"# Model for ball\n\n{WORDS}\n\n| | |\n|---|---|\n| Learned from | 24 slices of 8 cases |\n\n## Curve\n"


def keep(study: Any, run: str, **facts: Any) -> Path:
    """A model as a run leaves it."""
    folder = study.folder / "models" / run
    folder.mkdir()
    (folder / "model.pt").write_bytes(run.encode() * 100)
    quality = {"words": WORDS, "dice": 0.82, "low": 0.71, "high": 0.9}
    write_json(folder / "model.json", {
        "method": run.partition("-")[2], "annotated_slices": 24, "annotated_cases": 8, "cases": 60, "quality": quality,
        "structures": [{"value": 1, "name": "ball"}, {"value": 2, "name": "core"}], **facts,
    })  # fmt: skip
    (folder / "model.md").write_text(CARD, encoding="utf-8")
    return folder


@pytest.fixture
def models(panel: Any, study: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The section, open, of a study with two models; a slice is drawn, so that training can be asked for."""
    monkeypatch.setenv("SEMISEG_JOBS", str(tmp_path / "jobs"))
    keep(study, OLD)
    keep(study, NEW, quality={"words": "Its quality is not known."})
    case = study.cases[0]
    case.set_slices(ball(case.grid.shape), [SliceIndex(0, 6)], "ann")
    open_first(panel, study)
    panel.models.header.collapsed = False
    settle(panel)
    return panel.models


def cell(section: Any, row: int, column: int) -> str:
    return str(section.table.item(row, column).text())


def test_a_model_that_nobody_can_check_against_the_structures_is_told_of(models: Any, study: Any) -> None:
    """The command line said so, the panel did not."""
    folder = keep(study, "20261122T091500.000000Z-copied")
    for name in ("model.json", "model.md"):
        (folder / name).unlink()
    models.on_fold(False)
    settle(models._panel)
    assert models.models.found[0].run == folder.name
    assert models.card.plainText.startswith("This model was not trained in this study, and it has no card")
    models.on_choose(1)
    assert "not trained in this study" not in models.card.plainText


def test_models_are_listed_newest_first_with_day_method_expected_dice_and_slices(models: Any) -> None:
    assert models.table.rowCount == 2
    assert "21 Nov" in cell(models, 0, 0)
    assert "21 Nov 2026" in models.table.item(0, 0).toolTip()
    assert [cell(models, 0, column) for column in (1, 2, 3)] == ["Recommended", "not known", "24 in 8"]
    assert [cell(models, 1, column) for column in (1, 2)] == ["My slices only", "0.82 (0.71 to 0.90)"]
    assert "9 of 10 studies" in models.table.item(1, 2).toolTip()


def test_the_card_of_the_chosen_model_is_shown_as_plain_text(models: Any) -> None:
    models.on_choose(1)
    lines = models.card.plainText.splitlines()
    assert lines[0] == "Model for ball"
    assert "Learned from: 24 slices of 8 cases" in lines
    assert lines[-1] == "Curve"
    assert not any("|" in line or "#" in line for line in lines)


def test_nothing_is_read_while_the_section_is_folded(panel: Any, study: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(study, OLD)
    open_first(panel, study)
    assert panel.models.models.found == []
    panel.models.header.collapsed = False
    settle(panel)
    assert len(panel.models.models.found) == 1
    keep(study, NEW)  # by the command line
    panel.models.header.collapsed = True
    panel.models.header.collapsed = False
    settle(panel)
    assert len(panel.models.models.found) == 2


def test_a_model_is_used_on_all_cases_or_on_the_open_one_and_nothing_else_is_begun_meanwhile(
    models: Any, panel: Any, study: Any
) -> None:
    models.use.real.click()
    assert not models.use.enabled, "a second click would begin it twice"
    settle(panel)
    case = study.cases[0].id
    assert panel.connection.calls[-1] == ("apply", NEW, case, False, "")
    panel.connection.next_look = replace(look("running"), job="apply-1", applied=True)
    panel.training.poll()
    settle(panel)
    assert not models.use_here.enabled
    assert "already training or using a model" in models.go_on.toolTip
    assert "Using a model" in panel.train.run.phase.text
    assert panel.train.run.stop.text == "Stop"
    panel.connection.next_look = replace(look("done"), job="apply-1", applied=True)
    panel.training.poll()
    settle(panel)
    assert "has been used" in panel.controller.notice[0]
    models.on_choose(1)
    models.use_here.real.click()
    settle(panel)
    assert panel.connection.calls[-1] == ("apply", OLD, case, True, "")


def test_a_model_is_used_where_training_is_chosen_to_be_without_any_set_up_here(
    models: Any, panel: Any, study: Any
) -> None:
    panel.installer.kind = "absent"
    panel.refresh_training()
    assert not models.use.enabled
    assert "Set up" in models.use.toolTip
    place = panel.train.choices.place
    place.where.currentIndex = 1
    place.file.text = "/a/server.json"
    place.on_file()
    settle(panel)
    assert models.use.enabled
    models.use.real.click()
    settle(panel)
    assert panel.connection.calls[-1] == ("apply", NEW, study.cases[0].id, False, "/a/server.json")


def test_slices_drawn_while_a_model_is_used_are_not_sent_to_it(models: Any, panel: Any) -> None:
    models.on_use(only=True)
    settle(panel)
    panel.controller.tell("judged")
    settle(panel)
    assert panel.connection.calls[-1][0] == "apply"


def test_training_goes_on_from_the_chosen_model_after_the_usual_checks(models: Any, panel: Any) -> None:
    models.on_choose(1)
    panel.train.header.collapsed = True
    models.on_go_on()
    settle(panel)
    assert panel.connection.calls[-1].start_from == OLD
    assert not panel.train.header.collapsed
    assert "Slices done: 1" in panel.training.preflight.findings[-2].text


def test_a_damaged_card_is_told_and_the_model_can_still_be_used(models: Any, panel: Any, study: Any) -> None:
    for content in (b"{half", b'{"quality": 7, "method": ["x"], "annotated_slices": null}'):
        (study.folder / "models" / NEW / "model.json").write_bytes(content)
        (study.folder / "models" / NEW / "model.md").write_bytes(b"\xff\xfe")
        models.models.read()
        settle(panel)
        assert [cell(models, 0, column) for column in (1, 2, 3)] == ["Recommended", "not known", ""]
    (study.folder / "models" / NEW / "model.json").write_bytes(b"")
    models.models.read()
    settle(panel)
    assert "model.json is damaged" in models.card.plainText
    assert models.use.enabled


def test_a_model_deleted_in_another_window_leaves_the_list_when_it_is_asked_for(
    models: Any, panel: Any, study: Any, tmp_path: Path, slicer: Any
) -> None:
    shutil.rmtree(study.folder / "models" / NEW)
    slicer.harness.answers["folder"] = str(tmp_path / "out")
    models.on_export()
    settle(panel)
    assert f"keeps no model '{NEW}'" in panel.controller.notice[0]
    assert models.table.rowCount == 1
    assert cell(models, 0, 1) == "My slices only"
    assert not list(tmp_path.glob("out/*"))


def test_an_export_is_the_same_to_the_bit_and_its_folder_is_remembered(
    models: Any, panel: Any, study: Any, tmp_path: Path, slicer: Any
) -> None:
    slicer.harness.answers["folder"] = str(tmp_path)
    models.on_export()
    settle(panel)
    copy = tmp_path / f"model-{NEW}"
    assert (copy / "model.pt").read_bytes() == (study.folder / "models" / NEW / "model.pt").read_bytes()
    assert (copy / "model.md").exists()
    assert str(copy) in panel.controller.notice[0]
    assert panel.preferences.get("models") == str(tmp_path)


def test_an_export_onto_a_full_disk_or_into_no_folder_is_told_and_leaves_nothing(
    models: Any, panel: Any, tmp_path: Path, slicer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_source: Any, _target: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    slicer.harness.answers["folder"] = str(tmp_path / "out")
    with monkeypatch.context() as disk:
        disk.setattr(shutil, "copyfile", full)
        models.on_export()
        settle(panel)
    assert "disk is full" in panel.controller.notice[0]
    assert panel.controller.notice[1] == "error"
    assert os.listdir(tmp_path / "out") == []
    (tmp_path / "file").write_text("no folder")
    slicer.harness.answers["folder"] = str(tmp_path / "file")
    models.on_export()
    settle(panel)
    assert "was not written" in panel.controller.notice[0]


def test_deleting_asks_first_and_suggestions_and_drawings_stay(
    models: Any, panel: Any, study: Any, slicer: Any
) -> None:
    drawn = study.cases[0].labels()
    slicer.harness.answers["confirm"] = False
    models.on_delete()
    settle(panel)
    assert models.table.rowCount == 2
    assert any(kind == "confirm" and "Recommended" in text for kind, text in slicer.harness.asked)
    slicer.harness.answers["confirm"] = True
    models.on_delete()
    settle(panel)
    assert [cell(models, row, 1) for row in range(models.table.rowCount)] == ["My slices only"]
    assert (study.cases[0].labels() == drawn).all()


def test_the_model_that_a_running_job_goes_on_from_is_not_deleted(
    models: Any, panel: Any, study: Any, tmp_path: Path
) -> None:
    from SemiSegLogic.backends import LocalBackend

    run = study.new_run("supervised").name
    job = JobFolder.create(tmp_path / "jobs" / run)
    weights = study.folder / "models" / NEW / "model.pt"
    job.submit(specification(job, method_settings=FOREVER, start_from=job.put_model(weights)))
    backend = LocalBackend(tmp_path / "jobs", module=RUNNER)
    backend.submit(job)
    try:
        models.on_delete()
        settle(panel)
        assert f"{run} is in progress and continues from the model {NEW}" in panel.controller.notice[0]
        assert weights.exists()
        assert models.table.rowCount == 2
    finally:
        backend.stop(run, patience_s=0)


def test_the_model_that_a_run_on_the_cluster_used_last_goes_on_from_is_not_deleted(
    models: Any, panel: Any, study: Any, tmp_path: Path
) -> None:
    (tmp_path / "shared").mkdir()
    token = tmp_path / "shared" / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    ray, run = FakeRay(places=0), study.new_run("supervised").name
    try:
        described = cluster_of(ray, token)
        write_json(tmp_path / "cluster.json", asdict(described))
        cluster = RayBackend(described)
        job = JobFolder.create(cluster.root / run)
        weights = study.folder / "models" / NEW / "model.pt"
        job.submit(specification(job, start_from=job.put_model(weights)))
        cluster.submit(job)
        panel.preferences.set("far place", str(tmp_path / "cluster.json"))
        models.on_delete()
        settle(panel)
        assert f"{run} is in progress and continues from the model {NEW}" in panel.controller.notice[0]
        assert weights.exists()
        panel.preferences.set("far place", str(tmp_path / "gone.json"))
        models.on_delete()
        settle(panel)
        assert not weights.exists(), "of a cluster that nobody can describe nothing is known"
    finally:
        ray.close()


def test_the_list_follows_the_run_and_the_study(models: Any, panel: Any, study: Any, tmp_path: Path) -> None:
    from SemiSegLogic.study import Study

    later = "20261122T080000.000000Z-supervised"
    keep(study, later)
    panel.training.job, panel.connection.next_look = "run-1", look("done")
    panel.training.poll()
    settle(panel)
    assert models.table.rowCount == 3
    assert models.chosen.run == later
    panel.controller.open_study(Study.create(tmp_path / "other", structures=["ball"]).folder)
    settle(panel)
    assert models.chosen is None
    assert models._box.isHidden()
    assert not models.hint.isHidden()


def test_two_hundred_models_on_a_slow_disk_do_not_hold_the_panel_up(
    models: Any, panel: Any, study: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk answers only after the panel has gone on for some beats: one that waited for it would never see the
    models. Nor does a beat work longer than a fifth of a second: its own work, for other programs take their time of
    this computer, too.
    """
    from SemiSegLogic import kept_models

    plain, answers = kept_models.read_json, threading.Event()

    def slow(path: Path) -> Any:
        assert answers.wait(30), "the panel waits for the disk"
        return plain(path)

    monkeypatch.setattr(kept_models, "read_json", slow)
    for number in range(200):
        keep(study, f"2026112{number // 60 + 2}T0000{number % 60:02d}.000000Z-supervised")
    models.models.read()
    waiting, worked = [], []  # seconds of every beat: by the clock while the disk is silent, and of work
    while panel.controller.disk.busy:
        before = time.perf_counter(), time.thread_time()
        panel.controller.disk.poll()
        worked.append(time.thread_time() - before[1])
        if not answers.is_set():
            waiting.append(time.perf_counter() - before[0])
        if len(waiting) == 5:
            answers.set()
        time.sleep(0.002)
    assert models.table.rowCount == 202
    assert max(waiting) < 0.2
    assert max(worked) < 0.2
    assert models.table.maximumHeight < 200, "a bar to scroll, not a panel of models"


def test_listing_exporting_and_deleting_need_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from SemiSegLogic.kept_models import delete_model, export_model, kept_models; "
        "from SemiSegLogic.study import Study; from pathlib import Path; "
        "kept_models(Study.create(Path(sys.argv[1]))); sys.exit('torch' in sys.modules or 'monai' in sys.modules)"
    )
    root = Path(__file__).resolve().parents[3]
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path / "study")], cwd=root, check=False).returncode == 0
