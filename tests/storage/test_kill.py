"""Killed at random moments, the writer loses nothing that it had told of, but for the last samples."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from storage.database import Database
from storage.outbox import Outbox
from tests.storage.writer import FLUSH_ROWS

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="its writers are forked")

ROOT = Path(__file__).parents[2]


@dataclass(slots=True)
class Told:
    """What the writers have told of, up to the last whole line of each."""

    events: set[int] = field(default_factory=set)
    runs: set[int] = field(default_factory=set)
    measured_s: int = 0
    flushed_s: int = 0

    def take(self, line: str) -> None:
        match line.split():
            case ["recorded", event_id, run_id]:
                self.events.add(int(event_id))
                self.runs.add(int(run_id))
            case ["measured", second]:
                self.measured_s = int(second)
            case ["flushed", second]:
                self.flushed_s = int(second)


class Forge:
    """Makes writers, and kills them."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._orders, self._lines = process.stdin, process.stdout
        self.told = Told()

    def kill_one(self, lines: int, then_s: float) -> None:
        """Let one write until it has told of that much, and a little longer, and kill it wherever it is then."""
        self._orders.write("next\n")
        self._orders.flush()
        pid = int(self._lines.readline().removeprefix("writer "))
        for _ in range(lines):
            self.told.take(self._lines.readline())
        # Not a wait for anything: the moment is what is random.
        time.sleep(then_s)
        os.kill(pid, signal.SIGKILL)
        while (line := self._lines.readline()) != "dead\n":
            self.told.take(line)


@contextmanager
def forge(path: Path) -> Iterator[Forge]:
    command = [sys.executable, "-m", "tests.storage.writer", str(path)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        try:
            yield Forge(process)
        finally:
            process.kill()


async def check(path: Path, told: Told) -> None:
    """See what the next start finds."""
    async with await Database.open(path) as db:
        assert await db.fetch_all("PRAGMA quick_check") == [("ok",)]
        written = {row[0] for row in await db.fetch_all("SELECT id FROM events")}
        ended = {row[0] for row in await db.fetch_all("SELECT id FROM runs WHERE ended_ms IS NOT NULL")}
        # An event, its alert and its run are one: never one without the others.
        assert await Outbox(db).backlog() == len(written) == len(ended)
        assert told.events <= written
        assert told.runs <= ended
        [(last_s, count)] = await db.fetch_all("SELECT coalesce(max(at_s), 0), count(*) FROM samples")
        assert told.flushed_s <= last_s == count
        assert told.measured_s - last_s <= FLUSH_ROWS
        told.measured_s = last_s


async def kill(path: Path, times: int, seed: int) -> Told:
    chance = random.Random(seed)
    with forge(path) as making:
        for _ in range(times):
            making.kill_one(chance.randrange(0, 8), chance.random() * 0.008)
            await check(path, making.told)
        return making.told


async def test_fault_28_killed_at_random_no_acknowledged_event_is_lost(path: Path) -> None:
    told = await kill(path, times=50, seed=28)
    assert len(told.events) >= 50
    assert told.flushed_s >= 20 * FLUSH_ROWS


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(4))
async def test_fault_28_killed_a_thousand_times_no_acknowledged_event_is_lost(path: Path, seed: int) -> None:
    told = await kill(path, times=250, seed=seed)
    assert len(told.events) >= 250
