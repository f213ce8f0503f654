"""How good a model is, from judged slices that training did not see: measured, with its uncertainty, in words."""

from .estimate import Estimate, estimate
from .flags import FlagRule, Looks, looks_of
from .holding_out import parts
from .lost import lost
from .measuring import Measured, measure, scores_of
from .reliability import Reliability
from .scores import SliceScore, mean_dice, pooled_dice

__all__ = [
    "Estimate",
    "FlagRule",
    "Looks",
    "Measured",
    "Reliability",
    "SliceScore",
    "estimate",
    "looks_of",
    "lost",
    "mean_dice",
    "measure",
    "parts",
    "pooled_dice",
    "scores_of",
]
