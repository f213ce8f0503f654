"""``semiseg study label``: which segment is which structure, on which slices, and what it says."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from SemiSegLogic.geometry import Grid
from SemiSegLogic.study import Structures, Study, write_image, write_seg_nrrd

SHAPE = (6, 8, 7)


def truth() -> np.ndarray:
    """1 and 2 on slices k = 2..4."""
    label = np.zeros(SHAPE, np.uint8)
    label[2:5, 2:5, 2:5] = 1
    label[2:5, 5:7, 2:5] = 2
    return label


@pytest.fixture
def folder(tmp_path: Path, semiseg: Callable[..., Any]) -> Path:
    """A study with the structures Anterior and Posterior and the case scan."""
    write_image(tmp_path / "scan.nrrd", np.random.default_rng(0).integers(0, 99, SHAPE).astype("int16"), Grid(SHAPE))
    semiseg("study", "new", tmp_path / "mine", "--structure", "Anterior", "--structure", "Posterior")
    semiseg("study", "add", tmp_path / "mine", tmp_path / "scan.nrrd")
    return tmp_path / "mine"


@pytest.fixture
def mask(tmp_path: Path) -> Callable[..., Path]:
    """Writes the truth as a segmentation with these names, in the order of the values."""
    def write(*names: str) -> Path:
        write_seg_nrrd(tmp_path / "mask.seg.nrrd", truth(), Grid(SHAPE), Structures.of(names))
        return tmp_path / "mask.seg.nrrd"

    return write


def labels(folder: Path) -> np.ndarray:
    return Study.open(folder).case("scan").labels()


@pytest.mark.parametrize("words", [("Head=Anterior", "Tail=posterior"), ("Head=1", "tail=2")])
def test_segments_are_called_by_structures_or_their_values(
    folder: Path, mask: Callable[..., Path], semiseg: Callable[..., Any], words: tuple[str, str]
) -> None:
    semiseg("study", "label", folder, "scan", mask("Head", "Tail"), "--name", words[0], "--name", words[1])
    assert np.array_equal(labels(folder), truth())


def test_what_is_named_comes_beside_the_studys_own_names(
    folder: Path, mask: Callable[..., Path], semiseg: Callable[..., Any]
) -> None:
    semiseg("study", "label", folder, "scan", mask("Anterior", "Segment_2"), "--name", "Segment_2=0")
    assert np.array_equal(labels(folder), truth() * (truth() == 1))


def test_a_segment_that_is_no_structure_is_refused_with_the_option_to_give(
    folder: Path, mask: Callable[..., Path], says: Callable[..., str]
) -> None:
    told = says("study", "label", folder, "scan", mask("Anterior", "Tail"), code=1)
    assert "contains 'Tail' (value 2), which is not a structure of this study (Anterior = 1, Posterior = 2)" in told
    assert "--name 'Tail=STRUCTURE', or --name 'Tail=0'" in told


@pytest.mark.parametrize("word", ["Head=Liver", "Head=9", "Head=", "Head=²", "Head", "=1"])
def test_a_name_that_says_no_structure_is_refused_in_words(
    folder: Path, mask: Callable[..., Path], says: Callable[..., str], word: str
) -> None:
    told = says("study", "label", folder, "scan", mask("Head", "Tail"), "--name", word, code=1)
    assert f"'{word}' does not say which structure a segment is. The structures are: 1 Anterior, 2 Posterior." in told


@pytest.mark.parametrize(("words", "expected"), [
    (("k:2-4",), [[0, 2], [0, 3], [0, 4]]), (("k:0,2-3", "i:5"), [[0, 0], [0, 2], [0, 3], [2, 5]]),
    (("k: 3",), [[0, 3]]), (("k:3,3,2-3",), [[0, 2], [0, 3]]),
])
def test_slices_are_numbers_and_ranges(
    folder: Path, mask: Callable[..., Path], semiseg: Callable[..., Any], words: tuple[str, ...], expected: list[Any]
) -> None:
    options = [part for word in words for part in ("--slices", word)]
    (told,) = semiseg("study", "label", folder, "scan", mask("Anterior", "Posterior"), *options)
    assert told["slices"] == expected


@pytest.mark.parametrize("word", ["k:²", "k:", "k:4-2", "x:3", "3", "k:1-2-3", "k:-1", "k:1;2", "k:0-99999999999"])
def test_slices_that_are_none_are_refused_in_words(
    folder: Path, mask: Callable[..., Path], says: Callable[..., str], word: str
) -> None:
    told = says("study", "label", folder, "scan", mask("Anterior", "Posterior"), "--slices", word, code=1)
    assert f"'{word}' gives no slices. Write an axis (k, j or i) and numbers" in told


def test_slices_that_were_judged_before_are_told_and_can_be_had_back(
    folder: Path, mask: Callable[..., Path], says: Callable[..., str]
) -> None:
    says("study", "label", folder, "scan", mask("Anterior", "Posterior"), "--slices", "k:2,3")
    told = says("study", "label", folder, "scan", mask("Posterior", "Anterior"), "--slices", "k:3,4")
    assert "2 slices taken" in told
    assert "1 of them were done before; the earlier drawings are kept as a version" in told
    first = Study.open(folder).case("scan").versions()[-1].name
    assert first in says("study", "versions", folder, "scan")
    says("study", "restore", folder, "scan", first)
    assert np.array_equal(labels(folder)[3], truth()[3])


def test_a_computer_that_does_not_know_its_user_labels_all_the_same(
    folder: Path, mask: Callable[..., Path], semiseg: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 4242")

    monkeypatch.setattr("getpass.getuser", nobody)
    semiseg("study", "label", folder, "scan", mask("Anterior", "Posterior"))
    assert {item.author for item in Study.open(folder).case("scan").annotated} == {"unknown"}


def test_a_login_name_that_is_not_utf_8_labels_all_the_same(
    folder: Path, mask: Callable[..., Path], semiseg: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Python has the name of an account made on an older system; nobody could label, and no word said what to do."""
    monkeypatch.setattr("getpass.getuser", lambda: os.fsdecode(b"Ren\xe9 "))
    semiseg("study", "label", folder, "scan", mask("Anterior", "Posterior"))
    assert {item.author for item in Study.open(folder).case("scan").annotated} == {"Ren_"}


def test_labels_never_go_to_a_case_that_only_has_the_id_which_is_another_ones_name(
    folder: Path, mask: Callable[..., Path], semiseg: Callable[..., Any], says: Callable[..., str], tmp_path: Path
) -> None:
    for seed, name in enumerate(("my scan", "my-scan"), 1):
        image = np.random.default_rng(seed).integers(0, 99, SHAPE).astype("int16")
        write_image(tmp_path / f"{name}.nrrd", image, Grid(SHAPE))
        semiseg("study", "add", folder, tmp_path / f"{name}.nrrd")
    told = says("study", "label", folder, "my-scan", mask("Anterior", "Posterior"), code=1)
    assert "'my-scan' fits several cases (2): 'my scan' has the id my-scan; 'my-scan' has the id my-scan-2" in told
    assert not any(case.annotated for case in Study.open(folder).cases)
    whole = ("--slices", "all")
    semiseg("study", "label", folder, "my-scan-2", mask("Anterior", "Posterior"), *whole)
    semiseg("study", "label", folder, "my scan", mask("Anterior", "Posterior"), *whole)
    told = says("export", folder)
    assert f"my-scan: {folder / 'exports' / 'my-scan-2.nrrd'}" in told
    assert f"my scan: {folder / 'exports' / 'my-scan.nrrd'}" in told
