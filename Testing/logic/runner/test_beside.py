"""Where a second runner has a place on this computer."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from SemiSegLogic.runner.beside import environment_for, second_place
from Testing.support.engine import CPU


@pytest.mark.parametrize(("places", "kind", "cards", "visible", "expected"), [
    (0, "cuda", 2, None, "1"), (0, "cuda", 2, "4,7", "7"), (2, "cuda", 3, "GPU-a, GPU-b,GPU-c", "GPU-b"),
    (0, "cuda", 1, None, None), (1, "cuda", 2, None, None), (0, "cpu", 0, None, None), (1, "cpu", 0, None, None),
])
def test_a_second_runner_gets_the_second_card(
    places: int, kind: str, cards: int, visible: str | None, expected: str | None
) -> None:
    environment = {"PATH": "/bin"} | ({"CUDA_VISIBLE_DEVICES": visible} if visible else {})
    found = second_place(places, kind, cards, environment)
    assert (found or {}).get("CUDA_VISIBLE_DEVICES") == expected


def test_without_a_card_it_starts_only_where_two_places_were_given() -> None:
    assert second_place(2, "cpu", 0, {"PATH": "/bin"}) == {"PATH": "/bin"}


def test_the_cards_of_the_first_runner_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    card = replace(CPU, torch=torch.device("cuda"))
    assert (environment_for(0, card) or {}).get("CUDA_VISIBLE_DEVICES") == "1"
    assert environment_for(1, card) is None
    assert environment_for(0, CPU) is None
