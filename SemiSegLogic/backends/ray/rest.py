"""Ray's job interface over REST. Whoever may send a job to a Ray may run any program there, so the token goes only
where it is meant to (see https.py), and to no Ray that does without one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..description import PlaceError, Unreachable
from ..https import Answer, Https

PORT = 8265
LONGEST_WORDS = 300
DASHBOARD = "Give the address of Ray's dashboard, usually with port 8265."
TOKENS_ON = ("Restart the cluster with RAY_AUTH_MODE=token and the same ~/.ray/auth_token on all of its computers "
             "(Ray 2.52 or newer).")


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
    """The Ray at ``address``. Raises PlaceError on an address to which no token may be sent."""

    def __init__(self, address: str, token_file: Path, authority: Path | None = None) -> None:
        self._https = Https(address, token_file, authority, kind="cluster", port=PORT)
        self.address, self.token_file = self._https.address, token_file

    def check(self) -> None:
        """Raises PlaceError when this Ray takes jobs without a token, does not take ours, or is no Ray."""
        answer = self._https.ask("GET", "/api/jobs/", with_token=False)
        if answer.code == 200 and isinstance(answer.plain, list):
            raise PlaceError(f"The Ray at {self.address} accepts jobs from anybody, without a token: anyone who can "
                             "reach it can run any program there.", TOKENS_ON)
        if answer.code not in (401, 403):
            raise PlaceError(f"{self.address} answered {answer.code}, which is not an answer of Ray.", DASHBOARD)
        said = self._say("GET", "/api/version")
        if not isinstance(said, dict) or "ray_version" not in said:
            raise PlaceError(f"{self.address} does not answer like Ray.", DASHBOARD)

    def submit(self, name: str, entrypoint: str, gpus: int, cpus: int, variables: Mapping[str, str]) -> None:
        """Put ``entrypoint`` in Ray's line as the submission ``name``; once, however often it is called. Raises
        PlaceError when the name is taken by something else or Ray refuses.
        """
        order = {"submission_id": name, "entrypoint": entrypoint, "entrypoint_num_gpus": gpus,
                 "entrypoint_num_cpus": cpus, "runtime_env": {"env_vars": dict(variables)}}
        try:
            self._say("POST", "/api/jobs/", order)
        except Unreachable:
            raise
        except PlaceError:
            known = self.word(name)
            if known is None:
                raise
            if known.entrypoint != entrypoint:
                raise PlaceError(f"Ray at {self.address} knows another job by the name {name}.",
                                 "Use one folder for the jobs of a cluster.") from None

    def word(self, name: str) -> RayWord | None:
        """What Ray says of a submission; None when it knows none of this name. Raises PlaceError, Unreachable."""
        answer = self._https.ask("GET", f"/api/jobs/{quote(name, safe='')}")
        if answer.code == 404:
            return None
        found = self._checked(answer)
        return RayWord(str(found.get("status")), str(found.get("message") or "")[:LONGEST_WORDS],
                       str(found.get("entrypoint") or ""))

    def stop(self, name: str) -> None:
        """Take a submission out of the line, or end it. Raises PlaceError, Unreachable."""
        self._say("POST", f"/api/jobs/{quote(name, safe='')}/stop")

    def computers(self) -> list[dict[str, float]]:
        """What each living computer of the cluster has, by name. Raises PlaceError, Unreachable."""
        answer = self._say("GET", "/api/v0/nodes")
        try:
            nodes = answer["data"]["result"]["result"]
            return [dict(node["resources_total"]) for node in nodes if node["state"] == "ALIVE"]
        except (KeyError, TypeError, ValueError) as error:
            raise PlaceError(f"Ray at {self.address} says nothing about its computers.", "Update Ray.") from error

    def _say(self, method: str, path: str, content: Any = None) -> Any:
        return self._checked(self._https.ask(method, path, None if content is None else json.dumps(content).encode()))

    def _checked(self, answer: Answer) -> Any:
        if answer.code in (401, 403):
            raise PlaceError(f"Ray at {self.address} does not accept the token in {self.token_file} ({answer.code}).",
                             "Copy the cluster's ~/.ray/auth_token there.")
        if answer.code != 200:
            lines = [line for line in answer.body.decode(errors="replace").splitlines() if line.strip(" .")]
            raise PlaceError(f"Ray at {self.address} refused ({answer.code}): {(lines or [''])[-1][:LONGEST_WORDS]}",
                             "Its own log on the head node says more.")
        found = answer.plain
        if found is None:
            raise PlaceError(f"{self.address} does not answer like Ray.", DASHBOARD)
        return found
