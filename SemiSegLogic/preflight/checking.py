"""All checks of a study, in one list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from ..errors import SemiSegError
from ..study import Case, Study
from .computer import of_computer
from .finding import LEVELS, Finding
from .images import of_images
from .labels import of_labels
from .sentences import AS_IT_IS


def check(
    study: Study, here: bool = True, method: str = "recommended", settings: Mapping[str, Any] = MappingProxyType({}),
    runners: int = 1,
) -> list[Finding]:
    """Everything that would spoil a training of this study by ``method``, ``here``: on this computer; the worst first.
    ``settings`` of the method that differ from their defaults; ``runners`` that train beside each other. Reads labels:
    not for a screen's main thread.
    """
    cases = [case for case in study.cases if case.folder.is_dir()]
    found = [*_damaged(cases)]
    if not found:
        found = [*of_labels(study, cases), *of_images(cases)]
        found += of_computer(study, cases, method, settings, runners) if here else []
    return sorted(found, key=lambda finding: LEVELS.index(finding.level))


def _damaged(cases: list[Case]) -> Iterator[Finding]:
    """Cases whose records or labels cannot be read: nothing else can be said then."""
    for case in cases:
        try:
            case.grid, case.annotated, case.image_path  # noqa: B018
            if case.places:
                case.labels()
        except SemiSegError as error:
            yield Finding(AS_IT_IS, {"text": error}, "stop")
