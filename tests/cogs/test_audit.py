"""`/audit`: found, in pages, and harmless to read."""

from __future__ import annotations

from typing import Any

import pytest
import simcord

from cogs.audit import A_PAGE, HOUR_MS
from cogs.locale.catalogue import catalogue
from cogs.render.audit import LINE_AT_MOST, audit_embed, audit_line
from monitor.model import Actor, ActorKind
from storage.audit import AuditEntry, AuditOutcome, AuditRecord
from tests.cogs.world import World

ANNA = Actor(ActorKind.DISCORD, "1", "anna")
SHELL = Actor(ActorKind.COMMAND_LINE, "root", "root")
NASTY = "**@everyone** <@&1> `x` \u202e" + "y" * 500


async def shown(home: World, **options: Any) -> list[str]:
    result = await home.slash(home.people.admin, "audit", **options)
    assert result.response is not None
    assert result.response.ephemeral
    return (result.response.embeds[0].description or "").split("\n")


async def tried(home: World, times: int, **changes: Any) -> None:
    plain: dict[str, Any] = {"at_ms": home.clock.now_ms(), "by": ANNA, "entry": "/stop", "decision": "allowed"}
    for n in range(times):
        await home.audit.begin(AuditEntry(**(plain | {"arguments": {"n": n}} | changes)))


async def test_it_shows_who_did_what_and_what_came_of_it(home: World) -> None:
    await home.slash(home.people.admin, "start", server="alpha")
    await home.slash(home.people.viewer, "stop", server="alpha")
    await home.slash(home.people.admin, "stop", server="beta")
    now, wrong, refused, done = await shown(home)
    stamp = f"<t:{home.clock.now_ms() // 1000}:f>"
    grant = f"by <@&{home.places.role.id}> `admin` (all servers)"
    assert done == f"✅ {stamp} **admin** · `/start` · `server=alpha` · {grant}"
    assert refused == f"⛔ {stamp} **viewer** · `/stop` · `server=alpha` · refused: no grant"
    assert wrong == f"⚠️ {stamp} **admin** · `/stop` · `server=beta` · `wrong_state` · {grant}"
    assert now == f"… {stamp} **admin** · `/audit` · not finished · {grant}"


async def test_it_is_searched_by_person_server_and_time(home: World) -> None:
    await tried(home, 1, by=SHELL, entry="server import", server_id="alpha")
    await home.clock.advance(2 * HOUR_MS / 1000)
    await home.slash(home.people.viewer, "status", server="alpha")
    assert len(await shown(home, who=home.people.viewer)) == 1
    assert len(await shown(home, server="Alpha World")) == 2 + 1  # itself is about that server as well
    assert len(await shown(home, server="alpha", range="1h")) == 1 + 2
    assert await shown(home, server="alpha", who=home.people.stranger) == [
        "Nothing like that was tried. Leave an option out to see more."
    ]


async def turned(home: World, message: simcord.ResponseMessage, label: str) -> list[str]:
    with home.carrying(locale="en-US"):
        await home.people.admin.click(message, label=label)
    [embed] = home.env.backend.get_message(home.channel.id, message.id).embeds
    return [line.split("`n=")[1].split("`")[0] for line in str(embed["description"]).split("\n")]


async def test_pages_stand_still_while_more_is_tried(home: World) -> None:
    await tried(home, 3 * A_PAGE)
    result = await home.slash(home.people.admin, "audit", who=home.people.admin)
    assert result.response is not None
    await tried(home, 30, by=Actor(ActorKind.DISCORD, str(home.people.admin.id), "admin"))
    result = await home.slash(home.people.admin, "audit", who=home.people.admin)
    assert result.response is not None
    await tried(home, 5, by=Actor(ActorKind.DISCORD, str(home.people.admin.id), "admin"))
    second = await turned(home, result.response, "Next")
    assert second == [str(n) for n in range(20, 10, -1)]
    assert await turned(home, result.response, "Next") == [str(n) for n in range(10, 0, -1)]
    assert await turned(home, result.response, "Back") == second


@pytest.mark.parametrize("locale", ["en", "ko"])
@pytest.mark.parametrize(
    ("decision", "outcome"),
    [
        ("allowed", None),
        ("allowed", AuditOutcome("done", "", 65_000)),
        ("allowed", AuditOutcome(NASTY, NASTY, 1)),
        ("allowed", AuditOutcome("denied:no_grant", "", 1)),
        ("limited", None),
        ("denied:forged", None),
        (f"denied:{NASTY}", None),
    ],
    ids=["open", "done", "nasty-outcome", "refused-half-way", "limited", "forged", "nasty-reason"],
)
def test_fault_49_every_line_is_harmless_and_short(decision: str, outcome: AuditOutcome | None, locale: str) -> None:
    for kind in ActorKind:
        by = Actor(kind, "1", NASTY)
        entry = AuditEntry(0, by, NASTY, decision, 1, "view", NASTY, {NASTY: NASTY, "n": 1, "b": None}, NASTY)
        line = audit_line(AuditRecord(1, entry, outcome), catalogue(locale))
        assert len(line) <= LINE_AT_MOST
        assert "\n" not in line
        assert "\u202e" not in line
        assert "@everyone" not in line.split("`")[0]
        assert line.count("**") % 2 == 0


def test_a_page_of_the_longest_lines_fits() -> None:
    by = Actor(ActorKind.POLICY, "1", NASTY)
    entry = AuditEntry(0, by, NASTY, "allowed", 1, "view", NASTY, {f"{n}{NASTY}": NASTY for n in range(25)}, NASTY)
    embed = audit_embed([AuditRecord(n, entry, None) for n in range(A_PAGE)], catalogue("en"))
    assert (embed.description or "").count("\n") == A_PAGE - 1
