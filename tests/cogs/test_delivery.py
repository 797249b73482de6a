"""From the outbox to Discord, the whole way: one alert, its order, its retries."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import discord
import pytest
from structlog.testing import capture_logs

from cogs.lane import LOOK_EVERY_S
from cogs.render.painter import ChartFailed, ChartFault
from monitor.errors import StorageError, StorageFault
from monitor.events import Aftermath, NextStep, ServerCrashed
from monitor.model import ExitReport, ExitStatus, Sample, Verdict
from storage.outbox import Outbox, OutboxItem, Standing
from storage.servers import Servers
from tests.cogs.painters import RecordingPainter, SketchPainter, png_size
from tests.cogs.world import World, until, world
from tests.fakes.house import spec_of
from tests.fakes.waiting import PATIENCE_S

SEGV = ExitReport(Verdict.CRASHED, ExitStatus(signal=11))


async def crash(home: World, server_id: str = "alpha") -> int:
    """Have a crash written down and told, as a supervisor does, and give the event's id."""
    run = await home.journal.begin_run(server_id, home.clock.now_ms(), f"{server_id}-marker")
    event = ServerCrashed(
        server_id=server_id,
        at_ms=home.clock.now_ms(),
        run_id=run.id,
        report=SEGV,
        uptime_s=60.0,
        aftermath=Aftermath(NextStep.STAY_DOWN),
    )
    event_id = await home.journal.record(event)
    home.house.bus.publish(event_id, event)
    return event_id


def posts(home: World) -> list[dict[str, object]]:
    """Every try to post an alert."""
    return [r.json or {} for r in home.env.http_requests if r.method == "POST" and r.path == messages_of(home)]


def tried(home: World, times: int) -> bool:
    return len(posts(home)) == times


def messages_of(home: World) -> str:
    return f"/channels/{home.alerts.id}/messages"


def alerts(home: World) -> list[discord.Message]:
    return home.alerts.history()


def footers(home: World) -> list[str | None]:
    return [message.embeds[0].footer.text for message in alerts(home)]


async def footer_of(home: World, event_id: int) -> str:
    row = await home.db.fetch_one("SELECT value FROM settings WHERE key = 'installation'")
    assert row is not None
    return f"#{event_id} · {row[0]}"


async def failed(home: World, times: int) -> None:
    """Wait until the oldest alert has failed so often, and its destination pauses."""
    async with asyncio.timeout(PATIENCE_S):
        while await home.db.fetch_one("SELECT 1 FROM outbox WHERE attempts >= ?", (times,)) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    await home.rest()
    await home.clock.until_sleeping()


async def test_a_crash_is_told_at_once_and_shown_soon(tmp_path: Path) -> None:
    async with world(tmp_path, painter=RecordingPainter()) as home:
        await home.slash(home.people.admin, "start", server="alpha")
        now_s = home.clock.now_ms() // 1000
        home.samples.add([Sample("alpha", now_s - n, cpu_pct=99.0, rss_bytes=1 << 30) for n in range(600)])
        (await home.house.launcher.nth(1)).exit(signal=11)
        await until(lambda: bool(alerts(home)) and bool(alerts(home)[0].attachments))
        [message] = alerts(home)
        [embed] = message.embeds
        assert embed.title is not None
        assert "Alpha World crashed" in embed.title
        assert "SIGSEGV (invalid memory access)" in (embed.description or "")
        newest = (await home.journal.events())[0]
        assert embed.footer.text == await footer_of(home, newest.id)
        assert embed.image.url is not None
        png_size(await message.attachments[0].read())
        [posted] = posts(home)
        assert "attachments" not in posted
        assert f"-{newest.id}-" in str(posted["nonce"])
        assert posted["enforce_nonce"] is True
        assert [panel.key for panel in home.painter.requests[0].panels] == ["cpu", "memory"]
        await home.rest()
        assert await home.outbox.backlog() == 0


