"""Settings that check themselves: frozen dataclasses whose fields carry label, unit, range and source."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field, fields
from typing import Any, Self

from ..errors import SemiSegError


class SettingsError(SemiSegError, ValueError):
    """A setting is unknown, of the wrong type or out of range; the message names it and what it may be."""


def number(
    default: float, label: str, *, unit: str = "", low: float | None = None, high: float | None = None,
    source: str = "", advanced: bool = True,
) -> Any:
    """A number (int or float by its default) with what a panel and a reviewer want to know of it."""
    about = {"label": label, "unit": unit, "low": low, "high": high, "source": source, "advanced": advanced}
    return field(default=default, metadata=about)


def choice(default: str, label: str, options: tuple[str, ...], *, source: str = "", advanced: bool = True) -> Any:
    """One word out of ``options``."""
    return field(default=default, metadata={"label": label, "options": options, "source": source, "advanced": advanced})


def switch(default: bool, label: str, *, source: str = "", advanced: bool = True) -> Any:
    """Yes or no."""
    return field(default=default, metadata={"label": label, "source": source, "advanced": advanced})


def text(default: str, label: str, *, source: str = "", advanced: bool = True) -> Any:
    """Any words."""
    return field(default=default, metadata={"label": label, "source": source, "advanced": advanced})


@dataclass(frozen=True)
class Settings:
    """Base of every settings class. Raises SettingsError on a value of the wrong type or out of range."""

    def __post_init__(self) -> None:
        for item in fields(self):
            _check(type(self).__name__, item, getattr(self, item.name))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Settings from plain data. Raises SettingsError on unknown keys."""
        known = [item.name for item in fields(cls)]
        for key in values:
            if key not in known:
                raise SettingsError(f"{cls.__name__} has no setting '{key}'. It has: {', '.join(known)}.")
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Plain data that :meth:`from_dict` takes back."""
        return dataclasses.asdict(self)


def _check(owner: str, item: dataclasses.Field[Any], value: Any) -> None:
    name, about = f"{owner}.{item.name}", item.metadata
    if "options" in about:
        if value not in about["options"]:
            raise SettingsError(f"{name} is {value!r}; it must be one of {', '.join(about['options'])}.")
        return
    if "label" not in about:
        return
    wanted = type(item.default)
    allowed = (int, float) if wanted is float else (wanted,)
    if isinstance(value, bool) is not (wanted is bool) or not isinstance(value, allowed):
        raise SettingsError(f"{name} is {value!r}; it must be of type {wanted.__name__}.")
    low, high = about.get("low"), about.get("high")
    if value != value or (low is not None and value < low) or (high is not None and value > high):
        unit = f" {about['unit']}" if about.get("unit") else ""
        raise SettingsError(f"{name} is {value!r}; it must lie in [{low}, {high}]{unit}.")
