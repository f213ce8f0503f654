"""Which build of PyTorch fits the graphics card and its driver. Standard library only.

The table follows PyTorch's own support matrix (RELEASE.md of PyTorch 2.14: CUDA 12.6 for compute capability 5.0 to
9.0, CUDA 13.0 for 7.5 and newer; 12.8, last built for 2.11, for Blackwell cards under older drivers) and NVIDIA's
minimum drivers (CUDA 12 under minor-version compatibility: 527; 12.8 for Blackwell: 570; CUDA 13: 580).
"""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass

QUESTIONS = ("name,driver_version,compute_cap", "name,driver_version")
"""Old drivers do not know their card's compute capability."""

OLDEST_CUDA_12_DRIVER, OLDEST_BLACKWELL_DRIVER, OLDEST_CUDA_13_DRIVER = 527, 570, 580
UPDATE = "Update it, then press Repair; until then the processor is used."
BUILDS = ("cpu", "cu126", "cu128", "cu130")


@dataclass(frozen=True)
class Card:
    """``driver`` is its major version; ``capability`` (major, minor), (0, 0) when the driver does not say."""

    name: str
    driver: int
    capability: tuple[int, int]


@dataclass(frozen=True)
class Choice:
    """The build, and in words why it is not the one a person might expect ("" when it is)."""

    build: str
    why: str = ""


def find_cards() -> list[Card]:
    """NVIDIA's cards in this computer, as the driver's own tool tells; empty without driver or tool."""
    tool = shutil.which("nvidia-smi")
    for question in QUESTIONS if tool else ():
        try:
            done = subprocess.run(
                [str(tool), "--query-gpu=" + question, "--format=csv,noheader"], capture_output=True, text=True,
                errors="replace", timeout=20, check=False, creationflags=no_window(),
            )
        except (OSError, subprocess.TimeoutExpired):
            return []
        if done.returncode == 0:
            return [card for line in done.stdout.splitlines() if (card := _card(line)) is not None]
    return []


def fitting(cards: list[Card], system: str = sys.platform, machine: str = platform.machine()) -> Choice:
    """The build for the best of ``cards``; "cpu" where no card can be used."""
    if system == "darwin" or not cards:
        return Choice("cpu")
    if machine.lower() not in ("x86_64", "amd64"):
        return Choice("cpu", f"{cards[0].name} cannot be used on a {machine} processor.")
    best = max(cards, key=lambda card: card.capability)
    if best.driver < OLDEST_CUDA_12_DRIVER:
        return Choice("cpu", f"The driver of {best.name} (version {best.driver}) is too old for PyTorch, which needs "
                      f"{OLDEST_CUDA_12_DRIVER} or newer. {UPDATE}")
    if (0, 0) < best.capability < (5, 0):
        return Choice("cpu", f"{best.name} is too old for PyTorch; the processor is used.")
    return _for(best)


def _for(card: Card) -> Choice:
    blackwell = card.capability >= (10, 0)
    if card.capability >= (7, 5) and card.driver >= OLDEST_CUDA_13_DRIVER:
        return Choice("cu130")
    if blackwell and card.driver >= OLDEST_BLACKWELL_DRIVER:
        return Choice("cu128")
    if blackwell:
        return Choice("cpu", f"{card.name} needs driver {OLDEST_BLACKWELL_DRIVER} or newer, and this is {card.driver}. "
                      f"{UPDATE}")
    return Choice("cu126")


def no_window() -> int:
    """Creation flags by which no console window comes up on Windows; 0 elsewhere."""
    if sys.platform == "win32":
        return subprocess.CREATE_NO_WINDOW
    return 0


def _card(line: str) -> Card | None:
    """A line of the tool's table; None when it is none."""
    words = [word.strip() for word in line.split(",")]
    try:
        major, _, minor = (words[2] if len(words) > 2 else "0.0").partition(".")
        return Card(words[0], int(words[1].split(".")[0]), (int(major), int(minor or 0)))
    except (IndexError, ValueError):
        return None