async def test_a_text_does_not_wait_for_a_chart(home: World) -> None:
    painter = home.painter
    assert isinstance(painter, SketchPainter)
    painter.let_draw.clear()
    await crash(home)
    await crash(home, "beta")
    await until(lambda: len(alerts(home)) == 2)
    assert [message.attachments for message in alerts(home)] == [[], []]
    painter.let_draw.set()
    await until(lambda: all(message.attachments for message in alerts(home)))
    assert len(posts(home)) == 2


async def test_a_chart_that_fails_costs_only_itself(home: World) -> None:
    painter = home.painter
    assert isinstance(painter, SketchPainter)
    painter.fail_with = ChartFailed(ChartFault.TIMEOUT)
    with capture_logs() as logs:
        await crash(home)
        await until(lambda: len(painter.requests) == 1)
        painter.fail_with = None
        await crash(home, "beta")
        await until(lambda: bool(alerts(home)[-1].attachments))
    assert [len(message.attachments) for message in alerts(home)] == [0, 1]
    assert "alert_without_chart" in [entry["event"] for entry in logs]


async def test_fault_36_an_edit_that_fails_costs_only_the_chart(home: World) -> None:
    home.env.inject_error("PATCH", "/channels/*", status=500, times=1)
    await crash(home)
    await crash(home, "beta")
    await until(lambda: len(alerts(home)) == 2 and bool(alerts(home)[1].attachments))
    assert alerts(home)[0].attachments == []
    assert len(posts(home)) == 2


@pytest.mark.parametrize("status", [500, 503])
async def test_fault_35_36_tried_again_and_delivered_once(home: World, status: int) -> None:
    home.env.inject_error("POST", messages_of(home), status=status, times=3)
    event_id = await crash(home)
    for tries, pause_s in ((1, 1.0), (2, 2.0), (3, 4.0)):
        await until(partial(tried, home, tries))
        await failed(home, tries)
        await home.clock.advance(pause_s - 0.001)
        assert len(posts(home)) == tries
        await home.clock.advance(0.001)
    await until(lambda: len(alerts(home)) == 1)
    assert footers(home) == [await footer_of(home, event_id)]
    assert len({post["nonce"] for post in posts(home)}) == 1
    await until(lambda: bool(alerts(home)[0].attachments))
    assert len(posts(home)) == 4


async def test_fault_35_order_is_kept_and_news_do_not_put_a_retry_off(home: World) -> None:
    home.env.inject_error("POST", messages_of(home), status=500, times=1)
    first = await crash(home)
    await failed(home, 1)
    await home.clock.advance(0.5)
    second = await crash(home, "beta")
    await home.rest()
    assert (home.clock.sleepers, len(posts(home))) == (1, 1)
    await home.clock.advance(0.5)
    await until(lambda: len(alerts(home)) == 2)
    assert footers(home) == [await footer_of(home, first), await footer_of(home, second)]


async def test_an_outage_is_logged_once_and_its_end_once(home: World) -> None:
    home.env.inject_error("POST", messages_of(home), status=500, times=2)
    with capture_logs() as logs:
        await crash(home)
        for tries in (1, 2):
            await until(partial(tried, home, tries))
            await failed(home, tries)
            await home.clock.advance(2)
        await until(lambda: "alerts_flow_again" in [entry["event"] for entry in logs])
    told = [entry["event"] for entry in logs if entry["event"].startswith("alert")]
    assert told == ["alert_not_delivered", "alerts_flow_again"]


async def test_without_a_channel_alerts_wait_for_one(tmp_path: Path) -> None:
    async with world(tmp_path, to_alerts=False) as home:
        waited = [await crash(home), await crash(home, "beta")]
        await home.rest()
        assert posts(home) == []
        home.delivery.post_to(home.alerts.id)
        await until(lambda: len(alerts(home)) == 2)
        assert footers(home) == [await footer_of(home, event_id) for event_id in waited]


async def test_before_discord_is_there_alerts_wait_for_it(home: World) -> None:
    home.client.online.clear()
    await crash(home)
    await home.rest()
    assert posts(home) == []
    await home.clock.advance(7200)
    home.client.online.set()
    await until(lambda: len(alerts(home)) == 1)
    [footer] = footers(home)
    assert footer is not None
    assert footer.endswith("· delayed 2 h")


