"""Which servers there are, on the disk and in the fleet alike. One change at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Protocol

from monitor.changes import secrets_in
from monitor.errors import ServerExists, StorageError, UnknownGame
from monitor.model import Actor, Server
from monitor.paths import require_allowed
from monitor.ports import Clock, Control
from monitor.spec import ServerSpec


class SpecStore(Protocol):
    """Where descriptions outlive the bot. Every call may raise `StorageError`."""

    async def save(self, specs: Sequence[ServerSpec]) -> None:
        """Add them, or put them in the place of those with the same ids: all of them or none."""
        ...

    async def remove(self, server_id: str, at_ms: int) -> bool:
        """Take it off the list, and keep its history."""
        ...


class Roster:
    """Changes which servers are looked after. Each change is on the disk first."""

    def __init__(
        self,
        store: SpecStore,
        control: Control,
        clock: Clock,
        *,
        adapters: Collection[str],
        roots: Sequence[Path] = (),
        hide: Callable[[Sequence[str]], None] = lambda _secrets: None,
        removed: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._control = control
        self._clock = clock
        self._hide = hide
        self._removed = removed
        self._one_at_a_time = asyncio.Lock()
        self.adapters = adapters
        """The games that are known."""
        self.roots = roots
        """Where servers may live; none: anywhere."""

    async def add(self, spec: ServerSpec) -> Server:
        """Look after a server that is new.

        Raises:
            ServerExists: its id is taken.
            UnknownGame: its game is not known here.
            PathRefused: it may not live there.
        """
        async with self._one_at_a_time:
            if any(server.id == spec.id for server in self._control.servers()):
                raise ServerExists(spec.id)
            [server] = await self._save([spec])
            return server

    async def save(self, specs: Sequence[ServerSpec]) -> Sequence[Server]:
        """Look after all of these, in the place of those with the same ids.

        Raises:
            UnknownGame: one's game is not known here; nothing was taken.
            PathRefused: one may not live there; nothing was taken.
        """
        async with self._one_at_a_time:
            return await self._save(specs)

    async def change(self, server_id: str, edit: Callable[[ServerSpec], ServerSpec]) -> tuple[ServerSpec, Server]:
        """Put the newest description through `edit`, which may block shortly, and keep what that gives.

        Returns:
            The description before, and the server after.

        Raises:
            UnknownServer: there is none.
            UnknownGame, PathRefused: as `save`; and whatever `edit` raises. Then nothing was changed.
        """
        async with self._one_at_a_time:
            server = self._control.server(server_id)
            before = server.described
            after = await asyncio.to_thread(edit, before)
            if after != before:
                [server] = await self._save([after])
            return before, server

    async def remove(self, server_id: str, by: Actor, *, leave_running: bool = False) -> None:
        """Look after it no more; its history stays, and so does its process.

        Raises:
            UnknownServer: there is none.
            WrongState: it is up, and was not to be left running.
        """
        async with self._one_at_a_time:
            described = self._control.server(server_id).described
            await self._control.let_go(server_id, by, leave_running=leave_running)
            try:
                await self._store.remove(server_id, self._clock.now_ms())
            except StorageError:
                await self._control.take_in(described)
                raise
            self._removed()

    async def _save(self, specs: Sequence[ServerSpec]) -> Sequence[Server]:
        known = {server.id: server.described for server in self._control.servers()}
        for spec in specs:
            if spec.game not in self.adapters:
                raise UnknownGame(spec.game, tuple(sorted(self.adapters)))
            before = known.get(spec.id)
            # One that was there before the allowed folders were can still be given another name.
            if before is None or (before.cwd, before.argv[0]) != (spec.cwd, spec.argv[0]):
                await asyncio.to_thread(require_allowed, spec, self.roots)
        self._hide([secret for spec in specs for secret in secrets_in(spec)])
        await self._store.save(specs)
        return [await self._control.take_in(spec) for spec in specs]
