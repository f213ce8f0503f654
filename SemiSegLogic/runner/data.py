"""From a job folder to volumes on the device: what a run learns from and predicts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from ..engine.data.cache import Cache
from ..engine.data.keeping import Keeper
from ..engine.data.volumes import Classes, LabelError, Volume, class_prior, set_planes
from ..engine.hardware.device import Device
from ..engine.planning.facts import CaseFacts
from ..engine.planning.plan import Plan
from ..engine.planning.planner import make_plan
from ..geometry import AXIS_NAMES, Planes, SliceIndex
from ..job import AddedLabels, JobError, JobFolder
from ..methods.base import Task
from ..settings import Training
from ..settings.memory import Methods, trained


@dataclass
class Data:
    """The volumes of a job by case id, in its order, with the plan to train them at and the ``facts`` of each case that
    a plan is made from, as it is judged now, and the ``methods`` that it is made for; ``labels_used`` is the number of
    the newest labels-<n> among them, ``taken`` that of each case's own; those ``unread`` cannot be read, by number, and
    whose they are is not known; ``remark`` what the person should know about how they are kept.
    """

    volumes: dict[str, Volume]
    classes: Classes
    plan: Plan
    names: dict[int, str]
    facts: dict[str, CaseFacts]
    labels_used: int = 0
    remark: str = ""
    methods: Methods | None = None
    taken: dict[str, int] = field(default_factory=dict)
    unread: dict[int, JobError] = field(default_factory=dict)

    def task(self) -> Task:
        """What a method needs to know."""
        prior = class_prior(list(self.volumes.values()), len(self.classes))
        plan = self.plan
        values = self.classes.values[1:]
        return Task(1, len(self.classes), plan.dims, plan.patch, plan.network, prior, plan.spacing, values)

    def take_planes(self, case: str, planes: Planes, n: int) -> None:
        """Replace the label of a case by ``planes`` of structure values; all other slices are not judged."""
        volume = self.volumes[case]
        set_planes(volume, planes, usable(volume, tuple(planes), self.plan), self.classes)
        self.facts[case] = CaseFacts.of(volume.grid, planes)
        self.note(case, n)

    def note(self, case: str, n: int) -> None:
        """The labels numbered ``n`` are the newest of ``case`` that were looked at."""
        self.labels_used, self.taken[case] = max(self.labels_used, n), n

    def arrived(self, job: JobFolder) -> list[AddedLabels]:
        """The labels that came to ``job`` since the last ones, in order of number. Those that could be read only now
        count unless their case has newer ones.
        """
        added = job.newest_labels(self.labels_used, self.unread)
        return [item for item in added if item.n > self.taken.get(item.case, 0)]

    def take_new(self, job: JobFolder) -> list[AddedLabels]:
        """Take in the labels that came to ``job`` since the last ones; returns them in order of number."""
        added = self.arrived(job)
        for item in added:
            self.take_planes(item.case, item.planes, item.n)
        return added

    def leaves_some(self, added: AddedLabels) -> bool:
        """Whether there is a slice to learn from once these labels are taken in."""
        others = any(volume.training_slices for name, volume in self.volumes.items() if name != added.case)
        return others or bool(usable(self.volumes[added.case], tuple(added.planes), self.plan))

    def learned_from(self) -> tuple[int, int]:
        """How many judged slices training may see now, and of how many cases."""
        counts = [len(volume.training_slices) for volume in self.volumes.values()]
        return sum(counts), sum(count > 0 for count in counts)

    def check_usable(self) -> None:
        """Raises LabelError when all that people drew lies across the slices that the plan learns from."""
        drawn = [volume for volume in self.volumes.values() if _is_judged(volume)]
        if drawn and not any(volume.slices for volume in drawn):
            axis = AXIS_NAMES[drawn[0].turn.sources[0]]
            raise LabelError(
                f"These volumes have thick slices along {axis}, which are learned one by one, but all slices done lie "
                f"across them. Draw on slices along {axis}."
            )


def load(job: JobFolder, device: Device, on_progress: Callable[[int, int], None], plan: Plan | None = None) -> Data:
    """Everything of ``job``, where ``device`` trains on it; ``on_progress(done, all)`` is called after every volume.
    One image is prepared at a time, and none that the cache of this computer's jobs holds already.

    ``plan`` is that of an earlier model, else one is made. Raises JobError or LabelError naming what is wrong, NoRoom.
    """
    spec = job.spec()
    labels = {case.id: job.label(case.label) for case in spec.cases if case.label}
    unread: dict[int, JobError] = {}
    added = {item.case: item for item in job.newest_labels(0, unread)}
    labels |= {case: item.planes for case, item in added.items()}
    facts = {case.id: CaseFacts.of(case.grid, labels.get(case.id, {})) for case in spec.cases}
    methods = trained(spec.method, spec.method_settings)
    if plan is None:
        network = Training.from_dict(spec.training).network
        names = [item.name for item in spec.structures]
        plan = make_plan(list(facts.values()), names, device, "fast" if network == "auto" else network, methods)
    classes = Classes([item.value for item in spec.structures])
    volumes: dict[str, Volume] = {}
    data = Data(volumes, classes, plan, {item.value: item.name for item in spec.structures}, facts,
                methods=methods, unread=unread)
    keeper = Keeper.of([case.grid for case in spec.cases], plan, device, Cache.beside(job.root.parent))
    for number, case in enumerate(spec.cases, 1):
        volumes[case.id] = keeper.load(case.id, case.image, partial(job.image, case.image), case.grid)
        job.prove_image(case.image)  # on a server the cache holds other people's, too: a name alone opens none of them
        if case.id in labels:
            data.take_planes(case.id, labels[case.id], added[case.id].n if case.id in added else 0)
        on_progress(number, len(spec.cases))
    data.remark = keeper.cache.problem
    return data


def usable(volume: Volume, slices: tuple[SliceIndex, ...], plan: Plan) -> tuple[SliceIndex, ...]:
    """The slices a plan can learn from: seen one by one, only those along the depth axis."""
    if plan.dims == 3:
        return slices
    return tuple(place for place in slices if volume.turn.sources[0] == place.axis)


def _is_judged(volume: Volume) -> bool:
    return volume.judged is not None and volume.judged.is_judged()
