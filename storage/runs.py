"""Lives of servers, and what somebody asked for that ended them."""

from __future__ import annotations

from monitor.errors import UnknownServer
from monitor.model import Actor, ActorKind, ExitReport, Intent, IntentAction, ProcessId, Run, Verdict
from storage.codec import from_json, to_json
from storage.measures import SERVER_BITS
from storage.transaction import Row, Transaction

LAST_RUNS = """
    SELECT r.id, s.id, r.started_ms, r.marker, r.pid, r.process_started, r.boot_id, r.ready_ms, r.ended_ms, r.report
    FROM runs AS r JOIN servers AS s ON s.no = r.server_no
    WHERE r.id IN (SELECT max(id) FROM runs GROUP BY server_no)
"""

LAST_INTENT = """
    SELECT s.id, i.run_id, i.action, i.actor_kind, i.actor_id, i.actor_name, i.at_ms, i.reason
    FROM intents AS i JOIN runs AS r ON r.id = i.run_id JOIN servers AS s ON s.no = r.server_no
    WHERE i.run_id = ? ORDER BY i.id DESC LIMIT 1
"""

# Not max(at_s), for which every row is read.
LAST_SEEN_MS = f"SELECT (max(key) >> {SERVER_BITS}) * 1000 FROM samples"  # noqa: S608  # a number
FAILURES = f"""
    SELECT r.ended_ms FROM runs AS r JOIN servers AS s ON s.no = r.server_no
    WHERE s.id = ? AND r.ended_ms >= ? AND r.verdict IN ({", ".join(f"'{v}'" for v in Verdict if v.failure)})
    ORDER BY r.ended_ms, r.id
"""  # noqa: S608  # the verdicts are ours

_BEGIN = """
    INSERT INTO runs (server_no, started_ms, marker) SELECT no, ?, ? FROM servers WHERE id = ? RETURNING id
"""

_UPDATE = """
    UPDATE runs SET started_ms = ?, pid = ?, process_started = ?, boot_id = ?,
        ready_ms = ?, ended_ms = ?, verdict = ?, report = ?
    WHERE id = ? RETURNING id
"""

_INTENT = """
    INSERT INTO intents (run_id, action, actor_kind, actor_id, actor_name, at_ms, reason) VALUES (?, ?, ?, ?, ?, ?, ?)
"""


async def begin(tx: Transaction, server_id: str, at_ms: int, marker: str) -> Run:
    """Write the beginning of a life.

    Raises:
        UnknownServer: the database does not know it.
    """
    row = await tx.fetch_one(_BEGIN, (at_ms, marker, server_id))
    if row is None:
        raise UnknownServer(server_id)
    return Run(id=row[0], server_id=server_id, started_ms=at_ms, marker=marker)


async def update(tx: Transaction, run: Run) -> bool:
    """Write a run as it now stands. `False`: there is none with its id."""
    process = run.process
    row = await tx.fetch_one(
        _UPDATE,
        (
            run.started_ms,
            *((None, None, None) if process is None else (process.pid, process.started, process.boot_id)),
            run.ready_ms,
            run.ended_ms,
            None if run.report is None else run.report.verdict.value,
            None if run.report is None else to_json(run.report),
            run.id,
        ),
    )
    return row is not None


async def abandon(tx: Transaction, run_id: int) -> None:
    await tx.execute("DELETE FROM intents WHERE run_id = ?", (run_id,))
    await tx.execute("DELETE FROM runs WHERE id = ?", (run_id,))


async def add_intent(tx: Transaction, intent: Intent) -> None:
    by = intent.by
    await tx.execute(
        _INTENT, (intent.run_id, intent.action.value, by.kind.value, by.id, by.name, intent.at_ms, intent.reason)
    )


def run_from_row(row: Row, source: str) -> Run:
    """Read a row of `LAST_RUNS`."""
    run_id, server_id, started_ms, marker, pid, process_started, boot_id, ready_ms, ended_ms, report = row
    return Run(
        id=run_id,
        server_id=server_id,
        started_ms=started_ms,
        marker=marker,
        process=None if pid is None else ProcessId(pid, process_started, boot_id),
        ready_ms=ready_ms,
        ended_ms=ended_ms,
        report=None if report is None else from_json(ExitReport, report, f"{source}: run {run_id}"),
    )


def intent_from_row(row: Row) -> Intent:
    """Read a row of `LAST_INTENT`."""
    server_id, run_id, action, kind, actor_id, actor_name, at_ms, reason = row
    by = Actor(ActorKind(kind), actor_id, actor_name)
    return Intent(server_id, run_id, IntentAction(action), by, at_ms, reason)
