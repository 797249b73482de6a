from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from monitor.errors import StorageError, StorageFault
from monitor.model import Actor, ActorKind
from storage.audit import ALLOWED, DENIED, LIMITED, Audit, AuditEntry, AuditOutcome, AuditRecord
from storage.database import Database

MIRA = Actor(ActorKind.DISCORD, "11", "Mira")
NIGHTLY = Actor(ActorKind.SCHEDULE, "nightly", "nightly restart")
Written = tuple[Path, tuple[AuditRecord, ...]]

DONE = AuditOutcome("done", "stopped in 3 s", 3120)


@pytest.fixture
def audit(db: Database) -> Audit:
    return Audit(db)


def attempt(at_ms: int = 1_000, **other: object) -> AuditEntry:
    given: dict[str, object] = {"at_ms": at_ms, "by": MIRA, "entry": "/stop", "decision": ALLOWED} | other
    return AuditEntry(**given)  # type: ignore[arg-type]


FULL = attempt(
    guild_id=2**63 - 1,
    action="control",
    server_id="ark",
    arguments={"server": "ark", "reason": "핑 😀 \x00 \"'", "in_s": 5, "force": True, "share": 0.5, "none": None},
    allowed_by="role 7: control on ark",
)


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(attempt(), id="the least"),
        pytest.param(FULL, id="everything"),
        pytest.param(attempt(by=NIGHTLY, entry="schedule"), id="a schedule"),
        pytest.param(attempt(decision=LIMITED), id="limited"),
        pytest.param(attempt(decision=DENIED + "no_grant", server_id="no such server"), id="denied"),
    ],
)
async def test_an_attempt_comes_back_as_it_was_written(audit: Audit, entry: AuditEntry) -> None:
    audit_id = await audit.begin(entry)
    assert await audit.page() == (AuditRecord(audit_id, entry, None),)


async def test_an_outcome_joins_its_attempt(audit: Audit) -> None:
    first, second = await audit.begin(FULL), await audit.begin(attempt(2_000))
    await audit.finish(first, DONE)
    assert [(record.id, record.outcome) for record in await audit.page()] == [(second, None), (first, DONE)]


async def test_half_a_surrogate_pair_costs_no_attempt(audit: Audit) -> None:
    torn = "a\ud83d"
    audit_id = await audit.begin(attempt(by=Actor(ActorKind.DISCORD, "11", torn), arguments={"text": torn}))
    await audit.finish(audit_id, AuditOutcome("failed", torn))
    [record] = await audit.page()
    assert (record.entry.by.name, record.entry.arguments) == ("a?", {"text": "a?"})
    assert record.outcome == AuditOutcome("failed", "a?")


@pytest.mark.parametrize("decision", ["", "perhaps", "denied", DENIED, "ALLOWED"])
async def test_a_decision_is_one_of_three(audit: Audit, decision: str) -> None:
    with pytest.raises(StorageError):
        await audit.begin(attempt(decision=decision))
    assert await audit.page() == ()


async def test_an_outcome_is_told_once(audit: Audit) -> None:
    audit_id = await audit.begin(FULL)
    await audit.finish(audit_id, DONE)
    with pytest.raises(StorageError) as refused:
        await audit.finish(audit_id, AuditOutcome("failed"))
    assert refused.value.fault is StorageFault.FAILED
    assert [record.outcome for record in await audit.page()] == [DONE]


async def test_an_outcome_needs_an_attempt(audit: Audit) -> None:
    with pytest.raises(StorageError):
        await audit.finish(77, DONE)


async def test_a_page_picks_and_goes_on_where_the_last_one_ended(audit: Audit) -> None:
    servers = ("ark", "rust", None)
    ids = [
        await audit.begin(attempt(at_ms, by=(MIRA, NIGHTLY)[at_ms % 2], server_id=servers[at_ms % 3]))
        for at_ms in range(12)
    ]

    async def found(**wanted: object) -> list[int]:
        return [record.entry.at_ms for record in await audit.page(**wanted)]  # type: ignore[arg-type]

    assert await found() == list(range(11, -1, -1))
    assert await found(actor_id="nightly") == [11, 9, 7, 5, 3, 1]
    assert await found(server_id="ark") == [9, 6, 3, 0]
    assert await found(server_id="ark", actor_id="11") == [6, 0]
    assert await found(since_ms=4, until_ms=7) == [6, 5, 4]
    assert await found(limit=2, before_id=ids[9]) == [8, 7]
    assert await found(server_id="' OR 1 --") == []


