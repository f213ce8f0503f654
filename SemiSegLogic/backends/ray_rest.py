"""Ray's job interface over REST, with the standard library alone: no Ray is installed where people draw.

Whoever may send a job to a Ray may run any program there, so the token goes only where it is meant to: read from a file
for every request, never to a plain address beyond this computer, never along a redirect or to a proxy, and to no Ray
that does without one.
"""

from __future__ import annotations

import ipaddress
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException, IncompleteRead
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from .cluster import ClusterError, read_token

TIMEOUT_S = 5.0
LARGEST_ANSWER = 16 << 20
LONGEST_WORDS = 300
TUNNEL = "Use https, or an SSH tunnel: ssh -N -L 8265:127.0.0.1:8265 HEAD, then http://127.0.0.1:8265."
DASHBOARD = "Give the address of Ray's dashboard, mostly with port 8265."
TOKENS_ON = ("Restart the cluster with RAY_AUTH_MODE=token and the same ~/.ray/auth_token on all of its computers "
             "(Ray 2.52 or newer).")


class Unreachable(ClusterError):
    """The cluster gives no answer; what runs there goes on."""


@dataclass(frozen=True)
class RayWord:
    """What Ray says of a submission: ``state`` PENDING, RUNNING, STOPPED, SUCCEEDED or FAILED."""

    state: str
    message: str = ""
    entrypoint: str = ""

    @property
    def waits_or_runs(self) -> bool:
        """Whether it is not over."""
        return self.state in ("PENDING", "RUNNING")


