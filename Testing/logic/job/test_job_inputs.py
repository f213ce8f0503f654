"""What the client gives is whole, what it says it is, and never changed."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from SemiSegLogic.geometry import IGNORE, SliceIndex
from SemiSegLogic.job import JobError, JobFolder, numbered
from SemiSegLogic.job.arrays import write_npz
from Testing.support.jobs import SHAPE, SLICES, image, label, make_job, specification


@pytest.fixture
def job(tmp_path: Path) -> JobFolder:
    return make_job(tmp_path / "job")


def test_arrays_come_back_bit_for_bit(job: JobFolder) -> None:
    first, second = JobFolder(job.root).spec().cases
    assert np.array_equal(job.image(first.image), image(1))
    assert np.array_equal(job.image(second.image), image(2))
    assert np.array_equal(job.label(str(first.label)), label())


def test_images_are_mapped_not_loaded(job: JobFolder) -> None:
    assert isinstance(job.image(job.spec().cases[0].image), np.memmap)


def test_the_same_content_is_stored_once(job: JobFolder) -> None:
    before = sorted(os.listdir(job.inputs))
    assert job.put_image(image(1)[:, ::-1][:, ::-1]) == job.spec().cases[0].image  # strided, same values
    assert job.put_image(image(1).astype(">i2")) == job.spec().cases[0].image
    assert job.put_label(label(), SLICES) == job.spec().cases[0].label
    assert sorted(os.listdir(job.inputs)) == before


def test_a_label_drawn_on_other_slices_is_another_label(job: JobFolder) -> None:
    blank = np.full(SHAPE, IGNORE, np.uint8)
    assert job.put_label(blank, [SliceIndex(0, 0)]) != job.put_label(blank, [SliceIndex(0, 1)])


@pytest.mark.parametrize(
    "array",
    [np.zeros((3, 4)), np.zeros((2, 2, 2, 2)), np.zeros(SHAPE, complex), np.full(SHAPE, np.nan),
     np.zeros(SHAPE, bool), np.zeros(SHAPE, object), np.zeros((0, 3, 3))],
)
def test_what_is_no_image_is_refused(job: JobFolder, array: np.ndarray) -> None:
    with pytest.raises(JobError, match="image"):
        job.put_image(array)


def test_a_label_value_outside_the_annotated_slices_is_refused(job: JobFolder) -> None:
    wrong = label()
    wrong[0, 0, 0] = 0
    with pytest.raises(JobError, match="annotated slices"):
        job.put_label(wrong, SLICES)


@pytest.mark.parametrize("keep", [0, 5, 60, 130, -1])
def test_a_truncated_image_is_named(job: JobFolder, keep: int) -> None:
    path = job.inputs / f"{job.spec().cases[0].image}.npy"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(JobError, match=path.name):
        job.image(job.spec().cases[0].image)


@pytest.mark.parametrize("keep", [0, 5, 60, 130, -1, -30])
def test_a_truncated_label_is_named(job: JobFolder, keep: int) -> None:
    path = job.inputs / f"{job.spec().cases[0].label}.npz"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(JobError, match=path.name):
        job.label(str(job.spec().cases[0].label))


def test_one_changed_bit_of_an_image_is_found(job: JobFolder) -> None:
    path = job.inputs / f"{job.spec().cases[0].image}.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(JobError, match="does not hold what its name says"):
        job.image(job.spec().cases[0].image)


def test_any_changed_byte_of_a_label_is_found_or_harmless(job: JobFolder) -> None:
    path = job.inputs / f"{job.spec().cases[0].label}.npz"
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1:])
        assert read_label_or_complaint(job) in ("as it was", path.name)


def read_label_or_complaint(job: JobFolder) -> str:
    digest = str(job.spec().cases[0].label)
    try:
        return "as it was" if np.array_equal(job.label(digest), label()) else "changed"
    except JobError as error:
        return f"{digest}.npz" if f"{digest}.npz" in str(error) else str(error)


def test_a_label_of_another_shape_is_named(job: JobFolder) -> None:
    path = job.inputs / f"{job.spec().cases[0].label}.npz"
    write_npz(path, {"label": np.full((2, 2, 2), IGNORE, np.uint8), "slices": np.zeros((2, 2), np.int64)})
    with pytest.raises(JobError, match=r"label is uint8 of shape \(2, 2, 2\)"):
        job.label(str(job.spec().cases[0].label))


def test_pickled_objects_are_refused(job: JobFolder) -> None:
    path = job.inputs / f"{job.spec().cases[0].label}.npz"
    np.savez(path, label=np.array([{"a": 1}], object), slices=np.zeros((2, 2), np.int64))
    with pytest.raises(JobError, match="objects"):
        job.label(str(job.spec().cases[0].label))
    np.save(job.inputs / f"{job.spec().cases[0].image}.npy", np.array([{"a": 1}], object))
    with pytest.raises(JobError, match="objects"):
        job.image(job.spec().cases[0].image)


def test_a_header_that_claims_more_than_the_file_holds_takes_no_memory(job: JobFolder) -> None:
    path = job.inputs / "labels-1.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("case", "label", "slices"):
            with archive.open(f"{name}.npy", "w") as stream:
                header = {"descr": {"case": "<U4", "label": "|u1", "slices": "<i8"}[name], "fortran_order": False,
                          "shape": {"case": (), "label": (10**6, 10**6, 10**3), "slices": (1, 2)}[name]}
                np.lib.format.write_array_header_1_0(stream, header)
                stream.write(b"\0" * 16)
    with pytest.raises(JobError, match=r"labels-1\.npz is not whole: 'label'"):
        job.newest_labels()


def test_added_labels_arrive_in_order_newest_of_each_case(job: JobFolder) -> None:
    fresh = (SliceIndex(1, 2),)
    assert job.add_labels("c001", label(SLICES, 5), SLICES) == 1
    assert job.add_labels("c002", label(fresh, 6), fresh) == 2
    assert job.add_labels("c001", label(SLICES, 7), SLICES) == 3
    found = JobFolder(job.root).newest_labels()
    assert [(added.n, added.case) for added in found] == [(2, "c002"), (3, "c001")]
    assert found[0].slices == fresh
    assert np.array_equal(found[1].label, label(SLICES, 7))
    assert [added.n for added in job.newest_labels(after=2)] == [3]
    assert job.newest_labels(after=3) == []


def test_every_mark_can_be_taken_back(job: JobFolder) -> None:
    job.add_labels("c001", np.full(SHAPE, IGNORE, np.uint8), [])
    assert job.newest_labels()[0].slices == ()


def test_added_labels_that_do_not_fit_are_refused(job: JobFolder) -> None:
    strange = label()
    strange[1, 0, 0] = 9
    with pytest.raises(JobError, match=r"\[9\]"):
        job.add_labels("c001", strange, SLICES)
    with pytest.raises(JobError, match="c004"):
        job.add_labels("c004", label(), SLICES)
    with pytest.raises(JobError, match="shape"):
        job.add_labels("c001", np.full((9, 9, 9), IGNORE, np.uint8), [])
    assert job.newest_labels() == []


RACER = """
import sys
from pathlib import Path
from SemiSegLogic.job import JobFolder, numbered
from Testing.support.jobs import SLICES, label
if sys.argv[3] == "without links":
    numbered.os.link = lambda *_: (_ for _ in ()).throw(OSError(95, "no hard links"))
