"""A scripted clinician does the whole loop with the real engine: draw, train, look, correct, train again, export."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from SemiSegLogic.files import digest_file, read_json
from SemiSegLogic.geometry import SliceIndex
from Testing.support.clinician import FakeInstaller, ball, paint, settle

pytestmark = pytest.mark.slow
SECONDS = 3.0  # of a training


@pytest.fixture
def real_panel(slicer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The panel over the real connection; the environment is this interpreter's."""
    if importlib.util.find_spec("torch") is None:
        pytest.skip("needs torch for the training process")
    import qt

    from SemiSegLib.panel import Panel

    monkeypatch.setenv("SEMISEG_JOBS", str(tmp_path / "jobs"))
    root = slicer.qMRMLWidget()
    root.setLayout(qt.QVBoxLayout())
    made = Panel(root.layout(), FakeInstaller(tmp_path / "environment"))
    made.enter()
    yield made
    if made.training.running:
        made.training.stop()
    made.close()


def wait(panel: Any, until: Any, seconds: float) -> None:
    """Beat like the timer until ``until()``."""
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, (panel.controller.notice, panel.training.look and panel.training.look.status)
        panel.tick()
        time.sleep(0.05)
    settle(panel)


def draw_and_call_done(panel: Any, indices: tuple[int, ...]) -> None:
    """Slices of the ball in the open case."""
    shape = panel.controller.open_case.grid.shape
    draw_slices(panel, [SliceIndex(0, index) for index in indices], ball(shape))


def draw_slices(panel: Any, places: Sequence[SliceIndex], truth: Any) -> None:
    """With Slicer's own editor: what ``truth`` (k, j, i) has there, in the place of what was drawn before."""
    for place in places:
        panel.screen.jump(place)
        for value in (1, 2):
            paint(panel, value, place, np.take(truth == value, place.index, place.axis))
        panel.label.on_done()
    settle(panel)


