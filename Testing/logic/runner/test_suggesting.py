"""Suggesting for many volumes: labels that arrive meanwhile do not wait for the last of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from SemiSegLogic.runner.suggest import Suggester
from Testing.support.blobs import BlobStudy, spread
from Testing.support.rounds import begin, run_here


def test_labels_that_arrive_while_suggesting_are_taken_in_before_the_next_volume(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    this, case, used = begin(blobs.study, jobs), blobs.cases[2], list[tuple[str, int]]()
    plain = Suggester.case

    def suggest(suggester: Suggester, name: str, *rest: object) -> None:
        used.append((name, suggester.data.labels_used))
        plain(suggester, name, *rest)  # type: ignore[arg-type]
        if len(used) == 1:
            case.set_slices(blobs.truth[case.id], spread(blobs.truth[case.id], 2), "ann")
            this.add_labels(case)

    monkeypatch.setattr(Suggester, "case", suggest)
    assert run_here(this).state == "done"
    assert [n for _, n in used[:3]] == [0, 1, 1]
