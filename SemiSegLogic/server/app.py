"""What the server answers to; every request is asked for its token first.

    GET  /v1                          who answers
    GET  /v1/files/DIGEST             how much of a file is there      PUT  .../DIGEST?offset=&total=   a piece of it
    PUT  /v1/jobs/ID                  an order                         GET  /v1/jobs/ID                 how it stands
    GET  /v1/jobs/ID/files/NAME       what it gave back                PUT  /v1/jobs/ID/labels/N        newer labels
    POST /v1/jobs/ID/stop?patience=   save and stop                    POST /v1/jobs/ID/resume          go on
    PUT  /v1/jobs/ID/open?case=       the case on screen
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, StreamingResponse

from .. import __version__
from ..backends.description import PlaceError, Unreachable
from ..errors import SemiSegError
from ..files import FileError
from ..job.travel import PIECE, PROGRAM, PROTOCOL
from .bodies import body, plain_body
from .desk import Desk
from .discretion import Discretion
from .giving import OnTheWay, Wish, opened, sent
from .refusal import AWAY, FULL, WRONG, Refused
from .shelf import Shelf
from .users import Users

LARGEST_ORDER = 16 << 20
LARGEST_LABELS = 256 << 20
LOG = "log.txt"
Audit = Callable[[str, str, str, int], None]
"""Hears of every answer: user, method, path, code."""


def make_app(users: Users, desk: Desk, shelf_of: Callable[[str], Shelf], audit: Audit) -> FastAPI:
    """The whole interface; it has no pages of its own, for those would need no token."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, default_response_class=Plain)
    app.state.users, app.state.desk, app.state.shelf_of = users, desk, shelf_of
    app.state.coming = Counter[str]()  # bodies on their way by user
    app.state.going = OnTheWay()
    app.state.discretion = Discretion([users.path.parent, desk.root])

    @app.middleware("http")
    async def tell(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        code = 500  # of what goes wrong in a way that nobody thought of
        try:
            response = await answer(request)
            code = response.status_code
            return response
        finally:
            audit(getattr(request.state, "user", "-"), request.method, request.scope["path"], code)

    app.add_exception_handler(SemiSegError, _in_words)
    app.include_router(v1)
    return app


class Plain(JSONResponse):
    """Plain data, in which even half a character can be sent."""

    def render(self, content: Any) -> bytes:
        """As ASCII."""
        return json.dumps(content, allow_nan=False).encode("ascii")


async def _user(request: Request, authorization: Annotated[str, Header()] = "") -> str:
    scheme, _, token = authorization.partition(" ")
    known = scheme.lower() == "bearer" and token.strip()
    name = await run_in_threadpool(_known, request.app.state.users, known) if known else None
    if name is None:
        raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"})
    request.state.user = name
    return str(name)


def _known(users: Users, token: str) -> str | None:
    try:
        return users.of(token)
    except SemiSegError as error:
        logging.error("Nobody can be let in: %s", error)
        raise Refused(AWAY, "The server cannot tell who may use it.", "Tell whoever looks after it.") from error


def _desk(request: Request) -> Desk:
    found: Desk = request.app.state.desk
    return found


def _discretion(request: Request) -> Discretion:
    found: Discretion = request.app.state.discretion
    return found


def _going(request: Request) -> OnTheWay:
    found: OnTheWay = request.app.state.going
    return found


def _wish(range_: Annotated[str, Header(alias="Range")] = "", if_range: Annotated[str, Header()] = "") -> Wish:
    return Wish(range_, if_range)


User = Annotated[str, Depends(_user)]


def _shelf(request: Request, user: User) -> Shelf:
    found: Shelf = request.app.state.shelf_of(user)
    return found


TheDesk = Annotated[Desk, Depends(_desk)]
TheShelf = Annotated[Shelf, Depends(_shelf)]
TheDiscretion = Annotated[Discretion, Depends(_discretion)]
TheWish = Annotated[Wish, Depends(_wish)]
Going = Annotated[OnTheWay, Depends(_going)]
Seconds = Annotated[float, Query(allow_inf_nan=False)]
v1 = APIRouter(prefix="/v1", dependencies=[Depends(_user)])


@v1.get("")
def hello() -> dict[str, Any]:
    """Who answers, for a client that wants to know whether it is understood."""
    return {"program": PROGRAM, "version": __version__, "protocol": PROTOCOL}


@v1.get("/files/{digest}")
def there(digest: str, shelf: TheShelf) -> dict[str, Any]:
    """How much of a file is there: ``size`` bytes, and whether it is ``whole``."""
    return _size(shelf.there(digest))


@v1.put("/files/{digest}")
async def add(digest: str, offset: int, total: int, request: Request, shelf: TheShelf) -> dict[str, Any]:
    """Put the body, at most PIECE bytes, behind the ``offset`` bytes of a file of ``total`` that are there."""
    piece = await body(request, PIECE)
    return _size(await run_in_threadpool(shelf.add, digest, offset, total, piece))


@v1.put("/jobs/{job_id}")
async def take(job_id: str, request: Request, user: User, desk: TheDesk, shelf: TheShelf) -> dict[str, Any]:
    """Take in an order: ``spec`` as job.json holds it, ``files`` the digest of each file that it needs by name."""
    order = await plain_body(request, LARGEST_ORDER)
    await run_in_threadpool(desk.take, user, job_id, order, shelf)
    return {}


@v1.get("/jobs/{job_id}")
def look(job_id: str, user: User, desk: TheDesk, discretion: TheDiscretion) -> dict[str, Any]:
    """How a job stands: ``status``; ``files`` that it has given back, name -> size and time; ``labels``, the number of
    its newest ones.
    """
    status, files, newest = desk.look(user, job_id)
    return {"status": discretion.status(status).to_dict(), "files": files, "labels": newest}


@v1.get("/jobs/{job_id}/files/{name:path}")
def file(
    job_id: str, name: str, user: User, desk: TheDesk, discretion: TheDiscretion, wish: TheWish, going: Going
) -> StreamingResponse:
    """One of the files that a job has given back, or the rest of it; where libraries complain in it, without paths."""
    going.require_place(user)
    stream = opened(desk.file(user, job_id, name))
    return going.add(user, sent(discretion.log(stream) if name == LOG else stream, wish))


@v1.put("/jobs/{job_id}/labels/{number}")
async def labels(
    job_id: str, number: int, request: Request, user: User, desk: TheDesk, shelf: TheShelf
) -> dict[str, Any]:
    """Take in newer labels of a case: the body is the file in/labels-<number>.npz."""
    content = await body(request, LARGEST_LABELS)
    await run_in_threadpool(desk.add_labels, user, job_id, number, content, shelf)
    return {}


@v1.post("/jobs/{job_id}/stop")
def stop(job_id: str, patience: Seconds, user: User, desk: TheDesk) -> dict[str, Any]:
    """Have a job save and stop; it is ended by force ``patience`` seconds later."""
    desk.stop(user, job_id, patience)
    return {}


@v1.post("/jobs/{job_id}/resume")
def resume(job_id: str, user: User, desk: TheDesk) -> dict[str, Any]:
    """Go on with a job that stopped, failed or was lost."""
    desk.resume(user, job_id)
    return {}


@v1.put("/jobs/{job_id}/open")
def show(job_id: str, user: User, desk: TheDesk, case: str | None = None) -> dict[str, Any]:
    """Say which case is on the person's screen; left out: none."""
    desk.show(user, job_id, case)
    return {}


def _in_words(request: Request, error: Exception) -> JSONResponse:
    """What was refused for a reason is told as it stands; of what went wrong here, the log has more than the client."""
    if isinstance(error, Refused):
        return Plain({"text": error.text, "remedy": error.remedy}, error.code)
    user = getattr(request.state, "user", "-")
    logging.warning("%s of %s was answered: %s", request.method, user, _on_one_line(str(error)))
    kinds = {FileError: FULL, Unreachable: AWAY}  # a cluster behind the server may come back
    text, remedy = getattr(error, "text", str(error)), getattr(error, "remedy", "")
    if isinstance(error, (FileError, PlaceError)):  # which no client can mend
        text, remedy = f"On the server: {text}", "Tell whoever looks after it. Then resume the job."
    words = _discretion(request).words
    return Plain({"text": words(text), "remedy": words(remedy)}, kinds.get(type(error), WRONG))


def _on_one_line(text: str) -> str:
    return text.encode("unicode_escape").decode()


def _size(found: tuple[int, bool]) -> dict[str, Any]:
    return {"size": found[0], "whole": found[1]}
