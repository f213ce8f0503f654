"""What a step takes: every method has a row, and as many patches as it really asks for."""

from __future__ import annotations

from typing import Any

import pytest

from SemiSegLogic.methods import METHODS, make
from SemiSegLogic.methods.base import Method, Phase, Step
from SemiSegLogic.settings import METHOD_SETTINGS, PAPER, SettingsError
from SemiSegLogic.settings.memory import HELD, step_bytes, trained
from Testing.support.tiny_fit import blob_task

MORE: dict[str, dict[str, Any]] = {
    "supervised": {"batch": 6}, "mean_teacher": {"batch": 4, "unlabelled": 6}, "bcp": {"pairs": 3},
    "c3s3": {"batch": 2, "unlabelled": 4}, "medl": {"batch": 4, "unlabelled": 5}, "m3hl": {"pairs_per_step": 3},
    "mn": {"batch": 6}, "transmedseg": {"pairs": 3}, "cad": {"pairs": 3}, "ersr": {"batch": 8, "unlabelled": 8},
    "spcl": {"batch": 5, "contrasted": 5, "contrasted_first": 30},
}


def drawn(method: Method, phase: Phase) -> int:
    """Patches of the largest draw of a phase."""
    needs = [method.need(Step(phase.name, index, 10)) for index in range(10)]
    return max(need.labelled + need.unlabelled for need in needs)


@pytest.mark.parametrize("values", [{}, MORE], ids=["default", "more"])
@pytest.mark.parametrize("name", METHODS)
def test_as_many_patches_are_planned_for_as_a_method_asks_for(name: str, values: dict[str, Any]) -> None:
    chosen = {**values.get(name, {}), **({"slice_network": "fast"} if name == "mn" else {})}
    method = make(name, chosen, blob_task(max(PAPER[name])))
    most = max(drawn(method, phase) for phase in method.phases())
    patches = METHOD_SETTINGS[name].from_dict(chosen).patches
    assert patches >= most if name == "ersr" else patches == most  # which sees those it draws from three sides


def test_every_method_has_a_row_and_more_patches_or_classes_take_more() -> None:
    assert list(HELD) == list(METHOD_SETTINGS)
    for name in METHOD_SETTINGS:
        dims = max(PAPER[name])
        usual, more = (trained(name, values) for values in ({}, MORE[name]))
        assert step_bytes(more, "vnet", True, 2, dims) > step_bytes(usual, "vnet", True, 2, dims)
        assert step_bytes(usual, "vnet", True, 9, dims) > step_bytes(usual, "vnet", True, 2, dims)


@pytest.mark.parametrize(("method", "values", "names"), [
    ("recommended", {}, ["supervised", "mean_teacher", "ersr"]), ("recommended", {"candidate": "none"}, ["supervised"]),
    ("recommended", {"candidate": "cad"}, ["supervised", "cad"]), ("medl", {}, ["supervised", "medl"]),
    ("supervised", {"batch": 9}, ["supervised"]), ("a later one", {}, ["supervised"]),
])
def test_all_that_a_training_may_come_to_is_planned_for(
    method: str, values: dict[str, object], names: list[str]
) -> None:
    found = trained(method, values)
    assert list(found) == names
    assert method != "supervised" or found["supervised"].patches == 9


def test_settings_that_do_not_fit_are_named() -> None:
    with pytest.raises(SettingsError, match="batch"):
        trained("medl", {"batch": 0})
