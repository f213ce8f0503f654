"""A line on which everything takes its time: what one end says, the other hears after a while."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time


class SlowLine:
    """Leads from ``port`` to ``target``, both on 127.0.0.1; each way takes ``delay_s``."""

    def __init__(self, target: int, delay_s: float) -> None:
        self._target, self._delay_s = target, delay_s
        self._ready, self._over = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        self._ready.wait()

    def close(self) -> None:
        """Cut it."""
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        server = await asyncio.start_server(self._both_ways, "127.0.0.1", 0)
        self.port: int = server.sockets[0].getsockname()[1]
        self._ready.set()
        async with server:
            await self._over.wait()

    async def _both_ways(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        far, there = await asyncio.open_connection("127.0.0.1", self._target)
        await asyncio.gather(self._one_way(near, there), self._one_way(far, back))

    async def _one_way(self, said: asyncio.StreamReader, heard: asyncio.StreamWriter) -> None:
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        hearing = asyncio.create_task(_hear(under_way, heard))
        with contextlib.suppress(ConnectionError):  # cut off at that end
            while words := await said.read(1 << 18):
                await under_way.put((time.monotonic() + self._delay_s, words))
        await under_way.put((time.monotonic() + self._delay_s, b""))
        await hearing


async def _hear(under_way: asyncio.Queue[tuple[float, bytes]], heard: asyncio.StreamWriter) -> None:
    """Until nothing more comes."""
    words = b"at first"
    while words:
        due, words = await under_way.get()
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        with contextlib.suppress(ConnectionError):  # nobody listens any more
            heard.write(words)
            await heard.drain()
    heard.close()
