"""Labels of a job, those it starts with and those that arrive: whole, in order, of known slices."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from SemiSegLogic.files import digest_array
from SemiSegLogic.geometry import IGNORE, Planes, SliceIndex
from SemiSegLogic.job import JobError, JobFolder, inputs, numbered
from SemiSegLogic.job.arrays import write_npz
from SemiSegLogic.job.drawn import to_arrays
from Testing.support.jobs import SHAPE, SLICES, drawn, label
from Testing.support.volumes import label_of


def test_a_label_drawn_on_other_slices_is_another_label(job: JobFolder) -> None:
    blank = np.full(SHAPE[1:], IGNORE, np.uint8)
    digests = {job.put_label({SliceIndex(0, n): blank for n in places}, SHAPE) for places in ([0], [1], [0, 1], [])}
    assert len(digests) == 4


@pytest.mark.parametrize(
    ("planes", "complaint"),
    [
        ({SliceIndex(0, 1): np.zeros((5, 6), np.uint8)}, r"uint8 of shape \(5, 6\); it must be uint8 of \(6, 5\)"),
        ({SliceIndex(0, 1): np.zeros((6, 5), np.int16)}, "int16"),
        ({SliceIndex(0, 4): np.zeros((6, 5), np.uint8)}, "index along axis 0"),
        ({SliceIndex(0, 1): np.zeros((6, 5), np.uint8), SliceIndex(2, 3): np.ones((4, 6), np.uint8)}, "they cross"),
        ({SliceIndex(1, 1): np.zeros((4, 5), np.uint8), SliceIndex(2, 3): np.ones((4, 6), np.uint8)}, "they cross"),
    ],
)
def test_slices_that_do_not_fit_the_volume_or_each_other_are_refused(
    job: JobFolder, planes: Planes, complaint: str
) -> None:
    with pytest.raises(JobError, match=complaint):
        job.put_label(planes, SHAPE)
    with pytest.raises(JobError, match=complaint):
        job.add_labels("c001", planes)


def test_slices_of_every_axis_that_cross_come_back(job: JobFolder) -> None:
    places = tuple(SliceIndex(axis, n) for axis in (2, 0, 1) for n in (3, 0, 2))
    job.add_labels("c001", drawn(places))
    (added,) = job.newest_labels()
    assert added.slices == places
    assert np.array_equal(label_of(added.planes, SHAPE), label(places))
    assert (job.inputs / "labels-1.npz").stat().st_size < 3000


@pytest.mark.parametrize("keep", [0, 5, 60, 130, -1, -30])
def test_a_truncated_label_is_named(job: JobFolder, keep: int) -> None:
    path = job.inputs / f"{job.spec().cases[0].label}.npz"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(JobError, match=path.name):
        job.label(str(job.spec().cases[0].label))


def test_any_changed_byte_of_a_label_is_found_or_harmless(job: JobFolder) -> None:
    path = job.inputs / f"{job.spec().cases[0].label}.npz"
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1:])
        assert read_label_or_complaint(job) in ("as it was", path.name)


def read_label_or_complaint(job: JobFolder) -> str:
    digest = str(job.spec().cases[0].label)
    try:
        return "as it was" if np.array_equal(label_of(job.label(digest), SHAPE), label()) else "changed"
    except JobError as error:
        return f"{digest}.npz" if f"{digest}.npz" in str(error) else str(error)


def test_a_label_of_another_shape_is_named(job: JobFolder) -> None:
    small = {SliceIndex(0, 1): np.zeros((3, 3), np.uint8)}
    write_npz(job.inputs / "labels-1.npz", {"case": np.array("c001"), **to_arrays(small, (3, 3, 3))})
    with pytest.raises(JobError, match=r"labels-1\.npz.*the label has shape \(3, 3, 3\), the image \(4, 6, 5\)"):
        job.newest_labels()


@pytest.mark.parametrize(
    ("name", "changed", "complaint"),
    [
        ("along0", np.zeros((2, 6, 5), np.uint8), "1 slices"), ("along2", np.zeros((1, 6, 4), np.uint8), "along2"),
        ("shape", np.array([4, 6, 0]), "0"), ("shape", np.array([2**40, 2**40, 1]), "shape"),
        ("slices", np.array([[0, 1], [2, 5]]), "index along axis 2"), ("slices", np.array([[0, 1], [3, 5]]), "axis"),
        ("slices", np.array([[0, 1], [0, 1]]), "twice"), ("along0", np.full((1, 6, 5), 3, np.uint8), "cross"),
        ("along1", np.zeros((0, 4, 5), np.int8), "int8"), ("slices", np.zeros((2, 3), np.int64), "slices"),
    ],
)
def test_a_label_file_whose_parts_do_not_fit_is_named(
    job: JobFolder, name: str, changed: np.ndarray, complaint: str
) -> None:
    content = {"case": np.array("c001"), **to_arrays(drawn(), SHAPE), name: changed}
    write_npz(job.inputs / "labels-1.npz", content)
    with pytest.raises(JobError, match=rf"labels-1\.npz.*{complaint}"):
        job.newest_labels()


@pytest.mark.parametrize("bomb", [{"along0": np.zeros((64, 64, 64), np.uint8)}, {"case": np.array("c" * 10**6)},
                                  {"slices": np.zeros((10**5, 2), np.int64)}], ids=["planes", "name", "slices"])
def test_a_label_that_unpacks_to_more_than_any_case_has_is_refused_first(
    job: JobFolder, bomb: dict[str, np.ndarray]
) -> None:
    write_npz(job.inputs / "labels-1.npz", {"case": np.array("c001"), **to_arrays(drawn(), SHAPE), **bomb})
    with pytest.raises(JobError, match=r"labels-1\.npz has \d+ bytes unpacked, and \d+ is the most that belongs here"):
        job.newest_labels()


def test_labels_of_the_first_format_are_still_read(job: JobFolder) -> None:
    """An array of every voxel, as written until format 2."""
    table = np.array([(place.axis, place.index) for place in SLICES], np.int64)
    digest = hashlib.sha256((digest_array(label()) + digest_array(table)).encode()).hexdigest()
    write_npz(job.inputs / f"{digest}.npz", {"label": label(), "slices": table})
    write_npz(job.inputs / "labels-1.npz", {"case": np.array("c001"), "label": label(SLICES, 5), "slices": table})
    first = job.spec().cases[0]
    told = json.loads(job.spec_path.read_text().replace(str(first.label), digest))
    job.spec_path.write_text(json.dumps({**told, "format": 1}))
    old = JobFolder(job.root)
    inputs.check(job.inputs, old.spec())
    assert old.spec().format == 1
    assert np.array_equal(label_of(old.label(digest), SHAPE), label())
    (added,) = old.newest_labels()
    assert np.array_equal(label_of(added.planes, SHAPE), label(SLICES, 5))


def test_a_first_format_label_with_values_outside_its_slices_is_named(job: JobFolder) -> None:
    wrong = label()
    wrong[0, 0, 0] = 0
    write_npz(job.inputs / "labels-1.npz", {"case": np.array("c001"), "label": wrong,
                                            "slices": np.array([(0, 1), (2, 3)], np.int64)})
    with pytest.raises(JobError, match=r"labels-1\.npz.*annotated slices"):
        job.newest_labels()


def test_an_order_whose_label_has_other_slices_is_refused(job: JobFolder) -> None:
    first = job.spec().cases[0]
    fewer = dataclasses.replace(first, slices=SLICES[:1])
    with pytest.raises(JobError, match=f"{first.label}.npz"):
        inputs.check(job.inputs, dataclasses.replace(job.spec(), cases=(fewer,)))


def test_added_labels_arrive_in_order_newest_of_each_case(job: JobFolder) -> None:
    fresh = (SliceIndex(1, 2),)
    assert job.add_labels("c001", drawn(SLICES, 5)) == 1
    assert job.add_labels("c002", drawn(fresh, 6)) == 2
    assert job.add_labels("c001", drawn(SLICES, 7)) == 3
    found = JobFolder(job.root).newest_labels()
    assert [(added.n, added.case) for added in found] == [(2, "c002"), (3, "c001")]
    assert found[0].slices == fresh
    assert np.array_equal(label_of(found[1].planes, SHAPE), label(SLICES, 7))
    assert [added.n for added in job.newest_labels(after=2)] == [3]
    assert job.newest_labels(after=3) == []


def test_every_mark_can_be_taken_back(job: JobFolder) -> None:
    job.add_labels("c001", {})
    assert job.newest_labels()[0].slices == ()


def test_added_labels_that_do_not_fit_are_refused(job: JobFolder) -> None:
    strange = {SliceIndex(0, 1): np.full((6, 5), 9, np.uint8)}
    with pytest.raises(JobError, match=r"\[9\]"):
        job.add_labels("c001", strange)
    with pytest.raises(JobError, match="c004"):
        job.add_labels("c004", drawn())
    with pytest.raises(JobError, match="shape"):
        job.add_labels("c001", {SliceIndex(0, 1): np.zeros((9, 9), np.uint8)})
    assert job.newest_labels() == []


RACER = """
import sys
from pathlib import Path
from SemiSegLogic.job import JobFolder, numbered
from Testing.support.jobs import SLICES, drawn
if sys.argv[3] == "without links":
    numbered.os.link = lambda *_: (_ for _ in ()).throw(OSError(95, "no hard links"))
