from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
import simcord

from cogs.access import Access, AccessDenied, Denial, House, Person, described, holds
from monitor.model import State
from storage.grants import Action, Grant, Grants, PrincipalKind
from tests.cogs.matrix import SITUATIONS, expected
from tests.cogs.world import World

GUILD, OTHER_GUILD, ROLE, OTHER_ROLE, USER, OWNER = 10, 20, 30, 40, 50, 60
WHO = Person(USER, "anna", GUILD, frozenset({ROLE, GUILD}))
HOUSE = House(frozenset({OWNER}), frozenset())


def grant(action: Action, server_id: str | None = None, **changes: Any) -> Grant:
    plain: dict[str, Any] = {"guild_id": GUILD, "principal_kind": PrincipalKind.ROLE, "principal_id": ROLE}
    return Grant(action=action, server_id=server_id, **(plain | changes))


@pytest.mark.parametrize("wanted", Action)
@pytest.mark.parametrize("held", Action)
@pytest.mark.parametrize("on", [None, "alpha", "beta"])
def test_fault_45_each_grant_allows_its_own_action_and_admin_all(
    wanted: Action, held: Action, on: str | None
) -> None:
    reaches = held in (wanted, Action.ADMIN)
    for server_id in (None, "alpha", "beta", "nowhere"):
        decision = HOUSE.decide(WHO, wanted, server_id, [grant(held, on)])
        allowed = reaches and (on is None or on == server_id)
        assert decision.denial is (None if allowed else Denial.NO_GRANT)
        assert decision.grant == (grant(held, on) if allowed else None)


@pytest.mark.parametrize(
    ("who", "guild_ids", "action", "denial"),
    [
        pytest.param(WHO, (), Action.VIEW, None, id="a-member"),
        pytest.param(WHO, (GUILD,), Action.VIEW, None, id="in-a-guild-of-the-settings"),
        pytest.param(WHO, (OTHER_GUILD,), Action.VIEW, Denial.FOREIGN_GUILD, id="in-another-guild"),
        pytest.param(replace(WHO, guild_id=OTHER_GUILD), (), Action.VIEW, Denial.NO_GRANT, id="grants-stay-at-home"),
        pytest.param(replace(WHO, guild_id=None), (), Action.VIEW, Denial.NOT_IN_GUILD, id="by-direct-message"),
        pytest.param(replace(WHO, role_ids=frozenset()), (), Action.VIEW, Denial.NO_GRANT, id="without-the-role"),
        pytest.param(Person(ROLE, "", GUILD, frozenset()), (), Action.VIEW, Denial.NO_GRANT, id="a-user-is-no-role"),
        pytest.param(WHO, (), None, Denial.NOT_OWNER, id="what-only-owners-may"),
        pytest.param(replace(WHO, user_id=OWNER), (), None, None, id="an-owner"),
        pytest.param(Person(OWNER, "", None, frozenset()), (), None, Denial.NOT_IN_GUILD, id="an-owner-by-message"),
        pytest.param(replace(WHO, user_id=OWNER), (OTHER_GUILD,), None, Denial.FOREIGN_GUILD, id="an-owner-abroad"),
    ],
)  # fmt: skip
def test_fault_46_47_where_and_who(
    who: Person, guild_ids: Sequence[int], action: Action | None, denial: Denial | None
) -> None:
    grants = [grant(Action.ADMIN)]
    assert House(frozenset({OWNER}), frozenset(guild_ids)).decide(who, action, None, grants).denial is denial


@pytest.mark.parametrize("column", SITUATIONS)
def test_fault_45_every_action_in_every_situation(column: str) -> None:
    """The same columns as in the matrix of entries, for every action that there is or may come."""
    situation = SITUATIONS[column]
    if situation.denial is not None or situation.guild_ids:
        return
    who = replace(WHO, user_id=OWNER, role_ids=frozenset()) if situation.owner else WHO
    for action, everywhere in product([None, *Action], [False, True]):
        held = [grant(a, on) for a, on in situation.grants(action or Action.ADMIN)]
        decision = HOUSE.decide(who, action, None if everywhere else "alpha", held)
        assert decision.denial is expected(action, situation, everywhere=everywhere)


def test_what_allowed_something_is_named() -> None:
    assert HOUSE.decide(replace(WHO, user_id=OWNER), None, None, ()).allowed_by == "owner"
    assert HOUSE.decide(WHO, Action.VIEW, "alpha", [grant(Action.ADMIN)]).allowed_by == "role:30 admin on *"
    own = grant(Action.VIEW, "alpha", principal_kind=PrincipalKind.USER, principal_id=USER)
    assert described(own) == "user:50 view on alpha"
    assert holds(WHO, own)


async def test_only_an_owner_passes_what_no_grant_can_allow(home: World) -> None:
    admin = replace(person_of(home.people.admin), role_ids=frozenset({home.places.role.id}))
    with pytest.raises(AccessDenied) as refused:
        await home.access.authorize(admin, None, None)
    assert refused.value.denial is Denial.NOT_OWNER
    assert (await home.access.authorize(person_of(home.people.owner), None, None)).allowed_by == "owner"


async def test_fault_46_a_role_that_was_taken_away_counts_at_once(home: World) -> None:
    admin = home.people.admin
    assert await home.complete(admin, "start", "") == ["alpha", "beta"]
    home.env.backend.remove_member_role(home.guild.id, admin.id, home.places.role.id)
    result = await home.slash(admin, "start", server="alpha")
    assert result.response is not None
    assert "permission `control`" in result.response.content
    assert await home.complete(admin, "start", "") == []
    assert home.fleet.server("alpha").state is State.STOPPED


async def test_a_grant_counts_at_once_and_so_does_its_end(home: World) -> None:
    stranger = home.people.stranger
    assert await home.complete(stranger, "rcon", "") == []
    await home.grant(Action.CONSOLE, "beta", user_id=stranger.id)
    assert await home.complete(stranger, "rcon", "") == ["beta"]
    await home.access.revoke(Grant(home.guild.id, PrincipalKind.USER, stranger.id, Action.CONSOLE, "beta"))
    assert await home.complete(stranger, "rcon", "") == []


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


class LateGrants(Grants):
    """Hands over what it has read only when it is let, and by then it is old."""

    read: asyncio.Event
    go_on: asyncio.Event

    async def all(self, guild_id: int) -> tuple[Grant, ...]:
        found = await super().all(guild_id)
        self.read.set()
        await self.go_on.wait()
        return found


async def test_fault_46_what_was_read_before_a_right_was_taken_back_does_not_outlive_it(home: World) -> None:
    grants = LateGrants(home.db)
    grants.read, grants.go_on = asyncio.Event(), asyncio.Event()
    access = Access(grants, owner_ids=(), guild_ids=())
    somebody = person_of(home.people.stranger)
    right = Grant(home.guild.id, PrincipalKind.USER, somebody.user_id, Action.VIEW)
    await access.grant(right)
    looking = asyncio.create_task(access.decide(somebody, Action.VIEW, "alpha"))
    await grants.read.wait()
    assert await access.revoke(right)
    grants.go_on.set()
    assert (await looking).denial is Denial.NO_GRANT
    assert (await access.decide(somebody, Action.VIEW, "alpha")).denial is Denial.NO_GRANT
