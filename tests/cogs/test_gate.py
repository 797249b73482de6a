"""What stands before every entry, and what is written down of it."""

from __future__ import annotations

import asyncio
from typing import Any

import discord
import pytest
from discord import app_commands
from discord.ext import commands
from structlog.testing import capture_logs

from cogs.attempt import Ungated, attempt_of
from cogs.gate import ACKNOWLEDGE_AFTER_S, LIMITED_EVERY_S, Once
from cogs.ratelimit import PERSON
from cogs.reply import answer, defer, offer, progress, turn
from monitor.errors import StorageError, StorageFault
from monitor.model import ActorKind, State
from storage.audit import AuditEntry, AuditOutcome, AuditRecord
from tests.cogs.world import World, until


def test_what_was_seen_is_known_until_it_is_forgotten() -> None:
    once = Once(remembered=2)
    assert [once.first(key) for key in (1, 1, 2, 1, 3, 1, 3)] == [True, False, True, False, True, True, False]


async def written(home: World, limit: int = 50) -> list[AuditRecord]:
    """Everything that was tried, the oldest first."""
    return list(reversed(await home.audit.page(limit=limit)))


async def test_what_is_done_is_written_down_with_all_that_belongs_to_it(home: World) -> None:
    await home.slash(home.people.admin, "stop", server="Alpha World", reason="enough")
    [record] = await written(home)
    entry = record.entry
    assert (entry.by.kind, entry.by.id, entry.by.name) == (ActorKind.DISCORD, str(home.people.admin.id), "admin")
    assert (entry.entry, entry.decision, entry.action, entry.server_id) == ("/stop", "allowed", "control", "alpha")
    assert entry.arguments == {"server": "Alpha World", "reason": "enough"}
    assert entry.allowed_by == f"role:{home.places.role.id} admin on *"
    assert (entry.guild_id, entry.at_ms) == (home.guild.id, home.clock.now_ms())
    assert record.outcome == AuditOutcome("wrong_state", "**Alpha World** is down already.", 0)


async def test_it_is_on_the_disk_before_anything_is_done(home: World) -> None:
    home.house.slow = True
    starting = asyncio.create_task(home.slash(home.people.admin, "start", server="alpha"))
    await until(lambda: bool(home.house.launcher.spawned))
    [record] = await written(home)
    assert (record.entry.entry, record.outcome) == ("/start", None)
    home.house.log("alpha").write("Done (1s)")
    await home.clock.advance(1.0)
    await starting
    [record] = await written(home)
    assert record.outcome is not None
    assert (record.outcome.result, record.outcome.duration_ms >= 0) == ("done", True)


async def test_fault_46_what_is_refused_is_written_down_too(home: World) -> None:
    await home.slash(home.people.viewer, "stop", server="beta", reason="because")
    [record] = await written(home)
    assert (record.entry.decision, record.entry.allowed_by, record.outcome) == ("denied:no_grant", None, None)
    assert record.entry.arguments == {"server": "beta", "reason": "because"}


async def test_fault_46_what_is_refused_is_written_down_at_no_great_length(home: World) -> None:
    await home.forge(home.people.stranger, home.channel, "stop", {"server": "x" * 6000})
    [record] = await written(home)
    assert record.entry.decision == "denied:no_grant"
    assert len(repr(record)) < 1000


async def test_what_is_refused_half_way_is_the_end_of_what_was_begun(home: World) -> None:
    await home.slash(home.people.viewer, "chart", server="alpha", compare="beta")
    [record] = await written(home)
    assert record.entry.decision == "allowed"
    assert record.outcome is not None
    assert record.outcome.result == "denied:no_grant"


async def test_typing_is_judged_and_not_written_down(home: World) -> None:
    await home.complete(home.people.admin, "start", "alp")
    assert await written(home) == []


async def test_fault_48_what_is_too_much_is_refused_and_counted(home: World) -> None:
    people = home.people
    for _ in range(PERSON.burst):
        await home.slash(people.admin, "status", server="alpha")
    too_many = [await home.slash(people.admin, "start", server="alpha") for _ in range(20)]
    replies = {result.response.content for result in too_many if result.response is not None}
    assert len(replies) == 1
    assert "too much at once" in replies.pop()
    assert home.house.launcher.spawned == []
    limited = [record.entry for record in await written(home, 100) if record.entry.decision == "limited"]
    assert [entry.arguments["attempts"] for entry in limited] == [1]
    await home.clock.advance(LIMITED_EVERY_S)
    await home.slash(people.admin, "status", server="alpha")
    limited = [record.entry for record in await written(home, 100) if record.entry.decision == "limited"]
    assert [entry.arguments["attempts"] for entry in limited] == [1, 19]


async def test_fault_48_somebody_elses_burst_delays_nobody(home: World) -> None:
    for _ in range(200):
        await home.forge(home.people.admin, home.channel, "cancel", {"server": "alpha"})
    result = await home.slash(home.people.owner, "start", server="alpha")
    assert result.response is not None
    assert "is up" in result.response.content


async def test_fault_48_completion_answers_nothing_where_it_is_too_much(home: World) -> None:
    offered = [await home.complete(home.people.admin, "start", "") for _ in range(40)]
    assert offered[0] == ["alpha", "beta"]
    assert offered[-1] == []