job = JobFolder(Path(sys.argv[1]))
print([job.add_labels("c001", drawn(SLICES, int(sys.argv[2]))) for _ in range(25)])
"""


@pytest.mark.parametrize("disk", ["with links", "without links"])
def test_two_clients_that_add_labels_at_once_overwrite_nothing(job: JobFolder, disk: str) -> None:
    commands = [[sys.executable, "-c", RACER, str(job.root), str(seed), disk] for seed in (1, 2)]
    racers = [subprocess.Popen(command, stdout=subprocess.PIPE) for command in commands]
    mine = [json.loads(racer.communicate(timeout=30)[0]) for racer in racers]
    assert sorted(mine[0] + mine[1]) == list(range(1, 51))
    for seed, numbers in zip((1, 2), mine, strict=True):
        for n in numbers:
            found = np.load(job.inputs / f"labels-{n}.npz", allow_pickle=False)["along0"]
            assert np.array_equal(found, label(SLICES, seed)[1:2])
    assert not list(job.inputs.glob("*.tmp.*"))


def test_labels_are_not_lost_where_the_disk_has_no_hard_links(job: JobFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.EPERM, "no hard links here")

    monkeypatch.setattr(numbered.os, "link", refuse)
    assert [job.add_labels("c001", drawn(SLICES, seed)) for seed in (1, 2)] == [1, 2]
