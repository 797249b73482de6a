"""The gate over real HTTP and WebSocket: doubles, forgeries, strangers' ways in, and answers in time."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from bot.app import DATABASE
from monitor.model import State
from tests.bot.in_process import Running, running, save, settings_in, sleeper
from tests.bot.log_lines import LogLines
from tests.bot.place import Place
from tests.standin.interactions import ACKNOWLEDGE_WITHIN_S, DEFERRED_MESSAGE, MESSAGE

pytestmark = [
    pytest.mark.usefixtures("own_priority"),
    pytest.mark.skipif(os.name != "posix", reason="its game waits and dies by signals"),
]


@pytest.fixture
async def bot(place: Place, tmp_path: Path, lines: LogLines) -> AsyncIterator[Running]:
    await save(tmp_path, sleeper(tmp_path))
    async with running(place, settings_in(place, tmp_path)) as started:
        await started.online()
        yield started
    assert lines.grave() == []


def attempts(data_dir: Path) -> list[tuple[str, str]]:
    """What was tried and how it was decided, as it is on the disk."""
    with closing(sqlite3.connect(data_dir / DATABASE)) as db:
        return db.execute("SELECT entry, decision FROM audit ORDER BY id").fetchall()


async def test_fault_43_a_command_that_is_delivered_twice_acts_once(
    bot: Running, place: Place, tmp_path: Path
) -> None:
    given = await place.standin.slash(place.owner, place.talk, "start", {"server": "meadow"})
    place.standin.world.announce("INTERACTION_CREATE", given.payload)
    await given.until(lambda message: "is up" in message.content)
    place.standin.world.announce("INTERACTION_CREATE", given.payload)
    later = await place.standin.slash(place.owner, place.talk, "status")
    await later.edited()
    assert bot.bot.fleet.server("meadow").state is State.RUNNING
    assert attempts(tmp_path) == [("/start", "allowed"), ("/status", "allowed")]
    assert len(place.standin.calls("POST", f"/interactions/{given.id}/*/callback")) == 1


@contextmanager
def held(data_dir: Path) -> Iterator[None]:
    """Hold the database as another program could."""
    with closing(sqlite3.connect(data_dir / DATABASE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


async def test_fault_30_40_a_command_is_acknowledged_in_time_while_the_database_is_held(
    bot: Running, place: Place, tmp_path: Path
) -> None:
    with held(tmp_path):
        given = await place.standin.slash(place.owner, place.talk, "start", {"server": "meadow"})
        callback = await given.acknowledged()
        assert bot.bot.fleet.server("meadow").state is State.STOPPED
    assert callback["type"] == DEFERRED_MESSAGE
    assert given.answered_after_s is not None
    assert given.answered_after_s < ACKNOWLEDGE_WITHIN_S
    await given.until(lambda message: "is up" in message.content)


async def test_fault_46_47_forgeries_and_strange_ways_in_are_refused(
    bot: Running, place: Place, tmp_path: Path
) -> None:
    message = place.standin.say(place.owner, place.talk, "no buttons here")
    forged = await place.standin.forge_click(place.owner, message, "gk:page:x:1")
    told = [await forged.response()]
    own_app = await place.standin.slash(place.owner, place.talk, "stop", {"server": "meadow"}, user_install=True)
    told.append(await own_app.response())
    assert (await own_app.acknowledged())["type"] == MESSAGE
    assert all(reply.ephemeral for reply in told)
    assert ["offered nothing like that" in told[0].content, "not in direct messages" in told[1].content] == [
        True,
        True,
    ]
    assert attempts(tmp_path) == [("button:page", "denied:forged"), ("/stop", "denied:not_in_guild")]
