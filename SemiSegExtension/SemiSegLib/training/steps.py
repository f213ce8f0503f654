"""What to do next, in a line: from what there is of a study, the way from opening the module to accepted cases."""

from __future__ import annotations

from dataclasses import dataclass

from ..words import _

TRAIN, NEXT = "train", "next"
"""What the button beside the line does."""
FEW, SOME = 3, 3
"""So many slices are few for a first training; so many new ones are worth another."""


@dataclass(frozen=True)
class Now:
    """``why_not``: why no training can be started where it is to run; ``can_set_up``: Set up would change that;
    ``setting_up``: it is at it; ``drawn``: slices done that show a structure, ``drawn_in`` so many cases; ``touched``:
    something is drawn on a slice that is not done; ``fresh``: slices done since the last training; ``named``: slices
    are named that are worth a look; ``running``: what the run on its way does, "" when there is none; ``live``: it
    learns while the person draws; ``done_keys``: how the keys of Slice done are called on this computer.
    """

    study: bool = False
    cases: int = 0
    opened: bool = False
    why_not: str = ""
    can_set_up: bool = False
    setting_up: bool = False
    drawn: int = 0
    drawn_in: int = 0
    touched: bool = False
    fresh: int = 0
    suggested: bool = False
    named: bool = False
    running: str = ""
    live: bool = False
    done_keys: str = "Ctrl+Return"


@dataclass(frozen=True)
class Step:
    """``act``: what the button does, "" when there is none."""

    text: str
    act: str = ""


def next_step(now: Now) -> Step:
    """The step that most people take now; every other one stays open to them."""
    if now.running:
        text = now.running if now.live else _("{doing}. You can go on drawing.").format(doing=now.running)
        return Step(text, NEXT if now.suggested and now.named else "")
    if not now.study or not now.cases:
        return _begin(now)
    if now.suggested:
        return _go_on(now)
    return _label(now)


def _begin(now: Now) -> Step:
    if now.study:
        return Step(_("Add the images of several patients. You need to draw on a few of them only."))
    if now.setting_up:
        return Step(_("Setting up goes on by itself. Meanwhile, open a study or make a new one."))
    if now.can_set_up:
        return Step(_("Press Set up, once. Meanwhile, open a study or make a new one."))
    return Step(_("Open a study, make a new one, or try the sample."))


def _label(now: Now) -> Step:
    """There is no suggestion yet."""
    if not now.opened and not now.drawn:
        return Step(_("Click a case in the list to open it."), NEXT if now.named else "")
    if now.touched:
        text = _("When all structures on the slice are drawn, press Slice done ({keys}).").format(keys=now.done_keys)
        return Step(text, TRAIN if now.drawn and not now.why_not else "")
    if not now.drawn:
        text = _("Scroll to a slice that shows the structures, draw them all, then press Slice done ({keys}).")
        return Step(text.format(keys=now.done_keys))
    if now.why_not:
        return _not_ready(now)
    if now.drawn < FEW:
        text = _("Slices done: {n}. Draw some more, here and in another case, then train.")
        return Step(text.format(n=now.drawn), TRAIN)
    text = _("Slices done: {n}, in cases: {cases}. You can train now.")
    return Step(text.format(n=now.drawn, cases=now.drawn_in), TRAIN)


def _go_on(now: Now) -> Step:
    """There are suggestions."""
    again = now.fresh >= SOME and not now.why_not
    if now.touched:
        text = _("When all structures on the slice are right, press Slice done ({keys}).").format(keys=now.done_keys)
        return Step(text, TRAIN if again else "")
    if again:
        text = _("Slices done since the last training: {n}. Train again, so that the model learns from them.")
        return Step(text.format(n=now.fresh), TRAIN)
    if now.named:
        return Step(_("Look at the slices of which the model is least sure, and correct what is wrong."), NEXT)
    if now.why_not:
        return _not_ready(now)
    return Step(_("Accept the cases that are right, correct the others, or train again."), TRAIN)


def _not_ready(now: Now) -> Step:
    if now.setting_up:
        return Step(_("Setting up goes on by itself. When it is finished, you can train; go on drawing until then."))
    return Step(_("To train on your slices, press Set up, once.") if now.can_set_up else now.why_not)
