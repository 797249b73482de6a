"""The asynchronous face of the RCON client: one command at a time, in a thread of its own, off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from monitor.errors import GameFault, GameUnavailable
from monitor.games.rcon import RconClient
from monitor.games.rcon_wire import SOURCE_COMMAND_BYTES
from monitor.spec import AdminEndpoint

T = TypeVar("T")

_NAME_LOOKUP_S = 1.0
"""What a look-up of the host's name may take beyond the time-out of an exchange; nothing else escapes that."""


def _connect_anew(client: RconClient, within_s: float) -> None:
    client.disconnect()
    client.connect(within_s)


class RconConnection:
    """Commands for one game. It connects when first needed, reconnects by itself, and hangs up when idle.

    Every call may raise `GameUnavailable` or `AccessRefused`. A cancelled call drops the connection at once.
    """

    def __init__(
        self,
        endpoint: AdminEndpoint,
        *,
        timeout_s: float = 5.0,
        command_limit: int = SOURCE_COMMAND_BYTES,
        idle_s: float = 60.0,
    ) -> None:
        self._where = f"{endpoint.host}:{endpoint.port}"
        self._timeout_s = timeout_s
        self._idle_s = idle_s
        self._make_client = partial(RconClient, endpoint, timeout_s=timeout_s, command_limit=command_limit)
        self._turn = asyncio.Lock()
        self._client: RconClient | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._idle: asyncio.TimerHandle | None = None

    async def connect(self) -> None:
        """Return once the game has taken the password, or had taken it on a connection that still stands."""
        await self._run(RconClient.connect, self._timeout_s)

    async def reconnect(self) -> None:
        """Hang up first, in its turn: that the game takes the password now says more than an old connection."""
        await self._run(_connect_anew, self._timeout_s)

    async def command(self, text: str, *, timeout_s: float | None = None) -> str:
        """Run a command and return its whole answer, possibly empty.

        It has `timeout_s` from when its turn comes, and as long again to wait for its turn. After an error the
        command may have been run, or not; it is never run twice.

        Raises:
            CommandRejected: nothing was sent.
        """
        limit_s = self._timeout_s if timeout_s is None else timeout_s
        return await self._run(lambda client, within_s: client.command(text, within_s), limit_s)

    async def close(self) -> None:
        """Hang up, giving up the command under way. A later command connects again."""
        released = self._release()
        if released is not None:
            await asyncio.wait([released], timeout=_NAME_LOOKUP_S)

    async def _run(self, work: Callable[[RconClient, float], T], timeout_s: float) -> T:
        await self._take_turn(timeout_s)
        try:
            self._stop_idling()
            return await self._in_thread(work, timeout_s)
        finally:
            self._turn.release()
            self._start_idling()

    async def _take_turn(self, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await self._turn.acquire()
        except TimeoutError as err:
            raise GameUnavailable(GameFault.TIMEOUT, self._where) from err

    async def _in_thread(self, work: Callable[[RconClient, float], T], timeout_s: float) -> T:
        self._client = self._client or self._make_client()
        self._thread = self._thread or ThreadPoolExecutor(1, thread_name_prefix=f"rcon-{self._where}")
        job = partial(work, self._client, timeout_s)
        try:
            async with asyncio.timeout(timeout_s + _NAME_LOOKUP_S):
                return await asyncio.get_running_loop().run_in_executor(self._thread, job)
        except asyncio.CancelledError:
            self._release()
            raise
        except TimeoutError as err:
            self._release()
            raise GameUnavailable(GameFault.TIMEOUT, self._where) from err

    def _stop_idling(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _start_idling(self) -> None:
        if self._client is not None and not self._turn.locked():
            self._stop_idling()
            self._idle = asyncio.get_running_loop().call_later(self._idle_s, self._release)

    def _release(self) -> asyncio.Future[None] | None:
        """Let go of client and thread; the thread ends by itself, soon, with the socket closed behind it."""
        self._stop_idling()
        client, thread = self._client, self._thread
        self._client = self._thread = None
        if client is None or thread is None:
            return None
        client.abort()
        closed = thread.submit(client.disconnect)
        thread.shutdown(wait=False)
        return asyncio.wrap_future(closed)
