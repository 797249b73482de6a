"""Webhooks: Discord's own over the stand-in, and any other over a small server of the test's own."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from cogs.routing import BadRoute, RouteFault, kinds_offered, kinds_typed, route_typed, target
from cogs.webhooks import DELIVERY, SIGNATURE, TIMESTAMP, is_discords, label, signature, takes_json
from monitor.alerting import DEVELOPMENTS, Filter
from monitor.events import Event, ServerReady
from monitor.limit_events import LimitCrossed, LimitEvent
from storage.routes import Route, RouteKind, Secrets
from tests.cogs.listener import Listener, listening
from tests.cogs.wired import Wired, wired
from tests.standin.world import Webhook
from tests.storage.examples import CRASHED, EXAMPLES

pytestmark = pytest.mark.delivery

SIGNING = "a-secret-that-signs"
PASSWORD = "hunter2-the-rcon-password"


@pytest_asyncio.fixture
async def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Wired]:
    async with wired(tmp_path, monkeypatch, secrets=[PASSWORD]) as made:
        yield made


async def hooked(home: Wired) -> Webhook:
    """Route everything to a webhook of Discord's."""
    webhook = home.standin.webhook(home.guild.channel("hooked"))
    route = Route(home.guild.id, RouteKind.DISCORD, Filter(), label=label(webhook.url))
    await home.stores.routes.add(route, Secrets(webhook.url))
    return webhook


async def test_an_alert_goes_through_a_webhook_and_grows_there_with_its_chart(home: Wired) -> None:
    webhook = await hooked(home)
    await home.crash()
    await home.until(lambda: bool(home.posted(webhook.channel)) and bool(home.posted(webhook.channel)[0].attachments))
    await home.all_delivered()
    await home.tell(ServerReady(server_id="ark", at_ms=home.clock.now_ms(), run_id=1, after_s=1.0))
    await home.all_delivered()
    [text] = home.texts(webhook.channel)
    assert "Ark crashed" in text
    assert "Up again" in text
    assert len(home.posted(webhook.channel)[0].attachments) == 1
    [posted] = home.standin.calls("POST", "/webhooks/*/*")
    assert posted.query["wait"] in ("true", "1")
    assert posted.json["allowed_mentions"] == {"parse": []}
    assert not posted.authorized


@pytest.mark.parametrize("fault", ["502", "reset"])
async def test_fault_36_without_a_nonce_the_channel_is_looked_through_before_it_is_sent_again(
    home: Wired, fault: str
) -> None:
    webhook = await hooked(home)
    place = ("POST", "/webhooks/*/*")
    faults = home.standin.faults
    struck = faults.answer(*place, 502, after=True) if fault == "502" else faults.reset(*place, after=True)
    await home.crash()
    await home.outbox_says("attempts = 1")
    await home.drained(1)
    assert struck.hits == 1
    assert len(home.standin.calls(*place)) == 1
    assert len(home.posted(webhook.channel)) == 1


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_fault_38_a_webhook_that_is_gone_is_replaced_and_stops_nothing_else(home: Wired, status: int) -> None:
    await hooked(home)
    home.standin.faults.answer("POST", "/webhooks/*/*", status)
    await home.crash()
    await home.until(lambda: len(home.posted()) == 1)
    assert not home.delivery.traffic.refused


async def routed(home: Wired, listener: Listener) -> None:
    route = Route(home.guild.id, RouteKind.JSON, Filter(), label=label(listener.url))
    await home.stores.routes.add(route, Secrets(listener.url, SIGNING))


