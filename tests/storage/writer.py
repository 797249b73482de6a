"""Processes to be killed: each records crash after crash and sample after sample, and tells of what is written.

Usage: python -m tests.storage.writer DATABASE. For every line that it reads it forks a writer, prints `writer PID`,
and, when that one is dead, `dead`. One program with everything imported forks them all: a new one for each would take
most of the time.
"""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path

from monitor.model import Sample
from monitor.spec import ServerSpec
from storage.database import Database
from storage.journal import Journal
from storage.samples import SampleBuffer
from storage.servers import Servers
from tests.fakes.clock import FakeClock
from tests.storage.examples import CRASHED

FLUSH_ROWS = 20


def tell(line: str) -> None:
    os.write(1, f"{line}\n".encode())


async def write(path: Path) -> None:
    async with await Database.open(path) as db:
        await Servers(db).save([ServerSpec("ark", "Ark", "generic", ("run",), Path("/srv"))])
        journal, buffer = Journal(db), SampleBuffer(db, FakeClock())
        newest = await buffer.latest("ark")
        second = 0 if newest is None else newest.at_s
        while True:
            for _ in range(FLUSH_ROWS):
                second += 1
                buffer.add([Sample("ark", second, players=second % 100)])
            tell(f"measured {second}")
            run = await journal.begin_run("ark", second, f"{os.getpid()}-{second}")
            event_id = await journal.record(replace(CRASHED, run_id=run.id), replace(run, ended_ms=second))
            tell(f"recorded {event_id} {run.id}")
            await buffer.flush()
            tell(f"flushed {second}")


def serve(path: Path) -> None:
    for _ in sys.stdin:
        child = os.fork()
        if not child:
            try:
                asyncio.run(write(path))
            finally:
                os._exit(1)
        tell(f"writer {child}")
        os.waitpid(child, 0)
        tell("dead")


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
