"""Recipes: how a protocol's runs are trained and how they predict; everything that changes a number is in the hash."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from SemiSegLogic.settings import METHOD_SETTINGS
from SemiSegLogic.settings.recipes import published
from SemiSegLogic.settings.recipes import recipe as settings_of

from .checked import digest

METRICS = 1  # counts up when a definition in evaluation/metrics.py changes
NEWER = {"augmentation": "product", "spacing": None, "carried": 0.0, "surest": False, "ellipses": False, "partner": "",
         "students": 0, "student_steps": 0, "consensus": 0.0, "finer": 0.0, "beside": []}
STUDENT = "supervised"  # how a student learns
NOT_HASHED = ("name", "methods", "cells", "seeds", "cell_methods", "why", "settings", "changes", "shown")


@dataclass(frozen=True)
class Recipe:
    """``settings`` of the methods: "clinical" or "paper" (see SemiSegLogic.settings.recipes), with ``changes`` by
    method. ``first_steps`` of a supervised first mask from which every method starts (0: from scratch), then ``steps``
    of the method. ``network`` a key of NETWORKS, ``patch`` (D, H, W) voxels at ``spacing`` (d, h, w) mm, or that of the
    data. What else is left out is as published with "paper", and as the product plans it with "clinical". ``stride``
    (d, h, w) voxels of sliding windows of patch size with plain averaging; none: as the product predicts. ``largest``:
    keep the largest piece of each structure; ``surest``: the one with most probability in it instead; ``ellipses``: and
    the ellipse that fits it, of single images. ``members`` networks of different seeds are averaged; ``flips``: and
    over mirrored images. ``augmentation``: "product", or "turns" (right angles and mirroring of random crops, as the 3D
    papers do). ``finer``: one more member, whose voxels are this share of the planned ones, in patches of the same
    millimetres (0: none). ``carried`` share of the steps that also learn from what few slices say of their neighbours,
    divided by their number in a volume. ``partner``: another method, trained beside as one more member. ``students``:
    networks trained one after the other for ``student_steps`` from nothing, supervised, on what the members, then the
    student before, find in volumes that nobody drew in, with ``consensus`` the weight of what these have in common (see
    training/students.py); the last of them alone predicts. ``test_cases`` of the test list are measured (0: all); a
    trial that does not do them all is not ``shown`` in tables.
    ``methods``, ``cells``, ``seeds`` are what a run without further words does; ``cell_methods`` restricts the methods
    of a cell; ``why`` tells the reader what was chosen, and what it costs.
    """

    name: str
    settings: str
    why: str
    steps: int = 0
    first_steps: int = 0
    network: str = ""
    patch: list[int] | None = None
    spacing: list[float] | None = None
    stride: list[int] | None = None
    largest: bool = False
    members: int = 1
    flips: bool = False
    test_cases: int = 0
    shown: bool = True
    augmentation: str = "product"
    precision: str = "auto"
    carried: float = 0.0
    surest: bool = False
    ellipses: bool = False
    partner: str = ""
    students: int = 0
    student_steps: int = 0
    consensus: float = 0.0
    finer: float = 0.0
    methods: list[str] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)
    seeds: list[int] = field(default_factory=lambda: [0, 1, 2])
    cell_methods: dict[str, list[str]] = field(default_factory=dict)
    changes: dict[str, dict[str, Any]] = field(default_factory=dict)

    def schedule(self, method: str, dims: int) -> Schedule:
        """How ``method`` is trained on volumes (``dims`` 3) or slices (2). Raises SettingsError."""
        base = settings_of(method, self.settings, dims).to_dict()
        values = METHOD_SETTINGS[method].from_dict({**base, **self.changes.get(method, {})}).to_dict()
        patch = None if self.patch is None else (self.patch[0], self.patch[1], self.patch[2])
        spacing = None if self.spacing is None else (self.spacing[0], self.spacing[1], self.spacing[2])
        if self.settings == "paper":
            paper = published(method, dims)
            steps, network = self.steps or paper.steps, self.network or paper.network
            return Schedule(method, values, steps, network, patch or paper.patch, spacing)
        return Schedule(method, values, self.steps, self.network or "fast", patch, spacing)

    def everything(self, method: str, dims: int) -> dict[str, Any]:
        """All that the numbers of a run of ``method`` depend on, but the split, the seed and the code."""
        common = {key: value for key, value in _counting(self).items() if key not in NOT_HASHED}
        own = _counting(self.schedule(method, dims))
        first = _counting(self.schedule("supervised", dims)) if self.first_steps else None
        found = {**common, "method": method, **own, "first": first, "metrics": METRICS}
        beside = [name for name in (self.partner, STUDENT if self.students else "") if name]
        return found | ({"beside": [_counting(self.schedule(name, dims)) for name in beside]} if beside else {})

    def settings_hash(self, method: str, dims: int) -> str:
        """16 digits of the SHA-256 of :meth:`everything`."""
        return digest(self.everything(method, dims))[:16]


@dataclass(frozen=True)
class Schedule:
    """``values`` all settings of the ``method``, ``steps`` of it, ``network``, ``patch`` (D, H, W) or None: the plan's;
    ``spacing`` of the patch (d, h, w) mm, or None: the data's own.
    """

    method: str
    values: dict[str, Any]
    steps: int
    network: str
    patch: tuple[int, int, int] | None
    spacing: tuple[float, float, float] | None = None


def _counting(record: Recipe | Schedule) -> dict[str, Any]:
    """Its fields but the method, which the recipe tells; one newer than the first rows counts where it is set, so that
    they stay valid.
    """
    fields = ((key, value) for key, value in asdict(record).items() if key != "method")
    return {key: value for key, value in fields if key not in NEWER or value != NEWER[key]}
