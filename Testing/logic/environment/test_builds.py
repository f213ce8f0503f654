"""Which build of PyTorch fits which card and driver: a table made by hand from PyTorch's and NVIDIA's own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from SemiSegLogic.environment import builds
from SemiSegLogic.environment.builds import BUILDS, Card, find_cards, fitting
from Testing.support.wheels import script

PASCAL, VOLTA, TURING, ADA, HOPPER, BLACKWELL = (6, 1), (7, 0), (7, 5), (8, 9), (9, 0), (12, 0)


@pytest.mark.parametrize(
    ("capability", "driver", "build"),
    [
        (PASCAL, 581, "cu126"), (PASCAL, 550, "cu126"), (VOLTA, 580, "cu126"), (TURING, 580, "cu130"),
        (TURING, 579, "cu126"), (ADA, 535, "cu126"), (HOPPER, 595, "cu130"), (BLACKWELL, 580, "cu130"),
        (BLACKWELL, 572, "cu128"), (BLACKWELL, 560, "cpu"), (ADA, 470, "cpu"), ((3, 5), 530, "cpu"),
        ((0, 0), 535, "cu126"), ((0, 0), 470, "cpu"),
    ],
)  # fmt: skip
def test_the_build_runs_on_the_card_with_its_driver(capability: tuple[int, int], driver: int, build: str) -> None:
    choice = fitting([Card("a card", driver, capability)], "linux", "x86_64")
    assert choice.build == build
    assert build in BUILDS
    assert bool(choice.why) == (build == "cpu"), "a card that is not used is told with the reason"


def test_a_driver_that_is_too_old_is_told_with_what_to_do() -> None:
    why = fitting([Card("RTX 5090", 560, BLACKWELL)], "win32", "AMD64").why
    assert "RTX 5090" in why
    assert "570" in why
    assert "Update" in why


def test_the_best_of_several_cards_counts_and_a_mac_has_none() -> None:
    cards = [Card("old", 580, PASCAL), Card("new", 580, ADA)]
    assert fitting(cards, "win32", "AMD64").build == "cu130"
    assert fitting(cards, "darwin", "arm64").build == "cpu"
    assert fitting(cards, "linux", "aarch64").build == "cpu"
    assert fitting([], "linux", "x86_64").build == "cpu"


@pytest.mark.skipif(builds.sys.platform == "win32", reason="the driver's tool is a shell script here")
@pytest.mark.parametrize(
    ("program", "cards"),
    [
        ('echo "NVIDIA GeForce RTX 4090, 581.29, 8.9"', [Card("NVIDIA GeForce RTX 4090", 581, (8, 9))]),
        ('case "$1" in *cap*) exit 2;; esac; echo "Quadro K2000, 470.256.02"', [Card("Quadro K2000", 470, (0, 0))]),
        ('echo "Failed to initialize NVML: Driver/library version mismatch"', []),
        ("exit 9", []),
        ("", []),
    ],
)  # fmt: skip
def test_the_drivers_tool_is_understood(
    program: str, cards: list[Card], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = script(tmp_path / "nvidia-smi", program + "\n")
    monkeypatch.setattr(builds.shutil, "which", lambda _: str(tool))
    assert find_cards() == cards


def test_a_tool_that_hangs_or_cannot_start_means_no_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builds.shutil, "which", lambda _: "/nowhere/nvidia-smi")
    assert find_cards() == []

    def hang(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("nvidia-smi", 20)

    monkeypatch.setattr(builds.subprocess, "run", hang)
    assert find_cards() == []