async def test_each_event_is_told_as_signed_json(home: Wired) -> None:
    async with listening() as listener:
        await routed(home, listener)
        event_id = await home.crash(log_tail=(f"password={PASSWORD}",))
        await home.tell(ServerReady(server_id="ark", at_ms=home.clock.now_ms(), run_id=1, after_s=1.0))
        await home.all_delivered()
    (headers, body), (_, second) = listener.heard
    timestamp = headers[TIMESTAMP]
    wanted = hmac.new(SIGNING.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    assert headers[SIGNATURE] == f"sha256={wanted}"
    assert abs(int(timestamp) - home.clock.now_ms() / 1000) < 60
    said = json.loads(body)
    assert (said["kind"], said["server"], said["severity"], said["event_id"]) == (
        "server_crashed",
        "ark",
        "critical",
        event_id,
    )
    assert said["id"] == headers[DELIVERY]
    assert said["facts"]["report"]["verdict"] == "crashed"
    assert "Ark crashed" in said["title"]
    assert PASSWORD not in body.decode()
    assert json.loads(second)["kind"] == "server_ready"
    assert json.loads(second)["incident_id"] == said["incident_id"]


def incidents_of_examples() -> list[Sequence[Event]]:
    """Every event that is no alert and belongs to an incident, after the alert that begins it."""
    crossed = next(event for event in EXAMPLES if isinstance(event, LimitCrossed))
    return [
        (
            replace(crossed, limit=event.limit, target=event.target) if isinstance(event, LimitEvent) else CRASHED,
            event,
        )
        for event in EXAMPLES
        if isinstance(event, DEVELOPMENTS) and not event.alerts
    ]


@pytest.mark.parametrize("told", incidents_of_examples(), ids=lambda told: told[1].kind)
async def test_what_is_no_alert_is_told_as_json_as_well(home: Wired, told: Sequence[Event]) -> None:
    async with listening() as listener:
        await routed(home, listener)
        for event in told:
            await home.tell(replace(event, server_id="ark", at_ms=home.clock.now_ms()))
        await home.all_delivered()
    said = [json.loads(body) for _, body in listener.heard]
    assert [each["kind"] for each in said] == [event.kind for event in told]
    assert "Ark" in said[1]["title"]
    assert said[1]["text"]
    assert await home.stores.outbox.dead_letters() == ()


async def test_fault_36_it_is_tried_again_under_the_same_id_in_order(home: Wired) -> None:
    async with listening() as listener:
        listener.statuses = [503, 429]
        await routed(home, listener)
        await home.crash("ark")
        await home.crash("rust")
        await home.outbox_says("attempts = 1")
        await home.drained(1)
    sent = [headers[DELIVERY] for headers, _ in listener.heard]
    assert sent == [sent[0]] * 3 + [sent[-1]]
    assert sent[0] != sent[-1]


@pytest.mark.parametrize("status", [302, 401, 403, 404, 410])
async def test_fault_38_an_address_that_is_gone_is_replaced_and_no_redirect_followed(
    home: Wired, status: int
) -> None:
    async with listening() as listener:
        listener.statuses = [status]
        await routed(home, listener)
        await home.crash()
        await home.until(lambda: len(home.posted()) == 1)
    assert len(listener.heard) == 1


async def test_nothing_that_opens_a_webhook_is_logged_or_kept_beside_it(home: Wired) -> None:
    async with listening() as listener:
        listener.statuses = [500, 404]
        await routed(home, listener)
        with capture_logs() as logs:
            await home.crash()
            await home.outbox_says("attempts = 1")
            await home.passes(2)
            await home.until(lambda: len(home.posted()) == 1)
    kept = str(await home.db.fetch_all("SELECT * FROM outbox")) + str(await home.stores.routes.all())
    assert "very-secret-key" not in kept + str(logs)
    assert logs


def test_the_signature_is_that_of_the_documentation() -> None:
    assert signature("secret", "1767225600", b'{"id":"x"}') == (
        "sha256=" + hmac.new(b"secret", b'1767225600.{"id":"x"}', hashlib.sha256).hexdigest()
    )


DISCORDS = "https://discord.com/api/webhooks/123456789012345678/" + "a" * 68


@pytest.mark.parametrize(
    ("url", "discords", "json_taken", "shown"),
    [
        (DISCORDS, True, True, "discord.com …5678"),
        (DISCORDS.replace("discord.com/api", "ptb.discord.com/api/v10"), True, True, "ptb.discord.com …5678"),
        (DISCORDS.replace("https", "http"), False, True, "discord.com"),
        (DISCORDS + "/../../evil", False, True, "discord.com"),
        ("https://user:pass@example.org/x?key=1", False, True, "example.org"),
        ("http://127.0.0.1:9/", False, True, "127.0.0.1"),
        ("ftp://example.org", False, False, "example.org"),
        ("file:///etc/passwd", False, False, ""),
        ("https://", False, False, ""),
        ("http://[::1", False, False, None),
        ("http://example.org:99999/", False, False, "example.org"),
        ("http://exam\nple.org", False, False, None),
        ("nonsense", False, False, ""),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, str) else None,
)
def test_what_is_an_address(url: str, shown: str | None, *, discords: bool, json_taken: bool) -> None:
    assert is_discords(url) is discords
    assert takes_json(url) is json_taken
    if shown is not None:
        assert label(url) == shown


def test_a_target_is_one_place() -> None:
    assert target(5, None).kind is RouteKind.CHANNEL
    assert target(None, DISCORDS).for_owners is False
    own = target(None, " https://example.org/in ")
    assert own.for_owners
    assert own.secrets is not None
    assert own.secrets.url == "https://example.org/in"
    assert len(own.secrets.signing) >= 40
    assert own.secrets != target(None, "https://example.org/in").secrets
    assert SIGNING not in repr(own)


@pytest.mark.parametrize(
    ("channel_id", "url", "fault"),
    [
        (None, None, RouteFault.NOWHERE),
        (5, DISCORDS, RouteFault.TWO_PLACES),
        (None, "gopher://example.org", RouteFault.BAD_ADDRESS),
    ],
)
def test_what_is_no_target_is_refused(channel_id: int | None, url: str | None, fault: RouteFault) -> None:
    with pytest.raises(BadRoute) as refused:
        target(channel_id, url)
    assert refused.value.fault is fault


def test_kinds_are_read_and_completed() -> None:
    assert kinds_typed(None) == frozenset()
    assert kinds_typed("crashed, server_hung") == {"server_crashed", "server_hung"}
    with pytest.raises(BadRoute):
        kinds_typed("crashed, sneezed")
    assert "server_crashed" in list(kinds_offered("cra"))
    assert list(kinds_offered("server_crashed, hun")) == ["server_crashed, server_hung"]


@pytest.mark.parametrize("typed", ["x", "", "-1", "1.5", "٣", "1" * 40])
def test_what_is_no_number_is_no_route(typed: str) -> None:
    with pytest.raises(BadRoute):
        route_typed(typed)
    assert route_typed(" #12 ") == 12
