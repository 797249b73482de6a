"""Forms: shown at once, and judged again when they are sent."""

from __future__ import annotations

from typing import Any, ClassVar

import discord
import simcord
from structlog.testing import capture_logs

from cogs.components import Address, Verb, button
from cogs.gate import ACKNOWLEDGE_AFTER_S
from cogs.reply import ask
from storage.grants import Action
from tests.cogs.knocks import Letter, posted
from tests.cogs.world import World


class Write(Verb):
    """Opens the form for anybody: what counts is who sends it."""

    name: ClassVar[str] = "write"

    def __init__(self, home: World, waits_s: float = 0.0) -> None:
        self._home = home
        self._waits_s = waits_s

    async def press(self, interaction: discord.Interaction, parts: tuple[str, ...]) -> None:
        await self._home.clock.advance(self._waits_s)
        await ask(interaction, Letter(self._home.gate))


async def opened(home: World, who: simcord.MemberActor, waits_s: float = 0.0) -> simcord.InteractionResult:
    home.client.router.verbs["write"] = Write(home, waits_s)
    message = await posted(home, button(Address("write"), "Write"))
    with capture_logs(), home.carrying(locale="en-US"):
        return await who.click(message, label="Write")


async def sent(home: World, who: simcord.MemberActor, shown: simcord.InteractionResult) -> simcord.InteractionResult:
    with home.carrying(locale="en-US"):
        return await who.submit_modal(shown, {"line": "hello", "a_password": "canary-in-a-form"})


def content(result: simcord.InteractionResult) -> str:
    assert result.response is not None
    return result.response.content


async def test_it_is_read_and_written_down_without_its_password(home: World) -> None:
    result = await sent(home, home.people.admin, await opened(home, home.people.admin))
    assert content(result) == "Read: hello"
    [record] = await home.audit.page(limit=1)
    assert record.entry.entry == "form:letter"
    assert record.entry.arguments == {"line": "hello", "a_password": "***"}
    assert (record.entry.server_id, record.entry.action) == ("alpha", "control")


async def test_fault_46_who_may_not_is_refused_when_it_is_sent(home: World) -> None:
    result = await sent(home, home.people.viewer, await opened(home, home.people.viewer))
    assert "permission `control`" in content(result)


async def test_fault_46_a_role_that_was_taken_away_meanwhile_counts(home: World) -> None:
    shown = await opened(home, home.people.admin)
    home.env.backend.remove_member_role(home.guild.id, home.people.admin.id, home.places.role.id)
    assert "permission `control`" in content(await sent(home, home.people.admin, shown))


async def test_a_grant_that_was_given_meanwhile_counts(home: World) -> None:
    shown = await opened(home, home.people.viewer)
    await home.grant(Action.CONTROL, "alpha", user_id=home.people.viewer.id)
    assert content(await sent(home, home.people.viewer, shown)) == "Read: hello"


async def test_one_of_an_earlier_life_of_the_bot_is_told_to_be_too_old(home: World) -> None:
    shown = await opened(home, home.people.admin)
    modals: dict[str, Any] = home.client._connection._view_store._modals
    modals.clear()
    assert "has expired" in content(await sent(home, home.people.admin, shown))
    [record] = await home.audit.page(limit=1)
    assert record.entry.decision == "denied:expired"


async def test_who_is_too_slow_to_show_it_says_so(home: World) -> None:
    result = await opened(home, home.people.admin, ACKNOWLEDGE_AFTER_S)
    assert "took too long" in content(result)
