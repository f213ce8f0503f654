"""Which of two models is kept: never a worse one, as far as slices held out from training can tell."""

from __future__ import annotations

from ..engine import quality
from ..engine.device import Device
from ..engine.predict import Predictor
from ..methods.base import Method
from .data import Data
from .model import Model


def held_out_dice(method: Method, data: Data, device: Device) -> list[float]:
    """Dice of every structure on the held-out slices, NaN where it is in none of them; empty without such slices."""
    volumes = list(data.volumes.values())
    if not any(volume.held_out for volume in volumes):
        return []
    predictor = Predictor(method.predictor(), data.plan, device)
    return quality.held_out_dice(predictor.probabilities, volumes, len(data.classes))


def is_better(score: float | None, before: Model | None, finished: bool) -> bool:
    """Whether a leg's model takes the place of the one ``before``; ``score`` its Dice, None when nobody can tell."""
    if before is None:
        return True
    if score is None:
        return finished  # half a leg without a proof is not trusted
    return before.held_out is None or score >= before.held_out


def verdict(name: str, score: float | None, before: Model | None, better: bool) -> str:
    """The judgement, in words for the person."""
    if score is None:
        return f"{name}: too few annotated slices to hold any out, so its quality is not known."
    if before is None or before.held_out is None:
        return f"First suggestion: Dice {score:.3f} on held-out slices."
    compared = f"Dice {score:.3f} on held-out slices against {before.held_out:.3f} before"
    return f"{name}: {compared}; {'its suggestions replace' if better else 'kept are'} the earlier ones."
