"""Two methods that go on side by side and predict as one: how a contest ends that the held-out slices do not decide.

B. Lakshminarayanan, A. Pritzel, C. Blundell: Simple and Scalable Predictive Uncertainty Estimation using Deep
Ensembles, NeurIPS 2017 (arXiv 1612.01474).

Idea: networks that learned apart err apart. What they say on average depends less on chance than what each says.

    (1)  p(x) = 1/M sum_m softmax f_m(x)
    (2)  L = sum_m L_m                     no gradient passes from one member to another

Where we differ and why: members are of different methods, because the supervised baseline and its semi-supervised
rival err most differently; they share the patches of a step, which saves time; each is in the last phase of its method,
because it has been trained before. The learning-rate curve is that of the first.
"""

from __future__ import annotations

from torch import Tensor, nn

from ..engine.nets.ensemble import MeanOf
from ..settings import Ensemble as EnsembleSettings
from .base import Method, Need, Optimiser, Patches, Step, Task


class Ensemble(Method):
    """``members`` of any methods, built for the same task."""

    def __init__(self, settings: EnsembleSettings, task: Task, members: list[Method]):
        super().__init__()
        self.settings, self.task = settings, task
        self.members = nn.ModuleList(members)

    def optimisers(self, phase: str) -> list[Optimiser]:
        """Those of every member."""
        return [one for member in self._each() for one in member.optimisers(_last_phase(member))]

    def rate(self, step: Step) -> float:
        """That of the first member."""
        first = self._each()[0]
        return first.rate(step.within(_last_phase(first)))

    def need(self, step: Step) -> Need:
        """As many patches as the member that wants most; all want one shape."""
        needs = [self._need(member, step) for member in self._each()]
        first = needs[0]
        assert all((need.shape, need.whole_slice) == (first.shape, first.whole_slice) for need in needs)
        return Need(max(need.labelled for need in needs), max(need.unlabelled for need in needs), first.shape,
                    first.whole_slice)

    def losses(self, labelled: Patches, unlabelled: Patches, step: Step) -> dict[str, Tensor]:
        """Equation (2), term by term, numbered by member; each sees as many of the patches as it wants."""
        found: dict[str, Tensor] = {}
        for number, member in enumerate(self._each(), 1):
            need = self._need(member, step)
            own = member.losses(labelled.first(need.labelled), unlabelled.first(need.unlabelled),
                                step.within(_last_phase(member)))
            found |= {f"{name} {number}": value for name, value in own.items()}
        return found

    def after_step(self, step: Step) -> None:
        """That of every member."""
        for member in self._each():
            member.after_step(step.within(_last_phase(member)))

    def predictor(self) -> nn.Module:
        """Equation (1)."""
        return MeanOf(*(member.predictor() for member in self._each()))

    def _each(self) -> list[Method]:
        return [member for member in self.members if isinstance(member, Method)]

    def _need(self, member: Method, step: Step) -> Need:
        return member.need(step.within(_last_phase(member)))


def _last_phase(member: Method) -> str:
    return member.phases()[-1].name
