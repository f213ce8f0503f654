"""What is written down of the tests and benchmarks is there: every command and file that a page or a program names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"\bTesting(?:\.[a-z_0-9]+)+|\bTesting(?:/[\w-]+)+\.(?:py|md)\b")
"""A module, as commands and imports name it, or a file."""


def pages() -> Iterator[Path]:
    """Whatever people read or Python runs."""
    yield ROOT / "README.md"
    for house in ("Resources", "SemiSegExtension", "SemiSegLogic", "Testing"):
        for path in sorted((ROOT / house).rglob("*")):
            if path.suffix in (".py", ".md") and "__pycache__" not in path.parts:
                yield path


def is_there(name: str, root: Path = ROOT) -> bool:
    """A file, a folder, a module, or something in a module."""
    path = root / name if "/" in name else root.joinpath(*name.split("."))
    return path.exists() or path.with_suffix(".py").is_file() or path.parent.with_suffix(".py").is_file()


def test_every_command_and_file_of_the_tests_that_is_named_is_there() -> None:
    named = {(name, str(page.relative_to(ROOT))) for page in pages()
             for name in NAMED.findall(page.read_text(encoding="utf-8"))}
    assert len(named) > 500
    assert sorted((page, name) for name, page in named if not is_there(name)) == []


def test_a_name_is_not_taken_for_something_in_its_folder(tmp_path: Path) -> None:
    (tmp_path / "house" / "room").mkdir(parents=True)
    (tmp_path / "house" / "room" / "speed.py").touch()
    for name in ("house.room", "house.room.speed", "house.room.speed.main", "house/room/speed.py"):
        assert is_there(name, tmp_path), name
    for name in ("house.speed", "house.room.haste", "house.rooms.speed", "house/speed.py"):
        assert not is_there(name, tmp_path), name
