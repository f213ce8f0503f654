"""Whether a model is whole, and means the same by its structures as a study does.

A model knows structures by their values alone. Within a study a value means the same for life, whatever it is called;
in another one 1 may be the liver here and the kidney there.
"""

from __future__ import annotations

import contextlib
import zipfile
from pathlib import Path

from ..files import FileError, read_json
from ..naming import folded
from ..study import Study, StudyError
from .run_folder import RunFolder


def require_usable(study: Study, model: Path | None) -> None:
    """Raises StudyError where a ``model`` to begin with (None: none) is damaged, or of one with other structures."""
    if model is not None:
        _require_whole(model)
        _require_same_structures(study, model)


def is_known(study: Study, model: Path) -> bool:
    """Whether it can be told what the structures of ``model`` are."""
    return _is_own(study, model) or bool(_on_card(model))


def _require_whole(model: Path) -> None:
    """Raises StudyError where a file of weights, which PyTorch packs as zip, was cut off or changed: the job would only
    fail later, and name its own copy.
    """
    try:
        with zipfile.ZipFile(model) as packed:
            whole = packed.testzip() is None
    except zipfile.BadZipFile:
        whole = False
    except OSError:
        return  # who copies it says in words why it cannot be read
    if not whole:
        raise StudyError(f"{model} is damaged, or SemiSeg did not write it. Delete this model, and continue from "
                         "another one, or train from scratch.")


def _require_same_structures(study: Study, model: Path) -> None:
    """Raises StudyError where the card beside a ``model`` of another study calls a value otherwise than ``study`` does,
    or none of its structures is one of the study's. Without a card nobody knows, see :func:`is_known`.
    """
    if _is_own(study, model) or not is_known(study, model):
        return
    learned, here = _on_card(model), {item.value: item.name for item in study.structures}
    apart = [value for value, name in here.items() if folded(learned.get(value, name)) != folded(name)]
    if apart or not here.keys() & learned.keys():
        raise StudyError(f"{model} was learned in another study, for {_listed(learned)}; here it is {_listed(here)}. "
                         "It would confuse the structures. Use it in a study with the same structures, added in the "
                         "same order, or train from scratch.")


def _is_own(study: Study, model: Path) -> bool:
    """Whether a run of the study made it; what a person copied among them from another study did not."""
    run = model.resolve().parent
    return run.parent == (study.folder / "models").resolve() and RunFolder(run).counts


def _on_card(model: Path) -> dict[int, str]:
    """Value -> name as the card beside ``model`` tells; empty where there is none, or it is damaged."""
    with contextlib.suppress(FileError, KeyError, TypeError, ValueError):
        card = read_json(model.with_name("model.json"))
        return {int(item["value"]): str(item["name"]) for item in card["structures"]}
    return {}


def _listed(names: dict[int, str]) -> str:
    """``1 = Liver, 2 = Lesion``."""
    return ", ".join(f"{value} = {name}" for value, name in sorted(names.items()))
