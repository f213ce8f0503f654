"""Strict checks of plain data that came from a file or another computer. Each raises JobError: key, value, remedy.

Nothing is converted: a value is taken as it stands or refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from .errors import JobError

DIGEST = r"[0-9a-f]{64}"
CASE_ID = r"c\d{3,9}"
WRITE_AGAIN = "Start a new training, and do not edit its files by hand."


def text(key: str, value: Any, pattern: str = r"[^\x00-\x1f\x7f]*", longest: int = 200) -> str:
    """``value`` when it is a string of at most ``longest`` characters that matches ``pattern`` as a whole."""
    if not isinstance(value, str) or len(value) > longest or not re.fullmatch(pattern, value, re.ASCII):
        raise JobError(f"'{key}' is {value!r:.120}; it must be text that matches {pattern}.", WRITE_AGAIN)
    return value


def one_of(key: str, value: Any, options: Iterable[str]) -> str:
    """``value`` when it is one of ``options``."""
    allowed = tuple(options)
    if not isinstance(value, str) or value not in allowed:
        raise JobError(f"'{key}' is {value!r:.120}; it must be one of {', '.join(allowed)}.", WRITE_AGAIN)
    return value


def integer(key: str, value: Any, low: int, high: int) -> int:
    """``value`` when it is an int (not a bool) in [low, high]."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise JobError(f"'{key}' is {value!r:.120}; it must be a whole number in [{low}, {high}].", WRITE_AGAIN)
    return value


def number(key: str, value: Any, low: float, high: float) -> float:
    """``value`` when it is a finite number (not a bool) in [low, high]."""
    fits = isinstance(value, int | float) and not isinstance(value, bool)
    if not fits or not math.isfinite(value) or not low <= value <= high:
        raise JobError(f"'{key}' is {value!r:.120}; it must be a number in [{low:g}, {high:g}].", WRITE_AGAIN)
    return value


def truth(key: str, value: Any) -> bool:
    """``value`` when it is true or false."""
    if not isinstance(value, bool):
        raise JobError(f"'{key}' is {value!r:.120}; it must be true or false.", WRITE_AGAIN)
    return value


def sequence(key: str, value: Any, shortest: int, longest: int) -> list[Any] | tuple[Any, ...]:
    """``value`` when it is a list or tuple of ``shortest`` to ``longest`` items."""
    if not isinstance(value, list | tuple) or not shortest <= len(value) <= longest:
        size = f"{len(value)} items" if isinstance(value, list | tuple) else f"{value!r:.120}"
        raise JobError(f"'{key}' is {size}; it must be a list of {shortest} to {longest} items.", WRITE_AGAIN)
    return value


def mapping(key: str, value: Any) -> dict[str, Any]:
    """``value`` when it is an object with text keys."""
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise JobError(f"'{key}' is {value!r:.120}; it must be an object with named values.", WRITE_AGAIN)
    return value


def flat(key: str, value: Any) -> dict[str, Any]:
    """``value`` when it is an object of at most 200 plain settings: text, finite numbers, true or false."""
    settings = mapping(key, value)
    if len(settings) > 200:
        raise JobError(f"'{key}' has {len(settings)} settings; it may have 200.", WRITE_AGAIN)
    for name, setting in settings.items():
        text(f"{key} name", name, r"[A-Za-z_]\w*", 64)
        if isinstance(setting, str):
            text(f"{key}.{name}", setting)
        elif not isinstance(setting, bool):
            number(f"{key}.{name}", setting, -1e18, 1e18)
    return settings


def moment(key: str, value: Any) -> str:
    """``value`` when it is an ISO 8601 time with its offset from UTC."""
    try:
        known = datetime.fromisoformat(text(key, value, longest=40)).tzinfo is not None
    except ValueError:
        known = False
    if not known:
        raise JobError(f"'{key}' is {value!r}; it must be a time such as 2026-11-21T01:30:00+00:00.", WRITE_AGAIN)
    return str(value)


def digest(key: str, value: Any) -> str:
    """``value`` when it is a SHA-256 in 64 hexadecimal digits."""
    return text(key, value, DIGEST, 64)


def exact_keys(where: str, value: Any, kind: type) -> dict[str, Any]:
    """``value`` when it is an object with no key that dataclass ``kind`` lacks and all that it needs."""
    found = mapping(where, value)
    known = [item.name for item in fields(kind)]
    for key in found:
        if key not in known:
            raise JobError(f"'{where}' has the unknown key '{key:.60}'; it may have {', '.join(known)}.", WRITE_AGAIN)
    for key in known:
        if key not in found:
            raise JobError(f"'{where}' lacks the key '{key}'.", WRITE_AGAIN)
    return found


def distinct(key: str, values: Iterable[Any]) -> None:
    """Nothing when no value comes twice."""
    seen: set[Any] = set()
    for value in values:
        if value in seen:
            raise JobError(f"'{key}' holds {value!r} twice.", WRITE_AGAIN)
        seen.add(value)


def finite(value: Any) -> Any:
    """Plain data that JSON can hold: NaN and infinities become None, at any depth."""
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
