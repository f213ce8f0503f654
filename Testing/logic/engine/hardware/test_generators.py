"""The random generators: what was drawn since a state was taken is drawn again."""

from __future__ import annotations

import torch

from SemiSegLogic.engine.hardware.generators import random_state, restore_random_state


def test_random_states_replay_draws() -> None:
    state = random_state()
    first = torch.randn(5)
    restore_random_state(state)
    assert torch.equal(torch.randn(5), first)
