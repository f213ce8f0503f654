"""The session on a GPU, at a size for seconds: it runs whole, and goes on where it was stopped."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from SemiSegLogic.engine.data.patches import Sampler
from SemiSegLogic.engine.hardware.device import Device, DeviceLost
from SemiSegLogic.engine.training import checkpoint
from Testing.benchmarks import gpu_session
from Testing.benchmarks.gpu import atrium as gpu_atrium
from Testing.benchmarks.gpu import methods as gpu_methods
from Testing.benchmarks.gpu import pieces as gpu_pieces
from Testing.benchmarks.gpu.atrium import learn_atria
from Testing.benchmarks.gpu.sizes import FULL, SMALL
from Testing.support.engine import CPU
from Testing.support.pretended_gpu import pretended_gpu

TINY = replace(SMALL, patch=(8, 8, 8), slice=(1, 16, 16), recipe_3d=6, timed=1, phantom=(10, 12, 14),
               scan=(8, 16, 16), small=(16, 16, 16), tried=2)
HOST = torch.device("cpu")
ROOT = Path(__file__).resolve().parents[4]
MARK = {"size": "tiny"}


def test_the_session_on_phantoms_needs_no_reader_of_images() -> None:
    code = "import sys; sys.modules['SimpleITK'] = None; import Testing.benchmarks.gpu_session"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_the_whole_session_at_a_small_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_methods, "METHODS", ("supervised", "ersr"))  # all of them have tests of their own
    session = gpu_session.Session(CPU, TINY, None, tmp_path / "out", float("inf"))
    assert gpu_session.run(session) == gpu_session.ALL_DONE
    page = (tmp_path / "out" / "session.md").read_text()
    assert "still to do" not in page
    assert "phantoms instead" in page
    for figure in ("recorded, ms", "times the floor", "recipe of 30000 steps, s", "warm, s", "together, s", "Dice"):
        assert f"| {figure} |" in page
    assert "convolution" in (tmp_path / "out" / "profile.txt").read_text()


def test_a_later_call_does_only_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    broken = {"yes": True}

    def piece(name: str) -> object:
        def work(session: object) -> dict[str, object] | None:
            done.append(name)
            return None if name == "b" and broken.pop("yes", False) else {"figure": name}
        return work

    monkeypatch.setattr(gpu_session, "PIECES", {name: piece(name) for name in "abc"})
    late = gpu_session.Session(CPU, TINY, None, tmp_path, 0.0)
    assert gpu_session.run(late) == gpu_session.AGAIN
    assert done == []
    session = replace(late, until=float("inf"))
    assert gpu_session.run(session, ["c"]) == gpu_session.ALL_DONE
    assert gpu_session.run(session) == gpu_session.AGAIN
    assert gpu_session.run(session) == gpu_session.ALL_DONE
    assert done == ["c", "a", "b", "b"]


def _pieces(monkeypatch: pytest.MonkeyPatch, errors: dict[str, Exception]) -> list[str]:
    """Pieces a, b and c, of which some raise; what is returned lists those that were begun."""
    begun: list[str] = []

    def piece(name: str) -> object:
        def work(session: object) -> dict[str, object]:
            begun.append(name)
            if name in errors:
                raise errors[name]
            return {"figure": name}
        return work

    monkeypatch.setattr(gpu_session, "PIECES", {name: piece(name) for name in "abc"})
    return begun


def test_a_piece_that_fails_holds_up_no_other_and_is_tried_again_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors: dict[str, Exception] = {"a": RuntimeError("no room at all\nand more words")}
    begun = _pieces(monkeypatch, errors)
    session = gpu_session.Session(CPU, TINY, None, tmp_path, float("inf"))
    assert gpu_session.run(session, ["a", "b"]) == gpu_session.FAILED
    kept = (tmp_path / "a.error.txt").read_text()
    assert kept.startswith("RuntimeError: no room at all\n")
    assert "Traceback" in kept
    assert "failed: RuntimeError: no room at all\n" in (tmp_path / "session.md").read_text()
    assert gpu_session.run(session) == gpu_session.FAILED
    errors.clear()
    assert gpu_session.run(session) == gpu_session.ALL_DONE
    assert begun == ["a", "b", "c", "a", "a"]
    assert not (tmp_path / "a.error.txt").exists()


def test_a_lost_card_ends_the_call_and_the_page_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = _pieces(monkeypatch, {"b": RuntimeError("CUDA error: an illegal memory access was encountered")})
    session = gpu_session.Session(CPU, TINY, None, tmp_path, float("inf"))
    assert gpu_session.run(session) == gpu_session.FAILED
    assert begun == ["a", "b"]
    assert "illegal memory access" in (tmp_path / "session.md").read_text()
    assert gpu_session.run(session) == gpu_session.FAILED
    assert begun == ["a", "b", "c", "b"]


def _scans_named(folder: Path, names: str) -> Path:
    folder.mkdir()
    for split in ("train", "test"):
        (folder / f"{split}.list").write_text(names)
    return folder


def test_figures_made_with_anything_else_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = _pieces(monkeypatch, {})
    session = gpu_session.Session(CPU, TINY, None, tmp_path / "out", float("inf"))
    scans = replace(session, data=_scans_named(tmp_path / "one", "s1 s2"))
    moved = replace(session, data=_scans_named(tmp_path / "other place", "s1 s2"))
    others = replace(session, data=_scans_named(tmp_path / "two", "s3"))
    full, half = replace(session, sizes=FULL), replace(session, device=replace(CPU, half=not CPU.half))
    for one in (session, session, scans, moved, others, full, half):
        assert gpu_session.run(one, ["a"]) == gpu_session.ALL_DONE
    assert len(begun) == 5
    assert "atrium scans" not in (tmp_path / "out" / "session.md").read_text().replace("instead of atrium scans", "")
    monkeypatch.setattr(torch, "__version__", "99")
    assert replace(half).done("a") is None


def test_full_size_refuses_a_processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                       capsys: pytest.CaptureFixture[str]) -> None:
    begun = _pieces(monkeypatch, {})
    monkeypatch.setattr(gpu_session, "choose", lambda wanted: CPU)
    monkeypatch.setattr(gpu_session, "keep_freed_memory", lambda: True)
    command = ["gpu_session", "--out", str(tmp_path)]
    monkeypatch.setattr("sys.argv", command)
    with pytest.raises(SystemExit):
        gpu_session.main()
    assert "--small" in capsys.readouterr().err
    monkeypatch.setattr("sys.argv", [*command, "--small", "--only", "b"])
    assert gpu_session.main() == 0
    assert begun == ["b"]


def test_the_recipe_goes_on_from_its_last_state(tmp_path: Path) -> None:
    calls = iter([1.0, 1.0, -1.0])
    state, sizes = tmp_path / "state", replace(TINY, test=2)
    assert learn_atria(CPU, TINY, None, state, lambda: next(calls), MARK) is None
    assert checkpoint.load(state, HOST)["trainer"]["progress"]["step"] == 3
    trained = iter([1.0] * (TINY.recipe_3d - 3 + 1) + [-1.0])  # and one of the two test scans
    assert learn_atria(CPU, sizes, None, state, lambda: next(trained), MARK) is None
    half_way = checkpoint.load(state, HOST)
    assert half_way["trainer"]["progress"]["step"] == TINY.recipe_3d
    assert len(half_way["kept"]["dice"]) == 1
    figures = learn_atria(CPU, sizes, None, state, lambda: 1.0, MARK)
    assert figures is not None
    assert figures["steps"] == TINY.recipe_3d
    straight = learn_atria(CPU, sizes, None, tmp_path / "other", lambda: 1.0, MARK)
    assert straight is not None
    assert straight["Dice"] == figures["Dice"]
    assert figures["training, s"] > 0


def test_what_a_state_was_made_with_can_be_read_again(tmp_path: Path) -> None:
    mark = gpu_session.Session(CPU, TINY, None, tmp_path, float("inf")).mark
    checkpoint.save(tmp_path / "state", {"mark": mark})
    assert checkpoint.load(tmp_path / "state", HOST) == {"mark": mark}


def test_a_state_made_with_anything_else_is_not_gone_on_from(tmp_path: Path) -> None:
    state = tmp_path / "state"
    calls = iter([1.0, 1.0, -1.0, -1.0])
    assert learn_atria(CPU, TINY, None, state, lambda: next(calls), MARK) is None
    assert learn_atria(CPU, TINY, None, state, lambda: next(calls), {**MARK, "size": "other"}) is None
    assert checkpoint.load(state, HOST)["trainer"]["progress"]["step"] == 1


def test_the_long_pieces_run_on_a_pretended_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pretended_gpu():
        card = Device(torch.device("cuda"), half=True, memory=8 << 30)
        honest = gpu_atrium.Sampler
        samplers: list[Sampler] = []

        def sampler(*arguments: Any) -> Sampler:
            samplers.append(honest(*arguments))
            return samplers[0]

        monkeypatch.setattr(gpu_atrium, "Sampler", sampler)
        figures = learn_atria(card, TINY, None, tmp_path / "state", lambda: 1.0, MARK)
        assert [one.pool is not None for one in samplers] == [True]
        assert figures is not None
        assert figures["steps were recorded"]
        assert gpu_pieces.prediction(card, TINY)["volume"] == "x".join(map(str, TINY.scan))


def test_every_method_is_tried_and_one_that_fails_is_told_and_holds_up_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    makes = gpu_methods.make

    def broken(name: str, *rest: Any) -> Any:
        if name == "mean_teacher":
            raise RuntimeError("no kernel for this")
        return makes(name, *rest)

    monkeypatch.setattr(gpu_methods, "METHODS", ("supervised", "mean_teacher", "ersr"))
    monkeypatch.setattr(gpu_methods, "make", broken)
    found = gpu_methods.every_method(CPU, TINY.phantom, TINY.small, 4)
    assert found["mean_teacher"] == "failed: RuntimeError: no kernel for this"
    for name in ("supervised", "ersr"):
        assert re.fullmatch(r"not recorded: .+; [\d.]+ ms, as written [\d.]+ ms; weights apart 0\.000", found[name])


def test_recorded_steps_that_learn_something_else_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = gpu_methods._tried

    def other(*given: Any) -> Any:
        made = tried(*given)
        return replace(made, weights=made.weights + 1.0) if given[-1] else made

    monkeypatch.setattr(gpu_methods, "METHODS", ("supervised",))
    monkeypatch.setattr(gpu_methods, "_tried", other)
    apart = gpu_methods.every_method(CPU, TINY.phantom, TINY.small, 2)["supervised"].rpartition(" ")[2]
    assert float(apart) > 1


def test_a_lost_device_ends_the_trying(monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_given: Any) -> Any:
        raise DeviceLost("gone")

    monkeypatch.setattr(gpu_methods, "make", lost)
    with pytest.raises(DeviceLost, match="gone"):
        gpu_methods.every_method(CPU, TINY.phantom, TINY.small, 2)
