"""What becomes of an alert after it is out: its incident, storms, calls for help. Every request is a real one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from cogs.composing import LONG_DOWN_MS, STORM
from cogs.poster import EDIT_EVERY_S
from monitor.alerting import Filter
from monitor.events import (
    Aftermath,
    HostRebooted,
    NextStep,
    RestartsExhausted,
    ServerHung,
    ServerReady,
    ServerRecovered,
    ServerStarted,
    ServerStopped,
)
from monitor.model import Actor, ActorKind, Evidence, EvidenceKind, ExitReport, ExitStatus, Verdict
from storage.mutes import Mute
from storage.outbox import Outbox
from storage.routes import Route, RouteKind
from tests.cogs.wired import Wired, wired
from tests.standin.message import Message
from tests.storage.examples import ANNA, PROCESS

POLICY = Actor(ActorKind.POLICY, "restart", "restart")
SECRET = "hunter2-the-rcon-password"


@pytest_asyncio.fixture
async def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Wired]:
    async with wired(tmp_path, monkeypatch, secrets=[SECRET]) as made:
        yield made


def started(home: Wired, by: Actor = POLICY, server_id: str = "ark") -> ServerStarted:
    return ServerStarted(server_id=server_id, at_ms=home.clock.now_ms(), run_id=1, process=PROCESS, by=by)


def ready(home: Wired, server_id: str = "ark") -> ServerReady:
    return ServerReady(server_id=server_id, at_ms=home.clock.now_ms(), run_id=1, after_s=3.0)


def answered(message: Message) -> int | None:
    """The message that one refers to."""
    return None if message.reference is None else int(message.reference["message_id"])


async def crash_and_return(home: Wired, down_s: float) -> None:
    await home.crash(aftermath=Aftermath(NextStep.RESTART, 1, 5, 5.0))
    await home.all_delivered()
    await home.passes(down_s, down_s)
    await home.tell(started(home))
    await home.tell(ready(home))
    await home.all_delivered()


async def test_an_incident_is_one_message_that_grows(home: Wired) -> None:
    await crash_and_return(home, 40)
    [text] = home.texts()
    assert "Restart 1 of 5 in 5 s" in text
    assert "Restarting" in text
    assert "Up again after 40 s" in text
    assert len(home.posts()) == 1


async def test_the_chart_and_the_lines_stand_in_it_together(home: Wired) -> None:
    await home.crash()
    await home.until(lambda: bool(home.posted()) and bool(home.posted()[0].attachments))
    await home.all_delivered()
    await home.tell(started(home))
    await home.all_delivered()
    [message] = home.posted()
    assert "Restarting" in message.embeds[0]["description"]
    assert [attachment.filename for attachment in message.attachments] == ["chart.png"]
    assert "attachment://chart.png" in str(home.edits()[-1].json["embeds"][0]["image"])


@pytest.mark.parametrize("change", ["line", "acknowledgement"])
async def test_a_chart_that_is_not_noted_yet_stays_in_its_message(
    home: Wired, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    noting, note = asyncio.Event(), Outbox.illustrated

    async def late(outbox: Outbox, item_id: int) -> None:
        await noting.wait()
        await note(outbox, item_id)

    monkeypatch.setattr(Outbox, "illustrated", late)
    event_id = await home.crash()
    await home.until(lambda: bool(home.posted()) and bool(home.posted()[0].attachments))
    if change == "line":
        await home.tell(started(home))
        await home.all_delivered()
    else:
        incident_id = await home.stores.incidents.of_event(event_id)
        assert incident_id is not None
        assert await home.delivery.acknowledge(incident_id, ANNA)
    assert "attachment://chart.png" in str(home.edits()[-1].json["embeds"][0]["image"])
    assert home.edits()[-1].files == ()
    noting.set()


async def test_that_it_is_up_again_after_long_answers_the_alert(home: Wired) -> None:
    await crash_and_return(home, LONG_DOWN_MS / 1000 + 1)
    crash, back = home.posted()
    assert "Ark is up again" in home.texts()[1]
    assert answered(back) == crash.id
    await home.until(lambda: "Up again after 5 m 1 s" in home.texts()[0])


async def test_fault_4_a_crash_loop_is_one_message_and_one_that_says_it_was_given_up(home: Wired) -> None:
    ids = []
    for attempt in range(1, 5):
        ids.append(await home.crash(aftermath=Aftermath(NextStep.RESTART, attempt, 5, 10.0)))
        await home.all_delivered()
        await home.passes(10, 10)
        await home.tell(started(home))
    ids.append(await home.crash(aftermath=Aftermath(NextStep.GIVE_UP, 5, 5)))
    gave_up = RestartsExhausted(server_id="ark", at_ms=home.clock.now_ms(), failures=5, window_s=600.0)
    last = await home.tell(gave_up)
    await home.all_delivered()
    loop, end = home.posted()
    assert "given up" in home.texts()[1]
    assert answered(end) == loop.id
    await home.until(lambda: "Given up: it failed too often" in home.texts()[0])
    loop = home.posted()[0]
    assert loop.embeds[0]["description"].count("Down again") >= 3
    assert all(f"#{number}" in loop.embeds[0]["footer"]["text"] for number in ids)
    assert f"#{last} " in end.embeds[0]["footer"]["text"]
    assert f"#{last}" not in loop.embeds[0]["footer"]["text"]


async def test_somebody_who_stops_it_ends_the_incident_and_the_next_crash_is_another(home: Wired) -> None:
    await home.crash()
    asked = ExitReport(Verdict.STOPPED, ExitStatus(code=0), (Evidence(EvidenceKind.ASKED, "anna"),), by=ANNA)
    at_ms = home.clock.now_ms()
    await home.tell(ServerStopped(server_id="ark", at_ms=at_ms, run_id=1, report=asked, uptime_s=1.0))
    await home.crash()
    await home.all_delivered()
    first, second = home.texts()
    assert "Stopped by 안나" in first
    assert "Stopped" not in second


async def test_what_was_all_over_before_it_could_be_told_is_told_at_once(home: Wired) -> None:
    home.client.online.clear()
    await home.live_again()
    await home.crash()
    await home.tell(started(home))
    await home.passes(30, 30)
    await home.tell(ready(home))
    home.client.online.set()
    await home.all_delivered()
    [text] = home.texts()
    assert "Up again after 30 s" in text
    assert home.edits() == [] or len(home.posts()) == 1


async def test_a_recovery_answers_its_alert(home: Wired) -> None:
    silence = (Evidence(EvidenceKind.PROBES_UNANSWERED, "3"),)
    await home.tell(ServerHung(server_id="ark", at_ms=home.clock.now_ms(), run_id=1, evidence=silence))
    await home.all_delivered()
    await home.tell(ServerRecovered(server_id="ark", at_ms=home.clock.now_ms(), run_id=1, after_s=5.0))
    await home.all_delivered()
    hung, back = home.posted()
    assert answered(back) == hung.id
    await home.until(lambda: "Answers again" in home.texts()[0])


async def test_a_message_that_was_deleted_is_not_made_again_for_a_line(home: Wired) -> None:
    await home.crash()
    await home.all_delivered()
    home.standin.world.delete(home.alerts, home.posted()[0])
    await home.tell(started(home))
    await home.all_delivered()
    assert home.posted() == []
    await home.tell(ready(home))
    await home.crash("rust")
    await home.all_delivered()
    assert len(home.posted()) == 1


async def test_a_secret_in_a_log_line_is_not_told(home: Wired) -> None:
    await home.crash(log_tail=(f"rcon.password={SECRET}", "[INFO] bye"))
    await home.all_delivered()
    [text] = home.texts()
    assert "rcon.password=***" in text
    assert SECRET not in str([request.json for request in home.standin.requests])


async def test_fault_35_a_storm_is_told_in_one_message_that_is_kept_current(home: Wired) -> None:
    home.client.online.clear()
    await home.live_again()
    ids = [await home.crash(name) for name in ("ark", "rust")]
    now_ms = home.clock.now_ms()
    ids += [await home.crash("zomboid", at_ms=now_ms + number * 1_800_000) for number in range(STORM)]
    home.client.online.set()
    await home.all_delivered()
    [storm] = home.posted()
    assert storm.embeds[0]["title"].startswith("💥 12 crashes in")
    assert "**Zomboid** × 10" in storm.embeds[0]["description"]
    ids.append(await home.crash("rust", at_ms=home.clock.now_ms() + 900_000))
    ids.append(await home.crash("ark", at_ms=home.clock.now_ms() + 900_000))
    await home.drained(EDIT_EVERY_S)
    await home.tell(ready(home))
    await home.drained(EDIT_EVERY_S)
    [storm] = home.posted()
    assert storm.embeds[0]["title"].startswith("💥 14 crashes in")
    assert "1 is up again" in storm.embeds[0]["description"]
    assert f"#{ids[0]}–{ids[-1]}" in storm.embeds[0]["footer"]["text"]
    assert len(home.posts()) == 1


async def test_of_a_storm_the_first_nine_stand_alone(home: Wired) -> None:
    for number in range(STORM + 2):
        await home.crash("ark", at_ms=home.clock.now_ms() + number * 1_800_000)
        if number < STORM:
            await home.all_delivered()
    await home.drained(EDIT_EVERY_S)
    assert len(home.posted()) == STORM
    assert f"💥 {STORM + 2} crashes" in home.texts()[-1]
    assert "The first 9 stand above." in home.texts()[-1]


async def test_the_message_of_a_storm_that_was_deleted_gets_a_successor(home: Wired) -> None:
    home.client.online.clear()
    await home.live_again()
    for number in range(STORM):
        await home.crash("ark", at_ms=home.clock.now_ms() + number * 1_800_000)
    home.client.online.set()
    await home.all_delivered()
    home.standin.world.delete(home.alerts, home.posted()[0])
    await home.crash("rust")
    await home.drained(5)
    assert ["Rust" in text for text in home.texts()] == [True]


async def test_after_a_quiet_minute_an_alert_stands_alone_again(home: Wired) -> None:
    home.client.online.clear()
    await home.live_again()
    for number in range(STORM):
        await home.crash("ark", at_ms=home.clock.now_ms() + number * 1_800_000)
    home.client.online.set()
    await home.all_delivered()
    await home.passes(61, 61)
    await home.crash("rust")
    await home.all_delivered()
    assert "Rust crashed" in home.texts()[1]


async def test_a_notice_of_the_machine_stands_alone_and_has_no_chart(home: Wired) -> None:
    await home.tell(HostRebooted(at_ms=home.clock.now_ms(), servers=("ark",)))
    await home.crash("rust")
    await home.until(lambda: len(home.posted()) == 2 and bool(home.posted()[1].attachments))
    assert not home.posted()[0].attachments
    assert "The machine was restarted" in home.texts()[0]


async def with_role(home: Wired, after_min: int | None) -> int:
    role = home.guild.role("night watch")
    route = Route(
        home.guild.id,
        RouteKind.CHANNEL,
        Filter(),
        channel_id=home.alerts.id,
        mention_role_id=role.id,
        mention_after_min=after_min,
    )
    await home.stores.routes.add(route)
    return role.id


async def test_a_role_is_called_with_the_alert(home: Wired) -> None:
    role_id = await with_role(home, None)
    await home.crash()
    await home.tell(started(home))
    await home.all_delivered()
    [message] = home.posted()
    assert message.content == f"<@&{role_id}>"
    assert home.posts()[0].json["allowed_mentions"] == {"parse": [], "roles": [role_id]}


async def test_a_role_is_called_when_nobody_cares_and_only_then(home: Wired) -> None:
    role_id = await with_role(home, 10)
    await home.crash()
    await home.passes(599, 60)
    assert [message.content for message in home.posted()] == [""]
    await home.passes(2)
    await home.until(lambda: len(home.posted()) == 2)
    alert, call = home.posted()
    assert call.content == f"<@&{role_id}>"
    assert answered(call) == alert.id
    assert "Ark still needs somebody" in home.texts()[1]


@pytest.mark.parametrize("end", ["acknowledged", "up_again"])
async def test_nobody_is_called_for_what_is_in_hand(home: Wired, end: str) -> None:
    await with_role(home, 10)
    event_id = await home.crash()
    await home.all_delivered()
    if end == "acknowledged":
        incident_id = await home.stores.incidents.of_event(event_id)
        assert incident_id is not None
        assert await home.delivery.acknowledge(incident_id, ANNA)
        assert not await home.delivery.acknowledge(incident_id, ANNA)
        assert "안나" in home.texts()[0]
        assert "looks after it" in home.texts()[0]
    else:
        await home.tell(ready(home))
    await home.passes(700, 60)
    await home.outbox_says("destination = 'escalation:1' AND delivered_ms IS NOT NULL AND message_id IS NULL")
    assert len(home.posted()) == 1


MUTED = pytest.mark.parametrize(("muted_s", "calls"), [(3_600, 0), (300, 1)], ids=["muted", "lapsed"])


@MUTED
async def test_pressed_mute_ends_posts_and_calls_but_not_the_message(home: Wired, muted_s: int, calls: int) -> None:
    await with_role(home, 10)
    await home.crash()
    await home.all_delivered()
    await home.stores.mutes.add(Mute("ark", "", home.clock.now_ms() + muted_s * 1000, ANNA))
    await home.tell(RestartsExhausted(server_id="ark", at_ms=home.clock.now_ms(), failures=5, window_s=600.0))
    await home.all_delivered()
    await home.passes(700, 60)
    await home.outbox_says("destination = 'escalation:1' AND delivered_ms IS NOT NULL")
    assert len(home.posted()) == 1 + calls
    assert "Given up: it failed too often" in home.texts()[0]
