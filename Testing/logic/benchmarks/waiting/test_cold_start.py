"""The stages of a cold start, read from a runner's log."""

from __future__ import annotations

import pytest

from Testing.benchmarks.waiting.cold_start import stages


def test_stages_of_a_cold_start_come_from_the_log() -> None:
    log = "2026-01-02 03:04:05,500 Reading the volumes.\n2026-01-02 03:04:06,000 Training: first mask.\n"
    begun = 1767323045.0 + _offset()
    parts = stages(log, begun, 1.25)
    assert parts == pytest.approx({"imports and device": 0.5, "volumes and plan": 0.5, "first step": 0.25})
    with pytest.raises(ValueError, match="does not say 'Training"):
        stages(log.splitlines()[0], begun, 1.0)


def _offset() -> float:
    """Seconds that local time is behind the world's on that day: logs are in local time."""
    from datetime import datetime

    return datetime(2026, 1, 2, 3, 4, 5).timestamp() - 1767323045.0
