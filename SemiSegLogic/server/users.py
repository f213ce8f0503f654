"""Who may use the server: ``users.json``, name -> SHA-256 of the token, which itself is shown once and kept nowhere."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from pathlib import Path

from ..files import FileError, read_json, write_json
from ..job import JobError

TOKEN_BYTES = 32
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}", re.ASCII)


class Users:
    """The people in the file ``path``, which is read anew each time: who is added or removed is so at once."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def names(self) -> list[str]:
        """Of all, in order. Raises JobError when the file is damaged."""
        return sorted(self._read())

    def invite(self, name: str) -> str:
        """A new token for ``name``, in the place of an earlier one. Raises JobError on a name that cannot be one,
        FileError.
        """
        if not _NAME.fullmatch(name):
            raise JobError(f"'{name:.60}' cannot be the name of a user.",
                           "Use up to 32 small letters, digits, - and _, a letter or digit first.")
        token = secrets.token_urlsafe(TOKEN_BYTES)
        self._write({**self._read(), name: _digest(token)})
        return token

    def remove(self, name: str) -> None:
        """Take the token of ``name`` away. Raises JobError when there is no such user, FileError."""
        known = self._read()
        if name not in known:
            others = ", ".join(sorted(known)) or "nobody"
            raise JobError(f"{self.path} knows no user '{name:.60}'.", f"It knows: {others}.")
        del known[name]
        self._write(known)

    def of(self, token: str) -> str | None:
        """Whose token it is; None: nobody's. It takes as long whichever it is."""
        asked, found = _digest(token), None
        for name, known in self._read().items():
            if hmac.compare_digest(asked, known):
                found = name
        return found

    def _read(self) -> dict[str, str]:
        if not self.path.exists():
            return {}
        try:
            found = read_json(self.path)
        except FileError as error:
            raise JobError(str(error), "Invite the users anew.") from error
        if not isinstance(found, dict) or not all(isinstance(item, str) for item in found.values()):
            raise JobError(f"{self.path} holds no users.", "Delete it, and invite the users anew.")
        return found

    def _write(self, known: dict[str, str]) -> None:
        write_json(self.path, known)
        self.path.chmod(0o600)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()
