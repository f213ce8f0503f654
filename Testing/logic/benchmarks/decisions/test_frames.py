"""The trial of common frames: the same images at both plans, and what the table says of them."""

from __future__ import annotations

import dataclasses

from Testing.benchmarks.decisions import frames
from Testing.benchmarks.decisions.frames import CELL, Row, drawn, table
from Testing.benchmarks.runner.definitions.protocol import protocol


def test_the_images_of_a_seed_are_drawn_from_the_training_list_and_stay_the_same() -> None:
    about = protocol("hc18")
    first, again, other = (drawn(about, 5, seed).annotated(CELL, seed) for seed in (1, 1, 2))
    assert len({one.case for one in first}) == 5
    assert {one.case for one in first} <= set(about.data.train)
    assert first == again != other
    assert all(one.places is None for one in first)  # wholly drawn


def test_the_table_pairs_the_seeds_and_says_where_no_frame_was_chosen() -> None:
    name = next(iter(frames.TRIALS))
    plain = Row(name, False, None, 0.9, 0, 0.80, 0.5, 4, 20.0)
    asked = dataclasses.replace(plain, asked=True, frame=84.0, dice=0.86, worst=0.7, missed=1, seconds=22.0)
    rows = [plain, asked, *(dataclasses.replace(plain, seed=1, asked=which) for which in (False, True)),
            dataclasses.replace(plain, seed=2, dice=0.1)]  # fmt: skip
    assert table(rows).splitlines()[2:] == [
        f"| {name} | 0.800 | 0.830 | +0.060, not chosen | 0.500, 0.600 | 4.0, 2.5 | 20, 21 |"
    ]
