"""The tables of what is to be done later take what makes sense, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.errors import StorageError, StorageFault
from storage.database import Database

BY = {"actor_kind": "discord", "actor_id": "11", "actor_name": "Mira"}
SCHEDULE = BY | {"server_no": 1, "action": "restart", "cron": "0 5 * * *", "zone": "Asia/Seoul", "added_ms": 1}
JOB = BY | {"kind": "backup", "server_no": 1, "arguments": "{}", "asked_ms": 1}
SETTING = {"plugin": "map", "key": "enabled", "value": "true"}
ENDED = {"state": "done", "started_ms": 2, "ended_ms": 3}


async def add(db: Database, table: str, row: dict[str, Any]) -> None:
    names = ", ".join(row)
    async with db.transaction() as tx:
        await tx.execute(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(row))})", tuple(row.values()))


@pytest.mark.parametrize(
    ("table", "row"),
    [
        pytest.param("schedules", SCHEDULE, id="schedule"),
        pytest.param("schedules", SCHEDULE | {"action": "say", "argument": "hi"}, id="schedule that says something"),
        pytest.param("schedules", SCHEDULE | {"warn_min": "[15,5,1]", "only_empty": 1}, id="schedule with warnings"),
        pytest.param("jobs", JOB, id="job"),
        pytest.param("jobs", JOB | {"server_no": None, "kind": "script"}, id="job of no server"),
        pytest.param("jobs", JOB | {"state": "running", "started_ms": 2}, id="job that runs"),
        pytest.param("jobs", JOB | ENDED, id="job that is done"),
        pytest.param("jobs", JOB | {"state": "cancelled", "ended_ms": 2}, id="job that never began"),
        pytest.param("plugin_settings", SETTING, id="setting"),
        pytest.param("plugin_settings", SETTING | {"value": '{"a": [1]}'}, id="setting of many parts"),
    ],
)
async def test_what_makes_sense_is_taken(
    db: Database, two_servers: tuple[str, str], table: str, row: dict[str, Any]
) -> None:
    await add(db, table, row)
    assert await db.fetch_one(f"SELECT {', '.join(row)} FROM {table}") == tuple(row.values())


@pytest.mark.parametrize(
    ("table", "row"),
    [
        pytest.param("schedules", SCHEDULE | {"server_no": 99}, id="schedule of no such server"),
        pytest.param("schedules", SCHEDULE | {"action": "format"}, id="unknown action"),
        pytest.param("schedules", SCHEDULE | {"action": "say"}, id="nothing to say"),
        pytest.param("schedules", SCHEDULE | {"argument": "hi"}, id="a restart that says something"),
        pytest.param("schedules", SCHEDULE | {"warn_min": "15"}, id="warnings that are no list"),
        pytest.param("schedules", SCHEDULE | {"when_missed": "twice"}, id="missed"),
        pytest.param("schedules", SCHEDULE | {"added_ms": "today"}, id="time that is no integer"),
        pytest.param("jobs", JOB | {"server_no": 99}, id="job of no such server"),
        pytest.param("jobs", JOB | {"kind": "mining"}, id="unknown kind"),
        pytest.param("jobs", JOB | {"state": "done"}, id="done and never ended"),
        pytest.param("jobs", JOB | {"ended_ms": 3}, id="ended and still waiting"),
        pytest.param("jobs", JOB | {"state": "running"}, id="runs and never began"),
        pytest.param("jobs", JOB | {"arguments": "[]"}, id="arguments without names"),
        pytest.param("plugin_settings", SETTING | {"value": "yes"}, id="a value that is no JSON"),
    ],
)
async def test_what_makes_none_is_refused(
    db: Database, two_servers: tuple[str, str], table: str, row: dict[str, Any]
) -> None:
    with pytest.raises(StorageError) as refused:
        await add(db, table, row)
    assert refused.value.fault is StorageFault.FAILED
    assert await db.fetch_one(f"SELECT count(*) FROM {table}") == (0,)


@pytest.mark.parametrize(("table", "row"), [("schedules", SCHEDULE), ("jobs", JOB)], ids=["schedules", "jobs"])
async def test_a_number_is_never_another_ones(
    db: Database, two_servers: tuple[str, str], table: str, row: dict[str, Any]
) -> None:
    await add(db, table, row)
    async with db.transaction() as tx:
        await tx.execute(f"DELETE FROM {table}")
    await add(db, table, row)
    assert await db.fetch_all(f"SELECT id FROM {table}") == [(2,)]


async def test_a_plugin_has_a_setting_once(db: Database) -> None:
    await add(db, "plugin_settings", SETTING)
    with pytest.raises(StorageError):
        await add(db, "plugin_settings", SETTING | {"value": "false"})
