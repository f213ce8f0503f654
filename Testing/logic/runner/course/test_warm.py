"""Going on from an earlier model when structures came, went or changed their names; and what it may be measured on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from SemiSegLogic.engine.hardware.device import Device
from SemiSegLogic.engine.planning.plan import Plan
from SemiSegLogic.engine.training import checkpoint
from SemiSegLogic.engine.training.trainer import Trainer
from SemiSegLogic.geometry import SliceIndex
from SemiSegLogic.methods import make
from SemiSegLogic.methods.base import Method, Task
from SemiSegLogic.rounds import Round
from SemiSegLogic.runner import data
from SemiSegLogic.runner.course.parts import SeenSlice, seen_by
from SemiSegLogic.runner.course.warm import NO_START, fits, start_from
from SemiSegLogic.runner.model import Model
from SemiSegLogic.settings import METHOD_SETTINGS
from Testing.support.blobs import BlobStudy, spread, tiny
from Testing.support.rounds import at_step, begin, finished

PATCH = (8, 16, 16)
VOLUME_METHODS = sorted(METHOD_SETTINGS.keys() - {"ersr"})  # that one learns from slices
WIDENED = tiny(10, 4)  # the last two steps learn from the slices that were held out, too


def task(classes: int) -> Task:
    return Task(1, classes, 3, PATCH, "fast", (1 / classes,) * classes)


def model(*values: int) -> Model:
    torch.manual_seed(1)
    method = make("supervised", {}, task(1 + len(values)))
    return Model.of(method, "supervised", Plan(3, 0, (1.0, 1.0, 1.0), PATCH), values, None)


def started(earlier: Model, *values: int) -> Method:
    torch.manual_seed(2)
    method = make("supervised", {}, task(1 + len(values)))
    assert start_from(method, earlier, values, earlier.plan) == 2  # the network and its average
    return method.eval()


def logits(method: Method, number: int) -> torch.Tensor:
    image = torch.rand(1, 1, *PATCH, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        return method.predictor()(image)[0, number]


def test_the_same_structures_give_the_same_answers() -> None:
    earlier = model(1, 2)
    old, new = earlier.build(torch.device("cpu")), started(earlier, 1, 2)
    assert all(torch.equal(logits(old, n), logits(new, n)) for n in range(3))


def test_a_structure_that_stays_keeps_its_answers_wherever_its_row_goes() -> None:
    earlier = model(1, 2)
    old = earlier.build(torch.device("cpu"))
    gone_and_come, more = started(earlier, 2, 5), started(earlier, 1, 2, 5)
    assert torch.allclose(logits(old, 2), logits(gone_and_come, 1), atol=1e-5)
    assert torch.allclose(logits(old, 0), logits(gone_and_come, 0), atol=1e-5)
    assert not torch.allclose(logits(old, 2), logits(gone_and_come, 2), atol=1e-3)  # a new structure starts fresh
    assert all(torch.allclose(logits(old, n), logits(more, n), atol=1e-5) for n in range(3))


@pytest.mark.parametrize("name", VOLUME_METHODS)
def test_every_method_goes_on_from_its_own_model_as_it_was(name: str) -> None:
    torch.manual_seed(1)
    settings = {"slice_network": "unet"} if name == "mn" else {}
    plan = Plan(3, 0, (1.0, 1.0, 1.0), PATCH)
    earlier = Model.of(make(name, settings, task(3)), name, plan, (1, 2), None)
    method, other = make(name, settings, task(3)), make(name, settings, task(3))
    assert start_from(method, earlier, (1, 2), plan) > 0
    assert start_from(other, earlier, (2, 1), plan) > 0  # the same structures in another order
    old = earlier.build(torch.device("cpu"))
    assert all(torch.equal(logits(old, n), logits(method.eval(), n)) for n in range(3))
    assert all(torch.allclose(logits(old, n), logits(other.eval(), m), atol=1e-5) for n, m in ((0, 0), (1, 2), (2, 1)))


@pytest.mark.parametrize("name", ["medl", "c3s3"])
def test_another_method_goes_on_from_the_first_network_of_an_ensemble(name: str) -> None:
    plan = Plan(3, 0, (1.0, 1.0, 1.0), PATCH)
    ensemble = Model.of(make(name, {}, task(3)), name, plan, (1, 2), None)
    assert fits(ensemble, task(3), plan)
    first = ensemble.build(torch.device("cpu")).first
    assert isinstance(first, torch.nn.Module)
    supervised = started(ensemble, 1, 2)
    with torch.no_grad():
        image = torch.rand(1, 1, *PATCH, generator=torch.Generator().manual_seed(3))
        assert torch.equal(first(image)[0, 1], logits(supervised, 1))


def test_the_second_round_holds_out_only_what_the_model_never_saw(blobs: BlobStudy, jobs: Path) -> None:
    one = finished(blobs.study, jobs, tiny(4, 2))
    seen = Model.load(one.job.weights).seen
    assert seen is not None
    drawn = sum(len(case.slices) for case in one.job.spec().cases)
    assert 0 < len(seen) < drawn
    case = blobs.cases[2]
    case.set_slices(blobs.truth[case.id], spread(blobs.truth[case.id], 3), "ann")
    two = finished(blobs.study, jobs, tiny(4, 2), start_from=one.model)
    again = Model.load(two.job.weights)
    assert again.seen is not None
    unseen = {(c.image, p.axis, p.index) for c in two.job.spec().cases for p in c.slices} - set(again.seen)
    assert unseen
    assert not unseen & set(seen)
    assert again.quality["slices"] == len(unseen)


def test_a_slice_that_was_learned_in_one_case_is_not_new_in_another_of_the_same_image(
    blobs: BlobStudy, jobs: Path, tmp_path: Path
) -> None:
    """Two people drew in the same image: nothing is measured on what the model knows from the one."""
    twin = blobs.study.add_case(tmp_path / "volume0.nrrd", name="twin", duplicates=True)
    job = begin(blobs.study, jobs).job
    loaded = data.load(job, Device(torch.device("cpu"), False, 8 << 30), lambda *_: None)
    found = seen_by([(twin.digest, 0, 5)], job.spec(), loaded)
    assert found == {"c001": [SliceIndex(0, 5)], "c002": [SliceIndex(0, 5)]}


def test_a_model_that_may_have_seen_everything_is_not_measured_but_told(blobs: BlobStudy, jobs: Path) -> None:
    one = finished(blobs.study, jobs, tiny(4, 2))
    assert one.model is not None
    known = Model.load(one.model)
    Model(**{**vars(known), "seen": None}).save(one.model)  # as live learning leaves it
    two = finished(blobs.study, jobs, tiny(4, 2), start_from=one.model)
    scores = two.job.status().scores
    assert "had learned from every slice" in scores["quality"]["words"]
    assert scores["checked"] is False


def drawn(this: Round) -> set[SeenSlice]:
    return {(case.image, place.axis, place.index) for case in this.job.spec().cases for place in case.slices}


def test_what_was_judged_is_kept_beside_what_has_learned_from_every_slice(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_its_end: dict[str, torch.Tensor] = {}

    def note(trainer: Trainer) -> None:
        at_its_end.update({name: value.clone() for name, value in trainer.method.predictor().state_dict().items()})

    at_step(monkeypatch, 9, note)  # the leg over all slices begins where the judged one ended
    this = finished(blobs.study, jobs, WIDENED)
    model = Model.load(this.job.weights)
    assert model.judged is not None
    assert model.judged.seen is not None
    assert model.seen is not None
    assert set(model.seen) == drawn(this)
    assert len(drawn(this) - set(model.judged.seen)) == model.quality["slices"]
    assert all(torch.equal(value, at_its_end[name]) for name, value in model.judged.network.items())
    final = model.build(torch.device("cpu")).predictor().state_dict()
    assert not all(torch.equal(value, final[name]) for name, value in model.judged.network.items())


def test_nothing_is_kept_beside_a_model_that_never_saw_what_judged_it(blobs: BlobStudy, jobs: Path) -> None:
    model = Model.load(finished(blobs.study, jobs, tiny(4, 2)).job.weights)
    assert model.judged is None
    assert model.beginning().seen == model.seen


def test_a_second_round_without_a_new_slice_states_its_quality_on_slices_that_no_part_of_it_ever_saw(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = finished(blobs.study, jobs, WIDENED)
    judged = Model.load(one.job.weights).beginning()
    assert judged.seen is not None
    learned: set[SeenSlice] = set(judged.seen)
    digests = {case.id: case.image for case in one.job.spec().cases}

    def note(trainer: Trainer) -> None:
        for volume in trainer.sampler.volumes:
            for place in volume.training_slices:
                own = volume.turn.slice_to_array(place, volume.grid.shape)
                learned.add((digests[volume.name], own.axis, own.index))

    for step in (1, 5, 8):
        at_step(monkeypatch, step, note)
    two = finished(blobs.study, jobs, WIDENED, start_from=one.model)
    quality = two.job.status().scores["quality"]
    assert 0 <= quality["low"] <= quality["dice"] <= quality["high"] <= 1
    assert quality["slices"] == len(drawn(two) - learned) > 0
    again = Model.load(two.job.weights)
    assert again.judged is not None
    assert again.seen is not None
    assert set(again.seen) == drawn(two)  # in the end it has learned from all of them


def test_a_model_file_of_before_is_read_and_gone_on_from_as_it_is(blobs: BlobStudy, jobs: Path) -> None:
    one = finished(blobs.study, jobs, WIDENED)
    assert one.model is not None
    state = Model.load(one.model).to_state()
    del state["judged"]
    checkpoint.save(one.model, state)
    old = Model.load(one.model)
    network = old.build(torch.device("cpu")).predictor().state_dict()
    assert old.beginning().seen == old.seen
    assert all(torch.equal(value, network[name]) for name, value in old.beginning().network.items())
    two = finished(blobs.study, jobs, WIDENED, start_from=one.model)
    assert "had learned from every slice" in two.job.status().scores["quality"]["words"]


@pytest.mark.parametrize(("changes", "expected"), [
    ({}, True),
    ({"classes": 5, "prior": (0.2,) * 5}, True),  # structures may come and go
    ({"patch": (32, 16, 16)}, False),  # deep patches have another stem
    ({"dims": 2, "patch": (1, 16, 16)}, False),
    ({"network": "plain"}, False),
], ids=str)
def test_only_a_model_of_the_same_network_is_gone_on_from(changes: dict[str, Any], expected: bool) -> None:
    earlier = model(1, 2)
    before = torch.get_rng_state()
    assert fits(earlier, replace(task(3), **changes), earlier.plan) is expected
    assert torch.equal(torch.get_rng_state(), before)  # looking draws no chance


def deep(depth_axis: int) -> Model:
    """Of patches that are as deep as wide: no axis of the network is another's."""
    torch.manual_seed(1)
    wanted = replace(task(3), patch=(16, 16, 16))
    plan = Plan(3, depth_axis, (1.0, 1.0, 1.0), wanted.patch)
    return Model.of(make("supervised", {}, wanted), "supervised", plan, (1, 2), None)


