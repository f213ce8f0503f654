"""Names in a row, as a sentence has them."""

from __future__ import annotations

import pytest

from SemiSegLogic.naming import listed


@pytest.mark.parametrize(("names", "most", "words"), [
    ("", None, ""), ("a", None, "a"), ("ab", None, "a and b"), ("abc", None, "a, b and c"), ("ab", 2, "a and b"),
    ("abc", 2, "a, b and 1 other"), ("abcde", 2, "a, b and 3 others"),
])  # fmt: skip
def test_names_are_listed_as_people_do(names: str, most: int | None, words: str) -> None:
    assert listed([*names], most) == words
