"""From a job to volumes on the device: what is kept in memory, what a label may be."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from SemiSegLogic.engine.data import keeping
from SemiSegLogic.engine.hardware.device import Device
from SemiSegLogic.geometry import IGNORE, SliceIndex, planes_of
from SemiSegLogic.job import JobError, JobFolder
from SemiSegLogic.runner import data
from SemiSegLogic.runner.data import Data
from SemiSegLogic.runner.live import plans
from Testing.support.blobs import BlobStudy, spread, tiny
from Testing.support.rounds import begin

CPU = Device(torch.device("cpu"), False, 8 << 30)


def load(blobs: BlobStudy, jobs: Path) -> Data:
    return data.load(begin(blobs.study, jobs).job, CPU, lambda done, of: None)


def test_images_take_two_bytes_a_voxel_and_labels_only_where_something_is_drawn(blobs: BlobStudy, jobs: Path) -> None:
    volumes = load(blobs, jobs).volumes.values()
    assert all(volume.image.nbytes == 2 * volume.image.numel() for volume in volumes)
    assert [volume.judged is not None for volume in volumes] == [True, True, False]


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_no_image_stays_mapped_once_it_is_on_the_device(blobs: BlobStudy, jobs: Path) -> None:
    loaded = load(blobs, jobs)
    assert loaded.volumes
    assert ".npy" not in Path("/proc/self/maps").read_text()


def test_a_method_hears_of_the_label_values_of_the_structures(blobs: BlobStudy, jobs: Path) -> None:
    gone = blobs.study.add_structure("gone")
    blobs.study.add_structure("rim")
    blobs.study.remove_structure(gone.value)
    assert load(blobs, jobs).task().values == (1, 2, 4)


def test_labels_that_were_added_take_the_place_of_the_first_ones(blobs: BlobStudy, jobs: Path) -> None:
    this, case = begin(blobs.study, jobs), blobs.cases[2]
    case.set_slices(blobs.truth[case.id], spread(blobs.truth[case.id], 2), "ann")
    this.add_labels(case)
    loaded = data.load(this.job, CPU, lambda done, of: None)
    assert loaded.labels_used == 1
    assert len(loaded.volumes["c003"].slices) == 2


def test_the_last_slice_can_be_taken_back(blobs: BlobStudy, jobs: Path) -> None:
    this, case = begin(blobs.study, jobs), blobs.cases[0]
    case.unmark(case.places, "ann")
    this.add_labels(case)
    loaded = data.load(this.job, CPU, lambda done, of: None)
    assert loaded.volumes["c001"].slices == ()
    judged = loaded.volumes["c001"].judged
    assert judged is not None
    assert not judged.is_judged()


def test_a_label_file_with_an_unknown_value_is_named(blobs: BlobStudy, jobs: Path) -> None:
    this = begin(blobs.study, jobs)
    shape = blobs.cases[0].grid.shape
    digest = this.job.put_label({SliceIndex(0, 3): np.full(shape[1:], 9, np.uint8)}, shape)
    entry = this.job.spec().cases[0]
    text = this.job.spec_path.read_text().replace(str(entry.label), digest)
    this.job.spec_path.write_text(text)
    with pytest.raises(JobError, match=digest[:12]):
        data.load(type(this.job)(this.job.root), CPU, lambda done, of: None)


def test_everybody_hears_of_every_volume(blobs: BlobStudy, jobs: Path) -> None:
    told: list[tuple[int, int]] = []
    data.load(begin(blobs.study, jobs).job, CPU, lambda done, of: told.append((done, of)))
    assert [of for _, of in told] == [3, 3, 3]


def test_the_network_asked_for_is_the_one_that_is_trained(blobs: BlobStudy, jobs: Path) -> None:
    assert load(blobs, jobs).task().network == "fast"
    this = begin(blobs.study, jobs, training=tiny(network="vnet"))
    assert data.load(this.job, CPU, lambda done, of: None).task().network == "vnet"


def test_a_plan_is_made_for_the_method_that_was_asked_for(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, plan = list[list[str]](), data.make_plan
    for module in (data, plans):
        monkeypatch.setattr(module, "make_plan", lambda *given: asked.append([*given[-1]]) or plan(*given))
    loaded = data.load(begin(blobs.study, jobs, method="medl").job, CPU, lambda done, of: None)
    assert not plans.outgrown(loaded, CPU)
    assert asked == 2 * [["supervised", "medl"]]


def test_what_a_plan_is_made_from_follows_the_labels(blobs: BlobStudy, jobs: Path) -> None:
    loaded = load(blobs, jobs)
    volume, grid = loaded.volumes["c003"], loaded.volumes["c003"].grid
    assert loaded.facts["c003"].slices == ()
    label, place = np.full(grid.shape, IGNORE, np.uint8), SliceIndex(1, grid.shape[1] // 2)
    np.moveaxis(label, 1, 0)[place.index] = 0
    np.moveaxis(label, 1, 0)[place.index][2:5, 3:9] = 1
    loaded.take_planes("c003", planes_of(label, (place,)), n=1)
    assert loaded.facts["c003"].extent == (3, 1, 6)
    assert loaded.facts["c003"].slices == (place,)
    assert volume.slices


def test_a_second_job_reads_no_image_that_is_prepared_already(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "WORTH_CACHING", 0)
    first = load(blobs, jobs)
    monkeypatch.setattr(JobFolder, "image", lambda job, digest: pytest.fail("the image was read"))
    second = load(blobs, jobs)
    for name, volume in first.volumes.items():
        assert torch.equal(second.volumes[name].image, volume.image)


def test_the_name_of_an_image_alone_does_not_open_the_cache(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "WORTH_CACHING", 0)
    load(blobs, jobs)
    theirs = begin(blobs.study, jobs).job
    path = theirs.inputs / f"{theirs.spec().cases[0].image}.npy"
    forged = np.zeros_like(np.load(path))
    path.unlink()  # it is linked
    path.with_suffix(".seal").unlink()  # a server is given none
    np.save(path, forged)
    with pytest.raises(JobError, match=r"\.npy does not hold what its name says"):
        data.load(theirs, CPU, lambda done, all_of_them: None)
    path.unlink()
    with pytest.raises(JobError, match=r"\.npy is missing"):
        data.load(theirs, CPU, lambda done, all_of_them: None)


def test_an_image_that_was_looked_at_is_not_looked_at_again(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = begin(blobs.study, jobs).job
    for seal in job.inputs.glob("*.seal"):
        seal.unlink()
    monkeypatch.setattr(keeping, "WORTH_CACHING", 0)
    data.load(job, CPU, lambda done, all_of_them: None)
    monkeypatch.setattr(JobFolder, "image", lambda job, digest: pytest.fail("the image was read"))
    data.load(job, CPU, lambda done, all_of_them: None)


def test_a_cache_on_a_full_disk_is_remarked_and_changes_nothing(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = load(blobs, jobs)
    assert plain.remark == ""
    monkeypatch.setattr(keeping, "WORTH_CACHING", 0)
    monkeypatch.setenv("SEMISEG_CACHE_GB", "0.000001")
    tight = load(blobs, jobs)
    assert "SEMISEG_CACHE" in tight.remark
    for name, volume in plain.volumes.items():
        assert torch.equal(tight.volumes[name].image, volume.image)
