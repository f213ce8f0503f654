"""The recommended method: rules from the data, and what the contest of a run is made of.

The supervised baseline always runs. A semi-supervised candidate is named by the rules, trains for as long as the
baseline from the same first mask, and takes its place only where slices held out from both say that it is better. What
wins predicts from several views of each volume: mirrored, smaller, larger. Where the time is too short for a candidate,
or the slices held out are too few to say which is better, a contest would only cost: then this is the supervised
baseline, step for step, with views; but where one or two cases are all that was drawn in, which show little of how
images differ, mean_teacher follows the first mask. In the end what was kept learns from the held-out slices too.
Evidence in Testing/benchmarks/results: simulated_studies.md, simulated_endings.md, simulated_clinician.md and
undecided.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from .about import ABOUT, EVERY, About
from .fields import Settings, choice, switch
from .methods import METHOD_SETTINGS

RECOMMENDED, BASELINE, TEACHER = "recommended", "supervised", "mean_teacher"
CONTEST_SECONDS, CONTEST_STEPS = 25.0, 250  # less time than this for each is no contest
CONTEST_SLICES = 6  # held out: then the error of a difference is 0.05 / sqrt(6) as a rule, about 0.02 Dice
FEW_CASES = 2  # drawn in: then the teacher needs no contest
FOLD_SECONDS, FOLD_STEPS = 40.0, 500  # a model from nothing is worth measuring after this
MOST_FOLDS = 2
VIEW_VOXELS_PER_SECOND = 4e6  # one view of a CPU core at work, measured on the sample study
VIEW_SHARE = 0.1  # of the time for training that one more view of all cases may take
ZOOMS = (0.9, 1.1)

TAUGHT = ("Slices are done in only one or two cases: after the first suggestion all of the time goes into "
          "mean_teacher, which learns from the other cases how images differ.")


@dataclass(frozen=True)
class Recommended(Settings):
    """What the contest may do; the rest follows from the data."""

    candidate: str = choice("auto", "Candidate beside supervised", ("auto", "none", *sorted(METHOD_SETTINGS)))
    views: bool = switch(True, "Predict from several views of each volume")


@dataclass(frozen=True)
class Facts:
    """What the rules look at. ``dims`` 2 or 3; ``drawn`` cases that anything was drawn in, and ``unlabelled`` ones that
    nothing was; ``held_out`` slices that show a structure; ``ellipses`` whether the one structure is elliptical;
    ``voxels`` of all cases; ``seconds`` or ``steps`` for training; ``gpu``.
    """

    dims: int
    drawn: int
    unlabelled: int
    held_out: int
    ellipses: bool
    voxels: int
    seconds: float
    steps: int
    gpu: bool = False


@dataclass(frozen=True)
class Recommendation:
    """``candidate`` of a contest or None; ``longer`` the method that has the time behind the first mask; ``zooms`` and
    ``mirror`` the views to predict from; ``reasons`` in words, for the card.
    """

    candidate: str | None
    longer: str
    mirror: bool
    zooms: tuple[float, ...]
    reasons: tuple[str, ...]


def recommend(facts: Facts, settings: Recommended, spare: float) -> Recommendation:
    """What suits these data. ``spare`` seconds or steps behind the first mask, which a candidate and the baseline would
    share.
    """
    candidate, why = _candidate(facts, settings, spare / 2)
    longer = BASELINE
    if candidate is None and settings.candidate == "auto" and _is_taught(facts, spare):
        longer, why = TEACHER, TAUGHT
    return Recommendation(candidate, longer, *_views(facts, settings), (why,))


def folds_within(spare: float, facts: Facts) -> int:
    """How many further models that only measure fit into ``spare`` seconds or steps."""
    return min(MOST_FOLDS, int(spare / (FOLD_STEPS if facts.steps else FOLD_SECONDS)))


def _is_taught(facts: Facts, spare: float) -> bool:
    """Whether those cases that nobody drew in have more to teach than the few others; measured on volumes only."""
    return facts.dims == 3 and 0 < facts.drawn <= FEW_CASES and facts.unlabelled > 0 and not _is_short(facts, spare)


def _is_short(facts: Facts, amount: float) -> bool:
    """Whether a method that begins from the first mask would hardly learn anything in ``amount`` seconds or steps."""
    return amount < (CONTEST_STEPS if facts.steps else CONTEST_SECONDS)


def _candidate(facts: Facts, settings: Recommended, contest: float) -> tuple[str | None, str]:
    if settings.candidate == "none":
        return None, "No semi-supervised candidate was asked for."
    if settings.candidate != "auto":
        return settings.candidate, f"{settings.candidate} was chosen as the candidate."
    if not facts.unlabelled:
        return None, "Every case has slices done, so a semi-supervised method has no other case to learn from."
    if facts.held_out < CONTEST_SLICES:
        return None, ("To compare the supervised baseline with a semi-supervised candidate, slices must be kept aside "
                      f"(needed: {CONTEST_SLICES}, there are: {facts.held_out}): all of the time goes into the "
                      "baseline. Draw more slices, or choose a candidate yourself.")
    if _is_short(facts, contest):
        return None, ("The time is too short to try a semi-supervised candidate, too: all of it goes into the "
                      "supervised baseline.")
    if facts.dims == 2 and facts.ellipses:
        return "ersr", "Slices of one elliptical structure: ersr is the candidate, which fits ellipses."
    return TEACHER, ("The candidate is mean_teacher, which learned more than the baseline from few slices "
                     "on both organs measured.")


def _views(facts: Facts, settings: Recommended) -> tuple[bool, tuple[float, ...]]:
    """Mirror images and sizes, as far as predicting every case from them costs little of the time."""
    each = 0.0 if facts.gpu else facts.voxels / VIEW_VOXELS_PER_SECOND
    time = facts.seconds if not facts.steps else float("inf")
    if not settings.views or each > VIEW_SHARE * time:
        return False, ()
    return True, () if 5 * each > VIEW_SHARE * time else ZOOMS


CHOICES: dict[str, type[Settings]] = {RECOMMENDED: Recommended, **METHOD_SETTINGS}
"""All that a person can ask for, the default first."""

CHOICES_ABOUT: dict[str, About] = {
    RECOMMENDED: About(
        "Trains the supervised baseline; where there are enough time and enough slices kept aside to decide, a "
        "semi-supervised candidate competes with it; keeps the better model and predicts from several views. With "
        "slices done in one or two cases only, mean_teacher follows the first suggestion.", EVERY,
        "measured in Testing/benchmarks"),
    **ABOUT,
}
