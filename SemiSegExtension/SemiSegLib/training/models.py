"""The models that the study keeps: listed, exported, deleted, always off the main thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..words import _
from .methods import method_words

if TYPE_CHECKING:
    from SemiSegLogic.kept_models import KeptModel

    from ..controller import Controller


@dataclass(frozen=True)
class ShownModel:
    """A kept model in a person's words; ``made``, and shorter ``day``, in this computer's time, ``card`` without
    Markdown's signs.
    """

    run: str
    made: str
    day: str
    method: str
    expected: str
    quality: str
    slices: str
    learned_from: str
    card: str


class Models:
    """``found``: newest first, as last read. Tells the controller's listeners "models" when they were read again.
    ``far`` gives the file of the server or cluster that the person used last ("": none).
    """

    def __init__(self, controller: Controller, far: Callable[[], str] = lambda: "") -> None:
        self._controller, self._far = controller, far
        self.found: list[ShownModel] = []

    def read(self) -> None:
        """Read the list again."""
        study = self._controller.study
        if study is None:
            return

        def work() -> list[tuple[KeptModel, str, bool]]:
            from SemiSegLogic.kept_models import kept_models
            from SemiSegLogic.rounds import is_known

            return [(model, model.text, is_known(study, model.weights)) for model in reversed(kept_models(study))]

        def done(found: list[tuple[KeptModel, str, bool]]) -> None:
            if study is self._controller.study:
                self.found = [shown(*item) for item in found]
                self._controller.tell("models")

        self._controller.disk.run(_("Read models"), work, done)

    def forget(self) -> None:
        """Those of the study before are none of this one."""
        self.found = []

    def export(self, run: str, folder: Path) -> None:
        """Copy a model and its card into a new folder in ``folder``, compared with what was copied."""
        study = self._controller.need_study()

        def work() -> Path:
            from SemiSegLogic.kept_models import export_model, kept_model

            return export_model(kept_model(study, run), folder)

        text = _("The model and its card were copied to {folder}; the copies were checked and are identical.")
        self._do(_("Export the model"), work, lambda made: text.format(folder=made))

    def delete(self, run: str) -> None:
        """Remove a model and its card; suggestions and drawings stay."""
        study, far = self._controller.need_study(), self._far()

        def work() -> None:
            from SemiSegLogic.kept_models import delete_model, kept_model

            from .far_places import usable_far_place

            delete_model(kept_model(study, run), far=usable_far_place(far))

        text = _("The model was deleted; suggestions and drawings stay.")
        self._do(_("Delete the model"), work, lambda _none: text, away=bool(far))

    def _do(self, name: str, work: Callable[[], Any], words: Callable[[Any], str], away: bool = False) -> None:
        """What it did or why not; the list is read again in both cases, for another window may have changed it."""

        def done(result: Any) -> None:
            self._controller.say(words(result), "good")
            self.read()

        def failed(error: Exception) -> None:
            self._controller.problem(name, error, "")
            self.read()

        tasks = self._controller.background if away else self._controller.disk  # a network may not answer
        tasks.run(name, work, done, failed)


def shown(model: KeptModel, card: str, known: bool = True) -> ShownModel:
    """A model as the panel shows it; what its card does not tell stays empty or is said to be unknown. ``known``:
    whether it can be told what its structures are.
    """
    when = model.made.astimezone() if model.made is not None else None
    made, day = (when.strftime(how) if when else model.run for how in ("%d %b %Y, %H:%M", "%d %b, %H:%M"))
    method = method_words().get(model.method, (model.method, ""))[0]
    slices, cases = model.count("annotated_slices"), model.count("annotated_cases")
    count = _("{slices} in {cases}").format(slices=slices, cases=cases) if None not in (slices, cases) else ""
    told = model.problem or plain(card)
    if not known:
        text = _("This model was not trained in this study, and it has no card that says which structures it knows. "
                 "SemiSeg assumes the structures of this study. Check its suggestions carefully.")  # fmt: skip
        told = f"{text}\n\n{told}".strip()
    return ShownModel(model.run, made, day, method, expected(model), model.quality, count, learned_from(model), told)


def expected(model: KeptModel) -> str:
    """The expected Dice with its interval."""
    if model.expected is None:
        return _("not known")
    dice, low, high = model.expected
    return _("{dice:.2f} ({low:.2f} to {high:.2f})").format(dice=dice, low=low, high=high)


def learned_from(model: KeptModel) -> str:
    """From how many slices and cases it learned."""
    slices, annotated, cases = (model.count(what) for what in ("annotated_slices", "annotated_cases", "cases"))
    if None in (slices, annotated, cases):
        return _("The card does not say what the model learned from.")
    text = _("The model learned from slices: {slices}. Cases with such slices: {annotated} of {cases}.")
    return text.format(slices=slices, annotated=annotated, cases=cases)


def plain(card: str) -> str:
    """A card in Markdown as plain text: rows of tables become lines, rules and signs go."""
    lines = [_plain(line) for line in card.splitlines()]
    kept = [line for number, line in enumerate(lines) if line or (number and lines[number - 1])]
    return "\n".join(kept).strip()


def _plain(line: str) -> str:
    if not line.startswith("|"):
        return line.lstrip("# ")
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    if not any(cell.strip("-: ") for cell in cells):
        return ""
    return ": ".join(cells) if len(cells) == 2 else "   ".join(cells)
