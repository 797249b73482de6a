"""Panels in virtual time: when each is edited, what stands in the way, and what is left of it after a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import discord
import pytest
from structlog.testing import capture_logs

from cogs.panel_keeper import LOOK_EVERY_S
from cogs.panel_pace import EDIT_EVERY_S, FIGURES_EVERY_S, OLD_S
from cogs.panels import FAREWELL_S, Board
from cogs.setbacks import GONE_S
from monitor.errors import StorageError, StorageFault
from monitor.model import Players, Sample
from storage.panels import Panel, Panels
from tests.cogs.pressing import labels, menus, played_on, press
from tests.cogs.world import BETA, World, until, world
from tests.fakes.clock import EPOCH_MS
from tests.fakes.house import ANNA, spec_of
from tests.fakes.waiting import PATIENCE_S

GIB = 1 << 30


async def pinned(home: World, servers: str = "") -> discord.Message:
    """Pin a panel in the channel, as the admin, and give its message."""
    options = {"servers": servers} if servers else {}
    await home.slash(home.people.admin, "panel pin", channel=home.channel, **options)
    await home.rest()
    return panel(home)


def panel(home: World) -> discord.Message:
    return next(m for m in reversed(home.channel.history()) if m.embeds and "Servers" in (m.embeds[0].title or ""))


def text(home: World) -> str:
    return panel(home).embeds[0].description or ""


def edits(home: World) -> int:
    """How often anything in the channel was changed."""
    return sum(r.method == "PATCH" and f"/channels/{home.channel.id}/" in r.path for r in home.env.http_requests)


async def passes(home: World, seconds: float, step_s: float = 1.0) -> None:
    """Let virtual time pass, letting what is begun be done in between."""
    end_s = home.clock.monotonic() + seconds
    while home.clock.monotonic() < end_s:
        await home.clock.advance(min(step_s, end_s - home.clock.monotonic()))
        await home.rest()


def measured(home: World, cpu_pct: float, rss_bytes: int = GIB) -> None:
    at_s = home.clock.now_ms() // 1000
    home.fleet.measured([Sample("alpha", at_s, cpu_pct=cpu_pct, rss_bytes=rss_bytes)])


async def test_a_panel_is_one_message_that_makes_no_noise(home: World) -> None:
    message = await pinned(home)
    assert "**Alpha World** · stopped" in text(home)
    assert "**0 of 2 servers up**" in text(home)
    assert menus(message) == [["alpha", "beta"]]
    posts = home.sent("POST", f"/channels/{home.channel.id}/messages")
    assert [post["flags"] for post in posts] == [discord.MessageFlags(suppress_notifications=True).value]


async def test_the_panel_of_one_server_has_its_buttons_and_they_follow_it(home: World) -> None:
    message = await pinned(home, "Alpha World")
    assert labels(message) == ["Start", "Chart", "Logs"]
    answer = await press(home, home.people.admin, message, "Start")
    assert answer.ephemeral
    await passes(home, EDIT_EVERY_S)
    assert labels(panel(home)) == ["Restart", "Stop", "Chart", "Logs"]
    assert "**Alpha World** · running" in text(home)


async def test_nothing_new_costs_nothing(home: World) -> None:
    await pinned(home)
    before = len(home.env.http_requests)
    await passes(home, 3600, 60)
    assert len(home.env.http_requests) == before


async def test_what_is_new_is_shown_soon_and_never_more_often_than_every_ten_seconds(home: World) -> None:
    await played_on(home, Players(0, 20))
    await pinned(home, "alpha")
    before, began_s = edits(home), home.clock.monotonic()
    for number in range(2, 62):
        home.house.game("alpha").online = Players(number, 99)
        home.fleet._supervisors["alpha"]._standing.note(players=Players(number, 99))
        await passes(home, 1)
    spent_s = home.clock.monotonic() - began_s
    assert edits(home) - before <= spent_s / EDIT_EVERY_S + 1
    assert edits(home) - before >= spent_s / (EDIT_EVERY_S + LOOK_EVERY_S) - 1
    await passes(home, EDIT_EVERY_S + LOOK_EVERY_S)
    assert "👥 61/99" in text(home)


async def test_figures_alone_are_shown_once_a_minute_and_noise_never(home: World) -> None:
    await played_on(home, None)
    measured(home, 20.0)
    await pinned(home, "alpha")
    before = edits(home)
    for number in range(90):
        measured(home, 20.0 + number % 2, GIB + number * 1000)
        await passes(home, 1)
    assert edits(home) == before
    for number in range(180):
        measured(home, 5.0 * number)
        await passes(home, 1)
    assert 180 // (FIGURES_EVERY_S + LOOK_EVERY_S) <= edits(home) - before <= 180 // FIGURES_EVERY_S + 1


async def test_a_new_state_does_not_wait_for_the_figures(home: World) -> None:
    await played_on(home, Players(0, 20))
    measured(home, 20.0)
    await pinned(home, "alpha")
    measured(home, 95.0)
    await passes(home, EDIT_EVERY_S + LOOK_EVERY_S)
    assert "CPU 20%" in text(home)
    await home.fleet.stop("alpha", ANNA, force=True)
    await passes(home, LOOK_EVERY_S)
    assert "**Alpha World** · stopped" in text(home)


async def changed(home: World) -> None:
    """Have something to show, and show it if that can be."""
    if home.fleet.server("beta").process is None:
        await home.fleet.start("beta", ANNA)
    else:
        await home.fleet.stop("beta", ANNA, force=True)
    await passes(home, EDIT_EVERY_S + LOOK_EVERY_S)


@pytest.mark.parametrize(("status", "code"), [(429, 30046), (400, 30046), (403, 50005)], ids=str)
async def test_a_message_that_cannot_be_edited_any_more_is_posted_anew(home: World, status: int, code: int) -> None:
    first = await pinned(home)
    home.env.inject_error("PATCH", f"/channels/{home.channel.id}/messages/*", status=status, code=code)
    await changed(home)
    await until(lambda: panel(home).id != first.id and len(home.channel.history()) == 1)
    assert "**Beta World** · running" in text(home)
    assert [kept.message_id for kept in await Panels(home.db).all()] == [panel(home).id]
    await changed(home)
    assert "**Beta World** · stopped" in text(home)


async def test_one_that_may_not_be_deleted_stays(home: World) -> None:
    first = await pinned(home)
    home.env.inject_error("PATCH", f"/channels/{home.channel.id}/messages/*", status=429, code=30046)
    home.env.inject_error("DELETE", f"/channels/{home.channel.id}/messages/*", status=403, code=50013)
    await changed(home)
    await until(lambda: panel(home).id != first.id)
    await changed(home)
    assert len(home.channel.history()) == 2


async def test_an_old_message_that_is_limited_for_long_is_posted_anew(
    home: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await pinned(home)
    made_ms = discord.utils.snowflake_time(first.id).timestamp() * 1000
    home.clock.shift_wall((made_ms - EPOCH_MS) / 1000 + OLD_S)

    async def limited(*_: object, **__: object) -> None:
        raise discord.RateLimited(900.0)

    with monkeypatch.context() as patched:
        patched.setattr(discord.PartialMessage, "edit", limited)
        await changed(home)
    await passes(home, 50)
    assert panel(home).id == first.id
    await passes(home, 20)
    assert panel(home).id != first.id


async def test_a_panel_that_somebody_deletes_is_not_put_there_again(home: World) -> None:
    message = await pinned(home)
    await home.client.get_partial_messageable(home.channel.id).get_partial_message(message.id).delete()
    with capture_logs() as logs:
        await changed(home)
    assert "panel_unpinned" in [entry["event"] for entry in logs]
    before = len(home.env.http_requests)
    await changed(home)
    assert len(home.env.http_requests) == before
    assert await Panels(home.db).all() == []
    assert home.channel.history() == []


async def test_fault_38_where_it_may_not_write_it_asks_more_and_more_rarely(home: World) -> None:
    await pinned(home)
    home.env.inject_error("PATCH", f"/channels/{home.channel.id}/messages/*", status=403, code=50013, times=None)
    before = edits(home)
    with capture_logs() as logs:
        await changed(home)
        assert edits(home) - before == 1
        [offered] = await choices(home)
        assert offered.startswith("⚠️ #1 → #general · all servers · Forbidden")
        await passes(home, GONE_S * (1 + 4 + 16) + 60, 30)
    assert edits(home) - before == 4
    assert [entry["event"] for entry in logs].count("panel_not_shown") == 1


async def choices(home: World) -> list[str]:
    with home.carrying(locale="en-US"):
        offered = await home.people.admin.autocomplete(home.channel, "panel unpin", "panel", "")
    return [choice["name"] for choice in offered]


async def test_fault_35_after_an_outage_it_is_current_again(home: World) -> None:
    await pinned(home)
    home.env.inject_error("PATCH", f"/channels/{home.channel.id}/messages/*", status=500, times=3)
    with capture_logs() as logs:
        await changed(home)
        await passes(home, 30)
    assert "**Beta World** · running" in text(home)
    told = [entry["event"] for entry in logs if entry["event"].startswith("panel")]
    assert told == ["panel_not_shown", "panel_current_again"]


async def test_one_that_is_in_trouble_holds_no_other_up(home: World) -> None:
    await pinned(home)
    await home.slash(home.people.admin, "panel pin", channel=home.alerts)
    home.env.inject_error("PATCH", f"/channels/{home.channel.id}/messages/*", status=403, code=50013, times=None)
    await changed(home)
    assert "**Beta World** · running" in (home.alerts.history()[0].embeds[0].description or "")


async def test_fault_30_what_nobody_foresaw_costs_a_pause(home: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await pinned(home)

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    with capture_logs() as logs:
        with monkeypatch.context() as patched:
            patched.setattr("cogs.panel_keeper.face", broken)
            await changed(home)
        await passes(home, 70)
    assert [entry["event"] for entry in logs].count("panel_failed") == 1
    assert "**Beta World** · running" in text(home)


async def test_fault_41_while_the_token_is_refused_nothing_is_asked(home: World) -> None:
    await pinned(home)
    home.delivery.traffic.refused = True
    before = edits(home)
    await changed(home)
    assert edits(home) == before
    home.delivery.traffic.logged_in()
    await passes(home, 60, 10)
    assert edits(home) == before + 1


def board(home: World) -> Board:
    """The panels of the next life of the bot."""
    return Board(home.surface.board.around)


async def running(home: World, made: Board, condition: Callable[[], bool]) -> None:
    """Run it until something is so."""
    task = asyncio.create_task(made.run())
    try:
        await until(condition)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_panel_is_taken_up_again_after_a_restart(tmp_path: Path) -> None:
    async with world(tmp_path) as home:
        message = await pinned(home)
        before = edits(home)
        await running(home, board(home), lambda: edits(home) == before + 1)
        assert panel(home).id == message.id


async def test_one_that_was_pinned_and_never_posted_is_posted(home: World) -> None:
    await Panels(home.db).add(Panel(home.guild.id, home.channel.id))
    await running(home, board(home), lambda: len(home.channel.history()) == 1)
    await until(lambda: home.channel.history() != [])


async def test_a_database_that_cannot_be_read_is_asked_again(home: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await pinned(home)

    async def unreadable(_panels: Panels) -> list[Panel]:
        raise StorageError(StorageFault.BUSY, "gamekeeper.db")

    made, before = board(home), edits(home)
    with monkeypatch.context() as patched, capture_logs() as logs:
        patched.setattr(Panels, "all", unreadable)
        task = asyncio.create_task(made.run())
        await home.clock.until_sleeping(2)
    await home.clock.advance(60)
    await until(lambda: edits(home) == before + 1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert [entry["event"] for entry in logs] == ["panels_unreadable"]


async def test_as_the_bot_ends_its_panels_say_so(home: World) -> None:
    message = await pinned(home)
    await home.surface.board.farewell()
    [message] = [m for m in home.channel.history() if m.id == message.id]
    assert message.embeds[0].title == "💤 The bot is off"
    assert "**Alpha World** · stopped" in (message.embeds[0].description or "")
    assert message.components == []


async def test_a_farewell_takes_two_seconds_at_most(home: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await pinned(home)

    async def silent(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(discord.PartialMessage, "edit", silent)
    ending = asyncio.create_task(home.surface.board.farewell())
    await home.clock.until_sleeping(2)
    await home.clock.advance(FAREWELL_S)
    await asyncio.wait_for(ending, PATIENCE_S)


async def test_a_farewell_that_fails_is_no_matter(home: World) -> None:
    await pinned(home)
    home.env.inject_error("PATCH", f"/channels/{home.channel.id}/messages/*", status=403, code=50013)
    await home.surface.board.farewell()
    home.client.online.clear()
    before = len(home.env.http_requests)
    await home.surface.board.farewell()
    assert len(home.env.http_requests) == before


async def test_fault_64_no_secret_is_shown(tmp_path: Path) -> None:
    async with world(tmp_path, [spec_of("alpha", name="hunter2-secret"), BETA]) as home:
        home.gate.redaction.hide(["hunter2-secret"])
        await pinned(home)
        assert "hunter2" not in text(home)
        assert "hunter2" not in str(home.sent("POST", "/messages"))
