"""Files are whole or absent, whatever happens while they are written."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from SemiSegLogic import files
from SemiSegLogic.files import FileError, copy_file, digest_array, digest_file, read_json, replace_file, write_json


def test_json_comes_back_as_it_was_written(tmp_path: Path) -> None:
    content = {"name": "größe", "numbers": [1, 0.1, -1e-300], "nothing": None}
    write_json(tmp_path / "a.json", content)
    assert read_json(tmp_path / "a.json") == content


def test_a_name_that_is_not_of_this_disk_s_alphabet_comes_back_too(tmp_path: Path) -> None:
    old = os.fsdecode(b"J\xfcrgen") if os.name == "posix" else "J\udcfcrgen"  # made where names were Latin-1
    write_json(tmp_path / "a.json", {"text": f"{old} is missing."})
    assert read_json(tmp_path / "a.json") == {"text": f"{old} is missing."}


def test_a_text_and_a_copy_of_it_are_the_same_bytes(tmp_path: Path) -> None:
    files.write_text(tmp_path / "a.md", "größe ±\n")
    copy_file(tmp_path / "a.md", tmp_path / "b.md")
    assert (tmp_path / "b.md").read_text(encoding="utf-8") == "größe ±\n"
    with pytest.raises(FileError, match=r"b\.md was not written"):
        copy_file(tmp_path / "gone.md", tmp_path / "b.md")
    assert sorted(os.listdir(tmp_path)) == ["a.md", "b.md"]
    assert digest_file(tmp_path / "a.md") == digest_file(tmp_path / "b.md")


@pytest.mark.parametrize(("code", "words"), [
    (errno.ENOSPC, "disk is full. Free some space"),
    (errno.EACCES, "Choose a folder you may write to"),
    (errno.EROFS, "Choose a folder you may write to"),
    (errno.EIO, "disk is well"),
])
def test_a_refusing_disk_leaves_the_old_file_and_no_litter(tmp_path: Path, code: int, words: str) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write_half(temporary: Path) -> None:
        temporary.write_text("ne")
        raise OSError(code, os.strerror(code))

    with pytest.raises(FileError, match=words) as caught:
        replace_file(path, write_half)
    assert str(path) in str(caught.value)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_an_error_that_is_not_the_disks_passes_unchanged(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        replace_file(tmp_path / "a.txt", lambda temporary: 1 // 0)
    assert not os.listdir(tmp_path)


def test_the_temporary_file_lies_beside_the_target_and_keeps_its_suffixes(tmp_path: Path) -> None:
    seen: list[Path] = []

    def write(temporary: Path) -> None:
        seen.append(temporary)
        temporary.write_text("new")

    replace_file(tmp_path / "a.seg.nrrd", write)
    assert seen[0].parent == tmp_path
    assert seen[0].name.endswith(".a.seg.nrrd")


def test_the_content_is_flushed_before_the_name_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(files.os, "fsync", lambda handle: calls.append("fsync"))
    replace = os.replace
    monkeypatch.setattr(files.os, "replace", lambda a, b: (calls.append("replace"), replace(a, b)))
    write_json(tmp_path / "a.json", 1)
    assert calls[:2] == ["fsync", "replace"]


def test_a_writer_killed_in_the_middle_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"version": 1})
    program = ("import os, signal; from pathlib import Path; from SemiSegLogic.files import replace_file\n"
               "def die(p):\n p.write_text('{'); os.kill(os.getpid(), signal.SIGKILL)\n"
               f"replace_file(Path({str(path)!r}), die)")
    root = Path(__file__).resolve().parents[2]
    assert subprocess.run([sys.executable, "-c", program], cwd=root, check=False).returncode != 0
    assert read_json(path) == {"version": 1}


@pytest.mark.parametrize(("content", "words"), [
    (None, "is missing"), ("{", "is damaged"), ("", "is damaged"), ("\udc80", "is damaged"),
    pytest.param("[" * 100_000, "is damaged.*nested too deeply", id="deep"), ("[NaN]", "is damaged.*NaN is no number"),
    pytest.param("1" + "0" * 400, "is damaged.*a number of 401 digits", id="huge"),
    pytest.param(" " * (files.LARGEST_JSON + 1), "is damaged.*larger than", id="large"),
])
def test_a_missing_or_damaged_json_file_is_named(tmp_path: Path, content: str | None, words: str) -> None:
    path = tmp_path / "a.json"
    if content is not None:
        path.write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(FileError, match=words) as caught:
        read_json(path)
    assert str(path) in str(caught.value)


def test_nan_is_not_written_as_json(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "a.json", float("nan"))
    assert not os.listdir(tmp_path)


def test_a_digest_depends_on_values_type_and_shape_only() -> None:
    array = np.arange(12, dtype="<i2").reshape(3, 4)
    digest = digest_array(array)
    same = [array.astype(">i2"), np.asfortranarray(array), np.pad(array, 1)[1:-1, 1:-1]]
    other = [array.reshape(4, 3), array.astype("<i4"), array + 1]
    assert all(digest_array(one) == digest for one in same)
    assert len({digest, *(digest_array(one) for one in other)}) == 4
    assert digest_array(np.zeros((0, 3))) != digest_array(np.zeros((0, 4)))


def test_a_file_digest_is_the_plain_sha256(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert digest_file(tmp_path / "a").startswith("ba7816bf8f01cfea414140de5dae2223")
    with pytest.raises(FileError, match="cannot be read"):
        digest_file(tmp_path / "b")


def test_json_text_is_readable_by_people(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"name": "Müller"})
    assert "Müller" in (tmp_path / "a.json").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))


def test_numpy_on_a_full_disk_is_told_as_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut_off(path: Path) -> None:
        raise OSError("61880 requested and 14304 written")  # numpy's words; it gives no number

    monkeypatch.setattr(files.shutil, "disk_usage", lambda folder: SimpleNamespace(free=0))
    with pytest.raises(FileError, match=r"image\.npy was not written: the disk is full"):
        replace_file(tmp_path / "image.npy", cut_off)
    monkeypatch.setattr(files.shutil, "disk_usage", lambda folder: SimpleNamespace(free=1 << 30))
    with pytest.raises(FileError, match=r"image\.npy was not written: 61880 requested"):
        replace_file(tmp_path / "image.npy", cut_off)


@pytest.mark.parametrize(("system", "code_page", "asked"), [
    ("nt", "cp1252", [".UTF8"]), ("nt", "utf-8", []), ("posix", "cp1252", []),
])
def test_names_go_to_c_as_utf8_on_a_windows_with_a_country_s_code_page(
    monkeypatch: pytest.MonkeyPatch, system: str, code_page: str, asked: list[str]
) -> None:
    told: list[str] = []
    monkeypatch.setattr(files, "os", SimpleNamespace(name=system))
    monkeypatch.setattr(files.locale, "getencoding", lambda: code_page)
    monkeypatch.setattr(files.locale, "setlocale", lambda kind, name: told.append(name))
    files.name_files_in_utf8()
    assert told == asked
