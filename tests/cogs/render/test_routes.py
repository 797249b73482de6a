"""Where alerts go, in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogs.locale.catalogue import catalogue
from cogs.render.routes import FAULTS, SEVERITIES, Standing, added, description, fault_text, record_text, routes_embed
from cogs.routing import RouteFault
from monitor.alerting import Filter
from monitor.events import Severity
from storage.mutes import Mute
from storage.outbox import DeadLetter, OutboxItem
from storage.routes import Record, Route, RouteKind
from tests.cogs.render.legal import assert_legal
from tests.cogs.render.samples import ALICE, AT_MS, crash

EN, KO = catalogue("en"), catalogue("ko")
FULL = Route(
    1,
    RouteKind.CHANNEL,
    Filter("ark", frozenset({"server_hung", "server_crashed"}), Severity.WARNING),
    channel_id=55,
    mention_role_id=66,
    mention_after_min=10,
    fallback_id=4,
    id=3,
)
HOOK = Route(1, RouteKind.DISCORD, label="discord.com …5678", id=4)
DEAD = DeadLetter(OutboxItem(1, 9, crash(), "alerts", 0, AT_MS, "9f86d081"), AT_MS, "HTTP 404")


def test_a_route_says_what_it_takes_and_whom_it_calls() -> None:
    assert description(FULL, EN) == (
        "**#3** → <#55> · `ark` · crashes, does not answer · from warnings on"
        " · calls <@&66> when nobody cares for 10 minutes · if it is gone: #4"
    )
    assert description(HOOK, EN) == "**#4** → 🪝 discord.com …5678 · all servers"


@pytest.mark.parametrize(
    ("record", "text"),
    [
        (None, "nothing was sent yet"),
        (Record(), "nothing was sent yet"),
        (Record(3, 0, 0, AT_MS), "✅ 3 delivered, <t:1795500000:R>"),
        (Record(0, 1, 0), "⏳ 1 is waiting"),
        (Record(1, 2, 4, AT_MS, "HTTP 503"), "⏳ 2 are waiting, 4 tries failed"),
        (Record(1, 2, 4, AT_MS, "HTTP 503"), "⚠️ HTTP 503"),
    ],
)
def test_what_became_of_it(record: Record | None, text: str) -> None:
    assert text in record_text(record, EN)


def test_the_list_tells_of_everything() -> None:
    mute = Mute("ark", "server_hung", AT_MS, ALICE)
    standing = Standing([FULL, HOOK], {"owner:5": Record(2, 0, 0, AT_MS)}, [mute], [DEAD], 77)
    embed = routes_embed(standing, EN)
    assert_legal(embed)
    for text in (
        "**#3**",
        "**#4**",
        "Everything that no route takes → <#77>",
        "2 went to the owners",
        "`ark` · does not answer: no alerts until <t:1795500000:f>",
        "Alert #9 could be delivered nowhere: HTTP 404",
    ):
        assert text in (embed.description or "")
    assert "/setup" in (routes_embed(Standing([], {}, [], [], None), EN).description or "")
    assert "어디에도 전달하지 못했습니다" in (routes_embed(standing, KO).description or "")


def test_a_secret_is_hidden_behind_a_spoiler() -> None:
    assert "||`abc`||" in added(HOOK, "abc", EN)
    assert "||" not in added(HOOK, "", EN)


def test_every_fault_and_severity_has_its_words() -> None:
    assert set(FAULTS) == set(RouteFault)
    assert set(SEVERITIES) == set(Severity)
    assert "@everyone" not in fault_text(RouteFault.UNKNOWN_KIND, "@everyone", EN)


@given(st.text(max_size=300), st.lists(st.text(max_size=300), max_size=60))
def test_fault_39_any_text_makes_a_legal_list(label: str, errors: list[str]) -> None:
    routes = [Route(1, RouteKind.JSON, label=label, id=n) for n, _ in enumerate(errors)]
    records = {f"route:{n}": Record(1, 1, 1, AT_MS, error) for n, error in enumerate(errors)}
    assert_legal(routes_embed(Standing(routes, records, [], [DEAD] * 5, 1), EN))
