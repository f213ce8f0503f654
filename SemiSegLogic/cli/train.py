"""``semiseg train`` and ``semiseg predict``: the button, in a terminal."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

from ..backends.description import PlaceError
from ..kept_models import last_trained
from ..preflight import check
from ..rounds import Round, is_known
from ..settings import CHOICES, RECIPES, RECOMMENDED, Settings, SettingsError, Training, published, recipe
from ..study import Study, StudyError
from .counts import some_seconds
from .following import follow, hand_over
from .output import Output, add_json
from .places import Place, add_place, backend_of, ready

FIRST_STEPS = 200  # of the first mask, which comes before a paper's own steps


def add(commands: Any) -> None:
    """The grammar."""
    train = commands.add_parser("train", help="train on the slices done and suggest a segmentation of every volume")
    _add_train(train)
    predict = commands.add_parser("predict", help="make suggestions with the last model, without training")
    predict.add_argument("folder", type=Path, help="the study's folder")
    predict.add_argument("--model", type=Path, help="a model.pt (default: the last one of the study)")
    predict.set_defaults(do=_predict)
    again = commands.add_parser("follow", help="show the newest training of a study and take in its suggestions")
    again.add_argument("folder", type=Path, help="the study's folder")
    again.set_defaults(do=_follow)
    for command in (train, predict):
        command.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto",
                             help="the processor, or a graphics card (default: a graphics card if there is one)")
    for command in (train, predict, again):
        add_place(command)
        add_json(command)


def _add_train(train: argparse.ArgumentParser) -> None:
    train.add_argument("folder", type=Path, help="the study's folder")
    train.add_argument("--method", choices=list(CHOICES), default=RECOMMENDED,
                       help=f"default: {RECOMMENDED}; 'semiseg methods' says what each does")
    train.add_argument("--recipe", choices=RECIPES, default="clinical",
                       help="clinical (default): scaled to the time; paper: network, optimiser, schedule and steps as "
                            "published, from every slice done: none is kept aside to measure it (hours, and a GPU)")
    train.add_argument("--seconds", type=some_seconds, default=120.0,
                       help="time for training (default 120; not with paper)")
    train.add_argument("--first", type=some_seconds, default=25.0, help="time until the first suggestion (default 25)")
    train.add_argument("--open", metavar="CASE", help="the case to suggest first")
    begin = train.add_mutually_exclusive_group()
    begin.add_argument("--anew", action="store_true",
                       help="start from scratch, as --recipe paper does, instead of continuing from the last training")
    begin.add_argument("--start", type=Path, metavar="MODEL", help="continue from this model.pt instead")
    train.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the method")
    train.add_argument("--keep-fragments", action="store_true",
                       help="also suggest small fragments where the drawn slices show a structure in one piece")
    train.add_argument("--as-drawn", action="store_true",
                       help="learn only from the drawn slices from the start, as --recipe paper does, even where a "
                            "volume has three or fewer")
    train.set_defaults(do=_train)


def _train(options: argparse.Namespace) -> int:
    study, out = Study.open(options.folder), Output(options.json)
    place = _able(options)
    training, settings = _order(options, study)
    opened = study.called(options.open).id if options.open else None
    earlier = _beginning(options, study)
    if earlier is not None:
        out.event("start", f"Continuing from {earlier}; --anew starts from scratch.", model=str(earlier))
        _remark_unknown(study, earlier, out)
    _look_through(study, options, settings, out)
    with out.counting("Preparing") as on_progress:
        this = Round.begin(study, training, options.method, settings, jobs=place.root, open_case=opened,
                           start_from=earlier, on_progress=on_progress)
    return _submit(this, place, out)


def _look_through(study: Study, options: argparse.Namespace, settings: Settings, out: Output) -> None:
    """Say what may spoil the training. Raises StudyError where there can be none."""
    with out.working("Looking through what was drawn"):
        found = check(study, options.far is None, options.method, settings.to_dict(), max(options.places, 1))
    stops = [finding.words() for finding in found if finding.level == "stop"]
    if stops:
        raise StudyError(" ".join(stops))
    for finding in found:
        if finding.level == "warning":
            out.event("remark", finding.words(), text=finding.words(), kind=finding.kind)


def _able(options: argparse.Namespace) -> Place:
    """The place that the options choose, which takes jobs and has the device asked for. Raises NoSuchDevice,
    PlaceError before anything is prepared.
    """
    if options.device == "cuda" and options.far is None:
        from ..engine.hardware.device import require  # loads torch, which is only worth it to a person who wants a card

        require(options.device)
    place = ready(options)
    if options.device == "cuda" and not place.offers_cards:
        raise PlaceError(f"A graphics card was asked for (cuda), but {options.far} requests none for a job.",
                         'Set "gpus" there, or leave --device out.')
    return place


def _order(options: argparse.Namespace, study: Study) -> tuple[Training, Settings]:
    """How long and with which network to train, and the method's settings: the recipe's, changed by --set."""
    changes = dict(_setting(item, CHOICES[options.method]()) for item in options.set)
    if options.recipe == "clinical":
        first = min(options.first, options.seconds)
        training = Training(seconds=options.seconds, first_mask_seconds=first, device=options.device,
                            leave_out_fragments=not options.keep_fragments, carry_outlines=not options.as_drawn)
        return training, CHOICES[options.method].from_dict(changes)
    if options.method == RECOMMENDED:
        raise SettingsError(
            "The recommended method is not from a paper: with --recipe paper, choose a method with --method."
        )
    dims = _dims(study)
    paper = published(options.method, dims)
    steps = FIRST_STEPS + paper.steps
    # slices kept aside would take a fifth of the steps, and the schedule would begin again once all is learned from
    training = Training(steps=steps, first_mask_steps=FIRST_STEPS, held_out=0.0, network=paper.network,
                        device=options.device, leave_out_fragments=not options.keep_fragments, carry_outlines=False)
    values = recipe(options.method, "paper", dims).to_dict()
    return training, CHOICES[options.method].from_dict({**values, **changes})


def _dims(study: Study) -> int:
    """Whether the backend will see these cases as volumes (3) or slice by slice (2)."""
    from ..engine.hardware.device import choose
    from ..engine.planning.facts import CaseFacts
    from ..engine.planning.planner import make_plan

    facts = [CaseFacts(case.grid, tuple(item.place for item in case.annotated)) for case in study.cases]
    return make_plan(facts, [], choose()).dims


def _predict(options: argparse.Namespace) -> int:
    study, out = Study.open(options.folder), Output(options.json)
    place = _able(options)
    model = _model(options.model, study)
    if model is None:
        raise StudyError(f"There is no model in {study.folder}. Train first, or give a model with --model.")
    _remark_unknown(study, model, out)
    with out.counting("Preparing") as on_progress:
        this = Round.apply(study, model, jobs=place.root, device=options.device, on_progress=on_progress)
    return _submit(this, place, out)


def _remark_unknown(study: Study, model: Path, out: Output) -> None:
    """A sentence where nobody can tell whether a model means the same structures."""
    if not is_known(study, model):
        text = (f"{model} has no card (model.json) beside it, so SemiSeg assumes that it knows the structures of this "
                f"study: {', '.join(item.name for item in study.structures)}. Check its suggestions carefully.")
        out.event("remark", text, text=text)


def _follow(options: argparse.Namespace) -> int:
    study, out, place = Study.open(options.folder), Output(options.json), backend_of(options)
    this = Round.latest(study, place.root)
    if this is None:
        raise StudyError(f"No training of {options.folder} has been started yet. Train first.")
    if options.far is None and not this.job.submitted:
        raise StudyError(f"The newest training of {options.folder} is not in {place.root}. If it runs on a server or "
                         "a cluster, add --server FILE, as when it was started; if its job was deleted, train again.")
    status = place.poll(this.id)
    if not status.ended and status.state != "running":  # those tell of themselves, whether the place answers or not
        ready(options)
    return _to_the_end(this, place, out)


def _submit(this: Round, place: Place, out: Output) -> int:
    return _to_the_end(this, place, out, heard=hand_over(this, place))


def _to_the_end(this: Round, place: Place, out: Output, heard: bool = False) -> int:
    status = follow(this, place, out, heard=heard)
    quality = this.card().get("quality")
    if isinstance(quality, dict) and quality.get("words"):
        out.event("quality", str(quality["words"]), **quality)
    for item in this.next_slices()[:3]:
        axis, index = "kji"[item.place.axis], item.place.index
        out.event("next", f"Next: {item.case}, slice {axis}:{index}. {item.reason}", case=item.case,
                  axis=item.place.axis, index=index, reason=item.reason)
    return 0 if status.state in ("done", "stopped") else 1


def _beginning(options: argparse.Namespace, study: Study) -> Path | None:
    """The model to go on from: the one named, else the last one trained; none where it is to begin from nothing."""
    if options.start is not None:
        return _model(options.start, study)
    last = None if options.anew or options.recipe == "paper" else last_trained(study)
    return last.weights if last is not None else None


def _model(named: Path | None, study: Study) -> Path | None:
    """The model ``named``, else the last one of the study, if there is any."""
    if named is not None and not named.exists():
        raise StudyError(f"There is no model {named}. 'semiseg models STUDY' lists those of a study.")
    if named is not None and not is_zipfile(named):  # as PyTorch writes them; the job looks closer
        raise StudyError(f"{named} is not a model made by SemiSeg. 'semiseg models STUDY' lists those of a study.")
    return named or _last_model(study)


def _last_model(study: Study) -> Path | None:
    models = [run / "model.pt" for run in study.runs if (run / "model.pt").exists()]
    return models[-1] if models else None


def _setting(text: str, known: Settings) -> tuple[str, Any]:
    """``NAME=VALUE`` as name and value; where ``known`` has words, words they stay, though they look like a number."""
    name, _, value = text.partition("=")
    if value and isinstance(getattr(known, name, None), str):
        return name, value
    if value in ("true", "false"):
        return name, value == "true"
    for kind in (int, float):
        try:
            return name, kind(value)
        except ValueError:
            continue
    if not value:
        raise SettingsError(f"'{text}' is not a setting. Write it as --set learning_rate=0.001.")
    return name, value