class FlakyOutbox(Outbox):
    """Refuses as often as it is told to."""

    unreadable: int = 0
    unwritable: int = 0

    async def pending(self, destination: str, now_ms: int, limit: int = 200) -> tuple[OutboxItem, ...]:
        if self.unreadable:
            self.unreadable -= 1
            raise StorageError(StorageFault.BUSY, "gamekeeper.db")
        return await super().pending(destination, now_ms, limit)

    async def delivered(self, items: Iterable[OutboxItem], at_ms: int, standing: Standing) -> None:
        if self.unwritable:
            self.unwritable -= 1
            raise StorageError(StorageFault.FULL, "gamekeeper.db")
        await super().delivered(items, at_ms, standing)


@asynccontextmanager
async def flaky_world(folder: Path) -> AsyncIterator[tuple[World, FlakyOutbox]]:
    async with world(folder, outbox=FlakyOutbox) as home:
        assert isinstance(home.outbox, FlakyOutbox)
        yield home, home.outbox


async def test_fault_30_a_database_that_refuses_ends_nothing(tmp_path: Path) -> None:
    async with flaky_world(tmp_path) as (home, flaky):
        flaky.unreadable = 1
        with capture_logs() as logs:
            await crash(home)
            await until(lambda: flaky.unreadable == 0)
            await home.rest()
        assert [entry["event"] for entry in logs] == ["outbox_unreadable"]
        assert posts(home) == []
        await home.clock.advance(LOOK_EVERY_S)
        await until(lambda: len(alerts(home)) == 1)


class SlowOutbox(Outbox):
    """Time goes on while it is read, once it was told to be slow."""

    pass_time: Callable[[], None] | None = None

    async def pending(self, destination: str, now_ms: int, limit: int = 200) -> tuple[OutboxItem, ...]:
        found = await super().pending(destination, now_ms, limit)
        if self.pass_time is not None and not found:
            self.pass_time()
            self.pass_time = None
        return found


async def test_what_comes_due_while_the_outbox_is_read_is_not_missed(tmp_path: Path) -> None:
    async with world(tmp_path, outbox=SlowOutbox) as home:
        slow = home.outbox
        assert isinstance(slow, SlowOutbox)
        home.env.inject_error("POST", messages_of(home), status=500, times=1)
        slow.pass_time = lambda: home.clock.shift_wall(5)
        await crash(home)
        await failed(home, 1)
        assert slow.pass_time is None
        await home.clock.advance(2)
        await until(lambda: len(alerts(home)) == 1)


async def test_fault_29_36_what_could_not_be_noted_as_sent_is_sent_as_the_same(tmp_path: Path) -> None:
    async with flaky_world(tmp_path) as (home, flaky):
        flaky.unwritable = 1
        await crash(home)
        await until(lambda: flaky.unwritable == 0)
        await home.rest()
        await home.clock.advance(LOOK_EVERY_S)
        await until(lambda: len(posts(home)) == 2)
        first, second = posts(home)
        assert first["nonce"] == second["nonce"]
        assert first["enforce_nonce"] is second["enforce_nonce"] is True


async def test_a_server_that_is_gone_is_told_by_its_id(home: World) -> None:
    await Servers(home.db).save([spec_of("gone")])
    with capture_logs() as logs:
        await crash(home, "gone")
        await crash(home)
        await until(lambda: len(alerts(home)) == 2 and bool(alerts(home)[1].attachments))
    assert "gone crashed" in (alerts(home)[0].embeds[0].title or "")
    assert alerts(home)[0].attachments == []
    assert "alert_without_chart" in [entry["event"] for entry in logs]


async def test_fault_49_a_name_does_not_ping(tmp_path: Path) -> None:
    async with world(tmp_path, [spec_of("alpha", name="@everyone **<@&1>**")]) as home:
        await crash(home)
        await until(lambda: len(alerts(home)) == 1)
        title = alerts(home)[0].embeds[0].title or ""
        assert "@everyone" not in title
        assert "<@&1>" not in title
        assert posts(home)[0]["allowed_mentions"] == {"parse": []}
