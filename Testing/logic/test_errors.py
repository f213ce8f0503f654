"""What errors say: the panel shows them too, and whoever sits there has no terminal."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import SemiSegLogic
from SemiSegLogic.errors import SemiSegError
from SemiSegLogic.job import JobError

PACKAGE = Path(SemiSegLogic.__file__).parent
OF_THE_TERMINAL = ("cli", "server", "__main__.py", "environment/bundling.py", "environment/running.py")
"""Nobody sees these in the panel."""
MADE_IN_A_TERMINAL = "semiseg bundle"
"""Only there: on another computer, which need not have Slicer."""


def raised() -> Iterator[tuple[str, str]]:
    """Where errors that the panel may show are made, and the texts that they are made of, but for the terminal's."""
    for path in sorted(PACKAGE.rglob("*.py")):
        place = path.relative_to(PACKAGE).as_posix()
        if place.startswith(OF_THE_TERMINAL):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                remedies = 2 if "JobError" in ast.dump(node.exc.func) or "PlaceError" in ast.dump(node.exc.func) else 1
                for given in node.exc.args[:remedies]:
                    texts = [part.value for part in ast.walk(given) if isinstance(part, ast.Constant)]
                    yield f"{place}:{node.lineno}", "".join(text for text in texts if isinstance(text, str))


def test_no_error_that_the_panel_shows_has_a_command_for_its_only_remedy() -> None:
    """A clinician was told to run ``semiseg study relocate``, or to set a variable."""
    wrong = [f"{place}: {text}" for place, text in raised() if "semiseg " in text.replace(MADE_IN_A_TERMINAL, "")]
    assert len(list(raised())) > 200
    assert wrong == []


@pytest.mark.parametrize("error", [SemiSegError("It is gone.", "(In a terminal: find it)"), JobError("It is gone.")])
def test_what_to_do_in_a_terminal_is_told_there_only(error: SemiSegError) -> None:
    assert str(error).startswith("It is gone.")
    assert "terminal" not in str(error)
    assert error.whole == f"{error} {error.in_terminal}".rstrip()
