"""Specs come back as they went in; passwords lie apart; a removed server returns with its history."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.errors import StorageError, StorageFault
from monitor.spec import (
    AdminEndpoint,
    Endpoint,
    HangPolicy,
    ReadyPolicy,
    RestartMode,
    RestartPolicy,
    Secret,
    ServerSpec,
    StopPolicy,
)
from storage.codec import from_json, to_json
from storage.database import Database
from storage.servers import Servers, with_secrets, without_secrets

PLAIN = ServerSpec(id="plain", name="Plain", game="generic", argv=("run",), cwd=Path("/srv"))
FULL = ServerSpec(
    id="full",
    name="전체 🎮",
    game="minecraft",
    argv=("java", "-jar", "server.jar", "nogui"),
    cwd=Path("/srv/full"),
    env={"TZ": "UTC", "EMPTY": ""},
    autostart=True,
    admin=AdminEndpoint("127.0.0.1", 25575, Secret("p@ss\"word'—")),
    query=Endpoint("::1", 25565),
    ready=ReadyPolicy(log=r"Done \(", timeout_s=120.0),
    stop=StopPolicy(command="stop", signal="SIGTERM", save_s=30.0, polite_s=60.0, terminate_s=10.0),
    clean_exit_codes=(0, 143),
    restart=RestartPolicy(policy=RestartMode.ALWAYS, budget=3, window_s=60.0),
    hang=HangPolicy(probes=3, interval_s=10.0, restart=True),
)


@pytest.mark.parametrize("spec", [PLAIN, FULL], ids=lambda spec: spec.id)
async def test_a_spec_comes_back_as_it_went_in(db: Database, spec: ServerSpec) -> None:
    await Servers(db).save([spec])
    assert await Servers(db).all() == (spec,)


SPECS = st.builds(
    ServerSpec,
    cwd=st.builds(Path, st.text("abc/ .", min_size=1)),
    env=st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SPECS)
def test_any_spec_survives_json_and_leaves_no_password_in_it(spec: ServerSpec) -> None:
    bare, secrets = without_secrets(spec)
    if bare.admin is not None:
        assert bare.admin.password == Secret("")
    back = with_secrets(from_json(ServerSpec, to_json(bare), "here"), secrets)
    assert back == spec


async def test_the_password_lies_apart(db: Database, path: Path) -> None:
    await Servers(db).save([FULL])
    assert FULL.admin is not None
    [[spec]] = await db.fetch_all("SELECT spec FROM servers")
    assert "p@ss" not in spec
    assert await db.fetch_all("SELECT key, value FROM server_secrets") == [
        ("admin.password", FULL.admin.password.reveal())
    ]


async def test_a_password_taken_away_is_forgotten(db: Database) -> None:
    await Servers(db).save([FULL])
    await Servers(db).save([replace(FULL, admin=None)])
    assert await db.fetch_all("SELECT * FROM server_secrets") == []


async def test_servers_come_in_the_order_of_their_ids(db: Database) -> None:
    await Servers(db).save([replace(PLAIN, id=name) for name in ("rust", "ark", "b-2")])
    assert [spec.id for spec in await Servers(db).all()] == ["ark", "b-2", "rust"]


async def test_saving_again_replaces_and_keeps_the_number(db: Database) -> None:
    await Servers(db).save([PLAIN, FULL])
    before = await db.fetch_all("SELECT id, no FROM servers ORDER BY id")
    renamed = replace(PLAIN, name="Renamed")
    await Servers(db).save([renamed])
    assert await Servers(db).all() == (FULL, renamed)
    assert await db.fetch_all("SELECT id, no FROM servers ORDER BY id") == before


async def test_a_removed_server_is_not_listed_and_comes_back_with_its_number(db: Database) -> None:
    await Servers(db).save([PLAIN, FULL])
    assert await Servers(db).remove("plain", 5)
    assert await db.fetch_all("SELECT removed_ms FROM servers WHERE id = 'plain'") == [(5,)]
    assert await Servers(db).all() == (FULL,)
    await Servers(db).save([PLAIN])
    assert await db.fetch_all("SELECT no, removed_ms FROM servers WHERE id = 'plain'") == [(1, None)]


async def test_what_is_not_there_cannot_be_removed_and_keeps_when_it_was(db: Database) -> None:
    await Servers(db).save([PLAIN])
    assert not await Servers(db).remove("full", 5)
    assert await Servers(db).remove("plain", 5)
    assert not await Servers(db).remove("plain", 6)
    assert await db.fetch_all("SELECT removed_ms FROM servers") == [(5,)]


async def test_the_passwords_of_a_removed_server_are_forgotten(db: Database) -> None:
    told = replace(FULL, argv=("run", "-password", "canary-argv"), env={"API": "canary-env"})
    await Servers(db).save([told])
    await Servers(db).remove("full", 5)
    assert await db.fetch_all("SELECT * FROM server_secrets") == []
    assert await db.fetch_all("SELECT * FROM servers WHERE spec LIKE '%canary%'") == []
    await Servers(db).save([FULL])
    assert await Servers(db).all() == (FULL,)


async def test_one_that_cannot_be_saved_leaves_all_out(db: Database) -> None:
    async with db.transaction() as tx:
        await tx.execute(
            "CREATE TRIGGER refuse BEFORE INSERT ON servers WHEN new.id = 'full' BEGIN SELECT raise(ABORT, 'no'); END"
        )
    with pytest.raises(StorageError) as caught:
        await Servers(db).save([PLAIN, FULL])
    assert caught.value.fault is StorageFault.FAILED
    assert isinstance(caught.value.__cause__, sqlite3.IntegrityError)
    assert await Servers(db).all() == ()


async def test_a_damaged_spec_is_named_without_being_quoted(db: Database) -> None:
    await Servers(db).save([PLAIN])
    async with db.transaction() as tx:
        await tx.execute("UPDATE servers SET spec = json_set(spec, '$.env', 'hunter2')")
    with pytest.raises(StorageError) as caught:
        await Servers(db).all()
    assert caught.value.fault is StorageFault.UNREADABLE
    assert "server plain" in caught.value.path
    assert "env" in caught.value.detail
    assert "hunter2" not in repr(caught.value)
    assert caught.value.__suppress_context__
