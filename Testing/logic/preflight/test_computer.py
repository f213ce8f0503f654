"""What a training will take of this computer, said before."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from SemiSegLogic.engine.data.keeping import SHARE_OF_HOST
from SemiSegLogic.preflight.computer import KEPT_SHARE, memory_needed


def test_the_memory_estimate_agrees_with_what_was_measured() -> None:
    volumes = [SimpleNamespace(grid=SimpleNamespace(shape=(200, 140, 88)))] * 80
    assert memory_needed(SimpleNamespace(structures=(1, 2)), volumes) == pytest.approx(1.2, abs=0.05)


def test_images_that_do_not_fit_into_memory_are_left_on_the_disk_and_not_counted() -> None:
    """For 100 scans of 210 MB a computer with 22 GB was asked for; a quarter of what is free holds images, at most."""
    scans = [SimpleNamespace(grid=SimpleNamespace(shape=(400, 512, 512)))] * 100
    assert memory_needed(SimpleNamespace(structures=(1,)), scans, free=6 << 30) < 4


def test_single_images_are_planned_for_as_slices() -> None:
    one, volume = ([SimpleNamespace(grid=SimpleNamespace(shape=shape))] for shape in ((1, 64, 64), (16, 16, 16)))
    study = SimpleNamespace(structures=(1,))
    assert memory_needed(study, one, "ersr") > memory_needed(study, volume, "mean_teacher") + 0.5


def test_what_the_check_takes_over_from_the_engine_is_what_it_does() -> None:
    assert KEPT_SHARE == SHARE_OF_HOST


def test_forty_structures_of_a_large_scan_are_no_reason_to_ask_for_a_computer_with_18_gb() -> None:
    scans = [SimpleNamespace(grid=SimpleNamespace(shape=(400, 512, 512)))]
    few, many = (memory_needed(SimpleNamespace(structures=range(count)), scans) for count in (1, 40))
    assert 0.5 < many - few < 0.7
    assert many < 3
