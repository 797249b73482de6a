"""A disk with little room, or none to write in: a child with a mount of its own, which nobody else sees.

Usage: python -m tests.storage.scarce SCENARIO FOLDER, in a mount namespace where FOLDER is a small tmpfs.
It prints one line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from monitor.bus import Bus
from monitor.chronicle import Chronicle
from monitor.errors import StorageError
from monitor.events import Event
from monitor.model import Intent, IntentAction, Sample
from storage.backup import Backups
from storage.caretaker import Caretaker
from storage.database import Database
from storage.journal import Journal
from storage.opening import open_database
from storage.outbox import Outbox
from storage.samples import SampleBuffer
from storage.servers import Servers
from tests.fakes.clock import FakeClock
from tests.storage.examples import ANNA, CRASHED
from tests.storage.test_durability import SPEC

ROOT = Path(__file__).parents[2]
CRASH = replace(CRASHED, server_id=SPEC.id)
SIZE = "24m"
MOUNT = f'mount -t tmpfs -o size={SIZE} tmpfs "$1" && shift && exec "$@"'


@cache
def possible() -> bool:
    """Whether this machine lets us have a mount of our own."""
    if sys.platform != "linux" or shutil.which("unshare") is None:
        return False
    tried = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", "mount -t tmpfs tmpfs /mnt"],
        capture_output=True,
        check=False,
    )
    return tried.returncode == 0


def play(scenario: str, folder: Path, module: str = "tests.storage.scarce") -> dict[str, Any]:
    """Run a scenario on a small disk of its own, and give what it tells."""
    folder.mkdir(parents=True, exist_ok=True)
    child = [sys.executable, "-m", module, scenario, str(folder)]
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", MOUNT, "sh", str(folder), *child],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


class Stage:
    """A bot's storage on that disk."""

    def __init__(self, folder: Path, db: Database, backups: Backups) -> None:
        self.folder = folder
        self.db = db
        self.journal = Journal(db)
        self.buffer = SampleBuffer(db, FakeClock(), cap_rows=1000)
        self.heard: list[Event] = []
        bus = Bus()
        bus.listen(lambda _, event: self.heard.append(event))
        chronicle = Chronicle(self.journal, bus)
        self.caretaker = Caretaker(db, backups, FakeClock(), chronicle, lambda: self.buffer.dropped)
        self._second = 0

    @property
    def ballast(self) -> Path:
        return self.folder / "someone else's file"

    def fill_the_disk(self) -> None:
        with self.ballast.open("ab", buffering=0) as file:
            while True:
                try:
                    file.write(bytes(4096))
                except OSError:
                    return

    def measure(self, seconds: int) -> None:
        for _ in range(seconds):
            self._second += 1
            self.buffer.add([Sample(SPEC.id, self._second, cpu_pct=self._second % 100)])

    async def flush(self) -> str | None:
        """Flush, and give the fault."""
        try:
            await self.buffer.flush()
        except StorageError as err:
            return err.fault.value
        return None

    async def crash(self, times: int = 1) -> list[int]:
        return [await self.journal.record(CRASH) for _ in range(times)]

    def told(self) -> list[str]:
        return [event.kind for event in self.heard]


async def open_stage(folder: Path) -> Stage:
    backups = Backups(folder / "backups")
    db = await open_database(folder / "gamekeeper.db", backups, FakeClock(), busy_ms=1)
    return Stage(folder, db, backups)


async def full(folder: Path) -> dict[str, Any]:
    """The disk fills up while the bot runs, and is freed again."""
    stage = await open_stage(folder)
    await Servers(stage.db).save([SPEC])
    run = await stage.journal.begin_run(SPEC.id, 1, "m")
    stage.measure(10)
    answer: dict[str, Any] = {"before": await stage.flush()}
    stage.fill_the_disk()
    ids = []
    flushes = []
    for _ in range(20):
        stage.measure(100)
        flushes.append(await stage.flush())
        ids += await stage.crash(10)
        await stage.caretaker.look()
        async with stage.db.transaction() as tx:
            await tx.execute("INSERT INTO settings (key, value) VALUES (?, ?)", (f"setting {len(ids)}", "x" * 5000))
    await stage.journal.write_intent(Intent(SPEC.id, run.id, IntentAction.STOP, ANNA, 1))
    answer |= {
        "flushes": flushes,
        "degraded": stage.db.degraded,
        "in_memory": stage.db.trouble is not None and stage.db.trouble.in_memory,
        "dropped": stage.buffer.dropped,
        "told": stage.told(),
    }
    stage.ballast.unlink()
    await stage.caretaker.look()
    answer |= {"after": await stage.flush(), "then": stage.db.degraded, "told_then": stage.told()}
    await stage.db.close()
    return answer | await on_disk(folder, ids)


async def exhausted(folder: Path) -> dict[str, Any]:
    """Somebody else takes whatever the reserve gives up, until it is used up: memory takes the rest."""
    stage = await open_stage(folder)
    await Servers(stage.db).save([SPEC])
    stage.fill_the_disk()
    ids = []
    while not (stage.db.trouble is not None and stage.db.trouble.in_memory):
        ids += await stage.crash()
        stage.fill_the_disk()
    ids += await stage.crash(10)
    answer: dict[str, Any] = {"history": len(await stage.journal.events(limit=10_000)), "happened": len(ids)}
    await stage.caretaker.look()
    stage.ballast.unlink()
    await stage.caretaker.look()
    ids += await stage.crash()
    answer |= {"told": stage.told(), "then": stage.db.degraded}
    await stage.db.close()
    return answer | await on_disk(folder, ids)


