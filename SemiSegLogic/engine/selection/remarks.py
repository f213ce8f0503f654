"""What should be said of a study as a whole before its next slice is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ...naming import listed
from .field import Field
from .maps import Profile
from .spread import Board

CERTAIN = 0.01  # of the structures' voxels in full doubt: with less, the model is sure of everything
NAMED = 5  # structures, at most, that a sentence names
UNDECIDED = 0.4  # of two structures' voxels in full doubt between them: with more, they cannot be told apart


def remarks(profiles: Sequence[Profile], names: Mapping[int, str]) -> list[str]:
    """Sentences for the person; empty for an ordinary study. ``profiles`` as given to ``next_slices``."""
    if not profiles:
        return ["No case has a suggestion yet. Train first, or ask for the first slices to draw."]
    found = [_nothing_left(profiles), *_missing(profiles, names), _undecided(profiles, names)]
    area = sum(float(item.area.sum()) for item in profiles)
    doubt = sum(float(item.doubt.sum()) for item in profiles)
    if area and doubt <= CERTAIN * area and not found[0]:  # what is judged is in no doubt
        found.append("The model is sure of everything it shows, but that does not prove that it is right. Check slices "
                     "far from those that are done.")
    if len(profiles) == 1:
        found.append("There is only one case, so nobody can know how good the model is on another patient. Add cases.")
    return [text for text in found if text]


def _nothing_left(profiles: Sequence[Profile]) -> str:
    if all(len(set(item.judged)) >= len(item.doubt) for item in profiles):
        return "Every slice of every case is done. Nothing is left to draw: add cases, or export."
    if not Board(profiles, Field.of(profiles)).free.any():
        return "Every slice that is left lies close to one that is done. Train again, or correct what looks wrong."
    return ""


def _missing(profiles: Sequence[Profile], names: Mapping[int, str]) -> list[str]:
    seen = np.any([item.area.any(1) for item in profiles], axis=0)
    gone = [names[value] for value, there in zip(profiles[0].values, seen, strict=True) if not there and value in names]
    if len(gone) > 1:
        return [f"{listed(gone, NAMED)} have not been drawn or found in any case. Draw each on at least one slice; "
                "until then nothing is learned about them."]
    return [f"{name} has not been drawn or found in any case. Draw it on at least one slice; until then nothing is "
            "learned about it." for name in gone]


def _undecided(profiles: Sequence[Profile], names: Mapping[int, str]) -> str:
    """Where the model cannot tell two structures apart in most cases, people may have drawn them differently."""
    torn = []
    for item in profiles:
        shares, area = item.doubts.sum(1), item.area.sum()
        background = item.doubt.sum() - shares.sum()
        if len(shares) > 1 and shares.sum() > background and shares.sum() > UNDECIDED * area > 0:
            torn.append(tuple(sorted(np.argsort(-shares)[:2].tolist())))
    if not torn or len(torn) * 2 < len(profiles):
        return ""
    first, second = max(set(torn), key=torn.count)
    values = profiles[0].values
    return (f"The model cannot tell {names.get(values[first], 'one structure')} from "
            f"{names.get(values[second], 'another')} in {len(torn)} of {len(profiles)} cases. If several people drew, "
            "compare their slices: they may have drawn these structures differently.")
