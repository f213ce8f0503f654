"""A place of computation that is not this computer, as one small file describes it: the same for every study and every
person of a site. The token that opens it lies in a file of its own.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Self

from ..files import FileError, read_json
from ..home import expanded
from ..job import JobError
from ..settings import SettingsError
from ..settings.fields import Settings, text


class PlaceError(JobError):
    """Something about a place of computation, its description or its answer is not as it must be."""


class Unreachable(PlaceError):
    """The place gives no answer; what runs there goes on."""


@dataclass(frozen=True)
class Description(Settings):
    """What every such place needs. Raises SettingsError on a value out of place."""

    token: str = text("", "File with the token")
    authority: str = text("", "File with the certificate that signed the place's own (empty: those of the system)")

    KIND: ClassVar[str]
    """What such a place is called."""
    NEEDED: ClassVar[tuple[str, ...]]
    EXAMPLE: ClassVar[str]

    @classmethod
    def read(cls, path: Path) -> Self:
        """The place that a file describes. Raises PlaceError naming the file, the value and what to do."""
        try:
            found = cls.from_dict(_mapping(path, cls))
        except SettingsError as error:
            raise PlaceError(f"{path}: {error}", cls.EXAMPLE) from error
        missing = [name for name in cls.NEEDED if not getattr(found, name)]
        if missing:
            raise PlaceError(f"{path} does not say {', '.join(missing)}.", cls.EXAMPLE)
        return replace(found, token=_beside(path, found.token), authority=_beside(path, found.authority))

    @property
    def token_file(self) -> Path:
        """Where the token lies."""
        return expanded(Path(self.token))

    @property
    def authority_file(self) -> Path | None:
        """Where the certificate lies; None: those of the system count."""
        return expanded(Path(self.authority)) if self.authority else None


def _beside(path: Path, named: str) -> str:
    """A file that is named in ``path``, from whichever folder one looks: it lies beside it unless it says otherwise."""
    return str(path.absolute().parent / expanded(Path(named))) if named else ""


def describes(path: Path, key: str) -> bool:
    """Whether the file at ``path`` holds a value of that name; False also where it cannot be read."""
    try:
        values = read_json(path)
    except FileError:
        return False
    return isinstance(values, dict) and key in values


def read_token(path: Path) -> str:
    """The token in a file that nobody else can read. Raises PlaceError naming the file."""
    try:
        if os.name == "posix" and path.stat().st_mode & 0o077:
            raise PlaceError(f"Others on this computer can read the token in {path}.", f"Run: chmod 600 {path}")
        token = path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise PlaceError(f"The token file {path} cannot be read: {error.strerror or error}.",
                         "Copy the token that you were given there, or give another file.") from error
    except ValueError:
        token = ""
    if not token or not token.isprintable() or " " in token:
        raise PlaceError(f"{path} contains no token: it must be one word of plain letters and digits.",
                         "Copy the token that you were given there.")
    return token


def _mapping(path: Path, kind: type[Description]) -> dict[str, object]:
    try:
        values = read_json(path)
    except FileError as error:
        raise PlaceError(str(error), kind.EXAMPLE) from error
    if not isinstance(values, dict):
        raise PlaceError(f"{path} describes no {kind.KIND}: it is no list of named values.", kind.EXAMPLE)
    return values
