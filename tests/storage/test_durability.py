"""What must survive a power cut is committed with `synchronous = FULL`; samples are not worth that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.model import Intent, IntentAction, Run, Sample
from monitor.spec import ServerSpec
from storage.database import Database
from storage.grants import Action, Grant, Grants, PrincipalKind
from storage.journal import Journal
from storage.outbox import Outbox, Standing
from storage.samples import SampleBuffer
from storage.servers import Servers
from tests.fakes.clock import FakeClock
from tests.storage.examples import ANNA, CRASHED, EXAMPLES

GRANT = Grant(1, PrincipalKind.USER, 2, Action.ADMIN)
SPEC = ServerSpec("new", "New", "generic", ("run",), Path("/srv"))

FULL, NORMAL = 2, 1


async def flush_a_sample(db: Database) -> None:
    buffer = SampleBuffer(db, FakeClock())
    buffer.add([Sample("ark", 1)])
    await buffer.flush()


WRITES: dict[str, tuple[int, Callable[[Database], Awaitable[object]]]] = {
    "begin_run": (FULL, lambda db: Journal(db).begin_run("ark", 1, "m")),
    "write_intent": (FULL, lambda db: Journal(db).write_intent(Intent("ark", 1, IntentAction.STOP, ANNA, 1))),
    "record": (FULL, lambda db: Journal(db).record(EXAMPLES[0])),
    "record an alert": (FULL, lambda db: Journal(db).record(replace(CRASHED, at_ms=9))),
    "record_and_begin": (FULL, lambda db: Journal(db).record_and_begin(CRASHED, Run(1, "ark", 1, "m"), 1, "n")),
    "abandon_run": (FULL, lambda db: Journal(db).abandon_run(1)),
    "delivered": (FULL, lambda db: Outbox(db).delivered((), 1, Standing(1))),
    "postponed": (FULL, lambda db: Outbox(db).postponed(1, 1, "")),
    "buried": (FULL, lambda db: Outbox(db).buried(1, 1, "")),
    "save a server": (FULL, lambda db: Servers(db).save([SPEC])),
    "grant": (FULL, lambda db: Grants(db).add(GRANT)),
    "revoke": (FULL, lambda db: Grants(db).remove(GRANT)),
    "samples": (NORMAL, flush_a_sample),
}


@pytest.mark.usefixtures("two_servers")
@pytest.mark.parametrize("write", WRITES)
async def test_how_durable_a_write_is(db: Database, write: str) -> None:
    await Journal(db).begin_run("ark", 1, "before")
    level, act = WRITES[write]
    async with db.transaction(durable=level == NORMAL):
        pass
    # The level is set for a commit and stays until the next one that needs another.
    assert await db.fetch_one("PRAGMA synchronous") == (FULL + NORMAL - level,)
    await act(db)
    assert await db.fetch_one("PRAGMA synchronous") == (level,)
