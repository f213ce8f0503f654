"""Going on from an earlier model when structures came, went or changed their names; and what it may be measured on."""

from __future__ import annotations

from pathlib import Path

import torch

from SemiSegLogic.engine.plan import Plan
from SemiSegLogic.methods import make
from SemiSegLogic.methods.base import Method, Task
from SemiSegLogic.runner.model import Model
from SemiSegLogic.runner.warm import start_from
from Testing.support.blobs import BlobStudy, spread, tiny
from Testing.support.rounds import finished

PATCH = (8, 16, 16)


def task(classes: int) -> Task:
    return Task(1, classes, 3, PATCH, "fast", (1 / classes,) * classes)


def model(*values: int) -> Model:
    torch.manual_seed(1)
    method = make("supervised", {}, task(1 + len(values)))
    return Model.of(method, "supervised", Plan(3, 0, (1.0, 1.0, 1.0), PATCH), values, None)


def started(earlier: Model, *values: int) -> Method:
    torch.manual_seed(2)
    method = make("supervised", {}, task(1 + len(values)))
    assert start_from(method, earlier, values) == 2  # the network and its average
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


def test_a_model_that_may_have_seen_everything_is_not_measured_but_told(blobs: BlobStudy, jobs: Path) -> None:
    one = finished(blobs.study, jobs, tiny(4, 2))
    assert one.model is not None
    known = Model.load(one.model)
    Model(**{**vars(known), "seen": None}).save(one.model)  # as live learning leaves it
    two = finished(blobs.study, jobs, tiny(4, 2), start_from=one.model)
    scores = two.job.status().scores
    assert "had learned from every slice" in scores["quality"]["words"]
    assert scores["checked"] is False
