"""Every mistake names the thing, the reason and the next step, in both languages, and what was typed does no harm."""

from __future__ import annotations

import re

import pytest

from cogs.locale.catalogue import catalogue
from cogs.render.limits import CONTENT
from cogs.render.mistakes import mistake
from cogs.render.text import length
from monitor.errors import (
    BadArguments,
    BadValue,
    GameFileError,
    GamekeeperError,
    PathFault,
    PathRefused,
    PathRole,
    Problem,
    ServerExists,
    ServerFileError,
    UnknownServer,
)

NASTY = "@everyone **x** `y` <@&1> \u202e[a](b)"
LINES = (Problem(3, "servers[0].id", "it is missing"), Problem(None, "", "``` @everyone"))

MISTAKES: dict[str, GamekeeperError] = {
    **{
        f"{role}-{fault}": PathRefused(role, NASTY, fault, ("/srv/games",))
        for role in PathRole
        for fault in PathFault
    },
    "exists": ServerExists("ark"),
    "arguments": BadArguments(),
    "budget": BadValue("restart.budget", 0, 1000),
    "probes": BadValue("hang.probes", 0, 1000),
    "admin_port": BadValue("admin.port", 1, 65_535),
    "query_port": BadValue("query.port", 1, 65_535),
    "host": BadValue("admin.host"),
    "password": BadValue("admin.password"),
    "servers_file": ServerFileError(NASTY, LINES),
    "game_file": GameFileError(NASTY, LINES),
}


@pytest.mark.parametrize("locale", ["en", "ko"])
@pytest.mark.parametrize("error", MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_told_with_a_next_step(error: GamekeeperError, locale: str) -> None:
    told = mistake(error, catalogue(locale))
    assert told is not None
    assert length(told) <= CONTENT
    assert re.search(r"[.다요]\.? |\. |\.\n|요\.$", told)
    assert bool(re.search("[가-힣]", told)) is (locale == "ko")
    assert "@everyone" not in re.sub(r"```.*?```", "", told, flags=re.DOTALL)
    assert "<@&1>" not in told
    assert "{" not in told


def test_a_place_outside_names_the_folders_that_would_do() -> None:
    told = mistake(MISTAKES["folder-outside"], catalogue("en"))
    assert told is not None
    assert "/srv/games" in told


def test_many_problems_are_cut_and_counted() -> None:
    many = tuple(Problem(line, f"servers[{line}].cwd", "x" * 150) for line in range(300))
    told = mistake(ServerFileError("servers.toml", many), catalogue("en"))
    assert told is not None
    assert "300 mistakes" in told
    assert "… +280" in told
    assert length(told) <= CONTENT


def test_another_error_is_none_of_these() -> None:
    assert mistake(UnknownServer("ark"), catalogue("en")) is None