class RayRest:
    """The Ray at ``address``. Raises ClusterError on an address to which no token may be sent."""

    def __init__(self, address: str, token_file: Path, authority: Path | None = None) -> None:
        self.address, self.token_file = _checked(address), token_file
        handlers = [urllib.request.ProxyHandler({}), _NoRedirect(), _https(authority)]
        self._opener = urllib.request.build_opener(*handlers)

    def check(self) -> None:
        """Raises ClusterError when this Ray takes jobs without a token, does not take ours, or is no Ray."""
        code, answer = self._ask("GET", "/api/jobs/", token=None)
        if code == 200 and isinstance(_plain(answer), list):
            raise ClusterError(f"The Ray at {self.address} takes jobs from anybody, without a token: whoever reaches "
                               "it can run any program there.", TOKENS_ON)
        if code not in (401, 403):
            raise ClusterError(f"{self.address} answered {code}, as no Ray does.", DASHBOARD)
        said = self._say("GET", "/api/version")
        if not isinstance(said, dict) or "ray_version" not in said:
            raise ClusterError(f"{self.address} does not speak as a Ray does.", DASHBOARD)

    def submit(self, name: str, entrypoint: str, gpus: int, cpus: int, variables: Mapping[str, str]) -> None:
        """Put ``entrypoint`` in Ray's line as the submission ``name``; once, however often it is called. Raises
        ClusterError when the name is taken by something else or Ray refuses.
        """
        order = {"submission_id": name, "entrypoint": entrypoint, "entrypoint_num_gpus": gpus,
                 "entrypoint_num_cpus": cpus, "runtime_env": {"env_vars": dict(variables)}}
        try:
            self._say("POST", "/api/jobs/", order)
        except Unreachable:
            raise
        except ClusterError:
            known = self.word(name)
            if known is None:
                raise
            if known.entrypoint != entrypoint:
                raise ClusterError(f"Ray at {self.address} knows another job by the name {name}.",
                                   "Use one folder for the jobs of a cluster.") from None

    def word(self, name: str) -> RayWord | None:
        """What Ray says of a submission; None when it knows none of this name. Raises ClusterError, Unreachable."""
        code, answer = self._ask("GET", f"/api/jobs/{quote(name, safe='')}", token=read_token(self.token_file))
        if code == 404:
            return None
        found = self._checked_answer(code, answer)
        return RayWord(str(found.get("status")), str(found.get("message") or "")[:LONGEST_WORDS],
                       str(found.get("entrypoint") or ""))

    def stop(self, name: str) -> None:
        """Take a submission out of the line, or end it. Raises ClusterError, Unreachable."""
        self._say("POST", f"/api/jobs/{quote(name, safe='')}/stop")

    def computers(self) -> list[dict[str, float]]:
        """What each living computer of the cluster has, by name. Raises ClusterError, Unreachable."""
        answer = self._say("GET", "/api/v0/nodes")
        try:
            nodes = answer["data"]["result"]["result"]
            return [dict(node["resources_total"]) for node in nodes if node["state"] == "ALIVE"]
        except (KeyError, TypeError, ValueError) as error:
            raise ClusterError(f"Ray at {self.address} tells nothing of its computers.", "Update Ray.") from error

    def _say(self, method: str, path: str, content: Any = None) -> Any:
        return self._checked_answer(*self._ask(method, path, read_token(self.token_file), content))

    def _checked_answer(self, code: int, answer: bytes) -> Any:
        if code in (401, 403):
            raise ClusterError(f"Ray at {self.address} does not take the token in {self.token_file} ({code}).",
                               "Copy the cluster's ~/.ray/auth_token there.")
        if code != 200:
            lines = [line for line in answer.decode(errors="replace").splitlines() if line.strip(" .")]
            raise ClusterError(f"Ray at {self.address} refused ({code}): {(lines or [''])[-1][:LONGEST_WORDS]}",
                               "Its own log on the head node tells more.")
        found = _plain(answer)
        if found is None:
            raise ClusterError(f"{self.address} does not speak as a Ray does.", DASHBOARD)
        return found

    def _ask(self, method: str, path: str, token: str | None, content: Any = None) -> tuple[int, bytes]:
        """Status code and body. Raises Unreachable, without a word of the token."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        data = None if content is None else json.dumps(content).encode()
        if data is not None:
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(self.address + path, data, headers, method=method)
        try:
            with self._open(request) as answer:
                return answer.status, _whole(answer)
        except (OSError, ValueError, HTTPException) as error:  # refused, timed out, an untrusted certificate, torn off
            why = getattr(error, "reason", error)
            raise Unreachable(f"The cluster at {self.address} cannot be reached: {why}.", _remedy(why)) from None


    def _open(self, request: urllib.request.Request) -> Any:
        """The answer, whatever its code: that too can break off while it is read."""
        try:
            return self._opener.open(request, timeout=TIMEOUT_S)
        except urllib.error.HTTPError as error:
            return error


def _whole(answer: Any) -> bytes:
    """The body. Raises IncompleteRead when the connection was closed before its end, which Python does not say."""
    found: bytes = answer.read(LARGEST_ANSWER)
    told = answer.headers.get("Content-Length", "")
    missing = min(int(told), LARGEST_ANSWER) - len(found) if told.isdecimal() else 0
    if missing > 0:
        raise IncompleteRead(found, missing)
    return found


def _plain(answer: bytes) -> Any:
    """The plain data of an answer; None when it is none."""
    try:
        return json.loads(answer)
    except ValueError:
        return None


def _remedy(why: object) -> str:
    """For an address that gave no answer."""
    if isinstance(why, ssl.SSLCertVerificationError):
        return ('Name the file of the certificate that signed the cluster\'s own as "authority", and the host as the '
                "certificate names it.")
    if isinstance(why, ssl.SSLError):
        return "Something answers there, but not in https. Over an SSH tunnel the address begins with http://."
    return "Check that Ray runs, the network and the SSH tunnel. What runs there goes on."


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the token elsewhere."""

    def redirect_request(self, *_: Any) -> None:
        """Never."""


def _https(authority: Path | None) -> urllib.request.HTTPSHandler:
    try:
        return urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=authority))
    except (OSError, ssl.SSLError) as error:
        raise ClusterError(f"The certificate {authority} cannot be read: {error}.", "Name a PEM file.") from error


def _checked(address: str) -> str:
    try:
        parts = urlsplit(address)
    except ValueError:  # half an IPv6 address
        parts = urlsplit("")
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not host or parts.username or parts.query or parts.path.strip("/"):
        raise ClusterError(f"'{address}' is no address of a Ray.", "Write it as https://host:8265.")
    if parts.scheme == "http" and not _is_this_computer(host):
        raise ClusterError(f"{address} is plain http to another computer: anybody on the way could read the token.",
                           TUNNEL)
    return f"{parts.scheme}://{parts.netloc}"


def _is_this_computer(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
