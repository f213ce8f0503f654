"""A program that is killed right before any file of a folder gets its name."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

CHANGES = ("replace", "rename", "link")


class Killed(BaseException):
    """Stands for signal 9: nothing catches it."""


@contextlib.contextmanager
def before_changes(act: Callable[[int], None]) -> Iterator[None]:
    """Call ``act`` with the number, from 1, of every file that gets its name, right before it does."""
    count = [0]

    def told(real: Callable[..., Any]) -> Callable[..., Any]:
        def change(*arguments: Any, **options: Any) -> Any:
            count[0] += 1
            act(count[0])
            return real(*arguments, **options)
        return change

    with pytest.MonkeyPatch.context() as patch:
        for name in CHANGES:
            patch.setattr(os, name, told(getattr(os, name)))
        yield


def changes_of(work: Callable[[], object]) -> int:
    """How many files a piece of work gives a name."""
    numbers = [0]
    with before_changes(numbers.append):
        work()
    return numbers[-1]


def killed_before(number: int, work: Callable[[], object], folder: Path) -> None:
    """Leave ``folder`` as a program leaves it that is killed before its ``number``-th file gets a name: untidy."""
    left = folder.with_name(f"{folder.name}-as-left")
    alive = [True]

    def die(count: int) -> None:
        if count == number and alive[0]:
            alive[0] = False  # what still comes is the tidying up that a killed program does not do
            shutil.copytree(folder, left)
            raise Killed

    with contextlib.suppress(Killed), before_changes(die):
        work()
    shutil.rmtree(folder)
    left.rename(folder)
