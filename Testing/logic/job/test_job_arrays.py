"""Arrays on disk: written quickly, the same again, and as numpy reads them."""

from __future__ import annotations

import struct
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

from SemiSegLogic.job import JobError
from SemiSegLogic.job.arrays import Form, check_npz, read_npz, write_npz


def _doubt() -> np.ndarray:
    """Bytes like those of an uncertainty map: smooth, with noise in the last bits."""
    lines = np.cumsum(np.random.default_rng(0).integers(-1, 2, (400, 1000)), 1)
    return (lines % 256).astype(np.uint8)


def _deflated(content: bytes, level: int) -> int:
    packer = zlib.compressobj(level, zlib.DEFLATED, -15)
    return len(packer.compress(content) + packer.flush())


def test_maps_are_packed_at_the_quickest_level(tmp_path: Path) -> None:
    doubt, path = _doubt(), tmp_path / "maps.npz"
    write_npz(path, {"doubt": doubt})
    with zipfile.ZipFile(path) as archive:
        content, (entry,) = archive.read("doubt.npy"), archive.infolist()
    quickest, usual = _deflated(content, 1), _deflated(content, 6)
    assert abs(quickest - usual) > 0.02 * usual  # else the two could not be told apart here
    assert entry.compress_size == pytest.approx(quickest, rel=0.002)


def test_what_is_packed_numpy_reads_and_it_is_the_same_again(tmp_path: Path) -> None:
    arrays = {"case": np.array("c001"), "doubt": _doubt(), "slices": np.array([[0, 3]])}
    write_npz(tmp_path / "one.npz", arrays)
    write_npz(tmp_path / "two.npz", arrays)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    with np.load(tmp_path / "one.npz", allow_pickle=False) as found:
        assert found.files == list(arrays)
        assert all(np.array_equal(found[name], array) for name, array in arrays.items())
    forms = {"case": Form("U", ()), "doubt": Form("uint8", (None, 1000)), "slices": Form("iuf", (1, 2))}
    check_npz(tmp_path / "one.npz", forms)
    assert read_npz(tmp_path / "one.npz", forms, 10**6).keys() == arrays.keys()


def test_a_header_of_gigabytes_is_not_read(tmp_path: Path) -> None:
    """Version 2 of numpy's format has room for a header of 4 GB, which packs to almost nothing."""
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("label.npy", b"\x93NUMPY\x02\x00" + (2**26).to_bytes(4, "little") + bytes(2**26))
    tracemalloc.start()
    try:
        with pytest.raises(JobError, match="another version of numpy's format"):
            read_npz(tmp_path / "a.npz", {"label": Form("uint8", (None,))}, 10**9)
        assert tracemalloc.get_traced_memory()[1] < 2**23
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("long", [False, True])
def test_a_long_list_of_contents_is_not_read(tmp_path: Path, long: bool) -> None:
    entry = b"PK\1\2" + struct.pack("<6H3I5H2I", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    listed, count = entry * 200_000, 200_000
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0 if long else len(listed), 0, 0)
    if long:
        end = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, len(listed), 0) + struct.pack(
            "<4sIQI", b"PK\6\7", 0, len(listed), 1) + end
    path = tmp_path / "labels.npz"
    path.write_bytes(listed + end)
    tracemalloc.start()
    with pytest.raises(JobError, match=r"labels\.npz cannot be read: it lists more than belongs into it"):
        check_npz(path, {"label": Form("uint8", (None,))})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1e6


def test_a_zip_file_of_gigabytes_ends_otherwise_and_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, label = tmp_path / "labels.npz", np.arange(500, dtype=np.uint8)
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 10)
    write_npz(path, {"label": label})
    assert path.read_bytes()[-42:-38] == b"PK\6\7"
    assert np.array_equal(read_npz(path, {"label": Form("uint8", (500,))}, 1 << 20)["label"], label)


@pytest.mark.parametrize("more", [b"!", b"PK\5\6" + bytes(18), bytes(100)])
def test_nothing_may_follow_a_zip_file(tmp_path: Path, more: bytes) -> None:
    path = tmp_path / "labels.npz"
    write_npz(path, {"label": np.zeros(5, np.uint8)})
    path.write_bytes(path.read_bytes() + more)
    with pytest.raises(JobError, match=r"labels\.npz"):
        check_npz(path, {"label": Form("uint8", (5,))})
