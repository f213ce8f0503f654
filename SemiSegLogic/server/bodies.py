"""What comes with a request: no more than may come, and from no client that dawdles."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from ..files import plain_data
from .refusal import AWAY, SLOW, TOO_LARGE, WRONG, Refused

PATIENCE_S = 120.0
MOST_AT_ONCE = 8
"""Bodies of one user that are in memory while they come."""


async def body(request: Request, most: int) -> bytes:
    """The bytes that came. Raises Refused when they are more than ``most``, take longer than PATIENCE_S, or when the
    user sends MOST_AT_ONCE others meanwhile.
    """
    found = bytearray()
    try:
        with _one_more(request):
            async with asyncio.timeout(PATIENCE_S):
                async for piece in request.stream():
                    found += piece
                    if len(found) > most:
                        raise Refused(TOO_LARGE, f"More than {most} bytes came at once.", "Send it in smaller pieces.")
    except ClientDisconnect as error:
        raise Refused(SLOW, "The connection was lost on the way.", "It is sent again.") from error
    except TimeoutError as error:
        raise Refused(SLOW, f"The rest did not come within {PATIENCE_S:.0f} s.", "Check the network.") from error
    return bytes(found)


async def plain_body(request: Request, most: int) -> Any:
    """The plain data that came. Raises Refused when it is none, or as :func:`body` does."""
    content = await body(request, most)
    try:
        return await run_in_threadpool(plain_data, content)
    except ValueError as error:
        raise Refused(WRONG, "What came is not plain data.", "Send the order again with SemiSeg.") from error


@contextmanager
def _one_more(request: Request) -> Iterator[None]:
    coming, user = request.app.state.coming, request.state.user
    if coming[user] >= MOST_AT_ONCE:
        raise Refused(AWAY, f"You send {coming[user]} things to the server at this moment.", "It is sent again soon.")
    coming[user] += 1
    try:
        yield
    finally:
        coming[user] -= 1