@pytest.fixture
async def written(audit: Audit, db: Database, path: Path) -> Written:
    audit_id = await audit.begin(FULL)
    await audit.finish(audit_id, DONE)
    records = await audit.page()
    await db.close()
    return path, records


@pytest.fixture
def stranger(written: Written) -> Iterator[sqlite3.Connection]:
    """Somebody else's connection, with SQLite's own defaults."""
    with closing(sqlite3.connect(written[0])) as connection:
        yield connection


_COPY = "SELECT id, 0, actor_kind, 'x', 'x', guild_id, entry, action, server_id, arguments, allowed_by, decision"


@pytest.mark.parametrize("recursive", [False, True], ids=["plain", "recursive triggers"])
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit SET actor_name = 'somebody else'",
        "UPDATE OR REPLACE audit SET at_ms = 0",
        "UPDATE OR IGNORE audit SET at_ms = 0",
        "DELETE FROM audit",
        f"INSERT OR REPLACE INTO audit {_COPY} FROM audit",
        f"INSERT OR IGNORE INTO audit {_COPY} FROM audit",
        f"REPLACE INTO audit {_COPY} FROM audit",
        f"INSERT INTO audit {_COPY} FROM audit WHERE true ON CONFLICT (id) DO UPDATE SET at_ms = 0",
        "UPDATE audit_outcomes SET result = 'failed'",
        "DELETE FROM audit_outcomes",
        "INSERT OR REPLACE INTO audit_outcomes SELECT audit_id, 'failed', detail, 0 FROM audit_outcomes",
        "INSERT INTO audit_outcomes SELECT * FROM audit_outcomes WHERE 1 ON CONFLICT DO UPDATE SET detail = ''",
    ],
)
async def test_nothing_that_is_written_can_be_changed(
    written: Written, stranger: sqlite3.Connection, sql: str, *, recursive: bool
) -> None:
    stranger.execute(f"PRAGMA recursive_triggers = {int(recursive)}")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        stranger.execute(sql)
    stranger.rollback()
    path, records = written
    async with await Database.open(path) as again:
        assert await Audit(again).page() == records


async def test_no_row_hides_where_sqlite_chooses_the_number(stranger: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        stranger.execute(f"INSERT INTO audit {_COPY.replace('SELECT id', 'SELECT -1')} FROM audit")


@pytest.mark.parametrize("finished", [False, True])
async def test_fault_46_an_attempt_is_there_before_anything_is_done(
    audit: Audit, db: Database, path: Path, *, finished: bool
) -> None:
    audit_id = await audit.begin(attempt(decision=DENIED + "not_yours"))
    if finished:
        await audit.finish(audit_id, AuditOutcome("refused"))
    with closing(sqlite3.connect(path)) as other:
        [[attempts]] = other.execute("SELECT count(*) FROM audit")
        [[outcomes]] = other.execute("SELECT count(*) FROM audit_outcomes")
    assert (attempts, outcomes) == (1, int(finished))


BEGUN_AND_KILLED = """
import asyncio, os, pathlib, signal, sys
from monitor.model import Actor, ActorKind
from storage.audit import ALLOWED, Audit, AuditEntry
from storage.database import Database

async def main():
    db = await Database.open(pathlib.Path(sys.argv[1]))
    await Audit(db).begin(AuditEntry(1, Actor(ActorKind.DISCORD, "11", "Mira"), "/stop", ALLOWED))
    os.kill(os.getpid(), signal.SIGTERM if os.name == "nt" else signal.SIGKILL)

asyncio.run(main())
"""


@pytest.fixture
def killed(path: Path) -> Path:
    """The database of a bot that died between an attempt and its outcome."""
    command = [sys.executable, "-c", BEGUN_AND_KILLED, str(path)]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, timeout=30, check=False)
    assert done.returncode not in (0, 1), done.stderr
    return path


async def test_fault_28_killed_before_the_outcome_the_attempt_is_there(killed: Path) -> None:
    async with await Database.open(killed) as db:
        [record] = await Audit(db).page()
    assert (record.entry.entry, record.outcome) == ("/stop", None)
