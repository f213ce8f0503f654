"""``semiseg serve``: train for people whose computers share no disk with this one."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..backends import LocalBackend
from ..backends.far import far_backend
from ..files import disk_errors, write_json
from ..job import JobError
from ..server.serving import Keeping, Listening, Serving
from ..server.users import Users
from .counts import at_least_one
from .output import Output, add_json

TOKEN, DESCRIPTION, AUTHORITY = "server.token", "server.json", "certificate.pem"


def add(commands: Any) -> None:
    """The grammar."""
    serve = commands.add_parser("serve", help="train on this computer for people who draw on others")
    actions = serve.add_subparsers(dest="action", required=True, metavar="ACTION")
    _add_run(actions)
    invite = actions.add_parser("invite", help="let somebody use the server: make a token, and what goes with it")
    invite.add_argument("folder", type=Path, help="of the server")
    invite.add_argument("name")
    invite.add_argument("--address", required=True, metavar="https://HOST:PORT", help="by which they reach the server")
    invite.add_argument("--into", type=Path, required=True, metavar="FOLDER", help=(
        f"a new folder to hand over safely: {DESCRIPTION}, {TOKEN} and, with --certificate, {AUTHORITY}"))
    invite.add_argument("--certificate", type=Path, metavar="PEM", help=(
        "the server's certificate, where their computers would not trust it otherwise"))
    invite.set_defaults(do=_invite)
    remove = actions.add_parser("remove", help="take somebody's token away, at once")
    remove.add_argument("folder", type=Path)
    remove.add_argument("name")
    remove.set_defaults(do=_remove)
    users = actions.add_parser("users", help="who may use the server")
    users.add_argument("folder", type=Path)
    users.set_defaults(do=_users)
    for action in (invite, remove, users):
        add_json(action)


def _add_run(actions: Any) -> None:
    run = actions.add_parser("run", help="serve until Ctrl+C; trainings on their way go on")
    run.add_argument("folder", type=Path, help="where users, their files and their jobs lie")
    run.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this computer alone, for SSH)")
    run.add_argument("--port", type=at_least_one, default=8443)
    run.add_argument("--certificate", type=Path, metavar="PEM")
    run.add_argument("--key", type=Path, metavar="PEM")
    run.add_argument("--behind-proxy", action="store_true", help="a proxy in front of it speaks https")
    run.add_argument("--cluster", type=Path, metavar="FILE", help="run the jobs on this Ray cluster")
    run.add_argument("--gigabytes", type=float, default=100.0, help="of files for each user (default 100)")
    run.add_argument("--days", type=float, default=14.0, help="to keep files nobody asks for, and jobs that ended")
    add_json(run)
    run.set_defaults(do=_run)


def _run(options: argparse.Namespace) -> int:
    out, jobs = Output(options.json), options.folder / "jobs"
    with disk_errors(options.folder):
        jobs.mkdir(mode=0o700, parents=True, exist_ok=True)
    backend = far_backend(options.cluster, jobs) if options.cluster else LocalBackend(jobs)
    listening = Listening(options.host, options.port, options.certificate, options.key, options.behind_proxy)
    serving = Serving(options.folder, backend, Keeping(options.gigabytes, options.days))
    text = f"Serving on {listening.address}; Ctrl+C ends it, and trainings on their way go on."
    serving.run(listening, lambda: out.event("serving", text, address=listening.address))
    return 0


def _invite(options: argparse.Namespace) -> int:
    if options.into.exists():
        raise JobError(f"{options.into} exists already.", "Name a new folder.")
    certificate = options.certificate.read_bytes() if _is_there(options.certificate) else None
    with disk_errors(options.into):
        options.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        options.into.mkdir(mode=0o700, parents=True)
        secret = options.into / TOKEN
        secret.touch(mode=0o600)
        secret.write_text(Users(options.folder / "users.json").invite(options.name) + "\n", encoding="ascii")
        if certificate is not None:
            (options.into / AUTHORITY).write_bytes(certificate)
    described = {"server": options.address, "token": TOKEN}
    write_json(options.into / DESCRIPTION, {**described, **({"authority": AUTHORITY} if certificate else {})})
    text = (f"{options.name} may use the server. Hand {options.into} over safely: who has it, has the token. In Slicer "
            f"choose its {DESCRIPTION} under 'Where', or say: semiseg train STUDY --server {DESCRIPTION}")
    Output(options.json).event("invited", text, name=options.name, folder=str(options.into))
    return 0


def _is_there(certificate: Path | None) -> bool:
    if certificate is not None and not certificate.is_file():
        raise JobError(f"There is no certificate {certificate}.", "Name the PEM file of the server's certificate.")
    return certificate is not None


def _remove(options: argparse.Namespace) -> int:
    Users(options.folder / "users.json").remove(options.name)
    Output(options.json).event("removed", f"{options.name} may use the server no longer.", name=options.name)
    return 0


def _users(options: argparse.Namespace) -> int:
    out = Output(options.json)
    for name in Users(options.folder / "users.json").names:
        out.event("user", name, name=name)
    return 0
