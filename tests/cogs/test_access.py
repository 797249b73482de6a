from __future__ import annotations

import asyncio
from itertools import product
from pathlib import Path

import pytest
import simcord

from cogs.access import Access, Person
from monitor.model import State
from storage.grants import Action, Grant, Grants, PrincipalKind
from tests.cogs.matrix import COMMANDS, MISSING, SITUATIONS, Command, Situation
from tests.cogs.world import World, world

CELLS = [
    pytest.param(name, command, situation, id=f"{name}-{column}")
    for (name, command), (column, situation) in product(COMMANDS.items(), SITUATIONS.items())
]


def hangul(text: str) -> bool:
    return any("가" <= character <= "힣" for character in text)


async def ask(home: World, situation: Situation, name: str, command: Command, locale: str) -> simcord.ResponseMessage:
    changes = situation.changes(home) | {"locale": locale}
    result = await home.forge(situation.who(home), situation.where(home), name, command.options, **changes)
    assert result.response is not None
    return result.response


def assert_refused(reply: simcord.ResponseMessage, situation: Situation, command: Command, locale: str) -> None:
    assert situation.denial is not None
    assert reply.ephemeral
    assert MISSING[situation.denial][locale].format(action=command.action.value) in reply.content
    assert hangul(reply.content) is (locale == "ko")


@pytest.mark.parametrize(("name", "command", "situation"), CELLS)
async def test_fault_45_46_47_every_command_for_everybody(
    tmp_path: Path, name: str, command: Command, situation: Situation
) -> None:
    async with world(tmp_path, guild_ids=situation.guild_ids, granted=False) as home:
        for action, server_id in situation.grants(command.action):
            await home.grant(action, server_id, user_id=home.people.admin.id if situation.to_user else None)
        if situation.denial is None:
            reply = await ask(home, situation, name, command, "en-US")
            assert command.done(reply), reply.content
            assert not reply.ephemeral
        else:
            for locale in ("en-US", "ko"):
                reply = await ask(home, situation, name, command, locale)
                assert_refused(reply, situation, command, locale)
            assert home.house.launcher.spawned == []
            assert home.house.game("alpha").asked == []
        offered = await completion(home, situation, name)
        assert ("alpha" in offered) is (situation.denial is None)


async def completion(home: World, situation: Situation, name: str) -> list[str]:
    where, changes = situation.where(home), situation.changes(home)
    result = await home.forge(situation.who(home), where, name, {"server": ""}, focused="server", **changes)
    assert result.autocomplete_choices is not None
    return [choice["value"] for choice in result.autocomplete_choices]


async def test_every_command_has_a_row(home: World) -> None:
    assert {command.qualified_name for command in home.client.tree.walk_commands()} == set(COMMANDS)


async def test_fault_46_a_role_that_was_taken_away_counts_at_once(home: World) -> None:
    admin = home.people.admin
    assert await home.complete(admin, "start", "") == ["alpha", "beta"]
    home.env.backend.remove_member_role(home.guild.id, admin.id, home.places.role.id)
    result = await home.slash(admin, "start", server="alpha")
    assert result.response is not None
    assert "permission `control`" in result.response.content
    assert await home.complete(admin, "start", "") == []
    assert home.fleet.server("alpha").state is State.STOPPED


async def test_a_grant_counts_at_once(home: World) -> None:
    stranger = home.people.stranger
    assert await home.complete(stranger, "rcon", "") == []
    await home.grant(Action.CONSOLE, "beta", user_id=stranger.id)
    assert await home.complete(stranger, "rcon", "") == ["beta"]


def person_of(member: simcord.MemberActor) -> Person:
    return Person(member.id, member.name, member.guild.id, frozenset())


class SlowGrants(Grants):
    """Takes its time to add, so that somebody can look meanwhile."""

    adding: asyncio.Event
    go_on: asyncio.Event

    async def add(self, grant: Grant) -> bool:
        self.adding.set()
        await self.go_on.wait()
        return await super().add(grant)


async def test_a_grant_counts_even_where_somebody_looked_while_it_was_added(home: World) -> None:
    grants = SlowGrants(home.db)
    grants.adding, grants.go_on = asyncio.Event(), asyncio.Event()
    access = Access(grants, owner_ids=(), guild_ids=())
    somebody = person_of(home.people.stranger)
    granting = asyncio.create_task(
        access.grant(Grant(home.guild.id, PrincipalKind.USER, somebody.user_id, Action.VIEW))
    )
    await grants.adding.wait()
    assert await access.visible(somebody, Action.VIEW, home.fleet.servers()) == []
    grants.go_on.set()
    assert await granting
    assert await access.visible(somebody, Action.VIEW, home.fleet.servers()) == home.fleet.servers()
