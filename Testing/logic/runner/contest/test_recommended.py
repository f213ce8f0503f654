"""The recommended method: what the rules choose, and a run of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from SemiSegLogic.geometry import SliceIndex
from SemiSegLogic.rounds import Round
from SemiSegLogic.runner.contest.gate import USUAL_DEVIATION
from SemiSegLogic.runner.course.facts import ellipse_overlap, facts_of
from SemiSegLogic.runner.course.legs import recommended_legs
from SemiSegLogic.runner.model import Model
from SemiSegLogic.settings import CHOICES, METHOD_SETTINGS, Recommended, Training, recommended
from SemiSegLogic.settings.recommended import CHOICES_ABOUT, CONTEST_SLICES, Facts, recommend
from Testing.support.blobs import BlobStudy, make_study, tiny
from Testing.support.engine import CPU
from Testing.support.rounds import kill_at_step, run_here

USUAL = Facts(dims=3, drawn=4, unlabelled=20, held_out=6, ellipses=False, voxels=2_000_000, seconds=120.0, steps=0)
QUICK = tiny(24, 8, checkpoint_seconds=0.0)


def legs(
    seconds: float, parts: int = 3, measurable: bool = True, **facts: object
) -> list[tuple[str, str, float, int | None]]:
    training = Training(seconds=seconds, first_mask_seconds=25)
    found, _ = recommended_legs(training, {}, replace(USUAL, seconds=seconds, **facts), parts, measurable)
    return [(leg.role, leg.name, round(leg.budget.seconds, 1), leg.part) for leg in found]


def ordered(study: BlobStudy, jobs: Path, method: str = "recommended", **kept: object) -> Round:
    settings = CHOICES[method](**kept)  # type: ignore[arg-type]
    return Round.begin(study.study, QUICK, method, settings, jobs=jobs)


def test_it_is_the_first_choice_and_every_choice_is_told_in_words() -> None:
    assert list(CHOICES) == ["recommended", *METHOD_SETTINGS]
    assert next(iter(CHOICES_ABOUT)) == "recommended"
    assert CHOICES.keys() <= CHOICES_ABOUT.keys()


def test_in_a_short_time_there_is_only_the_baseline() -> None:
    assert legs(60, parts=1) == [
        ("first", "supervised", 25, 0), ("longer", "supervised", 23, 0), ("whole", "supervised", 12, None)
    ]
    assert legs(20) == [("first", "supervised", 20, 0)]


def test_with_more_time_a_candidate_gets_as_long_as_the_baseline() -> None:
    assert legs(125, parts=1) == [
        ("first", "supervised", 25, 0), ("longer", "supervised", 37.5, 0), ("candidate", "mean_teacher", 37.5, 0),
        ("whole", "supervised", 25, None),
    ]


def test_time_for_a_model_that_only_measures_is_set_aside_only_where_it_is_enough_for_one() -> None:
    assert legs(120, parts=3) == legs(120, parts=1)
    assert [role for role, *_ in legs(120, parts=3)] == ["first", "longer", "candidate", "whole"]


def test_with_much_time_other_slices_are_held_out_from_models_of_their_own() -> None:
    found = legs(900)
    assert [(role, part) for role, _, _, part in found] == [
        ("first", 0), ("longer", 0), ("candidate", 0), ("whole", None), ("fold", 1), ("fold", 2)
    ]
    assert sum(seconds for _, _, seconds, _ in found) == pytest.approx(900)


@pytest.mark.parametrize(("facts", "seconds", "expected"), [
    ({"drawn": 1, "held_out": 0}, 120, "mean_teacher"), ({"drawn": 2, "held_out": 5}, 120, "mean_teacher"),
    ({"drawn": 3, "held_out": 5}, 120, "supervised"), ({"drawn": 1, "held_out": 0, "unlabelled": 0}, 120, "supervised"),
    ({"drawn": 2, "held_out": 5, "dims": 2}, 120, "supervised"), ({"drawn": 1, "held_out": 0}, 40, "supervised"),
    ({"drawn": 2, "held_out": 6}, 200, "supervised"), ({"drawn": 2, "held_out": 6}, 90, "mean_teacher"),
], ids=str)
def test_where_one_or_two_cases_are_drawn_in_the_teacher_follows_the_first_mask_unless_a_contest_decides(
    facts: dict[str, object], seconds: float, expected: str
) -> None:
    found = legs(seconds, parts=1 if facts["held_out"] else 0, **facts)
    assert [name for role, name, _, _ in found if role == "longer"] == [expected]
    assert found[0][:2] == ("first", "supervised")


@pytest.mark.parametrize("candidate", ["none", "bcp"])
def test_what_a_person_chose_is_not_replaced_by_the_teacher(candidate: str) -> None:
    few = replace(USUAL, drawn=1, held_out=0)
    assert recommend(few, Recommended(), 60).longer == "mean_teacher"
    assert recommend(few, Recommended(candidate=candidate), 60).longer == "supervised"


def test_one_drawn_case_is_gone_on_from_with_the_others_and_the_card_says_so(
    tmp_path: Path, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recommended, "CONTEST_STEPS", 4)
    study = make_study(tmp_path, annotated=1, slices=1)
    this = ordered(study, jobs)
    assert run_here(this).state == "done"
    this.collect()
    assert Model.load(this.job.weights).method == "mean_teacher"
    assert recommended.TAUGHT in this.job.status().scores["reasons"]
    assert "so its benefit was not measured" in this.job.card.with_suffix(".md").read_text()


def test_when_no_slice_can_be_held_out_there_is_no_contest() -> None:
    assert legs(900, parts=0) == [("first", "supervised", 25, None), ("longer", "supervised", 875, None)]


def test_when_the_model_to_go_on_from_has_seen_all_slices_a_fold_measures() -> None:
    found = legs(200, parts=2, measurable=False)
    assert [(role, part) for role, _, _, part in found] == [("first", None), ("longer", None), ("fold", 0)]


@pytest.mark.parametrize(("facts", "candidate"), [
    ({}, "mean_teacher"), ({"unlabelled": 0}, None), ({"dims": 2, "ellipses": True}, "ersr"),
    ({"dims": 2}, "mean_teacher"), ({"ellipses": True}, "mean_teacher"), ({"held_out": 5}, None),
])
def test_the_data_choose_the_candidate(facts: dict[str, object], candidate: str | None) -> None:
    assert recommend(replace(USUAL, **facts), Recommended(), 60).candidate == candidate  # type: ignore[arg-type]


def test_a_person_may_choose_the_candidate_or_none() -> None:
    assert recommend(USUAL, Recommended(candidate="none"), 60).candidate is None
    assert recommend(USUAL, Recommended(candidate="bcp"), 1).candidate == "bcp"
    assert recommend(replace(USUAL, held_out=1), Recommended(candidate="bcp"), 60).candidate == "bcp"


def test_a_contest_is_held_only_where_the_slices_held_out_can_decide_it() -> None:
    error = USUAL_DEVIATION / CONTEST_SLICES**0.5
    assert error == pytest.approx(0.02, abs=0.001)
    why = recommend(replace(USUAL, held_out=4), Recommended(), 60).reasons[0]
    assert "(needed: 6, there are: 4)" in why


def test_slices_held_out_count_where_they_show_a_structure_and_none_where_the_model_has_seen_them_all() -> None:
    shown, empty = SliceIndex(0, 3), SliceIndex(0, 9)
    volume = SimpleNamespace(slices=(shown, empty), shape=(4, 5, 6), foreground={shown: {1: 7}, empty: {}})
    data = SimpleNamespace(plan=SimpleNamespace(dims=3), classes=(0, 1, 2), volumes={"c001": volume})
    found = [facts_of(data, Training(), CPU, part).held_out for part in ({"c001": [shown, empty]}, {})]  # type: ignore[arg-type]
    assert found == [1, 0]


def test_a_run_counts_the_slices_that_it_holds_out(blobs: BlobStudy, jobs: Path) -> None:
    scores = run_here(ordered(blobs, jobs)).scores
    assert scores["quality"]["slices"] > 0
    assert f"there are: {scores['quality']['slices']}): " in scores["reasons"][0]


def test_views_are_as_many_as_the_time_allows() -> None:
    views = [recommend(replace(USUAL, voxels=voxels), Recommended(), 60) for voxels in (10**6, 3 * 10**7, 10**9)]
    assert [(found.mirror, len(found.zooms)) for found in views] == [(True, 2), (True, 0), (False, 0)]
    assert recommend(replace(USUAL, voxels=10**9, gpu=True), Recommended(), 60).zooms
    assert not recommend(USUAL, Recommended(views=False), 60).mirror


def test_an_ellipse_is_told_from_a_cross_and_a_box() -> None:
    y, x = np.mgrid[-20:21, -30:31]
    ellipse, cross = (x / 25) ** 2 + (y / 12) ** 2 <= 1, (abs(x) < 4) | (abs(y) < 4)
    assert ellipse_overlap(torch.from_numpy(ellipse)) > 0.97
    assert ellipse_overlap(torch.from_numpy(cross)) < 0.7


def test_without_a_contest_it_is_the_supervised_run_step_for_step(tmp_path: Path, jobs: Path) -> None:
    weights = []
    for method in ("recommended", "supervised"):
        blobs = make_study(tmp_path / method, annotated=2)
        this = ordered(blobs, jobs / method, method=method)
        assert run_here(this).state == "done"
        weights.append(Model.load(this.job.weights))
    one, two = weights
    assert [name for name in one.weights if not torch.equal(one.weights[name], two.weights[name])] == []
    assert (one.zooms, two.zooms) == ((0.9, 1.1), ())


def test_a_contest_is_told_with_both_scores(blobs: BlobStudy, jobs: Path) -> None:
    this = ordered(blobs, jobs, candidate="mean_teacher")
    status = run_here(this)
    assert status.state == "done"
    assert {"supervised", "supervised, longer", "mean_teacher"} <= set(status.scores["held_out"])
    this.collect()
    card, text = this.card(), (this.folder / "model.md").read_text()
    assert card["asked_for"] == "recommended"
    assert card["quality"]["words"] in text
    assert f"Expected Dice on other cases: {card['quality']['dice']:.2f}." in text
    assert "Semi-supervision" in text
    assert "kept aside from both" in text
    assert card["views"] == {"mirror": True, "zooms": [0.9, 1.1]}


def test_every_suggestion_carries_a_flag_with_words(blobs: BlobStudy, jobs: Path) -> None:
    this = ordered(blobs, jobs)
    status = run_here(this)
    assert status.flags.keys() == status.results.keys() == {"c001", "c002", "c003"}
    this.collect()
    for case in blobs.cases:
        flag = case.provenance()["flag"]
        assert flag["state"] in ("good", "look", "unknown")
        assert flag["words"]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """What a contest ends with that nothing befell."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    this = ordered(make_study(folder), folder / "jobs", candidate="mean_teacher")
    assert run_here(this).state == "done"
    return Model.load(this.job.weights)


@pytest.mark.parametrize("steps", [[3], [14], [20, 3]], ids=str)
def test_a_killed_contest_ends_with_the_very_same_model(
    blobs: BlobStudy, jobs: Path, uninterrupted: Model, steps: list[int]
) -> None:
    this = ordered(blobs, jobs, candidate="mean_teacher")
    for number in steps:
        kill_at_step(this, number)
    assert run_here(this).state == "done"
    one, two = uninterrupted, Model.load(this.job.weights)
    assert [name for name in one.weights if not torch.equal(one.weights[name], two.weights[name])] == []
    assert (one.method, one.held_out, one.quality) == (two.method, two.held_out, two.quality)
    assert one.flag_rule == two.flag_rule
