"""The order is checked word by word, and no patient leaves the study."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from SemiSegLogic.geometry import SliceIndex
from SemiSegLogic.job import JobCase, JobError, JobFolder, JobSpec, JobStructure, Status
from Testing.support.jobs import GRID, make_job, specification

DIGEST = "a" * 64


@pytest.fixture
def spec(tmp_path: Path) -> JobSpec:
    job = JobFolder.create(tmp_path / "job")
    return specification(job, open_case="c002", training={"seconds": 5.0, "device": "cpu"})


def test_an_order_survives_json_exactly(spec: JobSpec) -> None:
    assert JobSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


@pytest.mark.parametrize(
    ("place", "value", "named"),
    [
        (("colour",), 1, "colour"),
        (("format",), 3, "Update SemiSeg"),
        (("format",), 0, "format"),
        (("format",), True, "format"),
        (("kind",), "destroy", "destroy"),
        (("method",), "../evil", "evil"),
        (("method",), "a\n", "method"),
        (("created",), "yesterday", "yesterday"),
        (("created",), "2026-11-21T01:30:00", "created"),
        (("open_case",), "c009", "c009"),
        (("start_from",), "../../etc/passwd", "passwd"),
        (("structures",), [], "structures"),
        (("structures", 0, "value"), 255, "255"),
        (("structures", 0, "value"), True, "structures.value"),
        (("structures", 0, "value"), 7, "twice"),
        (("structures", 0, "name"), "", "structures.name"),
        (("cases", 0, "id"), "Smith^John", "Smith"),
        (("cases", 0, "id"), "c01", "c01"),
        (("cases", 1, "id"), "c001", "twice"),
        (("cases", 0, "image"), DIGEST.upper(), "c001.image"),
        (("cases", 0, "path"), "/etc", "path"),
        (("cases", 0, "label"), None, "slices"),
        (("cases", 0, "slices"), [{"axis": 0, "index": 4}], "index along axis 0"),
        (("cases", 0, "slices"), [{"axis": 3, "index": 0}], "axis"),
        (("cases", 0, "slices"), [{"axis": 0, "index": 1}] * 2, "twice"),
        (("cases", 0, "slices"), [{"axis": 0, "index": 1.0}], "1.0"),
        (("cases", 0, "slices"), [[0, 1]], "slices"),
        (("cases", 0, "slices"), "all", "slices"),
        (("cases", 0, "grid", "shape"), [4, 6], "shape"),
        (("cases", 0, "grid", "shape"), [65536, 65536, 65536], "voxels"),
        (("cases", 0, "grid", "spacing"), [1, 1, 0], "spacing"),
        (("cases", 0, "grid", "spacing"), [1, 1, "1"], "spacing"),
        (("cases", 0, "grid", "origin"), [0, 0, float("inf")], "origin"),
        (("cases", 0, "grid", "direction"), [1.0] * 9, "direction"),
        (("training", "seconds"), [1], "training.seconds"),
        (("training", "seconds"), float("nan"), "training.seconds"),
        (("method_settings", "run this"), 1, "run this"),
    ],
)
def test_every_wrong_value_is_refused_by_name(spec: JobSpec, place: tuple[Any, ...], value: Any, named: str) -> None:
    values = json.loads(json.dumps(spec.to_dict()))
    inner = values
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    with pytest.raises(JobError, match="(?s)" + named.replace("^", r"\^")) as refused:
        JobSpec.from_dict(values)
    assert refused.value.remedy


@pytest.mark.parametrize("key", ["kind", "cases", "created", "start_from"])
def test_a_missing_key_is_named(spec: JobSpec, key: str) -> None:
    values = spec.to_dict()
    del values[key]
    with pytest.raises(JobError, match=key):
        JobSpec.from_dict(values)


@pytest.mark.parametrize("values", [None, [], "job", 3, {1: 2}])
def test_what_is_no_order_is_refused(values: Any) -> None:
    with pytest.raises(JobError):
        JobSpec.from_dict(values)


def test_a_patients_name_cannot_be_a_case_id() -> None:
    with pytest.raises(JobError, match="must not leave the study"):
        JobCase("Doe^Jane", DIGEST, GRID)


def test_training_without_an_annotated_slice_is_refused(spec: JobSpec) -> None:
    with pytest.raises(JobError, match="annotated slice"):
        replace(spec, cases=(spec.cases[1],), open_case=None)


def test_predicting_needs_a_model(spec: JobSpec) -> None:
    with pytest.raises(JobError, match="start_from"):
        replace(spec, kind="predict")


def test_the_error_names_the_file(tmp_path: Path) -> None:
    job = make_job(tmp_path / "job")
    values = json.loads(job.spec_path.read_text())
    values["extra"] = 1
    job.spec_path.write_text(json.dumps(values))
    with pytest.raises(JobError, match=r"job\.json.*extra"):
        JobFolder(job.root).spec()


def test_a_torn_order_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    job = make_job(tmp_path / "job")
    job.spec_path.write_bytes(job.spec_path.read_bytes()[:100])
    with pytest.raises(JobError, match=r"job\.json"):
        JobFolder(job.root).spec()


def test_an_order_never_changes(tmp_path: Path) -> None:
    job = make_job(tmp_path / "job")
    job.submit(copy.deepcopy(job.spec()))
    with pytest.raises(JobError, match="another order"):
        job.submit(replace(job.spec(), method="mean_teacher"))
    with pytest.raises(JobError, match="exists already"):
        JobFolder.create(job.root)


def test_an_order_whose_inputs_are_missing_is_not_submitted(tmp_path: Path, spec: JobSpec) -> None:
    job = JobFolder.create(tmp_path / "other")
    with pytest.raises(JobError, match=spec.cases[0].image):
        job.submit(spec)
    assert not job.submitted


def test_slices_come_back_as_slices(spec: JobSpec) -> None:
    read = JobSpec.from_dict(json.loads(json.dumps(spec.to_dict())))
    assert isinstance(read.cases[0].slices[0], SliceIndex)
    assert read.values == (0, 1, 7)


def test_structures_have_values_between_1_and_254() -> None:
    assert JobStructure(254, "Läsion 2").name == "Läsion 2"
    with pytest.raises(JobError, match=r"structures\.value"):
        JobStructure(0, "background")


@pytest.mark.parametrize(
    ("key", "value"),
    [("state", "flying"), ("fraction", 1.5), ("fraction", float("nan")), ("step", 1.0), ("seconds_left", -1),
     ("results", {"Smith": 1}), ("results", {"c001": 0}), ("error", {"text": "x"}),
     ("error", {"text": 1, "remedy": ""}), ("first_mask", 1), ("message", None), ("novel", 1), ("labels_used", True)],
)
def test_a_status_refuses_what_does_not_belong(key: str, value: Any) -> None:
    values = {**Status("running").to_dict(), key: value}
    with pytest.raises(JobError, match=key):
        Status.from_dict(values)


def test_a_status_of_an_earlier_version_is_read_and_a_new_one_says_no_more_than_it_must() -> None:
    """Keys that came later are written only while they say something."""
    old = Status("running", message="Half.").to_dict()
    assert not {"suggesting", "to_suggest"} & set(old)
    assert Status.from_dict(old) == Status("running", message="Half.")
    new = Status("running", suggesting=3, to_suggest=12).to_dict()
    assert (new["suggesting"], new["to_suggest"]) == (3, 12)
    assert Status.from_dict(new) == Status("running", suggesting=3, to_suggest=12)
    with pytest.raises(JobError, match="to_suggest"):
        Status.from_dict({**old, "to_suggest": -1})


def test_a_status_survives_json_and_nan_scores_become_none() -> None:
    scores = {"held_out": {"supervised": float("nan"), "kept": "supervised"}}
    status = Status("running", scores=scores, results={"c001": 3})
    read = Status.from_dict(json.loads(json.dumps(status.to_dict(), allow_nan=False)))
    assert read.scores == {"held_out": {"supervised": None, "kept": "supervised"}}
    assert read.results == {"c001": 3}