job = JobFolder(Path(sys.argv[1]))
print([job.add_labels("c001", label(SLICES, int(sys.argv[2])), SLICES) for _ in range(25)])
"""


@pytest.mark.parametrize("disk", ["with links", "without links"])
def test_two_clients_that_add_labels_at_once_overwrite_nothing(job: JobFolder, disk: str) -> None:
    commands = [[sys.executable, "-c", RACER, str(job.root), str(seed), disk] for seed in (1, 2)]
    racers = [subprocess.Popen(command, stdout=subprocess.PIPE) for command in commands]
    mine = [json.loads(racer.communicate(timeout=30)[0]) for racer in racers]
    assert sorted(mine[0] + mine[1]) == list(range(1, 51))
    for seed, numbers in zip((1, 2), mine, strict=True):
        for n in numbers:
            found = np.load(job.inputs / f"labels-{n}.npz", allow_pickle=False)["label"]
            assert np.array_equal(found, label(SLICES, seed))
    assert not list(job.inputs.glob("*.tmp.*"))


def test_labels_are_not_lost_where_the_disk_has_no_hard_links(job: JobFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.EPERM, "no hard links here")

    monkeypatch.setattr(numbered.os, "link", refuse)
    assert [job.add_labels("c001", label(SLICES, seed), SLICES) for seed in (1, 2)] == [1, 2]


def test_weights_to_start_from_are_verified(tmp_path: Path) -> None:
    weights = tmp_path / "model.pt"
    weights.write_bytes(b"weights")
    job = JobFolder.create(tmp_path / "job")
    job.submit(specification(job, kind="predict", start_from=job.put_model(weights)))
    start = job.start_model()
    assert start is not None
    assert start.read_bytes() == b"weights"
    start.write_bytes(b"weightz")
    with pytest.raises(JobError, match="does not hold"):
        JobFolder(job.root).start_model()
