"""``semiseg serve``: train for people whose computers share no disk with this one."""

from __future__ import annotations

import argparse
import os
import re
import ssl
from pathlib import Path
from typing import Any

from ..backends import LocalBackend
from ..backends.far import far_backend
from ..backends.server.backend import PORT, Server
from ..backends.server.gateway import Gateway
from ..files import disk_errors, write_json
from ..job import JobError
from ..server.listening import Listening
from ..server.serving import Keeping, Serving
from ..server.users import Users
from .counts import a_port, some_days, some_gigabytes
from .output import Output, add_json

TOLD = "Ctrl+C stops the server; running trainings go on."
TOKEN, DESCRIPTION, AUTHORITY = "server.token", "server.json", "certificate.pem"
PEM = "Name the PEM file of the server's certificate."
_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")


def add(commands: Any) -> None:
    """The grammar."""
    serve = commands.add_parser("serve", help="train on this computer for people who draw on others")
    actions = serve.add_subparsers(dest="action", required=True, metavar="ACTION")
    _add_run(actions)
    invite = actions.add_parser("invite", help="let a person use the server: make a token, and the files to give them")
    invite.add_argument("folder", type=Path, help="the server's folder")
    invite.add_argument("name", help="the person's name, in lower case")
    invite.add_argument("--address", required=True, metavar="https://HOST:PORT", help="where they reach the server")
    invite.add_argument("--into", type=Path, required=True, metavar="FOLDER", help=(
        f"a new folder to give to the person in a safe way: {DESCRIPTION}, {TOKEN} and, with --certificate, "
        f"{AUTHORITY}"))
    invite.add_argument("--certificate", type=Path, metavar="PEM", help=(
        "the server's certificate, or better that of the authority that signed it, if their computers would not trust "
        "it otherwise"))
    invite.set_defaults(do=_invite)
    remove = actions.add_parser("remove", help="revoke a person's token, at once")
    remove.add_argument("folder", type=Path, help="the server's folder")
    remove.add_argument("name", help="the person's name")
    remove.set_defaults(do=_remove)
    users = actions.add_parser("users", help="list who may use the server")
    users.add_argument("folder", type=Path, help="the server's folder")
    users.set_defaults(do=_users)
    for action in (invite, remove, users):
        add_json(action)


def _add_run(actions: Any) -> None:
    run = actions.add_parser("run", help="serve until Ctrl+C; running trainings go on")
    run.add_argument("folder", type=Path, help="where users, their files and their jobs are kept")
    run.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this computer alone, for SSH)")
    run.add_argument("--port", type=a_port, default=PORT, help="0: any free port")
    run.add_argument("--certificate", type=Path, metavar="PEM", help="certificate for https")
    run.add_argument("--key", type=Path, metavar="PEM", help="the certificate's private key")
    run.add_argument("--behind-proxy", action="store_true", help="a proxy in front of it speaks https")
    run.add_argument("--cluster", type=Path, metavar="FILE", help="run the jobs on this Ray cluster")
    run.add_argument("--gigabytes", type=some_gigabytes, default=100.0, help="files that a user may keep (default 100)")
    run.add_argument("--days", type=some_days, default=14.0, help="keep unused files and ended jobs (default 14)")
    add_json(run)
    run.set_defaults(do=_run)


def _run(options: argparse.Namespace) -> int:
    out, jobs = Output(options.json), options.folder / "jobs"
    os.umask(0o077)  # whatever is written from here on is for nobody else on this computer, whoever made the folder
    with disk_errors(options.folder):
        jobs.mkdir(mode=0o700, parents=True, exist_ok=True)
    backend = far_backend(options.cluster, jobs) if options.cluster else LocalBackend(jobs)
    listening = Listening(options.host, options.port, options.certificate, options.key, options.behind_proxy)
    serving = Serving(options.folder, backend, Keeping(options.gigabytes, options.days))
    serving.run(listening, lambda address: out.event("serving", f"Serving on {address}. {TOLD}", address=address))
    return 0


def _invite(options: argparse.Namespace) -> int:
    into = options.into
    if into.exists():
        raise JobError(f"{into} exists already.", "Give a new folder.")
    Gateway(Server(server=options.address, token=TOKEN))  # refuses an address to which no token may be sent
    certificate = _certificates(options.certificate)
    with disk_errors(options.folder):
        options.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    users = Users(options.folder / "users.json")
    known = options.name in users.names
    token = users.invite(options.name)
    _write(into, options.address, token, certificate)
    text = (f"{options.name} may use the server. Give {into} to that person in a safe way: anyone who has it has the "
            f"token. In Slicer, choose its {DESCRIPTION} under 'Where', or run: semiseg train STUDY --server "
            f"{DESCRIPTION}")
    text += f" The earlier token of {options.name} no longer works." if known else ""
    Output(options.json).event("invited", text, name=options.name, folder=str(into))
    return 0


def _write(into: Path, address: str, token: str, certificate: bytes | None) -> None:
    """What a user needs, as files that nobody else on this computer can read."""
    with disk_errors(into):
        into.mkdir(mode=0o700, parents=True)
        (into / TOKEN).touch(mode=0o600)
        (into / TOKEN).write_text(token + "\n", encoding="ascii")
        if certificate is not None:
            (into / AUTHORITY).write_bytes(certificate)
    authority = {"authority": AUTHORITY} if certificate is not None else {}
    write_json(into / DESCRIPTION, {"server": address, "token": TOKEN, **authority})


def _certificates(path: Path | None) -> bytes | None:
    """The certificates in a PEM file, and nothing else of it: a key may lie there, too, which is for nobody else.
    Raises JobError naming the file where there is none.
    """
    if path is None:
        return None
    try:
        found = b"\n".join(_CERTIFICATE.findall(path.read_bytes())) + b"\n"
    except OSError as error:
        raise JobError(f"The certificate {path} cannot be read: {error.strerror}.", PEM) from error
    try:
        ssl.create_default_context(cadata=found.decode("ascii"))
    except OSError as error:  # ssl.SSLError is one
        raise JobError(f"{path} contains no certificate.", PEM) from error
    return found


def _remove(options: argparse.Namespace) -> int:
    Users(options.folder / "users.json").remove(options.name)
    text = (f"{options.name} may no longer use the server. If this name is invited again, it counts as another person, "
            "who does not see the files and jobs of this one.")
    Output(options.json).event("removed", text, name=options.name)
    return 0


def _users(options: argparse.Namespace) -> int:
    out = Output(options.json)
    users = Users(options.folder / "users.json")
    for name in users.names:
        account = users.account(name)
        out.event("user", f"{name}, whose files and lines in requests.log are those of {account}", name=name,
                  account=account)
    return 0
