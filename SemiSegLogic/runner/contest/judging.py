"""Judging the model of a leg: measured on the slices held out, compared, kept or not, and what that says of quality."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from torch import nn

from ...engine import quality
from ...engine.hardware.device import Device
from ...engine.prediction.predict import Predictor
from ...engine.quality import Estimate, FlagRule, Measured, SliceScore
from ...job import JobSpec
from ...methods.base import Method
from ...naming import listed
from ...settings import Training
from ...settings.recommended import BASELINE
from ..course.legs import Leg
from ..course.opening import Opening
from ..course.parts import learned_from
from ..course.standing import Standing
from ..data import Data
from ..model import Model
from .gate import compare, takes_over, verdict
from .outcome import Outcome

FEW = ("Its quality is not known: too few slices show a structure ({slices}), so all of them are used for learning and "
       "none for measuring. Draw more, best in several cases; then some are kept aside to measure.")
LATE = ("Its quality is not known: none of the slices that are done now was kept aside when the training began. The "
        "next training will measure it.")
UNMEASURED = "This says nothing about {names}: no slice that was kept aside to measure shows them."
UNDRAWN = "This says nothing about {names}: no drawn slice shows them."
SAME_CASES = "Training used other slices of the cases it was measured on: on other cases it may do worse than this."
SEEN = ("Its quality is not known: the model that it continued from had learned from every slice, so none is left to "
        "measure on. Draw new slices, or train from scratch, to measure it.")

WIDENED = "At the end, the model also learned from the slices kept aside; its quality was measured before that."
LOST = ("{name} no longer finds {structures} in cases without drawings, although the earlier model does: the "
        "suggestions of the earlier model are kept. Draw in another case, or choose another method.")
NOT_WIDENED = "Stopped before the model had learned from the slices kept aside; the earlier model is kept."


class Jury:
    """Judges the legs of one run."""

    def __init__(self, spec: JobSpec, data: Data, device: Device, opening: Opening):
        self.spec, self.data, self.device, self.opening = spec, data, device, opening
        self.training = Training.from_dict(spec.training)

    def measure(self, network: nn.Module) -> Measured:
        """``network`` on the slices that are held out now, as it would suggest them: without the fragments that drawn
        slices say are false.
        """
        predictor, volumes = Predictor(network, self.data.plan, self.device), self.data.volumes.values()
        return quality.measure(predictor.parts, volumes, len(self.data.classes), self.training.leave_out_fragments)

    def glance(self, network: nn.Module) -> tuple[SliceScore, ...]:
        """The scores that :meth:`measure` finds, but with all fragments, for much less where volumes are large: a trial
        of a few slices, not of all of their volumes.
        """
        predictor = Predictor(network, self.data.plan, self.device)
        return quality.scores_of(predictor.planes, self.data.volumes.values(), len(self.data.classes))

    def dice(self, scores: Sequence[SliceScore]) -> list[float]:
        """Per structure, over all slices together; empty without slices."""
        return quality.pooled_dice(scores, len(self.data.classes)) if scores else []

    def judge(self, standing: Standing, method: Method, plain: Measured, leg: Leg, stopped: bool) -> str:
        """Decide on the model of a leg that is over (or ``stopped``), ``plain`` as it was measured from one view:
        ``standing`` is brought up to it. What was decided, in words.
        """
        if leg.role == "whole":
            return self._noted(standing, self._widen(standing, method, stopped))
        return self.decide(standing, self.outcome(method, plain, leg), leg, stopped)

    def decide(self, standing: Standing, outcome: Outcome, leg: Leg, stopped: bool) -> str:
        """The same on what another runner may have trained and measured."""
        return self._noted(standing, self._compare(standing, outcome, leg, stopped))

    def _noted(self, standing: Standing, message: str) -> str:
        standing.verdicts.append(message)
        assert standing.kept is not None
        standing.kept = self._with_quality(standing.kept, standing)
        return message

    def _widen(self, standing: Standing, method: Method, stopped: bool) -> str:
        """The kept model after it has learned from the slices held out before. Nothing is left to judge it by: what was
        measured before goes on being said of it, and half a leg is not trusted. What was judged is kept beside it, for
        a later round to go on from.
        """
        kept = standing.kept
        assert kept is not None
        if stopped:
            return NOT_WIDENED
        model = Model.of(method, kept.method, self.data.plan, kept.values, kept.held_out)
        earlier = self.opening.seen
        seen = None if earlier is None else learned_from(self.spec, self.data, earlier)
        standing.kept = replace(model, mirror=kept.mirror, zooms=kept.zooms, one_piece=kept.one_piece, seen=seen,
                                judged=kept.beginning(), learned=self.data.learned_from())
        standing.to_suggest = True
        return WIDENED

    def _compare(self, standing: Standing, outcome: Outcome, leg: Leg, stopped: bool) -> str:
        name, before, model, found = standing.name_of(leg), standing.kept, outcome.model, outcome.measured
        score = standing.scores[name] = outcome.one_view
        if outcome.several_views:
            standing.scores[f"{name}, several views"] = model.held_out
        against = compare(found.scores, standing.measured[standing.kept_as].scores) if before else None
        standing.measured[name] = found
        taken = leg.role != "fold" and (against is None or takes_over(leg.role, against, stopped))
        lost = self._lost(model, before) if taken and before is not None else ()
        if lost:
            return LOST.format(name=name, structures=listed(lost))
        if taken:
            standing.kept, standing.kept_as, standing.to_suggest = model, name, True
        if leg.role == "first" and any(other.role == "candidate" for other in self.opening.legs):
            standing.first = model  # only then: a checkpoint holds it
        return verdict(name, leg.role, score, against, taken)

    def _lost(self, model: Model, before: Model) -> tuple[str, ...]:
        """The structures that ``model`` no longer finds where nobody drew. The baseline learns nothing there."""
        if model.method == BASELINE:
            return ()
        plain = (replace(each, mirror=None, zooms=()).predictor(self.device.torch) for each in (model, before))
        now, then = (Predictor(network, self.data.plan, self.device).parts for network in plain)
        values, volumes = self.data.classes.values, list(self.data.volumes.values())
        return tuple(self.data.names[values[number]] for number in quality.lost(now, then, volumes, len(values)))

    def outcome(self, method: Method, plain: Measured, leg: Leg) -> Outcome:
        """The model of a leg with its views, unless held-out slices say that they harm; ``plain`` as it was measured
        from one view.
        """
        score = quality.mean_dice(self.dice(plain.scores))
        earlier = self.opening.seen
        seen = None if earlier is None else learned_from(self.spec, self.data, earlier)
        model = Model.of(method, leg.name, self.data.plan, self.data.classes.values[1:], score)
        one_piece = self.data.classes.values_of(plain.one_piece)
        model = replace(model, seen=seen, one_piece=one_piece, learned=self.data.learned_from())
        if self.opening.mirror is None and not self.opening.zooms:
            return Outcome(model, plain, score)
        viewed = replace(model, mirror=self.opening.mirror, zooms=self.opening.zooms)
        found = self.measure(viewed.predictor(self.device.torch)) if plain.scores else plain
        if compare(found.scores, plain.scores).shows_harm:
            return Outcome(model, plain, score)
        held_out = quality.mean_dice(self.dice(found.scores))
        one_piece = self.data.classes.values_of(found.one_piece)
        return Outcome(replace(viewed, held_out=held_out, one_piece=one_piece), found, score)

    def _with_quality(self, model: Model, standing: Standing) -> Model:
        """``model`` with all that has been measured of it."""
        folds = [fold for name, fold in standing.measured.items() if name.startswith("fold")]
        together = [standing.measured.get(standing.kept_as, Measured()), *folds]
        found = sum(folds, together[0])
        known = quality.estimate(found.scores)
        rule = FlagRule.of(known, [looks for _, looks in found.looks], self._unmeasured(found), self._undrawn())
        return replace(model, quality=self._quality(known, found, self._knew_all_cases(together)), flag_rule=rule)

    def _quality(self, known: Estimate | None, found: Measured, knew_all: bool) -> dict[str, Any]:
        """What was measured, in words and numbers, for the card."""
        if known is None:
            return {"words": self._unknown()}
        words = [known.words(), *[SAME_CASES] * knew_all, *self._remark(found)]
        measured: dict[str, Any] = {  # 6 digits: rounded to 3 and again to 2, one would differ from that in the words
            "words": " ".join(words), "dice": round(known.dice, 6),
            "low": round(known.low, 6), "high": round(known.high, 6), "measured": round(known.measured, 6),
            "slices": known.slices, "cases": known.cases,
        }
        if found.reliability is not None:
            measured["calibration"] = {
                "words": found.reliability.words(), "error": round(found.reliability.error, 3),
                "temperature": found.reliability.temperature,
            }
        return measured

    def _knew_all_cases(self, measured: Sequence[Measured]) -> bool:
        """Whether none of ``measured`` was of a case that its training had not seen a slice of."""
        return not any(
            set(self.data.volumes[case].slices) <= {s.place for s in item.scores if s.case == case}
            for item in measured for case in {score.case for score in item.scores}
        )

    def _remark(self, found: Measured) -> list[str]:
        """Sentences where not all structures were measured."""
        untold = ((UNMEASURED, self._unmeasured(found)), (UNDRAWN, tuple(self._undrawn().values())))
        return [text.format(names=listed(names)) for text, names in untold if names]

    def _unmeasured(self, found: Measured) -> tuple[str, ...]:
        """The structures that were drawn, but no slice of ``found`` shows them."""
        values, undrawn = self.data.classes.values[1:], self._undrawn()
        return tuple(self.data.names[value] for number, value in enumerate(values)
                     if value not in undrawn and not any(score.truth[number] for score in found.scores))

    def _undrawn(self) -> dict[int, str]:
        """Value -> name of the structures that no judged slice shows."""
        volumes = self.data.volumes.values()
        drawn = {number for volume in volumes for place in volume.slices for number in volume.foreground[place]}
        return {value: self.data.names[value] for number, value in enumerate(self.data.classes.values)
                if number and number not in drawn}

    def _unknown(self) -> str:
        """Why nothing could be measured."""
        volumes = list(self.data.volumes.values())
        if quality.parts(volumes, self.training.held_out):
            return SEEN if self.opening.goes_on else LATE
        drawn = sum(any(volume.foreground[place]) for volume in volumes for place in volume.slices)
        return FEW.format(slices=drawn)
