"""Who may use the server: ``users.json``, name -> {"token", "account"}: the SHA-256 of the token, which itself is shown
once and kept nowhere, and what everything of theirs is kept under. A name may come to another person; an account never
does, so nobody finds what was another's.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..files import FileError, disk_errors, read_json, write_json
from ..job import FileLock, JobError

TOKEN_BYTES = 32
LOCK_PATIENCE_S = 10.0
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}", re.ASCII)


@dataclass(frozen=True)
class User:
    """``token`` its SHA-256; ``account`` what the files and jobs of this very person are kept under."""

    token: str
    account: str

    @classmethod
    def read(cls, name: str, plain: Any) -> User:
        """Of plain data; a token alone was written before there were accounts. Raises TypeError on anything else."""
        found = cls(plain, name) if isinstance(plain, str) else cls(**plain)
        if not all(isinstance(value, str) for value in (found.token, found.account)):
            raise TypeError(name)
        return found


class Users:
    """The people in the file ``path``, which is read anew each time: who is added or removed is so at once."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def names(self) -> list[str]:
        """Of all, in order. Raises JobError when the file is damaged."""
        return sorted(self._read())

    def account(self, name: str) -> str:
        """What everything of ``name`` is kept under. Raises KeyError when there is no such user, JobError."""
        return self._read()[name].account

    def invite(self, name: str) -> str:
        """A new token for ``name``, in the place of an earlier one; who was removed meanwhile is taken for another
        person. Raises JobError on a name that cannot be one, FileError.
        """
        if not _NAME.fullmatch(name):
            raise JobError(f"'{name:.60}' cannot be the name of a user.",
                           "Use up to 32 small letters, digits, - and _, a letter or digit first.")
        token = secrets.token_urlsafe(TOKEN_BYTES)
        with self._changing() as known:
            account = known[name].account if name in known else f"{name}.{secrets.token_hex(4)}"  # which is no name
            known[name] = User(_digest(token), account)
        return token

    def remove(self, name: str) -> None:
        """Take the token of ``name`` away. Raises JobError when there is no such user, FileError."""
        known = self._read()
        if name not in known:
            others = ", ".join(sorted(known)) or "nobody"
            raise JobError(f"{self.path} knows no user '{name:.60}'.", f"It knows: {others}.")
        with self._changing() as known:
            known.pop(name, None)

    def of(self, token: str) -> str | None:
        """The account of whose token it is; None: nobody's. It takes as long whichever it is."""
        asked, found = _digest(token), None
        for user in self._read().values():
            if hmac.compare_digest(asked, user.token):
                found = user.account
        return found

    def _read(self) -> dict[str, User]:
        if not self.path.exists():
            return {}
        try:
            return {name: User.read(name, plain) for name, plain in read_json(self.path).items()}
        except FileError as error:
            raise JobError(str(error), "Invite the users anew.") from error
        except (AttributeError, TypeError) as error:
            raise JobError(f"{self.path} holds no users.", "Delete it, and invite the users anew.") from error

    @contextmanager
    def _changing(self) -> Iterator[dict[str, User]]:
        """Those who are known, to be changed: by nobody else meanwhile, or one who was removed would be back."""
        with FileLock(self.path.with_name("users.lock")) as lock:
            deadline = time.monotonic() + LOCK_PATIENCE_S
            with disk_errors(lock.path):
                while not lock.try_acquire():
                    if time.monotonic() > deadline:
                        raise JobError(f"{self.path} is being changed by another program.", "Try again.")
                    time.sleep(0.02)
            known = self._read()
            yield known
            self._write(known)

    def _write(self, known: dict[str, User]) -> None:
        write_json(self.path, {name: asdict(user) for name, user in known.items()})
        self.path.chmod(0o600)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()
