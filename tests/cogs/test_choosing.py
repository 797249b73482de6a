"""The menu under a panel of several servers."""

from __future__ import annotations

import discord
import pytest

from cogs.components import Address, menu, row
from tests.cogs.pressing import labels, press, press_id
from tests.cogs.world import World


async def panel(home: World) -> discord.Message:
    options = [discord.SelectOption(label=server_id, value=server_id) for server_id in ("alpha", "beta", "gone")]
    where = home.client.get_partial_messageable(home.channel.id)
    return await where.send(view=row(menu(Address("show", ("0",)), options)))


async def test_the_one_that_was_chosen_is_shown_in_full_with_its_buttons(home: World) -> None:
    result = await home.people.admin.select(await panel(home), ["beta"])
    assert result.response is not None
    assert result.response.ephemeral
    assert "Beta World" in (result.response.embeds[0].title or "")
    assert labels(result.response) == ["Start", "Chart", "Logs"]
    after = await press(home, home.people.admin, result.response, "Start")
    assert (after.id, after.ephemeral) == (result.response.id, True)
    assert labels(after) == ["Restart", "Stop", "Chart", "Logs"]
    assert len(home.channel.history()) == 1


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (["beta"], "permission `view`"),
        (["gone"], "permission `view`"),
        ([], "I have offered nothing like that"),
        (["alpha", "beta"], "I have offered nothing like that"),
    ],
    ids=["not allowed", "not there", "nothing", "two"],
)
async def test_fault_46_what_was_not_offered_to_them_is_refused(home: World, values: list[str], told: str) -> None:
    message = await panel(home)
    answer = await press_id(home, home.people.viewer, message, "gk:show:0", component_type=3, values=values)
    assert answer.ephemeral
    assert told in answer.content
    [record] = await home.audit.page(limit=1)
    assert record.entry.decision.startswith("denied:")


async def test_a_server_that_is_gone_is_told(home: World) -> None:
    result = await home.people.owner.select(await panel(home), ["gone"])
    assert result.response is not None
    assert "There is no server “gone”" in result.response.content
