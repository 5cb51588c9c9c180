"""A TCP relay of the drills' own, in a thread: it delays, and changes where new connections go, as a balancer does."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import Counter

READ_BYTES = 65_536
START_SECONDS = 10


class Relay:
    """``with Relay(port) as relay:`` relays ``relay.port`` to ``port`` of this machine."""

    def __init__(self, target: int) -> None:
        self.target = target
        """Where connections that come from now on go."""
        self.delay = 0.0
        """Seconds by which every piece is late, in either direction: half of a round trip."""
        self.open: Counter[int] = Counter()
        """Connections, by the target that they went to."""
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._listens = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Relay:
        self._thread.start()
        assert self._listens.wait(START_SECONDS)
        return self

    def __exit__(self, *raised: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        with contextlib.closing(self._loop):
            self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        self._stop, self._relaying = asyncio.Event(), set[asyncio.Task[None]]()
        server = await asyncio.start_server(self._accepted, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._listens.set()
        await self._stop.wait()
        server.close()
        for task in self._relaying:
            task.cancel()
        await asyncio.gather(*self._relaying, return_exceptions=True)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._relaying.add(task)
        target = self.target
        self.open[target] += 1
        try:
            await self._relay(target, reader, writer)
        except asyncio.CancelledError:
            pass  # the relay ends
        finally:
            self.open[target] -= 1
            self._relaying.discard(task)
            writer.close()

    async def _relay(self, target: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await asyncio.sleep(self.delay)
            there, back = await asyncio.open_connection("127.0.0.1", target)
        except OSError:
            return
        try:
            await asyncio.gather(self._copy(reader, back), self._copy(there, writer))
        finally:
            back.close()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pieces leave in the order in which they came, each when its time has come."""
        pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        sender = asyncio.create_task(self._send(pieces, writer))
        piece = b"?"
        try:
            while piece:
                try:
                    piece = await reader.read(READ_BYTES)
                except OSError:
                    piece = b""
                pieces.put_nowait((self._loop.time() + self.delay, piece))
            await sender
        finally:
            sender.cancel()

    async def _send(self, pieces: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while True:
                due, piece = await pieces.get()
                await asyncio.sleep(max(0.0, due - self._loop.time()))
                if not piece:
                    if writer.can_write_eof():
                        writer.write_eof()
                    return
                writer.write(piece)
                await writer.drain()
