"""A process to be killed: records crash after crash, and names each one once its record has returned.

Usage: python -m tests.storage.writer DATABASE
"""

from __future__ import annotations

import asyncio
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


async def write(path: Path) -> None:
    async with await Database.open(path) as db:
        await Servers(db).save([ServerSpec("ark", "Ark", "generic", ("run",), Path("/srv"))])
        journal, buffer = Journal(db), SampleBuffer(db, FakeClock())
        second = 0
        while True:
            second += 1
            buffer.add([Sample("ark", second, players=second)])
            run = await journal.begin_run("ark", second, f"{second}-{id(db)}-{asyncio.get_running_loop().time()}")
            event_id = await journal.record(replace(CRASHED, run_id=run.id), replace(run, ended_ms=second))
            sys.stdout.write(f"{event_id} {run.id}\n")
            sys.stdout.flush()
            if second % 5 == 0:
                await buffer.flush()


if __name__ == "__main__":
    asyncio.run(write(Path(sys.argv[1])))
