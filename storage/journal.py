"""The durable record: `monitor.ports.EventLog` over the database."""

from __future__ import annotations

from monitor.errors import StorageError, StorageFault
from monitor.events import Event, Past
from monitor.model import Intent, Run
from storage import events, runs
from storage.database import Database
from storage.events import StoredEvent
from storage.limits import follow
from storage.telling import tell
from storage.transaction import Transaction


class Journal:
    """Each write is on the disk when its call returns. Every call may raise `StorageError`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def begin_run(self, server_id: str, at_ms: int, marker: str) -> Run:
        """Write down that a process is about to be spawned.

        Raises:
            UnknownServer: the database does not know it.
        """
        return await self._db.write(lambda tx: runs.begin(tx, server_id, at_ms, marker))

    async def write_intent(self, intent: Intent) -> None:
        """Write down what somebody asked for, before any signal is sent."""
        await self._db.write(lambda tx: runs.add_intent(tx, intent))

    async def record(self, event: Event, run: Run | None = None) -> int:
        """Write an event, its alert, and the run as it now stands, in one transaction, and give the event's id.

        Raises:
            UnknownServer: the database does not know the event's server.
        """
        return await self._db.write(lambda tx: self._record(tx, event, run))

    async def record_and_begin(self, event: Event, run: Run, at_ms: int, marker: str) -> tuple[int, Run]:
        """Write the event that ended a run, and that the next process of that server is about to be spawned, at once.

        Raises:
            UnknownServer: the database does not know it.
        """

        async def work(tx: Transaction) -> tuple[int, Run]:
            return await self._record(tx, event, run), await runs.begin(tx, run.server_id, at_ms, marker)

        return await self._db.write(work)

    async def _record(self, tx: Transaction, event: Event, run: Run | None) -> int:
        event_id = await events.append(tx, event)
        await follow(tx, event)
        await tell(tx, event_id, event)
        if run is not None and not await runs.update(tx, run):
            raise StorageError(StorageFault.FAILED, str(self._db.path), f"no run {run.id}")
        return event_id

    async def abandon_run(self, run_id: int) -> None:
        """Forget a run that no process came of."""
        await self._db.write(lambda tx: runs.abandon(tx, run_id))

    async def past(self) -> dict[str, Past]:
        """What is known of each server that ever ran, by server id; a run is open while `ended_ms` is `None`."""
        source = str(self._db.path)
        found = [runs.run_from_row(row, source) for row in await self._db.fetch_all(runs.LAST_RUNS)]
        latest = {run.server_id: run for run in found}
        told = await events.latest(self._db)
        forgiven = await events.forgiven(self._db)
        row = await self._db.fetch_one(runs.LAST_SEEN_MS)
        seen_ms = None if row is None else row[0]
        return {
            server_id: Past(latest.get(server_id), told.get(server_id), forgiven.get(server_id, 0), seen_ms)
            for server_id in latest | told
        }

    async def intent_of(self, run_id: int) -> Intent | None:
        """The last intent written down for a run."""
        row = await self._db.fetch_one(runs.LAST_INTENT, (run_id,))
        return None if row is None else runs.intent_from_row(row)

    async def failures_since(self, server_id: str, since_ms: int) -> tuple[int, ...]:
        """When (epoch milliseconds) this server's runs ended by its own failing since then, in order."""
        return tuple(row[0] for row in await self._db.fetch_all(runs.FAILURES, (server_id, since_ms)))

    async def events(
        self,
        server_id: str | None = None,
        limit: int = 50,
        before_id: int | None = None,
        *,
        kind: str | None = None,
        actor_id: str | None = None,
    ) -> tuple[StoredEvent, ...]:
        """At most `limit` events with ids under `before_id`, the newest first.

        Of one server or of all, of one kind, and what one actor asked for.
        """
        return await events.page(
            self._db, server_id=server_id, kind=kind, actor_id=actor_id, before_id=before_id, limit=limit
        )
