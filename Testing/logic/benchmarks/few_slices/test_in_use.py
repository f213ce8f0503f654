"""The benchmarks of few slices in use: their tables by hand, and which slices are drawn in which order."""

from __future__ import annotations

from pathlib import Path

from SemiSegLogic.sample import spread_slices
from Testing.benchmarks.few_slices import forgetting
from Testing.benchmarks.few_slices import two_rounds as rounds
from Testing.benchmarks.few_slices import while_learning as live
from Testing.benchmarks.runner.definitions.datasets import Collection
from Testing.support.made_up_set import MadeUp


def test_live_sessions_are_compared_where_both_were_held() -> None:
    name = "atrium, 1 slice a scan"
    rows = [live.Row(name, True, 0, 0.5, 0.7, 0.6), live.Row(name, False, 0, 0.2, 0.4, 0.3),
            live.Row(name, True, 1, 0.7, 0.9, 0.8), live.Row(name, False, 1, 0.4, 0.6, 0.5),
            live.Row(name, True, 2, 0.0, 0.0, 0.0)]
    assert live.table(rows).splitlines()[2:] == [f"| {name} | 2 | 0.300, 0.600 | 0.500, 0.800 | 0.400, 0.700 |"]


def test_rounds_are_compared_where_both_were_trained() -> None:
    rows = [rounds.Row("atrium", carried, seed, [0.4 + seed / 10 + carried / 5, 0.5 + carried / 10], [9, 9])
            for carried in (False, True) for seed in (0, 1)]
    alone = rounds.Row("hippocampus", True, 0, [0.1, 0.1], [9, 9])
    assert rounds.table([*rows, alone]).splitlines()[2:] == ["| atrium | 2 | 0.450, 0.650 | 0.500, 0.600 |"]


def test_what_is_forgotten_is_shown_stretch_by_stretch_and_seed_by_seed() -> None:
    name = "atrium, 1 slice of 8 scans"
    rows = [forgetting.Row(name, [0.5, 0.0, 0.0], seed, [0.8, 0.7, 0.6 + seed / 10], [0.5, 0.4, 0.3])
            for seed in (1, 0)]
    again = forgetting.Row(name, [0.5, 0.5, 0.5], 0, [0.8, 0.8, 0.8], [0.5, 0.5, 0.5], True)
    assert forgetting.table([again, *rows]).splitlines()[2:] == [
        f"| {name} | 0.5, 0.0, 0.0 | 0.800, 0.700, 0.600; 0.800, 0.700, 0.700 | 0.500, 0.400, 0.300; "
        "0.500, 0.400, 0.300 |",
        f"| {name} | 0.5, 0.5, 0.5, confirmed | 0.800, 0.800, 0.800 | 0.500, 0.500, 0.500 |"]


def test_scan_by_scan_the_middle_slice_is_drawn_first(blobs: MadeUp, tmp_path: Path) -> None:
    about = blobs.protocol().data
    cases = Collection(about, blobs.data)
    study = live.study_of(tmp_path / "study", cases, about.train[: live.SCANS])
    drawn = list(live.script(study, cases, 3))
    assert [item.case.name for item in drawn] == [name for name in about.train[: live.SCANS] for _ in range(3)]
    for number in range(0, len(drawn), 3):
        first, second, third = (item.places for item in drawn[number : number + 3])
        wanted = spread_slices(drawn[number].truth, 3, offset=live.varied_offset(number // 3))
        assert first == (wanted[1],)
        assert second == third[:2]
        assert sorted(third) == wanted