async def full_at_the_start(folder: Path) -> dict[str, Any]:
    """The disk is full to the last byte when the bot starts."""
    first = await open_stage(folder)
    await Servers(first.db).save([SPEC])
    ids = await first.crash()
    await first.db.close()
    first.fill_the_disk()
    stage = await open_stage(folder)
    answer: dict[str, Any] = {"degraded": stage.db.degraded, "servers": len(await Servers(stage.db).all())}
    ids += await stage.crash()
    await stage.caretaker.look()
    stage.ballast.unlink()
    await stage.caretaker.look()
    answer |= {"told": stage.told(), "then": stage.db.degraded}
    await stage.db.close()
    return answer | await on_disk(folder, ids)


async def read_only(folder: Path) -> dict[str, Any]:
    """The folder takes nothing when the bot starts, and later it does."""
    first = await open_stage(folder)
    await Servers(first.db).save([SPEC])
    run = await first.journal.begin_run(SPEC.id, 1, "m")
    abandoned = await first.journal.begin_run(SPEC.id, 2, "never began")
    ids = await first.crash()
    await first.db.close()
    remount(folder, "ro")
    stage = await open_stage(folder)
    answer: dict[str, Any] = {
        "degraded": stage.db.degraded,
        "servers": len(await Servers(stage.db).all()),
        "known": len(await stage.journal.past()),
    }
    ids += await stage.crash()
    await stage.journal.abandon_run(abandoned.id)
    await stage.journal.record(CRASH, replace(run, ended_ms=9))
    stage.measure(10)
    answer["flush"] = await stage.flush()
    await stage.caretaker.look()
    await stage.caretaker.look()
    answer |= {"told": stage.told(), "pending": await Outbox(stage.db).backlog()}
    remount(folder, "rw")
    await stage.caretaker.look()
    answer |= {"told_then": stage.told(), "then": stage.db.degraded, "flush_then": await stage.flush()}
    await stage.db.close()
    db = await Database.open(folder / "gamekeeper.db")
    answer["runs"] = await db.fetch_all("SELECT id, ended_ms FROM runs")
    answer["samples"] = await db.fetch_all("SELECT count(*) FROM samples")
    await db.close()
    return answer | await on_disk(folder, ids)


async def dies(folder: Path) -> dict[str, Any]:
    """What is left behind is a log that nobody has taken in yet."""
    stage = await open_stage(folder)
    await Servers(stage.db).save([SPEC])
    sys.stdout.write(json.dumps(await stage.crash(3)) + "\n")
    sys.stdout.flush()
    os._exit(0)


async def read_only_after_a_kill(folder: Path) -> dict[str, Any]:
    """The folder takes nothing when the bot starts, after one that was killed."""
    command = [sys.executable, "-m", "tests.storage.scarce", dies.__name__, str(folder)]
    died = subprocess.run(command, stdout=subprocess.PIPE, check=True)  # noqa: ASYNC221  # nothing else goes on
    remount(folder, "ro")
    stage = await open_stage(folder)
    found = [stored.id for stored in await stage.journal.events()]
    answer = {"degraded": stage.db.degraded, "lost": sorted(set(json.loads(died.stdout)) - set(found))}
    await stage.db.close()
    return answer


async def failing(folder: Path) -> dict[str, Any]:
    """Every write fails while the bot runs, as on a disk that dies; later it works again."""
    stage = await open_stage(folder)
    await Servers(stage.db).save([SPEC])
    ids = await stage.crash()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    ids += await stage.crash(3)
    await stage.caretaker.look()
    stage.measure(10)
    answer: dict[str, Any] = {"degraded": stage.db.degraded, "flush": await stage.flush(), "told": stage.told()}
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    await stage.caretaker.look()
    answer |= {"then": stage.db.degraded, "told_then": stage.told(), "flush_then": await stage.flush()}
    await stage.db.close()
    return answer | await on_disk(folder, ids)


async def on_disk(folder: Path, ids: list[int]) -> dict[str, Any]:
    """What another start finds."""
    async with await Database.open(folder / "gamekeeper.db") as db:
        found = {row[0] for row in await db.fetch_all("SELECT id FROM events")}
        return {
            "lost": sorted(set(ids) - found),
            "events": len(ids),
            "intents": await db.fetch_all("SELECT count(*) FROM intents"),
            "check": await db.fetch_all("PRAGMA integrity_check"),
            "foreign_keys": await db.fetch_all("PRAGMA foreign_key_check"),
        }


def remount(folder: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how},size={SIZE}", str(folder)], check=True)


SCENARIOS: dict[str, Callable[[Path], Awaitable[dict[str, Any]]]] = {
    act.__name__: act
    for act in (full, exhausted, full_at_the_start, read_only, read_only_after_a_kill, dies, failing)
}

if __name__ == "__main__":
    os.umask(0o077)
    sys.stdout.write(json.dumps(asyncio.run(SCENARIOS[sys.argv[1]](Path(sys.argv[2])))) + "\n")  # type: ignore[arg-type]
