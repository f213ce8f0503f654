"""``semiseg models``: what a study has learned: list the models, read a card, export, delete."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Column, Table

from ..backends.far import far_backend
from ..kept_models import KeptModel, delete_model, export_model, kept_model, kept_models
from ..rounds import jobs_folder
from ..study import Study
from .output import Output, add_json


def add(commands: Any) -> None:
    """The grammar."""
    models = commands.add_parser("models", help="the models of a study: list, read a card, export, delete")
    models.add_argument("folder", type=Path, help="the study's folder")
    what = models.add_mutually_exclusive_group()
    what.add_argument("--card", metavar="RUN", help="print the card of a model")
    what.add_argument("--export", metavar="RUN", help="copy a model and its card to another folder")
    what.add_argument("--delete", metavar="RUN", help="delete a model; suggestions and drawings stay")
    models.add_argument("--to", type=Path, help="where to export (default: exports in the study)")
    models.add_argument("--server", "--cluster", type=Path, metavar="FILE", dest="far",
                        help="with --delete: a server or cluster whose trainings may also make or need the model")
    add_json(models)
    models.set_defaults(do=_models)


def _models(options: argparse.Namespace) -> None:
    study, out = Study.open(options.folder), Output(options.json)
    if options.card:
        model = kept_model(study, options.card)
        out.event("card", model.text or model.quality, run=model.run, card=model.card)
    elif options.export:
        folder = export_model(kept_model(study, options.export), options.to or study.exports)
        out.event("exported", f"{folder} (verified)", folder=str(folder))
    elif options.delete:
        far = None if options.far is None else far_backend(options.far, jobs_folder())
        delete_model(kept_model(study, options.delete), far=far)
        out.event("deleted", f"The model of {options.delete} was deleted; suggestions and drawings stay.",
                  run=options.delete)
    else:
        _list(study, out)


def _list(study: Study, out: Output) -> None:
    found = kept_models(study)
    if out.machine:
        for model in found:
            facts = {"run": model.run, "weights": str(model.weights), "megabytes": model.megabytes}
            out.event("model", "", **facts, card=model.card)
        return
    table = Table(Column("run", no_wrap=True), "method", "slices", "expected Dice", "MB",  # the run is to be copied
                  title=escape(f"Models of {study.name}"), show_lines=True)
    for model in found:
        card = model.card
        slices, megabytes = str(card.get("annotated_slices", "")), f"{model.megabytes:.1f}"
        table.add_row(escape(model.run), str(card.get("method", "")), slices, _expected(model), megabytes)
    out.console.print(table)


def _expected(model: KeptModel) -> str:
    """Short enough for a table; --card tells it in words."""
    if model.expected is None:
        return "not known"
    dice, low, high = model.expected
    return f"{dice:.2f} ({low:.2f} to {high:.2f})"
