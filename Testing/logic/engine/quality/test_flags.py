"""Which suggestions are probably good."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from SemiSegLogic.engine.quality import Estimate, FlagRule, Looks, looks_of
from SemiSegLogic.engine.quality.flags import GOOD
from SemiSegLogic.job import Status

STRONG = Estimate(0.88, 0.84, 0.91, 0.87, 12, 6)


def test_doubt_is_summed_uncertainty_over_the_voxels_found() -> None:
    label, doubt = np.zeros((2, 3, 4), np.uint8), np.zeros((2, 3, 4), np.uint8)
    label[0, :2, :2], doubt[0, 0], doubt[1, 2, 3] = 7, 255, 51
    assert looks_of(label, doubt) == Looks(pytest.approx((4 + 0.2) / 4), 4)  # type: ignore[arg-type]


def test_nothing_found_is_infinite_doubt() -> None:
    empty = np.zeros((2, 2, 2), np.uint8)
    assert looks_of(empty, empty) == Looks(math.inf, 0)


def test_a_usual_suggestion_of_a_good_model_is_probably_good_and_a_doubtful_one_needs_a_look() -> None:
    rule = FlagRule.of(STRONG, [Looks(0.2, 1000), Looks(0.25, 1200)])
    usual, doubtful = rule.flag(Looks(0.22, 1100)), rule.flag(Looks(30.0, 1100))
    assert usual["state"] == "good"
    assert usual["words"] == f"Probably good: 9 of 10 suggestions as sure as this one reach a Dice of {GOOD:g}."
    assert doubtful["state"] == "look"
    assert doubtful["expected_dice"] < usual["expected_dice"]


def test_the_expected_dice_lies_between_what_study_and_doubt_say_nearer_to_the_surer() -> None:
    sure, vague = (FlagRule(0.6, *around, 1000) for around in ((0.58, 0.62), (0.4, 0.78)))
    own = Looks(1.0, 1000)  # of which its doubt says 0.82
    found = [rule.flag(own)["expected_dice"] for rule in (sure, vague)]
    assert 0.6 < found[0] < 0.66
    assert found[0] < found[1] < 0.82


@pytest.mark.parametrize(("size", "words"), [(300, "much smaller"), (3000, "much larger")])
def test_an_odd_size_needs_a_look_however_sure_the_model_is(size: int, words: str) -> None:
    flag = FlagRule.of(STRONG, [Looks(0.2, 1000)]).flag(Looks(0.1, size))
    assert flag["state"] == "look"
    assert words in flag["words"]


def test_nothing_found_needs_a_look_even_without_a_measurement() -> None:
    for rule in (FlagRule(), FlagRule.of(STRONG, [Looks(0.2, 1000)])):
        assert rule.flag(Looks(math.inf, 0))["state"] == "look"


def test_without_a_measurement_or_with_a_vague_one_nothing_is_claimed() -> None:
    vague = Estimate(0.7, 0.4, 0.9, 0.7, 1, 1)  # half of all there is
    for rule in (FlagRule(), FlagRule.of(None, [Looks(0.2, 1000)]), FlagRule.of(vague, [Looks(0.2, 1000)]),
                  FlagRule.of(STRONG, [])):
        flag = rule.flag(Looks(0.2, 1000))
        assert (flag["state"], flag["expected_dice"]) == ("unknown", None)
        assert "Not enough labels" in flag["words"]


def test_a_judge_survives_being_written_down() -> None:
    rule = FlagRule.of(STRONG, [Looks(0.2, 1000)])
    assert FlagRule(**rule.to_dict()) == rule


@pytest.mark.parametrize(("doubt", "words"), [
    (0.9, "like a typical case of this study, which may fall below a Dice of 0.7"),
    (1.1, "like a typical case"), (1.5, "less sure than in a typical case of this study"),
])  # fmt: skip
def test_a_case_to_look_at_is_told_against_the_usual_one(doubt: float, words: str) -> None:
    weak = Estimate(0.66, 0.52, 0.77, 0.75, 9, 4)
    flag = FlagRule.of(weak, [Looks(0.8, 900), Looks(1.0, 1000), Looks(1.2, 1100)]).flag(Looks(doubt, 1000))
    assert flag["state"] == "look"
    assert words in flag["words"]


def test_a_model_from_before_the_usual_doubt_was_kept_promises_nothing_either() -> None:
    old = {name: value for name, value in FlagRule(0.6, 0.5, 0.7, 1000.0, 0.4).to_dict().items() if name != "doubt"}
    assert FlagRule(**old).flag(Looks(2.0, 1000))["words"] == "Look here: it may not reach a Dice of 0.7."


def test_no_case_is_told_a_dice_of_its_own_beside_the_studys() -> None:
    """Two estimates on one screen would contradict each other: only the Dice that a flag promises may be named."""
    for estimate in (STRONG, Estimate(0.72, 0.6, 0.8, 0.8, 9, 4)):
        rule = FlagRule.of(estimate, [Looks(0.5, 1000)])
        for looks in (Looks(doubt, size) for doubt in (0.05, 0.5, 5.0, 50.0) for size in (100, 1000, 9000)):
            told = rule.flag(looks)
            assert set(re.findall(r"[0-9]\.[0-9]+", told["words"])) <= {f"{GOOD:g}"}, told
            assert 0 < told["expected_dice"] < 1


def test_no_case_is_called_good_where_a_structure_was_never_measured() -> None:
    rule = FlagRule.of(STRONG, [Looks(0.2, 1000)], ("cap", "rim"))
    usual, small = rule.flag(Looks(0.2, 1000)), rule.flag(Looks(0.2, 100))
    assert (usual["state"], usual["expected_dice"]) == ("unknown", None)
    assert usual["words"] == "Not enough labels to know how good this is: not measured for cap and rim."
    assert small["state"] == "look"


def test_what_nobody_drew_is_told_of_and_leaves_a_case_open_only_where_it_is_suggested() -> None:
    rule = FlagRule.of(STRONG, [Looks(0.2, 1000)], undrawn={3: "rim"})
    without, with_it, small = (rule.flag(Looks(0.2, size), rim) for size, rim in ((1000, ()), (1000, (3,)), (100, ())))
    assert without["state"] == "good"
    assert without["words"].endswith(" This says nothing about rim, not drawn when the model was trained.")
    assert with_it["words"] == "Not enough labels to know how good this is: not measured for rim."
    assert small["words"].endswith("rim, not drawn when the model was trained.")
    assert FlagRule(**rule.to_dict()) == rule


@pytest.mark.parametrize("kind", ["unmeasured", "undrawn"])
def test_the_words_fit_into_a_status_however_many_structures_there_are(kind: str) -> None:
    """With twenty of them a run broke off at its first flag, whose words were longer than a status takes."""
    names = {value: f"{value} {'n' * 97}" for value in range(1, 255)}
    unmeasured, undrawn = (tuple(names.values()), {}) if kind == "unmeasured" else ((), names)
    rule = FlagRule.of(STRONG, [Looks(0.2, 1000)], unmeasured, undrawn)
    for size in (1000, 9000):
        told = Status("running", flags={"c001": rule.flag(Looks(0.2, size))}).flags["c001"]["words"]
        assert "others" in told or size == 9000
