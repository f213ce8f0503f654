"""Reading what people may edit by hand: unknown keys and wrong types are named, with the file."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from SemiSegLogic.errors import SemiSegError
from SemiSegLogic.files import read_json

Record = TypeVar("Record")


class BenchmarkError(SemiSegError):
    """A protocol, its data or its results cannot be used; the message says which, why and what to do."""


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in ``path``. Raises BenchmarkError or FileError."""
    content = read_json(path)
    if not isinstance(content, dict):
        raise BenchmarkError(f"{path} must hold one JSON object, not a {type(content).__name__}.")
    return content


def record(kind: type[Record], values: Mapping[str, Any], where: str) -> Record:
    """``values`` as the dataclass ``kind``; ``where`` names the place in errors. Raises BenchmarkError."""
    fields = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(values.keys() - fields.keys())
    needed = {
        name for name, field in fields.items()
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }
    missing = sorted(needed - values.keys())
    if unknown or missing:
        problem = f"does not know '{unknown[0]}'" if unknown else f"lacks '{missing[0]}'"
        raise BenchmarkError(f"{where} {problem}. It takes: {', '.join(fields)}.")
    return kind(**values)


def digest(content: Any) -> str:
    """SHA-256 (hex) of plain data, whatever the order of its keys."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
