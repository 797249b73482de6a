"""What is tried is repeated in a channel, as far as Discord takes it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from structlog.testing import capture_logs

from cogs.audit_mirror import EVERY_S, PAUSE_S, WAITING_AT_MOST, AuditMirror
from cogs.locale.catalogue import catalogue
from monitor.model import Actor, ActorKind
from monitor.redaction import Redaction
from storage.audit import AuditEntry
from tests.cogs.world import World, until

ANNA = Actor(ActorKind.DISCORD, "1", "anna")


@asynccontextmanager
async def mirrored(home: World) -> AsyncIterator[AuditMirror]:
    mirror = AuditMirror(
        home.audit,
        home.client,
        home.client.online,
        home.channel.id,
        home.clock,
        Redaction(["canary-in-an-argument"]),
        catalogue("en"),
    )
    home.gate.audit = mirror
    task = asyncio.create_task(mirror.run())
    try:
        yield mirror
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def lines(home: World) -> list[str]:
    """What stands in the channel and is no answer to a command, the oldest first."""
    posts = [m.content for m in home.channel.history() if m.interaction_metadata is None]
    return [line for content in posts for line in content.split("\n")]


async def refused(mirror: AuditMirror, number: int) -> None:
    await mirror.begin(AuditEntry(0, ANNA, f"/e{number}", "denied:no_grant"))


async def test_what_is_done_and_refused_is_repeated_without_secrets(home: World) -> None:
    async with mirrored(home):
        await home.slash(home.people.admin, "rcon", server="alpha", command="op canary-in-an-argument")
        await until(lambda: len(lines(home)) == 1)
        await home.slash(home.people.stranger, "stop", server="alpha")
        await home.clock.advance(EVERY_S)
        await until(lambda: len(lines(home)) == 2)
    done, denied = lines(home)
    assert "**admin** · `/rcon`" in done
    assert "`wrong_state`" in done
    assert "canary" not in done
    assert denied.startswith("⛔")
    assert len(await home.audit.page()) == 2


async def test_many_lines_go_into_few_messages(home: World) -> None:
    async with mirrored(home) as mirror:
        for number in range(60):
            await refused(mirror, number)
        for _ in range(10):
            await home.clock.advance(EVERY_S)
        await until(lambda: len(lines(home)) == 60)
    assert [f"/e{n}`" in line for n, line in enumerate(lines(home))] == [True] * 60
    assert len(home.sent("POST", f"/channels/{home.channel.id}/messages")) < 10


async def test_what_discord_does_not_take_waits_and_the_oldest_goes_first(home: World) -> None:
    home.env.inject_error("POST", f"/channels/{home.channel.id}/messages", status=403, code=50013, times=2)
    with capture_logs() as logs:
        async with mirrored(home) as mirror:
            for number in range(WAITING_AT_MOST + 50):
                await refused(mirror, number)
            await home.clock.advance(PAUSE_S)
            await home.clock.advance(PAUSE_S)
            for _ in range(30):
                await home.clock.advance(EVERY_S)
            await until(lambda: f"/e{WAITING_AT_MOST + 49}`" in "".join(lines(home)))
    assert [entry["event"] for entry in logs if entry["event"] == "audit_not_mirrored"] == ["audit_not_mirrored"]
    assert len(lines(home)) == WAITING_AT_MOST
    assert "/e50`" in lines(home)[0]
