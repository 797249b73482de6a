"""What Discord is told of our commands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cogs.locale.catalogue import catalogue
from monitor.metrics import METRICS
from tests.cogs.matrix import COMMANDS
from tests.cogs.world import GUILD_ID, World, world

SUBCOMMAND = 1
NAME = re.compile(r"[-_a-z0-9]{1,32}")
"""Stricter than Discord's rule, which takes letters of any script."""


def synced(home: World, guild_id: int | None = None) -> list[dict[str, Any]]:
    path = f"/applications/{home.env.backend.application_id}" + (f"/guilds/{guild_id}" if guild_id else "")
    found: list[dict[str, Any]] = []
    for request in home.env.http_requests:
        if request.method == "PUT" and request.path == f"{path}/commands":
            assert isinstance(request.json, list)
            found += request.json
    return found


def described(things: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Every command, and everything in one: subcommands and options."""
    for thing in things:
        yield thing
        yield from described(thing.get("options", []))


def given(things: list[dict[str, Any]], before: str = "") -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Each command as people type it, with its options."""
    for thing in things:
        options, name = thing.get("options", []), f"{before}{thing['name']}"
        below = [option for option in options if option["type"] == SUBCOMMAND]
        if below:
            yield from given(below, f"{name} ")
        else:
            yield name, options


async def test_discord_gets_the_commands_that_there_are(home: World) -> None:
    assert {name for name, _ in given(synced(home))} == set(COMMANDS)


async def test_names_are_legal(home: World) -> None:
    assert [thing["name"] for thing in described(synced(home)) if not NAME.fullmatch(thing["name"])] == []


async def test_everything_is_described_in_english_and_korean(home: World) -> None:
    korean = catalogue("ko")
    for thing in described(synced(home)):
        assert 1 <= len(thing["description"]) <= 100
        # The library's own word for an option that nobody described is "…".
        assert len(thing["description"]) > 1, thing["name"]
        assert thing["description_localizations"]["ko"] == korean.text(thing["description"])


async def test_nothing_is_offered_outside_a_guild(home: World) -> None:
    for command in synced(home):
        assert command.get("dm_permission") is False or command["contexts"] == [0], command["name"]


async def test_choices_are_in_korean_where_they_are_words(home: World) -> None:
    [chart] = [command for command in synced(home) if command["name"] == "chart"]
    options = {option["name"]: option for option in chart["options"]}
    offered = {choice["value"]: choice.get("name_localizations") for choice in options["metric"]["choices"]}
    assert set(offered) == {metric.key for metric in METRICS}
    assert offered["memory"] == {"ko": catalogue("ko").text("Memory")}
    assert [choice["value"] for choice in options["range"]["choices"]] == ["1h", "6h", "24h", "7d"]


@pytest.mark.parametrize("name", ["stop", "restart"])
async def test_a_plan_is_for_one_to_1440_minutes(home: World, name: str) -> None:
    [command] = [command for command in synced(home) if command["name"] == name]
    [minutes] = [option for option in command["options"] if option["name"] == "in"]
    assert (minutes["type"], minutes["min_value"], minutes["max_value"]) == (4, 1, 1440)
    assert not minutes.get("required", False)


async def test_what_takes_a_server_completes_it(home: World) -> None:
    servers = [option for _, options in given(synced(home)) for option in options if option["name"] == "server"]
    assert len(servers) > 10
    assert all(server["autocomplete"] for server in servers)


async def test_commands_go_to_the_guilds_of_the_settings_alone(tmp_path: Path) -> None:
    async with world(tmp_path, guild_ids=[GUILD_ID]) as home:
        assert {name for name, _ in given(synced(home, GUILD_ID))} == set(COMMANDS)
        assert synced(home) == []