@pytest.mark.parametrize(("axis", "axes"), [(0, (0, 1, 2)), (1, (1, 0, 2)), (2, (2, 0, 1))])
@pytest.mark.parametrize("values", [(1, 2), (2, 5)])
def test_a_model_knows_volumes_that_are_turned_otherwise(
    axis: int, axes: tuple[int, int, int], values: tuple[int, int]
) -> None:
    earlier = deep(0)
    plan, wanted = replace(earlier.plan, depth_axis=axis), earlier.task
    assert fits(earlier, wanted, plan)
    old, method = earlier.build(torch.device("cpu")), make("supervised", {}, wanted)
    assert start_from(method, earlier, values, plan) == 2
    image = torch.rand(1, 1, 16, 24, 32, generator=torch.Generator().manual_seed(3))
    order = (0, 1, *(2 + side for side in axes))
    with torch.no_grad():
        before, after = old.predictor()(image), method.eval().predictor()(image.permute(order))
    assert torch.allclose(before.permute(order)[:, 2], after[:, 1 + values.index(2)], atol=1e-5)
    assert torch.allclose(before.permute(order)[:, 0], after[:, 0], atol=1e-5)


def test_a_model_of_shallow_patches_is_not_turned_but_one_of_images_need_not_be() -> None:
    shallow = model(1, 2)
    assert not fits(shallow, task(3), replace(shallow.plan, depth_axis=2))
    flat = replace(task(3), dims=2, patch=(1, 16, 16))
    plan = Plan(2, 0, (1.0, 1.0, 1.0), flat.patch)
    images = Model.of(make("supervised", {}, flat), "supervised", plan, (1, 2), None)
    assert fits(images, flat, replace(plan, depth_axis=2))


