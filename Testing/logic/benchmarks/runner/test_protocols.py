"""The protocols' files as they are, and what is said about files and data that do not fit."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from SemiSegLogic.geometry import SliceIndex
from SemiSegLogic.settings import METHOD_SETTINGS
from Testing.benchmarks.runner.data.slices import chosen_slices
from Testing.benchmarks.runner.definitions.checked import BenchmarkError
from Testing.benchmarks.runner.definitions.datasets import Collection, data_set
from Testing.benchmarks.runner.definitions.protocol import Choice, protocol, protocol_names
from Testing.benchmarks.runner.definitions.runs import runs
from Testing.support.made_up_set import CASES, MadeUp

SIZES = {"la": (80, 0, 20), "acdc": (140, 20, 40), "hc18": (687, 107, 205), "hippocampus": (200, 0, 60)}
LABELLED = {"la": {"4": 4, "8": 8, "16": 16}, "acdc": {"3": 6, "7": 14, "14": 28}, "hc18": {"10%": 68, "20%": 137}}


@pytest.mark.parametrize("name", sorted(SIZES))
def test_the_splits_have_the_published_sizes_and_share_no_case(name: str) -> None:
    data = protocol(name).data
    lists = [data.train, data.validation, data.test]
    assert tuple(map(len, lists)) == SIZES[name]
    assert len({case for cases in lists for case in cases}) == sum(SIZES[name])


def test_no_patient_and_no_exam_is_on_two_sides() -> None:
    for name in ("acdc", "hc18"):
        data = protocol(name).data
        sides = [{case.partition("_")[0] for case in cases} for cases in (data.train, data.validation, data.test)]
        assert sum(map(len, sides)) == len(set.union(*sides))


@pytest.mark.parametrize(("name", "cell"), [(name, cell) for name, cells in LABELLED.items() for cell in cells])
def test_labelled_cases_are_the_first_of_the_training_list(name: str, cell: str) -> None:
    about = protocol(name)
    chosen = [one.case for one in about.annotated(cell, 0)]
    assert chosen == about.data.train[: LABELLED[name][cell]]


@pytest.mark.parametrize("name", protocol_names())
def test_every_recipe_of_every_protocol_can_be_queued(name: str) -> None:
    about = protocol(name)
    for recipe in about.recipes.values():
        queue = runs(about, recipe, Choice())
        assert len({run.key for run in queue}) == len(queue) > 0
        assert {run.method for run in queue} <= set(METHOD_SETTINGS)
        assert all(len(run.split) == len(run.settings) == 16 for run in queue)


@pytest.mark.parametrize("name", ["few_slices_la", "few_slices_hippocampus", "few_slices_acdc"])
def test_few_slices_are_twenty_cells_nested_and_another_draw_for_every_seed(name: str) -> None:
    about = protocol(name)
    assert {f"{n}x{v}" for n in (1, 3, 5, 10) for v in (1, 2, 4, 8, 16)} <= set(about.cells)
    few, many = ([one.case for one in about.annotated(cell, 0)] for cell in ("3x4", "3x16"))
    assert (len(few), len(many), many[:4]) == (4, 16, few)
    assert len({about.split_hash("1x1", seed) for seed in (0, 1, 2)}) == 3
    for one in about.annotated("3x8", 1):
        assert one.places is None or len(one.places) == 3


def test_the_hash_follows_every_part_of_the_split(blobs: MadeUp) -> None:
    first = blobs.protocol()
    known = {first.split_hash("3x2", 0)}
    assert first.split_hash("3x2", 0) in known
    for other in (first.split_hash("3x2", 1), first.split_hash("1x1", 0), first.split_hash("all", 0)):
        assert other not in known
        known.add(other)
    blobs.change_set(test=CASES[6:7])
    assert blobs.protocol().split_hash("3x2", 0) not in known


def test_slices_that_nobody_wrote_down_follow_the_rule() -> None:
    label = np.zeros((12, 20, 20), np.uint8)
    label[2:11, 5:15, 5:15] = 1
    assert chosen_slices(label, 3, 0, 0) == [SliceIndex(0, index) for index in (4, 6, 8)]
    assert [place.axis for place in chosen_slices(label, 1, None, 0)] == [0]


# --- what is said when something is missing or other than the protocol says ---------------------------------------


def collection(made: MadeUp, folder: Path | None = None) -> Collection:
    return Collection(data_set("blobs", made.protocols / "sets"), folder or made.data)


def test_cases_are_read_with_their_grid_and_kept(blobs: MadeUp) -> None:
    cases = collection(blobs)
    case = cases.case("case3")
    assert (case.grid.spacing, case.label.dtype) == ((2.0, 1.0, 1.0), np.uint8)
    assert sorted(np.unique(case.label)) == [0, 1, 2]
    assert cases.case("case3") is case


def test_a_folder_that_is_missing_or_holds_something_else_is_named(blobs: MadeUp, tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match=r"nowhere is no folder.*--data"):
        collection(blobs, tmp_path / "nowhere")
    (tmp_path / "other").mkdir()
    with pytest.raises(BenchmarkError, match=r"No image of Made-up blobs is in .*other"):
        collection(blobs, tmp_path / "other")


def test_a_missing_case_is_named_before_anything_is_trained(blobs: MadeUp) -> None:
    (blobs.data / "blobs" / "labels" / "case4.nrrd").unlink()
    with pytest.raises(BenchmarkError, match=r"Case case4 .* missing.*case4\.nrrd"):
        collection(blobs).check(CASES)


def test_a_changed_case_is_refused_with_both_digests(blobs: MadeUp) -> None:
    path = blobs.data / "blobs" / "labels" / "case2.nrrd"
    image = sitk.ReadImage(str(path))
    image[3, 3, 3] = 1 - min(int(image[3, 3, 3]), 1)
    sitk.WriteImage(image, str(path))
    with pytest.raises(BenchmarkError, match=r"case2 .* is not the one .*digest [0-9a-f]{16}, not [0-9a-f]{16}"):
        collection(blobs).case("case2")


def test_another_compression_is_the_same_case(blobs: MadeUp) -> None:
    path = blobs.data / "blobs" / "images" / "case2.nrrd"
    sitk.WriteImage(sitk.ReadImage(str(path)), str(path), useCompression=True)
    collection(blobs).case("case2")


def test_unknown_words_in_a_protocol_are_named_with_its_file(blobs: MadeUp) -> None:
    blobs.change(colour="red")
    with pytest.raises(BenchmarkError, match=r"blobs\.json does not know 'colour'. It takes: name, title"):
        blobs.protocol()
    blobs.change(recipes={"short": {"settings": "clinical", "why": "", "stepps": 4}})
    with pytest.raises(BenchmarkError, match=r"blobs\.json, recipe short, does not know 'stepps'"):
        blobs.protocol()
    blobs.change(cells={"3x2": {"slices": 3}})
    with pytest.raises(BenchmarkError, match="cell 3x2, lacks 'volumes'"):
        blobs.protocol()


def test_what_does_not_exist_is_answered_with_what_does(blobs: MadeUp) -> None:
    about = blobs.protocol()
    with pytest.raises(BenchmarkError, match="no protocol 'cells'; there are blobs"):
        protocol("cells", blobs.protocols)
    with pytest.raises(BenchmarkError, match="no cell '9x9'; it has 3x2, 1x1, all"):
        about.split_hash("9x9", 0)
    with pytest.raises(BenchmarkError, match="no recipe 'long'; it has short, pair"):
        about.recipe("long")
    with pytest.raises(BenchmarkError, match="draws for the seeds 0, 1, not 7"):
        about.annotated("3x2", 7)


def test_a_case_on_both_sides_of_a_split_is_refused(blobs: MadeUp) -> None:
    blobs.change_set(test=CASES[5:])
    with pytest.raises(BenchmarkError, match="case5 is in train and in test"):
        blobs.protocol()


def test_acdc_is_read_as_the_challenge_packs_it(tmp_path: Path) -> None:
    """Two annotated frames among others of a patient, numbered by the moment in the heart's beat."""
    patient = tmp_path / "training" / "patient099"
    patient.mkdir(parents=True)
    for number, frame in enumerate((1, 9)):
        for ending, value in (("", 50 + number), ("_gt", 3)):
            array = np.zeros((4, 6, 5), np.int16)
            array[1:3, 2:4, 1 + number] = value
            sitk.WriteImage(sitk.GetImageFromArray(array), str(patient / f"patient099_frame{frame:02d}{ending}.nii.gz"))
    cases = Collection(data_set("acdc"), tmp_path)
    first, second = (cases.case(f"patient099_frame0{frame}") for frame in (1, 2))
    assert (first.image.max(), second.image.max(), second.label.max()) == (50, 51, 3)
    assert first.label[1, 2, 1] == second.label[1, 2, 2] == 3
    with pytest.raises(BenchmarkError, match=r"patient038_frame01 .* missing"):
        cases.case("patient038_frame01")


