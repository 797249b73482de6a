"""Saves a world before its server is stopped, and waits for proof that the save has landed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import structlog

from monitor.errors import GameError, NotSupported
from monitor.game import Game
from monitor.ports import Clock, ServerLog, ServerProcess
from monitor.spec import StopPolicy

LOOK_EVERY_S = 0.25

log = structlog.get_logger(__name__)


class Saved(StrEnum):
    """How far a save came."""

    SAVED = "saved"
    """The game said so, or its log or its files show it."""
    UNSUPPORTED = "unsupported"
    """There is no way to ask this server for it."""
    FAILED = "failed"
    """The game was asked, and did not do it."""
    UNPROVEN = "unproven"
    """It was asked, and nothing showed in time that it was done."""


@dataclass(frozen=True, slots=True)
class Saving:
    """One save of one server."""

    game: Game
    process: ServerProcess
    output: ServerLog
    folder: Path
    """The server's own, against which its save files are named."""
    policy: StopPolicy
    clock: Clock

    async def run(self) -> Saved:
        """Ask for a save and wait for the proof, inside the policy's limit. Never raises a `GameError`."""
        try:
            return await self.clock.wait_for(self._save(), self.policy.save_s or 0.0)
        except TimeoutError:
            return Saved.UNPROVEN

    async def _save(self) -> Saved:
        line, file = self.policy.saved_log, self.policy.saved_file
        mark = 0 if line is None else await asyncio.to_thread(self.output.mark)
        before = (0, 0) if file is None else await asyncio.to_thread(newest_change, self.folder, file)
        try:
            answered = await self._ask()
        except NotSupported:
            return Saved.UNSUPPORTED
        except GameError as failure:
            log.info("save_failed", failure=repr(failure))
            return Saved.FAILED
        if line is not None:
            await self._log_says(re.compile(line), mark)
        if file is not None:
            await self._file_changed(file, before)
        proven = answered or line is not None or file is not None
        return Saved.SAVED if proven else Saved.UNPROVEN

    async def _ask(self) -> bool:
        """Ask in the game's own way, else by the command of the policy, else by typing that into its console.

        Says whether the game has answered: what is typed has no answer.
        """
        command = self.policy.save
        try:
            await self.game.save()
        except NotSupported:
            if command is None:
                raise
            return await said_or_typed(self.game.command, self.process, command) is not None
        return True

    async def _log_says(self, pattern: re.Pattern[str], mark: int) -> None:
        while True:
            text, mark = await asyncio.to_thread(self.output.read_since, mark)
            if any(pattern.search(line) for line in text.splitlines()):
                return
            await self.clock.sleep(LOOK_EVERY_S)

    async def _file_changed(self, pattern: str, before: tuple[int, int]) -> None:
        """Wait for a newer file, and until it has stopped changing."""
        seen = before
        while True:
            now = await asyncio.to_thread(newest_change, self.folder, pattern)
            if now[0] > before[0] and now == seen:
                return
            seen = now
            await self.clock.sleep(LOOK_EVERY_S)


def newest_change(folder: Path, pattern: str) -> tuple[int, int]:
    """Give when (ns) the newest file of that pattern was changed and how large it is; zeros without one. Blocking."""
    newest = (0, 0)
    for path in folder.glob(pattern):
        try:
            found = path.stat()
        except OSError:
            continue
        newest = max(newest, (found.st_mtime_ns, found.st_size))
    return newest


async def said_or_typed(command: Callable[[str], Awaitable[str]], process: ServerProcess, text: str) -> str | None:
    """Give an admin command to the game, or type it into its console where it has no admin port.

    Returns:
        The answer; `None` for what was typed, which has none.

    Raises:
        NotSupported: it has neither.
    """
    try:
        return await command(text)
    except NotSupported:
        await process.type_line(text)
        return None
