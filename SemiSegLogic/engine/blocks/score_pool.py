"""Scores of the samples seen lately, to tell a good sample from a poor one by rank instead of by a fixed limit."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ScorePool(nn.Module):
    """The newest ``parts`` scores of up to ``size`` samples; lower is better. Lives in the state, on any device.

    A sample is known by an int64 key >= 0; seen again, its old scores are replaced. A full pool forgets its oldest
    entry first.
    """

    key: Tensor
    score: Tensor
    oldest: Tensor

    def __init__(self, size: int, parts: int):
        super().__init__()
        self.register_buffer("key", torch.full((size,), -1, dtype=torch.int64))
        self.register_buffer("score", torch.zeros(size, parts))
        self.register_buffer("oldest", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def put(self, keys: Tensor, scores: Tensor) -> None:
        """``keys`` (n,) int64, ``scores`` (n,parts) finite float."""
        for key, score in zip(keys.tolist(), scores, strict=True):
            known = (self.key == key).nonzero()
            place = int(known[0, 0]) if len(known) else int(self.oldest)
            self.key[place] = key
            self.score[place] = score
            if not len(known):
                self.oldest.copy_((self.oldest + 1) % len(self.key))

    def totals(self, scores: Tensor, normalised: bool) -> tuple[Tensor, Tensor]:
        """Mean over the parts of ``scores`` (n,parts) and of the pool's entries, (n,) and (entries,).

        ``normalised``: every part first minus the pool's mean, over its deviation, so that none outweighs another.
        """
        entries = self.score[self.key >= 0]
        if normalised and len(entries):
            mean = entries.mean(0)
            spread = entries.std(0, correction=0).clamp_min(1e-6)
            scores, entries = (scores - mean) / spread, (entries - mean) / spread
        return scores.mean(1), entries.mean(1)

    def best(self, scores: Tensor, share: float, least: int, normalised: bool = True) -> Tensor:
        """(n,) bool: which of ``scores`` (n,parts) are among the best ``share`` of the pool; if fewer than ``least``
        are, the best others as well. Samples with an infinite score are never chosen. Equal scores: the first wins.
        """
        usable = scores.isfinite().all(1)
        mine, pool = self.totals(torch.where(usable[:, None], scores, torch.zeros_like(scores)), normalised)
        rank = (pool[None, :] < mine[:, None]).sum(1)
        chosen = usable & (rank < int(share * len(pool)))
        order = torch.where(usable & ~chosen, mine, torch.inf).argsort(stable=True)
        missing = min(max(least - int(chosen.sum()), 0), int((usable & ~chosen).sum()))
        chosen[order[:missing]] = True
        return chosen
