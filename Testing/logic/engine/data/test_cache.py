"""Prepared volumes on disk: made once, whole or made again, bounded, shared between processes."""

from __future__ import annotations

import errno
import multiprocessing
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from SemiSegLogic.engine.data import cache as module
from SemiSegLogic.engine.data import keeping
from SemiSegLogic.engine.data.cache import Cache
from SemiSegLogic.engine.data.keeping import IN_MEMORY, MAPPED, ON_DEVICE, Keeper, NoRoom
from SemiSegLogic.engine.data.volumes import load_volume
from SemiSegLogic.engine.hardware.device import Device
from SemiSegLogic.geometry import Grid
from SemiSegLogic.settings import SettingsError
from Testing.support.engine import CPU, MIRRORED_TURN, plan_of
from Testing.support.stand_ins.pretended_windows import needs_proc, pretend
from Testing.support.volumes import picture

SHAPE = (16, 30, 20)
SIZE = 2 * 16 * 30 * 20


def voxels(seed: int = 0, shape: tuple[int, int, int] = SHAPE) -> NDArray[np.float16]:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float16)


def put(cache: Cache, key: str, seed: int = 0) -> NDArray[np.float16] | None:
    values = voxels(seed)
    return cache.put(key, SHAPE, iter([values[:5], values[5:]]))


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache", 10**9)


def fresh(cache: Cache, limit: int | None = None) -> Cache:
    """As another job would open it."""
    return Cache(cache.folder, limit or cache.limit)


def test_what_was_put_comes_back_mapped_voxel_for_voxel(cache: Cache) -> None:
    assert cache.get("a", SHAPE) is None
    put(cache, "a")
    again = fresh(cache).get("a", SHAPE)
    assert again is not None
    assert np.array_equal(again, voxels())
    base = again
    while isinstance(base, np.ndarray) and base.base is not None and not isinstance(base, np.memmap):
        base = base.base  # type: ignore[assignment]
    assert isinstance(base, np.memmap)


def test_writing_to_a_mapped_volume_changes_no_file(cache: Cache) -> None:
    mapped = put(cache, "a")
    assert mapped is not None
    mapped[:] = 0
    again = fresh(cache).get("a", SHAPE)
    assert again is not None
    assert np.array_equal(again, voxels())


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 100)


