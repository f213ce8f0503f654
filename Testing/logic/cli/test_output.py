"""What a person sees while something takes its time, and what a file or a program never sees."""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from SemiSegLogic import __main__, cli
from SemiSegLogic.cli.demo_report import _held_out
from SemiSegLogic.cli.output import Output

ROOT = Path(__file__).resolve().parents[3]


def _watched(width: int = 80) -> tuple[Output, io.StringIO]:
    """Output to a terminal, and what it shows."""
    out, shown = Output(), io.StringIO()
    out.console = Console(file=shown, force_terminal=True, width=width, highlight=False)
    return out, shown


def _soon(shown: io.StringIO, text: str) -> bool:
    """Whether it is shown within seconds: rich draws several times a second."""
    until = time.monotonic() + 5
    while text not in shown.getvalue() and time.monotonic() < until:
        time.sleep(0.02)
    return text in shown.getvalue()


def test_a_person_sees_what_is_being_done_and_then_only_what_came_of_it() -> None:
    out, shown = _watched()
    with out.working("Reading [scan].nrrd"):
        assert _soon(shown, "Reading [scan].nrrd ...")
    out.event("case", "scan: there")
    assert shown.getvalue().splitlines()[-1].endswith("scan: there")


def test_a_bar_is_there_before_the_first_thing_is_done() -> None:
    out, shown = _watched()
    with out.counting("Preparing") as told:
        assert _soon(shown, "Preparing")
        assert "1 of 2" not in shown.getvalue()
        told(1, 2)
    assert "Preparing: 1 of 2" in shown.getvalue()


@pytest.mark.parametrize("machine", [False, True])
def test_where_nobody_watches_nothing_is_said(machine: bool, capsys: pytest.CaptureFixture[str]) -> None:
    out = Output(machine)
    with out.working("Reading scan.nrrd"):
        pass
    printed = capsys.readouterr()
    assert printed.out + printed.err == ""


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
def test_a_reader_who_has_seen_enough_is_no_error() -> None:
    program = "import sys; from SemiSegLogic.cli import run; sys.exit(run(['methods', '--json']))"
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None
        process.stdout.close()  # before anything is written
        _, said = process.communicate(timeout=60)
    assert said == b""
    assert process.returncode == 141


def test_an_error_ends_what_is_shown() -> None:
    out, shown = _watched()
    with pytest.raises(OSError, match="disk"), out.working("Reading scan.nrrd"):
        raise OSError("disk")
    before = len(shown.getvalue())
    out.event("case", "next")
    assert shown.getvalue()[before:].strip() == "next"


def test_a_letter_that_the_country_s_code_page_lacks_does_not_end_the_command(tmp_path: Path) -> None:
    words = ["study", "new", str(tmp_path / "日本 →"), "--structure", "core"]
    done = subprocess.run([sys.executable, "-m", "SemiSegLogic", *words], cwd=ROOT, capture_output=True, check=False,
                          env={**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}, timeout=60)
    assert done.returncode == 0, done.stderr
    assert b"?? ?" in done.stdout


def test_every_command_finds_files_whose_names_the_code_page_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(cli, "name_files_in_utf8", lambda: asked.append("UTF-8"))
    assert cli.run(["methods", "--json"]) == 0
    assert asked == ["UTF-8"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is always full")
@pytest.mark.parametrize("words", [["methods"], ["methods", "--json"]], ids=str)
def test_output_that_finds_no_room_is_told_in_a_line(words: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-m", "SemiSegLogic", *words], cwd=ROOT, stdout=full, check=False,
                              stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.stderr == "semiseg: No space left on device. Correct that and run the command again.\n"
    assert done.returncode == 1


def test_a_program_hears_of_an_error_where_it_listens(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["study", "status", str(tmp_path), "--json"]) == 1
    printed = capsys.readouterr()
    told = json.loads(printed.out)
    assert told["event"] == "error"
    assert printed.err == f"semiseg: {told['text']}\n", "a person who watches reads it too"


def test_ctrl_c_while_the_packages_load_is_told_in_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def pressed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(__main__, "ensure", pressed)
    assert __main__.main(["methods"]) == 130
    assert capsys.readouterr().err == "semiseg: interrupted.\n"


def test_every_word_and_option_of_every_command_is_explained() -> None:
    silent = set(_unexplained(cli.parser(), "semiseg"))
    assert silent - {"semiseg benchmark words"} == set(), "those of the benchmarks are explained by themselves"


def _unexplained(parser: argparse.ArgumentParser, name: str) -> Iterator[str]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, command in action.choices.items():
                yield from _unexplained(command, f"{name} {word}")
        elif not action.help:
            yield f"{name} {action.dest}"


def test_a_report_tells_what_was_held_out_as_people_write_numbers() -> None:
    scores = {"held_out": {"supervised": 0.658176122149478, "bcp": None}}
    assert (_held_out(scores), _held_out({})) == ("supervised 0.658", "none were held out")
