"""What a server takes of an order: a method of ours with its settings in bounds, and no path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..job import JobError, JobSpec
from ..job.travel import given
from ..settings import CHOICES, SettingsError, Training
from .refusal import WRONG, Refused

_AGAIN = "Send the order again with SemiSeg."


def order_in(plain: Any) -> tuple[JobSpec, Mapping[str, str]]:
    """The order in plain data, and name -> digest of every file in ``in/`` that it needs. Raises JobError naming what
    is out of place.
    """
    if not isinstance(plain, dict) or set(plain) != {"spec", "files"}:
        raise Refused(WRONG, "An order holds 'spec' and 'files'.", _AGAIN)
    spec, files = _understood(plain["spec"]), plain["files"]
    if not isinstance(files, dict) or sorted(files) != sorted(given(spec)):
        raise Refused(WRONG, "The files of the order are not those that it needs.", _AGAIN)
    if not all(isinstance(digest, str) for digest in files.values()):
        raise Refused(WRONG, "The files of the order are named by other things than digests.", _AGAIN)
    _require_bounds(spec)
    return spec, files


def _understood(plain: Any) -> JobSpec:
    """The order, which its client found to be in order: where it is not, the two are of different versions."""
    try:
        return JobSpec.from_dict(plain)
    except JobError as error:
        raise Refused(WRONG, f"The server does not understand the order: {error.text}",
                      "Update SemiSeg on both computers.") from error


def _require_bounds(spec: JobSpec) -> None:
    if spec.method not in CHOICES:
        raise JobError(f"'{spec.method}' is no method of this server.", f"It has {', '.join(CHOICES)}; or update it.")
    try:
        Training.from_dict(spec.training)
        CHOICES[spec.method].from_dict(spec.method_settings)
    except SettingsError as error:
        raise JobError(str(error), "Change the setting, or update SemiSeg on the server.") from error
    if spec.method_settings.get("weights"):
        raise JobError("'weights' names a folder of another computer.",
                       "Leave it empty: a server takes no paths. Train such a model on your own computer.")
