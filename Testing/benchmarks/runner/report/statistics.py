"""Means, spreads and paired comparisons of runs that were measured on the same cases."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

REPETITIONS = 4000
Table = NDArray[np.float64]
"""(seeds, cases): the mean over structures, NaN where it does not exist."""


@dataclass(frozen=True)
class Mean:
    """``mean`` over seeds and cases, ``sd`` the sample deviation of the seeds' means (NaN for one seed), ``missing``
    values that do not exist, of ``total``.
    """

    mean: float
    sd: float
    seeds: int
    missing: int
    total: int


@dataclass(frozen=True)
class Difference:
    """``mean`` difference with its 95 % interval [``low``, ``high``], from ``seeds`` seeds: with one, the interval
    covers the cases alone.
    """

    mean: float
    low: float
    high: float
    seeds: int


def mean_of(table: Table) -> Mean:
    """Mean and spread. NaN entries are left out and counted; all NaN gives NaN."""
    missing = int(np.isnan(table).sum())
    if missing == table.size:
        return Mean(float("nan"), float("nan"), len(table), missing, table.size)
    means = np.array([np.nanmean(row) for row in table if not np.isnan(row).all()])
    sd = float(means.std(ddof=1)) if len(means) > 1 else float("nan")
    return Mean(float(means.mean()), sd, len(table), missing, table.size)


def paired(ours: Table, theirs: Table) -> Difference:
    """``ours`` minus ``theirs`` for the same seeds and cases, with a bootstrap interval: seeds and cases are both drawn
    again with replacement, the pairs stay together. Raises ValueError when the shapes differ.
    """
    if ours.shape != theirs.shape:
        raise ValueError(f"{ours.shape} seeds and cases cannot be paired with {theirs.shape}.")
    gap = ours - theirs
    chance = np.random.default_rng(0)
    seeds = chance.integers(len(gap), size=(REPETITIONS, len(gap)))
    cases = chance.integers(gap.shape[1], size=(REPETITIONS, gap.shape[1]))
    means = np.array([gap[np.ix_(s, c)].mean() for s, c in zip(seeds, cases, strict=True)])
    low, high = np.percentile(means, [2.5, 97.5])
    return Difference(float(gap.mean()), float(low), float(high), len(gap))