def test_hc18_takes_the_size_of_a_pixel_from_its_table(tmp_path: Path) -> None:
    name = data_set("hc18").train[0]
    for part in ("images", "masks"):
        (tmp_path / part).mkdir()
        array = np.zeros((6, 8), np.uint8)
        array[2:4, 3:6] = 255
        sitk.WriteImage(sitk.GetImageFromArray(array), str(tmp_path / part / f"{name}.png"))
    (tmp_path / "cases.csv").write_text(f"filename,spacing_mm\n{name}.png,0.25\n")
    about = data_set("hc18")
    about.digests.clear()  # these are not the published pixels
    case = Collection(about, tmp_path).case(name)
    assert (case.image.shape, case.grid.spacing) == ((1, 6, 8), (1.0, 0.25, 0.25))
    assert sorted(np.unique(case.label)) == [0, 1]


def test_the_order_by_ticket_is_that_of_a_hash_anyone_can_compute() -> None:
    train = protocol("few_slices_la").data.train
    first = min(train, key=lambda case: hashlib.sha256(f"2 {case}".encode()).hexdigest())
    assert protocol("few_slices_la").annotated("1x1", 2)[0].case == first


def test_the_largest_piece_is_kept_with_every_method_whose_paper_keeps_it_on_la() -> None:
    la = protocol("la")
    kept = la.recipe("paper_largest")
    assert kept.largest
    assert {"bcp", "transmedseg", "cad", "m3hl"} <= set(kept.methods)
    assert not {"medl", "c3s3", "mn", "mean_teacher"} & set(kept.methods)
    assert not la.recipe("paper").largest
