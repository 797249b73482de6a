"""Killed at random moments, the writer loses nothing that it had told of."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

from storage.database import Database
from storage.outbox import Outbox

ROOT = Path(__file__).parents[2]
KILLS = 10


def told_before_the_kill(path: Path, lines: int) -> list[tuple[int, int]]:
    """Run the writer, kill it once it has told of that many records, and give all that it told to the last."""
    command = [sys.executable, "-m", "tests.storage.writer", str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        told = [writer.stdout.readline() for _ in range(lines)]
        writer.kill()
        told += writer.stdout.readlines()
    whole = [line.split() for line in told if line.endswith("\n")]
    return [(int(event_id), int(run_id)) for event_id, run_id in whole]


async def test_fault_28_killed_at_random_no_acknowledged_event_is_lost(path: Path) -> None:
    chance = random.Random(28)
    told: list[tuple[int, int]] = []
    for _ in range(KILLS):
        told += told_before_the_kill(path, chance.randrange(1, 40))
        async with await Database.open(path) as db:
            assert await db.fetch_all("PRAGMA quick_check") == [("ok",)]
            written = {row[0] for row in await db.fetch_all("SELECT id FROM events")}
            ended = {row[0] for row in await db.fetch_all("SELECT id FROM runs WHERE ended_ms IS NOT NULL")}
            # An event and its alert are one: never one without the other.
            assert await Outbox(db).backlog() == len(written)
            assert len(ended) == len(written)
        assert {event_id for event_id, _ in told} <= written
        assert {run_id for _, run_id in told} <= ended
    assert len(told) >= KILLS
