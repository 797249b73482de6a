"""`/access`: giving, taking back, listing, explaining."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import simcord
from hypothesis import given
from hypothesis import strategies as st

from cogs.access import House, NobodyMeant, Person
from cogs.access_cog import Principal, leaves_nobody, principal_typed
from cogs.locale.catalogue import catalogue
from cogs.render.access import grants_embed, verdict
from storage.grants import Action, Grant, PrincipalKind
from tests.cogs.world import World


async def said(home: World, by: simcord.MemberActor, command: str, /, **options: Any) -> str:
    result = await home.slash(by, f"access {command}", **options)
    assert result.response is not None
    assert result.response.ephemeral
    return result.response.content


async def test_a_viewer_is_let_in_and_both_are_explained(home: World) -> None:
    people, viewer = home.people, home.people.stranger
    assert "permission `control`" in str((await home.slash(viewer, "start", server="alpha")).response)
    assert await home.complete(viewer, "start", "") == []
    told = await said(home, people.admin, "check", who=viewer, action="control", server="alpha")
    assert told.startswith(f"⛔ <@{viewer.id}> may not `control` on `alpha`.")
    assert "no grant at all" in told
    told = await said(home, people.admin, "grant", who=viewer, action="control", server="alpha")
    assert told == f"✅ <@{viewer.id}> may `control` now on `alpha`."
    assert await home.complete(viewer, "start", "") == ["alpha"]
    assert "is up" in str((await home.slash(viewer, "start", server="alpha")).response)
    told = await said(home, people.admin, "check", who=viewer, action="control", server="alpha")
    assert told == f"✅ <@{viewer.id}> may `control` on `alpha`. By a grant of their own: `control` on `alpha`."
    told = await said(home, people.admin, "revoke", who=f"user:{viewer.id}", action="control", server="alpha")
    assert "may not `control` on `alpha` any more" in told
    assert await home.complete(viewer, "start", "") == []


async def test_a_role_explains_as_well(home: World) -> None:
    role, admin = home.places.role, home.people.admin
    told = await said(home, admin, "check", who=admin, action="files", server="beta")
    assert told == f"✅ <@{admin.id}> may `files` on `beta`. By the role <@&{role.id}>: `admin` on all servers."
    assert f"✅ <@&{role.id}>" in await said(home, admin, "check", who=role, action="view")
    assert "is an owner" in await said(home, admin, "check", who=home.people.owner, action="admin")
    viewer = home.people.viewer
    assert f"What they have: <@{viewer.id}> `view` (`alpha`)" in await said(
        home, admin, "check", who=viewer, action="admin", server="alpha"
    )


@pytest.mark.parametrize(
    ("server", "where"), [(None, "on all servers, to"), ("beta", "on `beta`, or on all servers, to")]
)
async def test_what_is_missing_is_named(home: World, server: str | None, where: str) -> None:
    options = {} if server is None else {"server": server}
    told = await said(home, home.people.admin, "check", who=home.people.stranger, action="control", **options)
    assert f"Missing: a grant of `control` or `admin` {where} them or one of their roles." in told


async def test_fault_46_an_admin_of_one_server_learns_of_no_other_by_asking_why(home: World) -> None:
    somebody, viewer = home.people.stranger, home.people.viewer
    await home.grant(Action.ADMIN, "alpha", user_id=somebody.id)
    await home.grant(Action.CONTROL, "beta", user_id=viewer.id)
    told = await said(home, somebody, "check", who=viewer, action="admin", server="alpha")
    assert "`view` (`alpha`)" in told
    assert "beta" not in told


async def test_granting_twice_and_taking_what_is_not_there_change_nothing(home: World) -> None:
    role = home.places.role
    assert "already" in await said(home, home.people.admin, "grant", who=role, action="admin")
    assert "has no grant" in await said(
        home, home.people.admin, "revoke", who=f"<@&{role.id}>", action="view", server="alpha"
    )


@pytest.mark.parametrize("server", [None, "beta", "nowhere"])
@pytest.mark.parametrize("command", ["grant", "revoke", "check", "list"])
async def test_fault_46_nobody_gives_what_they_do_not_have(home: World, command: str, server: str | None) -> None:
    somebody = home.people.stranger
    await home.grant(Action.ADMIN, "alpha", user_id=somebody.id)
    options: dict[str, Any] = {} if server is None else {"server": server}
    if command != "list":
        options |= {"who": f"user:{somebody.id}" if command == "revoke" else somebody, "action": "admin"}
    before = await home.access.grants(home.guild.id)
    assert "permission `admin`" in await said(home, somebody, command, **options)
    assert await home.access.grants(home.guild.id) == before


async def test_what_only_owners_may_cannot_be_granted(home: World) -> None:
    options = {"who": "viewer", "action": "owner"}
    result = await home.forge(home.people.owner, home.channel, "access grant", options, locale="en-US")
    assert "I have offered nothing like that" in str(result.response)


async def test_a_server_that_is_not_there_is_not_granted(home: World) -> None:
    told = await said(home, home.people.admin, "grant", who=home.people.viewer, action="view", server="nowhere")
    assert "There is no server" in told


async def test_what_is_gone_stays_listed_and_can_be_taken_back(home: World) -> None:
    role = home.guild.create_role("passing")
    await said(home, home.people.admin, "grant", who=role, action="view")
    home.env.backend.delete_role(home.guild.id, role.id)
    result = await home.slash(home.people.admin, "access list")
    assert result.response is not None
    assert f"the role is gone (`role:{role.id}`)" in (result.response.embeds[0].description or "")
    offered = await home.complete(home.people.admin, "access revoke", "", "who")
    assert f"role:{role.id}" in offered
    assert "any more" in await said(home, home.people.admin, "revoke", who=f"role:{role.id}", action="view")


async def test_only_grants_that_one_may_take_back_are_offered(home: World) -> None:
    somebody = home.people.stranger
    await home.grant(Action.ADMIN, "alpha", user_id=somebody.id)
    assert await home.complete(somebody, "access revoke", "", "who") == [
        f"user:{home.people.viewer.id}",
        f"user:{somebody.id}",
    ]
    assert await home.complete(home.people.viewer, "access revoke", "", "who") == []
    assert await home.complete(home.people.admin, "access revoke", "admins", "who") == [f"role:{home.places.role.id}"]


async def test_a_list_for_a_server_holds_what_counts_there(home: World) -> None:
    result = await home.slash(home.people.admin, "access list", server="beta")
    assert result.response is not None
    text = result.response.embeds[0].description or ""
    assert f"<@&{home.places.role.id}> · `admin` · all servers" in text
    assert str(home.people.viewer.id) not in text


async def test_who_cannot_be_read_is_told(home: World) -> None:
    told = await said(home, home.people.admin, "revoke", who="@everyone", action="view")
    assert "names nobody" in told
    assert "@everyone" not in told


@pytest.mark.parametrize(
    ("typed", "kind", "number"),
    [
        ("role:12", PrincipalKind.ROLE, 12),
        ("user:12", PrincipalKind.USER, 12),
        (" <@&12> ", PrincipalKind.ROLE, 12),
        ("<@12>", PrincipalKind.USER, 12),
        ("<@!12>", PrincipalKind.USER, 12),
    ],
)
def test_who_can_be_typed(typed: str, kind: PrincipalKind, number: int) -> None:
    assert principal_typed(typed) == Principal(kind, number)


@given(st.text() | st.from_regex(r"(role|user|server)?:?[0-9<@&!>]{0,30}", fullmatch=True))
def test_whatever_is_typed_names_somebody_or_nobody(typed: str) -> None:
    try:
        meant = principal_typed(typed)
    except NobodyMeant:
        return
    assert str(meant.id).lstrip("0") in typed or meant.id == 0


ADMIN = Grant(1, PrincipalKind.ROLE, 2, Action.ADMIN)


@pytest.mark.parametrize(
    ("grants", "without", "lonely"),
    [
        ([ADMIN], ADMIN, True),
        ([ADMIN, replace(ADMIN, principal_id=3)], ADMIN, False),
        ([ADMIN, replace(ADMIN, server_id="alpha")], ADMIN, True),
        ([ADMIN], replace(ADMIN, action=Action.VIEW), False),
        ([], ADMIN, False),
    ],
    ids=["the-last", "another", "another-of-one-server", "something-else", "none"],
)
def test_the_last_admin_is_known(grants: list[Grant], without: Grant, *, lonely: bool) -> None:
    assert leaves_nobody(grants, without) is lonely


@pytest.mark.parametrize("locale", ["en", "ko"])
def test_every_verdict_has_words(locale: str) -> None:
    words, who = catalogue(locale), Person(5, "n", 1, frozenset({2, 1}))
    held = [
        ADMIN,
        Grant(1, PrincipalKind.USER, 5, Action.VIEW, "**x**"),
        Grant(1, PrincipalKind.ROLE, 1, Action.VIEW),
    ]
    told = []
    for house in (
        House(frozenset(), frozenset()),
        House(frozenset({5}), frozenset()),
        House(frozenset(), frozenset({9})),
    ):
        for grants in ((), held[:1], held[1:2], held[2:]):
            decision = house.decide(who, Action.VIEW, "**x**", grants)
            told.append(verdict("<@5>", who, Action.VIEW, "**x**", decision=decision, held=grants, words=words))
    assert len(set(told)) == 6
    assert not any("{" in text or "`**x**`" in text for text in told)
    embed = grants_embed(held, {1}, len(held), words)
    assert (embed.description or "").count("\n") == 2
    assert grants_embed([], (), 0, words).description