def _spoil(path: Path, keep_time: bool = False, everything: bool = False) -> None:
    content, found = bytearray(path.read_bytes()), path.stat()
    for place in range(200, len(content)) if everything else [len(content) // 2 + 1]:
        content[place] ^= 1
    path.write_bytes(content)
    if keep_time:
        os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


@pytest.mark.parametrize(
    "harm",
    [_cut, _spoil, lambda path: _spoil(path, keep_time=True, everything=True), lambda path: path.write_bytes(b""),
     lambda path: path.with_suffix(".json").write_text("{"), lambda path: path.with_suffix(".json").write_text("[]"),
     lambda path: path.with_suffix(".json").unlink(), lambda path: path.unlink()],
    ids=["cut", "one byte", "a failing disk", "empty", "no seal", "a strange seal", "seal gone", "gone"],
)
def test_a_damaged_entry_is_made_again(cache: Cache, harm: Callable[[Path], object]) -> None:
    put(cache, "a")
    harm(cache.folder / "a.npy")
    again = fresh(cache)
    assert again.get("a", SHAPE) is None
    assert put(again, "a") is not None
    whole = fresh(cache).get("a", SHAPE)
    assert whole is not None
    assert np.array_equal(whole, voxels())


def test_a_copy_of_a_cache_is_read_through_once_and_trusted_then(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(cache, "a")
    os.utime(cache.folder / "a.npy", (1, 1))
    assert fresh(cache).get("a", SHAPE) is not None
    monkeypatch.setattr(module, "_seal_of", lambda path: pytest.fail("it was read through"))
    assert fresh(cache).get("a", SHAPE) is not None


def test_a_check_reads_little_of_a_large_entry(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    shape = (64, 256, 256)
    cache.put("big", shape, iter([voxels(0, shape)]))
    monkeypatch.setattr(module, "_seal_of", lambda path: pytest.fail("it was read through"))
    assert fresh(cache).get("big", shape) is not None
    assert module.PROBES * module.PROBE_BYTES <= 1 << 16


def test_what_was_used_longest_ago_goes_first(cache: Cache) -> None:
    small = fresh(cache, 3 * (SIZE + 200))
    for number, key in enumerate("abc"):
        put(fresh(small), key, number)
        os.utime(cache.folder / f"{key}.json", (number, number))
    assert fresh(small).get("a", SHAPE) is not None  # used again just now
    put(fresh(small), "d")
    assert {path.stem for path in cache.folder.glob("*.npy")} == {"a", "c", "d"}
    assert small.size() <= small.limit


def test_a_run_never_pushes_its_own_volumes_out(cache: Cache) -> None:
    small = fresh(cache, 2 * (SIZE + 200))
    assert put(small, "a") is not None
    assert put(small, "b") is not None
    assert put(small, "c") is None
    assert "SEMISEG_CACHE" in small.problem
    assert {path.stem for path in cache.folder.glob("*.npy")} == {"a", "b"}


def test_drafts_of_others_are_left_alone_until_they_are_old(cache: Cache) -> None:
    put(cache, "a")
    young, old = cache.folder / ".1.tmp.x.npy", cache.folder / ".2.tmp.y.npy"
    for draft in (young, old):
        draft.write_bytes(bytes(SIZE))
    os.utime(old, (1, 1))
    put(fresh(cache, 3 * (SIZE + 200)), "b")
    assert young.exists()
    assert not old.exists()


def test_a_full_disk_is_told_once_and_nothing_half_stays(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    def refuse(path: Path, *rest: object) -> None:
        tries.append(path)
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "_write", refuse)
    assert put(cache, "a") is None
    assert put(cache, "b") is None
    assert len(tries) == 1
    assert "No space left" in cache.problem
    assert list(cache.folder.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_no_reason_to_stop(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = Cache(tmp_path / "file" / "cache", 10**9)
    assert cache.get("a", SHAPE) is None
    assert put(cache, "a") is None
    assert cache.problem


def _write_often(folder: Path, seed: int, times: int) -> None:
    for _ in range(times):
        cache = Cache(folder, 3 * (SIZE + 200))
        for key in "abcd":
            kept = cache.get(key, SHAPE)
            kept = put(cache, key) if kept is None else kept
            assert kept is None or np.array_equal(kept, voxels())


def test_two_processes_may_write_the_same_entries(cache: Cache) -> None:
    context = multiprocessing.get_context("spawn")
    children = [context.Process(target=_write_often, args=(cache.folder, seed, 15)) for seed in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
        assert child.exitcode == 0
    left = {path.stem for path in cache.folder.glob("*.npy")}
    assert left
    for key in left:
        kept = fresh(cache).get(key, SHAPE)
        assert kept is None or np.array_equal(kept, voxels())


# --- keeping ----------------------------------------------------------------------------------------------------------

BIG = (40, 120, 130)  # more than a megabyte


def keeper(cache: Cache, storage: str, grid: Grid, spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> Keeper:
    return Keeper(plan_of((8, 8, 8), spacing), CPU, cache, storage)


@pytest.mark.parametrize("storage", [IN_MEMORY, MAPPED])
@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (2.5, 2.5, 2.5)])
@pytest.mark.parametrize("direction", [Grid((1, 1, 1)).direction, MIRRORED_TURN])
def test_from_the_cache_or_not_a_volume_is_the_same(
    cache: Cache, storage: str, spacing: tuple[float, float, float], direction: tuple[float, ...]
) -> None:
    grid, image = Grid(BIG, direction=direction), picture(BIG)
    plain = load_volume("c001", image, grid, plan_of((8, 8, 8), spacing), CPU.torch)
    first = keeper(cache, storage, grid, spacing).load("c001", "0" * 64, lambda: image, grid)
    again = keeper(fresh(cache), MAPPED, grid, spacing)
    second = again.load("c001", "0" * 64, lambda: pytest.fail("it was read again"), grid) if (
        storage == MAPPED or first.image.nbytes >= keeping.WORTH_CACHING
    ) else first
    for volume in (first, second):
        assert torch.equal(volume.image, plain.image)
        assert (volume.thin, volume.shape, volume.spacing) == (plain.thin, plain.shape, plain.spacing)


def test_small_volumes_leave_no_files_unless_they_must(cache: Cache) -> None:
    keeper(cache, IN_MEMORY, Grid(SHAPE)).load("c001", "0" * 64, lambda: picture(SHAPE), Grid(SHAPE))
    assert not cache.folder.exists()
    keeper(cache, MAPPED, Grid(SHAPE)).load("c001", "0" * 64, lambda: picture(SHAPE), Grid(SHAPE))
    assert len(list(cache.folder.glob("*.npy"))) == 1


def test_another_spacing_orientation_or_plan_is_another_entry(cache: Cache) -> None:
    image, plan = picture(BIG), plan_of((8, 8, 8))
    for grid, wanted in [
        (Grid(BIG), plan), (Grid(BIG, (2.0, 1.0, 1.0)), plan), (Grid(BIG, direction=MIRRORED_TURN), plan),
        (Grid(BIG), replace(plan, spacing=(2.0, 2.0, 2.0))), (Grid(BIG), replace(plan, depth_axis=1)),
    ]:
        Keeper(wanted, CPU, cache, MAPPED).load("c001", "0" * 64, lambda: image, grid)
    assert len(list(cache.folder.glob("*.npy"))) == 5


def test_a_cache_that_cannot_be_written_leaves_volumes_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = Cache(tmp_path / "file" / "cache", 10**9)
    image = picture(BIG)
    volume = keeper(cache, MAPPED, Grid(BIG)).load("c001", "0" * 64, lambda: image, Grid(BIG))
    assert torch.equal(volume.image, load_volume("c001", image, Grid(BIG), plan_of((8, 8, 8)), CPU.torch).image)


def test_neither_memory_nor_disk_is_said_with_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "free_memory", lambda device: 1000)
    with pytest.raises(NoRoom, match=r"neither into memory .* nor on the disk.*SEMISEG_CACHE"):
        keeper(Cache(tmp_path, 10), MAPPED, Grid(BIG)).load("c001", "0" * 64, lambda: picture(BIG), Grid(BIG))


@pytest.mark.parametrize(
    ("kind", "memory", "host", "storage"),
    [("cpu", 0, 10**9, IN_MEMORY), ("cpu", 0, 10**7, MAPPED), ("cuda", 10**9, 10**9, ON_DEVICE),
     ("cuda", 10**7, 10**9, IN_MEMORY), ("cuda", 10**7, 10**7, MAPPED)],
)  # fmt: skip
def test_the_fastest_place_that_holds_all_volumes_is_chosen(
    cache: Cache, monkeypatch: pytest.MonkeyPatch, kind: str, memory: int, host: int, storage: str
) -> None:
    monkeypatch.setattr(keeping, "free_memory", lambda device: host)
    device = Device(torch.device(kind), half=True, memory=memory)
    assert Keeper.of([Grid((100, 100, 100))] * 5, plan_of((8, 8, 8)), device, cache).storage == storage


@pytest.mark.parametrize(("runners", "storage"), [(1, IN_MEMORY), (2, MAPPED)])
def test_runners_beside_each_other_do_not_both_take_the_same_memory(
    cache: Cache, monkeypatch: pytest.MonkeyPatch, runners: int, storage: str
) -> None:
    monkeypatch.setattr(keeping, "free_memory", lambda device: 60_000_000)
    device = Device(torch.device("cpu"), half=True, memory=0).shared(runners)
    assert Keeper.of([Grid((100, 100, 100))] * 5, plan_of((8, 8, 8)), device, cache).storage == storage


@pytest.mark.parametrize("room", ["lots", "-1", "nan", "inf"])
def test_a_size_that_is_none_is_named_with_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: str
) -> None:
    monkeypatch.setenv("SEMISEG_CACHE_GB", room)
    with pytest.raises(SettingsError, match=rf"SEMISEG_CACHE_GB is '{room}'.*gigabytes"):
        Cache.beside(tmp_path)


@needs_proc
def test_where_what_is_mapped_cannot_be_replaced_the_entry_of_the_process_that_was_first_is_used(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(monkeypatch)
    first = put(cache, "a")
    second = fresh(cache)
    again = put(second, "a")
    assert first is not None
    assert again is not None
    assert np.array_equal(again, voxels())
    assert second.problem == ""
    assert sorted(path.name for path in cache.folder.iterdir()) == ["a.json", "a.npy"]
