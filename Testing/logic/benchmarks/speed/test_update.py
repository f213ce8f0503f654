"""The published update of Muon and ours are the same one, and the benchmark would tell if they were not."""

from __future__ import annotations

import pytest

from Testing.benchmarks.speed import update


def test_both_sides_move_the_weights_alike() -> None:
    published, ours, apart = update.compared("fast", 3)
    assert min(published, ours) > 0
    assert apart < 1e-3


def test_sides_that_differ_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = update._newton_schulz
    monkeypatch.setattr(update, "_newton_schulz", lambda matrix: 1.1 * plain(matrix))
    assert update.compared("fast", 1)[2] > 0.05
