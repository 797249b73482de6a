from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import simcord

from cogs.server_cog import choice_name, find
from monitor.model import Server
from tests.cogs.world import World, world
from tests.fakes.house import spec_of


def server(server_id: str, name: str | None = None) -> Server:
    return Server(spec_of(server_id, name=server_id.title() if name is None else name))


TWINS = [server("one", "Twin"), server("two", "Twin"), server("three", "one"), server("ko", "초원 서버")]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("two", "two"),
        ("  TWO ", "two"),
        ("초원 서버", "ko"),
        ("one", "one"),
        ("Twin", None),
        ("tw", None),
        ("", None),
    ],
    ids=["id", "id_untidy", "name", "id_before_name", "name_of_two", "part", "nothing"],
)
def test_a_server_is_found_by_id_or_name(typed: str, found: str | None) -> None:
    meant = find(TWINS, typed)
    assert (meant.id if meant else None) == found


@pytest.mark.parametrize(
    ("name", "shown"), [("Ark", "Ark (ark)"), ("ark", "ark"), ("", "ark")], ids=["both", "same", "unnamed"]
)
def test_a_choice_shows_name_and_id(name: str, shown: str) -> None:
    assert choice_name(server("ark", name)) == shown


async def test_completion_offers_only_what_one_may_act_on(home: World) -> None:
    people = home.people
    assert await home.complete(people.admin, "stop", "") == ["alpha", "beta"]
    assert await home.complete(people.owner, "stop", "") == ["alpha", "beta"]
    assert await home.complete(people.viewer, "status", "") == ["alpha"]
    assert await home.complete(people.viewer, "stop", "") == []
    assert await home.complete(people.stranger, "status", "") == []


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("alp", ["alpha"]), ("BETA W", ["beta"]), ("world", ["alpha", "beta"]), ("zzz", []), ("@everyone", [])],
    ids=["id", "name", "both", "neither", "mention"],
)
async def test_completion_filters_by_id_and_name(home: World, typed: str, offered: list[str]) -> None:
    assert await home.complete(home.people.admin, "status", typed) == offered


async def test_completion_keeps_to_discords_limits(tmp_path: Path) -> None:
    specs = [spec_of(f"server-{n:02}", name="Ä" * 120) for n in range(60)]
    async with world(tmp_path, specs) as home:
        with home.carrying(locale="en-US"):
            choices = await home.people.admin.autocomplete(home.channel, "status", "server", "")
        assert len(choices) == 25
        assert all(1 <= len(choice["name"]) <= 100 for choice in choices)


async def refusal(home: World, who: simcord.MemberActor, server_id: str) -> str:
    result = await home.slash(who, "start", server=server_id)
    assert result.response is not None
    assert result.response.ephemeral
    return result.response.content


async def test_a_refusal_does_not_tell_whether_a_server_exists(home: World) -> None:
    for who in (home.people.viewer, home.people.stranger):
        told = {await refusal(home, who, typed) for typed in ("beta", "Beta World", "nowhere", "@everyone")}
        assert len(told) == 1
    assert home.house.launcher.spawned == []


async def test_who_may_act_on_all_is_told_that_there_is_no_such_server(home: World) -> None:
    told = await refusal(home, home.people.admin, "**nowhere** <@&1>")
    assert "There is no server" in told
    assert "**nowhere**" not in told
    assert "<@&1>" not in told


async def test_a_server_can_be_typed_by_its_name(home: World) -> None:
    result = await home.slash(home.people.admin, "status", server="beta world")
    assert result.response is not None
    assert result.response.embeds[0].footer.text == "beta · generic"


async def test_fault_43_the_same_interaction_twice_is_one_action(home: World) -> None:
    emit, told = home.env.backend.emit, 0

    def emit_twice(event: str, payload: Mapping[str, Any]) -> None:
        nonlocal told
        emit(event, payload)
        if event == "INTERACTION_CREATE":
            told += 1
            emit(event, payload)

    setattr(home.env.backend, "emit", emit_twice)  # noqa: B010 - a method, to mypy
    await home.slash(home.people.admin, "rcon", server="alpha", command="list")
    await home.slash(home.people.admin, "start", server="alpha")
    await home.slash(home.people.admin, "rcon", server="alpha", command="give diamond")
    assert told == 3
    assert home.house.game("alpha").asked.count("command: give diamond") == 1
    assert len(home.house.launcher.spawned) == 1
    assert home.sent("POST", f"/channels/{home.channel.id}/messages") == []
