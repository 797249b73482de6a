"""The demo server's world: it ticks, burns a little processor, takes more and more memory, and can be saved."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from bot.demo.visits import visits

Log = Callable[[str], None]

TICKS_PER_S = 20.0
_TICK_S = 1 / TICKS_PER_S
_RATE_WINDOW_S = 5.0
_WORK_S = 0.0005
_WORK_PER_PLAYER_S = 0.0002
_SLOW_CHANCE = 0.01
_SLOW_CHANCE_PER_PLAYER = 0.004
_GROWTH_BYTES_PER_S = 192 * 1024


class World:
    """One world in one folder. `speed` hurries the players and the growth, not the ticks."""

    def __init__(self, folder: Path, log: Log, *, seed: int, speed: float, memory_bytes: int) -> None:
        self.folder = folder
        self.players: list[str] = []
        self._log = log
        self._seed = seed
        self._speed = speed
        self._memory_bytes = memory_bytes
        self._dice = random.Random(seed)  # noqa: S311  # a play, not a secret
        self._ballast: list[bytes] = []
        self._held_bytes = 0
        self._ticked_s: deque[float] = deque()
        self._ticks = 0

    async def live(self) -> None:
        """Let the world go on until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tick_on())
            tasks.create_task(self._play())
            tasks.create_task(self._grow())

    def tick_rate(self) -> float:
        """Ticks a second, measured over the last five."""
        self._forget_before(time.perf_counter() - _RATE_WINDOW_S)
        ticked_s = self._ticked_s
        if len(ticked_s) < 2:  # noqa: PLR2004  # it takes two to make an interval
            return TICKS_PER_S
        return (len(ticked_s) - 1) / (ticked_s[-1] - ticked_s[0])

    def save(self) -> None:
        """Write the world file so that it is the old or the new one, never half of one.

        Raises:
            OSError: it could not be written.
        """
        new = self.folder / "world.json.new"
        new.write_text(json.dumps({"ticks": self._ticks, "players": self.players}), encoding="utf-8")
        os.replace(new, self.folder / "world.json")  # noqa: PTH105  # reads as what it is
        self._log("Saved the game")

    async def _tick_on(self) -> None:
        due_s = time.perf_counter()
        while True:
            self._work()
            self._ticks += 1
            self._ticked_s.append(time.perf_counter())
            self._forget_before(time.perf_counter() - _RATE_WINDOW_S)
            due_s = max(due_s + _TICK_S, time.perf_counter()) + self._stutter_s()
            await asyncio.sleep(due_s - time.perf_counter())

    def _work(self) -> None:
        until_s = time.perf_counter() + _WORK_S + _WORK_PER_PLAYER_S * len(self.players)
        digest = b"tick"
        while time.perf_counter() < until_s:
            digest = hashlib.sha256(digest).digest()

    def _stutter_s(self) -> float:
        """Now and then a tick takes too long; the more players, the more often."""
        if self._dice.random() < _SLOW_CHANCE + _SLOW_CHANCE_PER_PLAYER * len(self.players):
            return self._dice.uniform(0.03, 0.12)
        return 0.0

    def _forget_before(self, then_s: float) -> None:
        while self._ticked_s and self._ticked_s[0] < then_s:
            self._ticked_s.popleft()

    async def _play(self) -> None:
        for visit in visits(self._seed):
            await asyncio.sleep(visit.after_s / self._speed)
            if visit.joins:
                self.players.append(visit.name)
                self._log(f"{visit.name} joined the game")
            else:
                self.players.remove(visit.name)
                self._log(f"{visit.name} left the game")

    async def _grow(self) -> None:
        step_bytes = int(_GROWTH_BYTES_PER_S * self._speed)
        while self._held_bytes < self._memory_bytes:
            await asyncio.sleep(1.0)
            size = min(step_bytes, self._memory_bytes - self._held_bytes)
            # Not zeros: the operating system gives zeroed memory out without giving any up.
            self._ballast.append(b"\xa5" * size)
            self._held_bytes += size