@pytest.mark.parametrize("option", ["range", "metric"])
async def test_fault_46_a_choice_that_was_not_offered_is_refused(home: World, option: str) -> None:
    options = {"server": "alpha", option: "../../etc"}
    result = await home.forge(home.people.owner, home.channel, "chart", options, locale="en-US")
    assert result.response is not None
    assert "I have offered nothing like that" in result.response.content
    [record] = await written(home)
    assert record.entry.decision == "denied:forged"


class DeafAudit:
    """A record on a disk that takes nothing more."""

    async def begin(self, entry: AuditEntry) -> int:
        raise StorageError(StorageFault.FULL, "/data/gamekeeper.db")

    async def finish(self, audit_id: int, outcome: AuditOutcome) -> None:
        raise StorageError(StorageFault.FULL, "/data/gamekeeper.db")


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("alerts mute", {"minutes": -1}),
        ("stop", {"server": "alpha", "in": 1441}),
        ("export", {"server": "alpha", "range": "1" * 101}),
        ("rcon", {"server": "alpha", "command": ""}),
    ],
    ids=["too_little", "too_much", "too_long", "too_short"],
)
async def test_fault_46_what_is_beyond_its_bounds_is_refused(
    home: World, command: str, options: dict[str, Any]
) -> None:
    result = await home.forge(home.people.owner, home.channel, command, options, locale="en-US")
    assert "I have offered nothing like that" in str(result.response)
    [record] = await written(home)
    assert record.entry.decision == "denied:forged"


async def test_fault_29_32_what_cannot_be_written_down_goes_to_the_log_and_the_game_goes_on(home: World) -> None:
    home.gate.audit = DeafAudit()
    with capture_logs() as logs:
        await home.slash(home.people.admin, "start", server="alpha")
        await home.slash(home.people.stranger, "stop", server="alpha")
    assert home.fleet.server("alpha").state is State.RUNNING
    unwritten = [entry["attempt"] for entry in logs if entry["event"] == "audit_not_written"]
    assert ["/start" in unwritten[0], "/stop" in unwritten[1]] == [True, True]


async def test_an_outcome_that_cannot_be_written_down_goes_to_the_log(home: World) -> None:
    home.gate.audit.finish = DeafAudit().finish  # type: ignore[method-assign]
    with capture_logs() as logs:
        result = await home.slash(home.people.admin, "start", server="alpha")
    assert result.response is not None
    assert "is up" in result.response.content
    assert "outcome_not_written" in [entry["event"] for entry in logs]


class SlowAudit(DeafAudit):
    """A record on a disk that somebody else holds."""

    def __init__(self, home: World, waits_s: float) -> None:
        self._home = home
        self._waits_s = waits_s

    async def begin(self, entry: AuditEntry) -> int:
        await self._home.clock.advance(self._waits_s)
        return await self._home.audit.begin(entry)


@pytest.mark.parametrize(
    ("who", "waits_s", "ephemeral"),
    [("admin", ACKNOWLEDGE_AFTER_S, True), ("admin", ACKNOWLEDGE_AFTER_S - 0.1, False), ("stranger", 5.0, True)],
)
async def test_fault_30_40_whatever_takes_long_is_acknowledged_in_time(
    home: World, who: str, waits_s: float, *, ephemeral: bool
) -> None:
    home.gate.audit = SlowAudit(home, waits_s)
    result = await home.slash(getattr(home.people, who), "start", server="alpha")
    assert result.response is not None
    assert result.response.ephemeral is ephemeral
    assert result.response.content.startswith(("⚠️ You may not", "🟢"))
    callbacks = home.sent("POST", "/callback")
    assert len(callbacks) == 1


class Rogue(commands.Cog):
    """A cog that asks nobody."""

    @app_commands.command(name="rogue", description="Asks nobody")
    async def rogue(self, interaction: discord.Interaction) -> None:
        await defer(interaction)


async def test_a_command_that_asks_nobody_is_reported(home: World) -> None:
    await home.client.add_cog(Rogue())
    await home.client.tree.sync()
    with capture_logs() as logs:
        await home.slash(home.people.stranger, "rogue")
    assert {"event": "entry_without_gate", "entry": "/rogue", "log_level": "error"} in logs


async def test_nothing_speaks_for_what_did_not_come_through_the_gate(home: World) -> None:
    stranger: Any = object.__new__(discord.Interaction)
    stranger.extras, stranger.id = {}, 1
    for reply in (
        answer(stranger, content="hello"),
        defer(stranger),
        progress(stranger, "hello"),
        turn(stranger, content="hello"),
        offer(stranger, []),
    ):
        with pytest.raises(Ungated):
            await reply
    with pytest.raises(Ungated):
        attempt_of(stranger)


async def test_without_a_gate_nothing_is_let_through(home: World) -> None:
    tree: Any = home.client.tree
    tree.gate = None
    with capture_logs() as logs:
        result = await home.slash(home.people.owner, "start", server="alpha")
    assert result.response is None
    assert home.house.launcher.spawned == []
    assert logs[-1]["event"] == "no_gate"