def train(panel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from SemiSegLib.panel import choices as section

    monkeypatch.setattr(section, "TIMES", (SECONDS,) * 4)
    before = panel.training.job
    panel.train.on_train()
    wait(panel, lambda: panel.training.job not in ("", before), 60)
    wait(panel, lambda: panel.training.look is not None and panel.training.look.status.ended, 240)
    assert panel.training.look.status.state == "done", panel.controller.notice


@pytest.fixture
def sample(tmp_path: Path, data_folder: Path) -> tuple[Any, dict[str, Any], tuple[SliceIndex, ...]]:
    """Four MRI of the sample, the experts' labels by case, and three slices to draw in the first."""
    from SemiSegLogic.sample import choose, find, list_cases, read_reference, split, spread_slices
    from SemiSegLogic.sample.building import STRUCTURES
    from SemiSegLogic.sample.folders import SampleError
    from SemiSegLogic.study import Study

    try:
        pool, _held = split(list_cases(find(data_folder, network=False, phantoms=False).folder)[0])
    except SampleError as missing:
        pytest.skip(f"no sample data: {missing}")
    study, truths = Study.create(tmp_path / "sample", structures=STRUCTURES), {}
    for case in choose(pool, 4):
        truths[study.add_case(case.image, copy=False, name=case.name).id] = read_reference(case.reference)
    return study, truths, spread_slices(truths[study.cases[0].id], 3)


def test_the_whole_loop_with_real_training(
    real_panel: Any, study: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    truths = {case.id: ball(case.grid.shape) for case in study.cases}
    places = tuple(SliceIndex(0, index) for index in (4, 6, 8))
    whole_loop(real_panel, study, truths, places, monkeypatch, tmp_path)


def test_the_whole_loop_on_the_sample_study(
    real_panel: Any, sample: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    whole_loop(real_panel, *sample, monkeypatch, tmp_path)


def whole_loop(
    panel: Any, study: Any, truths: dict[str, Any], places: Sequence[SliceIndex], monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """The README's steps from opening the study to the exported file, with two trainings."""
    torch_before = "torch" in sys.modules
    panel.controller.open_study(study.folder)
    settle(panel)
    panel.cases.on_case(0)
    settle(panel)
    case = study.cases[0]
    draw_slices(panel, places, truths[case.id])
    train(panel, monkeypatch)
    assert all(row.suggestion for row in panel.controller.rows), "every case has a suggestion"
    for place in places:
        kept = np.take(case.suggestion(), place.index, place.axis)
        assert np.array_equal(kept, np.take(truths[case.id], place.index, place.axis)), "drawn slices stay as drawn"

    panel.review.on_next()
    settle(panel)
    assert "Why here" in panel.review.reason.text
    panel.review.on_correct()
    draw_slices(panel, [panel.screen.current_slice()], truths[panel.controller.open_case.id])
    panel.train.choices.go_on.checked = True
    train(panel, monkeypatch)

    panel.review.on_accept()
    settle(panel)
    panel.export.folder.text = str(tmp_path / "out")
    panel.export.on_export()
    settle(panel)
    assert "verified" in panel.export.told.text
    import SimpleITK as sitk

    written = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "out" / f"{panel.controller.open_case.id}.nrrd")))
    assert np.array_equal(written, panel.screen.labels()), "the file is what is on screen"
    assert ("torch" in sys.modules) == torch_before, "torch stays in its own process"


def test_a_kept_model_is_used_on_the_open_case_gone_on_from_and_deleted(
    real_panel: Any, study: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = real_panel
    panel.controller.open_study(study.folder)
    settle(panel)
    panel.cases.on_case(0)
    settle(panel)
    draw_and_call_done(panel, (4, 6, 8))
    train(panel, monkeypatch)
    panel.models.header.collapsed = False
    settle(panel)
    first, before = panel.models.chosen.run, [case.provenance()["run"] for case in study.cases]
    assert panel.models.chosen.learned_from == "The model learned from slices: 3. Cases with such slices: 1 of 3."
    panel.models.on_choose(0)

    panel.models.on_use(only=True)
    wait(panel, lambda: panel.training.job not in ("", first), 60)
    wait(panel, lambda: panel.training.look is not None and panel.training.look.status.ended, 120)
    assert panel.training.look.applied
    runs = [case.provenance()["run"] for case in study.cases]
    assert (runs[0], runs[1:]) == (panel.training.job, before[1:]), "the open case has a new suggestion, no other"
    assert panel.models.table.rowCount == 1, "using a model makes none"

    panel.train.choices.go_on.checked = True
    train(panel, monkeypatch)
    assert panel.models.table.rowCount == 2
    assert panel.models.chosen.run == first, "what was chosen stays chosen"
    latest = study.folder / "models" / panel.training.job / "model.json"
    assert read_json(latest)["went_on_from"] == digest_file(study.folder / "models" / first / "model.pt")
    panel.models.on_delete()
    settle(panel)
    assert [model.run for model in panel.models.models.found] == [panel.training.job]


def test_training_outlives_the_panel_and_is_found_again_and_stopped(
    real_panel: Any, study: Any, monkeypatch: pytest.MonkeyPatch, slicer: Any, tmp_path: Path
) -> None:
    import qt

    from SemiSegLib.panel import Panel
    from SemiSegLib.panel import choices as section

    panel = real_panel
    panel.controller.open_study(study.folder)
    settle(panel)
    panel.cases.on_case(0)
    settle(panel)
    draw_and_call_done(panel, (4, 6, 8))
    monkeypatch.setattr(section, "TIMES", (300.0,) * 4)
    panel.train.on_train()
    wait(panel, lambda: bool(panel.training.job), 60)
    job = panel.training.job
    panel.close()
    root = slicer.qMRMLWidget()
    root.setLayout(qt.QVBoxLayout())
    again = Panel(root.layout(), FakeInstaller(tmp_path / "environment"))
    again.controller.open_study(study.folder)
    settle(again)
    assert again.training.job == job
    wait(again, lambda: again.training.look is not None and again.training.look.status.step > 0, 120)
    again.train.run.on_stop()
    wait(again, lambda: again.training.look.status.ended, 120)
    assert again.training.look.status.state == "stopped"
    again.close()