def test_what_stays_of_a_model_of_shallow_patches_is_gone_on_from_where_nothing_asks_for_more() -> None:
    shallow = model(1, 2)
    method = make("supervised", {}, task(3))
    assert start_from(method, shallow, (2, 5), replace(shallow.plan, depth_axis=2)) == 2
    own, theirs = (one.predictor().state_dict() for one in (method, shallow.build(torch.device("cpu"))))
    assert torch.equal(own["level1.second.0.weight"], theirs["level1.second.0.weight"].permute(0, 1, 4, 2, 3))
    assert not torch.equal(own["stem.0.weight"], theirs["stem.0.weight"])


def test_a_round_drawn_across_the_slices_of_the_last_one_goes_on_from_it(blobs: BlobStudy, jobs: Path) -> None:
    one = finished(blobs.study, jobs, tiny(2, 1))
    for case in blobs.cases:
        case.set_slices(blobs.truth[case.id], spread(blobs.truth[case.id], 5, axis=2), "ann")
    two = finished(blobs.study, jobs, tiny(2, 1), start_from=one.model)
    assert [Model.load(this.job.weights).plan.depth_axis for this in (one, two)] == [0, 2]
    assert two.card()["went_on_from"] is not None
    assert NO_START not in two.job.status().scores.get("reasons", [])


def test_a_model_of_another_network_is_left_aside_and_the_card_says_so(blobs: BlobStudy, jobs: Path) -> None:
    one = finished(blobs.study, jobs, tiny(2, 1, network="plain"))
    two = finished(blobs.study, jobs, tiny(2, 1), start_from=one.model)
    cold = finished(blobs.study, jobs, tiny(2, 1))
    mine, theirs = (Model.load(this.job.weights) for this in (two, cold))
    assert all(torch.equal(value, theirs.weights[name]) for name, value in mine.weights.items())
    assert two.job.status().scores["reasons"][0] == NO_START
    assert two.card()["went_on_from"] is None
