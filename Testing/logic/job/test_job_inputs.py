"""What the client gives is whole, what it says it is, and never changed."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from SemiSegLogic.job import JobError, JobFolder
from SemiSegLogic.job.drawn import to_arrays
from Testing.support.jobs import SHAPE, drawn, image, label, specification
from Testing.support.volumes import label_of


def test_arrays_come_back_bit_for_bit(job: JobFolder) -> None:
    first, second = JobFolder(job.root).spec().cases
    assert np.array_equal(job.image(first.image), image(1))
    assert np.array_equal(job.image(second.image), image(2))
    assert np.array_equal(label_of(job.label(str(first.label)), SHAPE), label())


def test_images_are_mapped_not_loaded(job: JobFolder) -> None:
    assert isinstance(job.image(job.spec().cases[0].image), np.memmap)


def test_the_same_content_is_stored_once(job: JobFolder) -> None:
    before = sorted(os.listdir(job.inputs))
    assert job.put_image(image(1)[:, ::-1][:, ::-1]) == job.spec().cases[0].image  # strided, same values
    assert job.put_image(image(1).astype(">i2")) == job.spec().cases[0].image
    assert job.put_label(drawn(), SHAPE) == job.spec().cases[0].label
    assert sorted(os.listdir(job.inputs)) == before


@pytest.mark.parametrize(
    "array",
    [np.zeros((3, 4)), np.zeros((2, 2, 2, 2)), np.zeros(SHAPE, complex), np.full(SHAPE, np.nan),
     np.zeros(SHAPE, bool), np.zeros(SHAPE, object), np.zeros((0, 3, 3))],
)
def test_what_is_no_image_is_refused(job: JobFolder, array: np.ndarray) -> None:
    with pytest.raises(JobError, match="image"):
        job.put_image(array)


@pytest.mark.parametrize("keep", [0, 5, 60, 130, -1])
def test_a_truncated_image_is_named(job: JobFolder, keep: int) -> None:
    path = job.inputs / f"{job.spec().cases[0].image}.npy"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(JobError, match=path.name):
        job.image(job.spec().cases[0].image)


def test_one_changed_bit_of_an_image_is_found(job: JobFolder) -> None:
    path = job.inputs / f"{job.spec().cases[0].image}.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(JobError, match="does not hold what its name says"):
        job.image(job.spec().cases[0].image)


def test_pickled_objects_are_refused(job: JobFolder) -> None:
    path = job.inputs / f"{job.spec().cases[0].label}.npz"
    np.savez(path, **{**to_arrays(drawn(), SHAPE), "along0": np.array([{"a": 1}], object)})
    with pytest.raises(JobError, match="objects"):
        job.label(str(job.spec().cases[0].label))
    np.save(job.inputs / f"{job.spec().cases[0].image}.npy", np.array([{"a": 1}], object))
    with pytest.raises(JobError, match="objects"):
        job.image(job.spec().cases[0].image)


def test_a_header_that_claims_more_than_the_file_holds_takes_no_memory(job: JobFolder) -> None:
    path = job.inputs / "labels-1.npz"
    forms = {"case": ("<U4", ()), "shape": ("<i8", (3,)), "slices": ("<i8", (1, 2)), "along1": ("|u1", (0, 4, 5)),
             "along2": ("|u1", (0, 4, 6)), "along0": ("|u1", (10**6, 10**6, 10**3))}
    with zipfile.ZipFile(path, "w") as archive:
        for name, (kind, shape) in forms.items():
            with archive.open(f"{name}.npy", "w") as stream:
                header = {"descr": kind, "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(stream, header)
                stream.write(b"\0" * {"case": 16, "shape": 24, "slices": 16}.get(name, 0))
    with pytest.raises(JobError, match=r"labels-1\.npz is not whole: 'along0'"):
        job.newest_labels()


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
