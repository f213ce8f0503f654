"""Settings check themselves and say what would be right."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest

from SemiSegLogic.settings import ABOUT, METHOD_SETTINGS, MeanTeacher, Settings, SettingsError, Supervised, Training
from SemiSegLogic.settings.fields import choice, number, switch


@dataclass(frozen=True)
class Kitchen(Settings):
    heat: float = number(0.5, "Heat", unit="kW", low=0, high=2)
    eggs: int = number(2, "Eggs", low=1)
    stove: str = choice("gas", "Stove", ("gas", "wood"))
    salt: bool = switch(True, "Salt")


@pytest.mark.parametrize(("values", "words"), [
    ({"heat": 3.0}, r"Kitchen.heat is 3.0; it must lie in \[0, 2\] kW"),
    ({"heat": -0.1}, "must lie in"),
    ({"heat": float("nan")}, "must lie in"),
    ({"heat": "1"}, "must be of type float"),
    ({"heat": True}, "must be of type float"),
    ({"eggs": 0}, "must lie in"),
    ({"eggs": 1.5}, "must be of type int"),
    ({"stove": "coal"}, "must be one of gas, wood"),
    ({"salt": 1}, "must be of type bool"),
    ({"pepper": 1}, "has no setting 'pepper'. It has: heat, eggs, stove, salt"),
])
def test_a_wrong_setting_is_named_with_what_it_may_be(values: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        Kitchen.from_dict(values)


def test_a_whole_number_does_where_a_fraction_is_wanted() -> None:
    assert Kitchen(heat=1).heat == 1


@pytest.mark.parametrize("settings", [Training, Supervised, MeanTeacher, Kitchen])
def test_settings_survive_the_way_through_plain_data(settings: type[Settings]) -> None:
    assert settings.from_dict(settings().to_dict()) == settings()


@pytest.mark.parametrize("settings", [Training, Supervised, MeanTeacher])
def test_every_setting_has_a_label_for_people(settings: type[Settings]) -> None:
    assert all(item.metadata.get("label") for item in fields(settings))


def test_settings_cost_no_torch() -> None:
    program = "import sys, SemiSegLogic.settings; assert not {'torch', 'numpy', 'SimpleITK'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).resolve().parents[2], check=True)


def test_every_method_is_described_in_words() -> None:
    assert ABOUT.keys() == METHOD_SETTINGS.keys()
    assert all(about.does and about.suits and about.paper for about in ABOUT.values())
