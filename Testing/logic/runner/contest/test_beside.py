"""Where a second runner has a place on this computer."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from SemiSegLogic.job import JobFolder, Status
from SemiSegLogic.run import work
from SemiSegLogic.runner import orders
from SemiSegLogic.runner.contest.beside import Companion, environment_for, second_place
from SemiSegLogic.runner.reporting import Reporter
from SemiSegLogic.runner.workplace import Workplace
from Testing.support.blobs import BlobStudy, tiny
from Testing.support.engine import CPU
from Testing.support.rounds import begin
from Testing.support.stand_ins.seconds import contest

FAST, SLOW = "RTX 6000 Ada", "T400"


@pytest.mark.parametrize(("runners", "kind", "cards", "visible", "expected"), [
    (0, "cuda", [FAST] * 2, None, "1"), (0, "cuda", [FAST] * 2, "4,7", "7"),
    (2, "cuda", [FAST] * 3, "GPU-a, GPU-b,GPU-c", "GPU-b"), (0, "cuda", [FAST], None, None),
    (1, "cuda", [FAST] * 2, None, None), (0, "cpu", [], None, None), (1, "cpu", [], None, None),
    (0, "cuda", [FAST, SLOW], None, None), (2, "cuda", [FAST, SLOW], None, "1"),
    (0, "cuda", [FAST, SLOW, FAST], None, "2"), (0, "cuda", [FAST, SLOW, FAST], "5,1,0", "0"),
])
def test_a_second_runner_gets_the_next_card_and_unasked_only_one_like_the_first(
    runners: int, kind: str, cards: list[str], visible: str | None, expected: str | None
) -> None:
    environment = {"PATH": "/bin"} | ({"CUDA_VISIBLE_DEVICES": visible} if visible else {})
    found = second_place(runners, kind, cards, environment)
    assert (found or {}).get("CUDA_VISIBLE_DEVICES") == expected


def test_without_a_card_it_starts_only_where_two_places_were_given() -> None:
    assert second_place(2, "cpu", [], {"PATH": "/bin"}) == {"PATH": "/bin"}


def test_the_cards_of_the_first_runner_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    cards = [FAST, FAST]
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(cards))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda number: cards[number])
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    card = replace(CPU, torch=torch.device("cuda"))
    assert (environment_for(0, card) or {}).get("CUDA_VISIBLE_DEVICES") == "1"
    assert environment_for(1, card) is None
    assert environment_for(0, CPU) is None
    cards[1] = SLOW
    assert environment_for(0, card) is None


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> list[Workplace]:
    """Where runs would begin that found 8 GB free; none of them does."""
    found: list[Workplace] = []

    def course(workplace: Workplace, *_given: object) -> None:
        found.append(workplace)
        raise OSError("far enough")

    monkeypatch.setattr(orders, "Course", course)
    monkeypatch.setattr("SemiSegLogic.engine.hardware.device.available_memory", lambda: 8 << 30)
    return found


def test_two_runners_on_one_processor_plan_with_half_of_the_free_memory_each(
    blobs: BlobStudy, jobs: Path, planned: list[Workplace]
) -> None:
    """Both planned with all of it: where memory was short they had too little together."""
    for places in (1, 2):
        work(contest(blobs.study, jobs, tiny(4, 2)).job, places)
    assert [place.device.memory for place in planned] == [8 << 30, 4 << 30]


def test_where_no_second_runner_is_to_come_all_memory_is_for_one(
    blobs: BlobStudy, jobs: Path, planned: list[Workplace]
) -> None:
    work(begin(blobs.study, jobs, tiny(4, 2), "supervised").job, runners=2)
    assert [place.device.memory for place in planned] == [8 << 30]


def test_cards_have_their_own_memory() -> None:
    card = replace(CPU, torch=torch.device("cuda"))
    assert (card.shared(2).memory, CPU.shared(2).memory) == (CPU.memory, CPU.memory // 2)


def test_a_second_runner_knows_that_it_shares_the_computer(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[list[str]] = []
    monkeypatch.setattr(subprocess, "Popen", lambda command, **_: begun.append(command))
    job: JobFolder = contest(blobs.study, jobs, tiny(4, 2)).job
    Companion(job, Reporter(job, Status("running"))).start({})
    assert begun[0][-4:] == [str(job.root), "--second", "--places", "2"]
