"""One slice, single images, odd grids, slices along several axes, missing classes: each trains and predicts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from SemiSegLogic.geometry import Grid, SliceIndex
from SemiSegLogic.runner.model import Model
from SemiSegLogic.study import ImageError, LabelError, Study, export_case, write_image
from Testing.support.blobs import STRUCTURES, add_volume, label_files, make_study, spread, tiny
from Testing.support.data.blob_images import blob, dice
from Testing.support.rounds import begin, finished, run_here


def test_one_slice_in_one_volume_is_enough_to_begin(tmp_path: Path, jobs: Path) -> None:
    blobs = make_study(tmp_path, count=1, annotated=1, slices=1)
    this = finished(blobs.study, jobs, tiny(4, 2))
    assert this.job.status().scores["checked"] is False
    assert blobs.cases[0].has_suggestion


def test_an_empty_slice_alone_is_background_and_no_error(tmp_path: Path, jobs: Path) -> None:
    blobs = make_study(tmp_path, count=1, annotated=0)
    blobs.cases[0].set_slices(np.zeros(blobs.cases[0].grid.shape, np.uint8), [SliceIndex(0, 2)], "ann")
    finished(blobs.study, jobs, tiny(4, 2))
    assert blobs.cases[0].has_suggestion


@pytest.mark.parametrize("flat", [0, 2], ids=["as 2D files", "as sagittal slices"])
def test_single_images_are_learned_and_segmented_in_two_dimensions(tmp_path: Path, jobs: Path, flat: int) -> None:
    shape = (1, 40, 44) if flat == 0 else (40, 44, 1)
    study, truth = Study.create(tmp_path / "study", structures=STRUCTURES), {}
    for number in range(4):
        (image, label), path = blob((9, 40, 44), number), tmp_path / f"image{number}.nrrd"
        write_image(path, image[4].reshape(shape), Grid(shape))
        case = study.add_case(path)
        truth[case.id] = label[4].reshape(shape)
        if number < 3:
            case.set_slices(truth[case.id], [SliceIndex(flat, 0)], "ann")
    this = finished(study, jobs, tiny(60, 60))
    model = Model.load(this.job.weights)
    assert (model.plan.dims, model.plan.patch[0]) == (2, 1)
    last = study.cases[3]
    assert last.suggestion().shape == shape
    assert dice(last.suggestion() > 0, truth[last.id] > 0, True) > 0.7
    assert {(item.case, item.place) for item in this.next_slices()} == {(last.id, SliceIndex(flat, 0))}
    assert all(file.verified for file in export_case(last, study.exports))


def test_single_images_of_different_zoom_are_taken_to_be_equally_large(tmp_path: Path, jobs: Path) -> None:
    """As ultrasound is: the structure fills its image alike, at a pixel of 0.3 mm as at one of 1.5."""
    study, truth, shape = Study.create(tmp_path / "study", structures=STRUCTURES), {}, (1, 40, 44)
    for number, pixel in enumerate((0.3, 0.5, 1.0, 1.5)):
        (image, label), path = blob((9, 40, 44), number), tmp_path / f"image{number}.nrrd"
        write_image(path, image[4].reshape(shape), Grid(shape, (1.0, pixel, pixel)))
        case = study.add_case(path)
        truth[case.id] = label[4].reshape(shape)
        if number < 3:
            case.set_slices(truth[case.id], [SliceIndex(0, 0)], "ann")
    this = finished(study, jobs, tiny(60, 60))
    side = (40 * 44) ** 0.5 * 0.75  # mm: the median picture has pixels of 0.75
    assert Model.load(this.job.weights).plan.frame == pytest.approx(side)
    assert f"each treated as {side:.0f} x {side:.0f} mm" in this.job.card.with_suffix(".md").read_text()
    last = study.cases[3]
    assert last.suggestion().shape == shape
    assert dice(last.suggestion() > 0, truth[last.id] > 0, True) > 0.7


def test_slices_along_several_axes_of_one_volume_are_all_used(tmp_path: Path, jobs: Path) -> None:
    blobs = make_study(tmp_path, count=2, annotated=0)
    case = blobs.cases[0]
    truth = blobs.truth[case.id]
    places = [place for axis in range(3) for place in spread(truth, 2, axis)]
    case.set_slices(truth, places, "ann")
    this = finished(blobs.study, jobs, tiny(4, 2))
    drawn = np.isin(case.sparse_labels(), (0, 1, 2))
    assert np.array_equal(case.suggestion()[drawn], truth[drawn])
    assert [len(one.slices) for one in this.job.spec().cases if one.slices] == [6]
    assert this.card()["annotated_slices"] == 4, "two were held out"
    assert not {item.place for item in this.next_slices() if item.case == case.id} & set(places)


def test_volumes_on_flipped_permuted_and_oblique_grids_are_understood_alike(tmp_path: Path, jobs: Path) -> None:
    kinds = ("upright", "flipped", "sagittal", "left-handed")
    blobs = make_study(tmp_path, count=8, annotated=4, slices=4, shape=(24, 22, 23), kinds=kinds)
    finished(blobs.study, jobs, tiny(70, 70))
    found = {case.id: dice(case.suggestion() > 0, blobs.truth[case.id] > 0, True) for case in blobs.cases[4:]}
    assert min(found.values()) > 0.8, found
    sides = [dice(case.suggestion(), blobs.truth[case.id], 2) for case in blobs.cases[4:]]
    assert min(sides) > 0.4, sides  # the cap lies at the same side of every patient


def test_an_oblique_grid_among_straight_ones_gets_its_mask_in_place(tmp_path: Path, jobs: Path) -> None:
    blobs = make_study(tmp_path, count=4, annotated=3, slices=4, kinds=("oblique", "upright"), shape=(24, 22, 23))
    finished(blobs.study, jobs, tiny(70, 70))
    for case in blobs.cases:
        assert dice(case.suggestion() > 0, blobs.truth[case.id] > 0, True) > 0.8
        (file,) = export_case(case, blobs.study.exports, ("nrrd",))
        assert file.verified


def test_the_same_view_of_every_patient_is_suggested(tmp_path: Path, jobs: Path) -> None:
    blobs = make_study(tmp_path, count=2, annotated=1, kinds=("upright", "sagittal"))
    this = finished(blobs.study, jobs, tiny(30, 30))
    sagittal = blobs.cases[1].grid.orientation()
    assert {item.place.axis for item in this.next_slices() if item.case == "volume1"} == {sagittal.sources[0]}
    assert sagittal.sources[0] != 0


def test_thick_slices_drawn_from_another_side_are_told_so(tmp_path: Path, jobs: Path) -> None:
    study = Study.create(tmp_path / "study", structures=STRUCTURES)
    image, label = blob((10, 24, 24), 0)
    write_image(tmp_path / "thick.nrrd", image, Grid((10, 24, 24), (8.0, 1.0, 1.0)))
    case = study.add_case(tmp_path / "thick.nrrd")
    case.set_slices(label, spread(label, 3, 2), "ann")
    status = run_here(begin(study, jobs, tiny(4, 2)))
    assert status.state == "failed"
    assert status.error is not None
    assert "thick" in status.error["text"]
    assert "k" in status.error["text"]


def test_two_people_who_disagree_are_both_learned_from_and_the_last_word_on_a_slice_counts(
    tmp_path: Path, jobs: Path
) -> None:
    blobs = make_study(tmp_path)
    case, other = blobs.cases[0], blobs.cases[1]
    place, swapped = case.places[0], blobs.truth[case.id].copy()
    swapped[blobs.truth[case.id] == 1], swapped[blobs.truth[case.id] == 2] = 2, 1
    case.set_slices(swapped, [place], "bob")  # the very slice that somebody else drew the other way round
    other.set_slices(np.zeros_like(blobs.truth[other.id]), [SliceIndex(2, 7)], "bob")  # across: nothing, he says
    this = finished(blobs.study, jobs, tiny(4, 2))
    assert this.job.status().state == "done"
    learned = case.sparse_labels()
    assert np.array_equal(learned[place.index], swapped[place.index])
    assert [item.author for item in case.annotated if item.place == place] == ["bob"]


def test_what_cannot_enter_the_study_changes_nothing_in_it(tmp_path: Path) -> None:
    blobs = make_study(tmp_path)
    before, case = label_files(blobs.study), blobs.cases[0]
    write_image(tmp_path / "constant.nrrd", np.full((4, 5, 6), 7, np.int16), Grid((4, 5, 6)))
    with pytest.raises(ImageError, match=r"constant.nrrd holds the value 7"):
        blobs.study.add_case(tmp_path / "constant.nrrd")
    with pytest.raises(LabelError, match="unknown label value 9"):
        case.set_slices(np.full(case.grid.shape, 9, np.uint8), [SliceIndex(0, 3)], "ann")
    with pytest.raises(LabelError, match="shape"):
        case.set_slices(np.zeros((3, 3, 3), np.uint8), [SliceIndex(0, 1)], "ann")
    with pytest.raises(Exception, match=r"same voxels as case 'volume0'"):
        blobs.study.add_case(tmp_path / "volume0.nrrd", name="twin")
    assert label_files(blobs.study) == before
    assert [case.id for case in blobs.cases] == ["volume0", "volume1", "volume2"]


def test_volumes_of_very_different_sizes_train_together(tmp_path: Path, jobs: Path) -> None:
    blobs = make_study(tmp_path)
    flat, _ = add_volume(blobs.study, tmp_path, 8, (1, 20, 20))
    large, _ = add_volume(blobs.study, tmp_path, 9, (40, 33, 21))
    finished(blobs.study, jobs, tiny(4, 2))
    assert flat.suggestion().shape == (1, 20, 20)
    assert large.suggestion().shape == (40, 33, 21)


def test_a_method_that_cannot_learn_from_the_data_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    """Not after the first mask, when a person has waited for it."""
    this = begin(make_study(tmp_path).study, tmp_path / "jobs", method="ersr")
    status = run_here(this)
    assert (status.state, status.step, status.results) == ("failed", 0, {})
    assert status.error is not None
    assert "choose m3hl or bcp" in status.error["text"]
