"""How a course begins: what is said on the card of structures that few cases show."""

from __future__ import annotations

import numpy as np
import pytest

from SemiSegLogic.engine.data.volumes import Classes, Volume
from SemiSegLogic.geometry import SliceIndex
from SemiSegLogic.runner.course.opening import rare_in_words
from SemiSegLogic.runner.data import Data
from Testing.support.engine import plan_of, volume_of

NAMES = {3: "liver", 7: "lesion"}


def _scan(*values: int) -> Volume:
    label = np.zeros((3, 8, 8), np.uint8)
    label[1, :, : len(values)] = values
    return volume_of(label, label, (SliceIndex(0, 1),), values=tuple(NAMES))


@pytest.mark.parametrize(("showing", "told"), [(1, "up to 3 times"), (2, "up to 2 times"), (3, "")])
def test_structures_that_few_cases_show_are_named_on_the_card(showing: int, told: str) -> None:
    """Of eleven cases; a case that nobody drew in does not count."""
    nobody = volume_of(np.zeros((3, 8, 8), np.uint8))
    scans = [_scan(3, 7)] * showing + [_scan(3)] * (11 - showing) + [nobody] * 9
    data = Data({str(n): scan for n, scan in enumerate(scans)}, Classes(tuple(NAMES)), plan_of((8, 8, 8)), NAMES, {})
    words = rare_in_words(data)
    assert len(words) == bool(told)
    for sentence in words:
        assert sentence.startswith("Drawn in a quarter of the cases with slices done, or in fewer: lesion. ")
        assert told in sentence
