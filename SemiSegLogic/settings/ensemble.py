"""What an ensemble is made of. Nobody sets this: nobody asks for one, the recommended method may end with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .fields import Settings, SettingsError


@dataclass(frozen=True)
class Ensemble(Settings):
    """``members``: of each the name of its ``method`` and the ``settings`` that it was trained with, as plain data.
    Raises SettingsError where there are fewer than two, or one is something else.
    """

    members: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        whole = all(isinstance(member, dict) and member.keys() == {"method", "settings"} for member in self.members)
        if len(self.members) < 2 or not whole:
            raise SettingsError(f"Ensemble.members is {self.members!r}; it must name two methods and their settings.")
