from __future__ import annotations

import re
from pathlib import Path

import discord
import pytest
import simcord

from cogs.locale.catalogue import catalogue
from cogs.render.database import trouble_line
from cogs.render.limits import DESCRIPTION, TITLE, TOTAL, total
from monitor.errors import StorageError, StorageFault
from monitor.model import Players
from storage.trouble import REFUSING, Trouble
from tests.cogs.world import ALPHA, World, world
from tests.fakes.house import spec_of

CODE = re.compile("```.*?```", re.DOTALL)
"""Where Discord shows text as it is."""
NASTY = "@everyone **<@&1>** `x` ~~y~~ ||z|| [a](https://x.example) \u202eevil\u202c\n# big"


def embed_of(result: simcord.InteractionResult) -> discord.Embed:
    assert result.response is not None
    assert not result.response.ephemeral
    [embed] = result.response.embeds
    assert total(embed) <= TOTAL
    assert len(embed.title or "") <= TITLE
    assert len(embed.description or "") <= DESCRIPTION
    return embed


async def test_no_server_at_all(tmp_path: Path) -> None:
    async with world(tmp_path, []) as home:
        embed = embed_of(await home.slash(home.people.owner, "status"))
        assert "`/server add`" in (embed.description or "")


async def test_one_line_for_each_server_that_one_may_see(home: World) -> None:
    both = embed_of(await home.slash(home.people.admin, "status"))
    assert [line.split("**")[1] for line in (both.description or "").splitlines()] == ["Alpha World", "Beta World"]
    assert both.footer.text == "0 of 2 servers up"
    one = embed_of(await home.slash(home.people.viewer, "status"))
    assert "Beta" not in (one.description or "")


async def test_the_list_in_korean(home: World) -> None:
    embed = embed_of(await home.slash(home.people.admin, "status", locale="ko"))
    assert "중지됨" in (embed.description or "")


async def test_nobody_sees_anything_without_a_grant(home: World) -> None:
    result = await home.slash(home.people.stranger, "status")
    assert result.response is not None
    assert result.response.ephemeral
    assert "`view`" in result.response.content


async def test_everything_about_one_server(home: World) -> None:
    home.house.game("alpha").online = Players(2, 20, ("anna", NASTY))
    await home.slash(home.people.admin, "start", server="alpha")
    await home.clock.advance(20)
    await home.env.settle()
    embed = embed_of(await home.slash(home.people.viewer, "status", server="alpha"))
    shown = str(embed.to_dict())
    assert "running" in (embed.description or "")
    assert "👥 2/20" in shown
    assert "PID 1001" in shown
    assert "anna" in shown
    assert "@everyone" not in shown


@pytest.mark.parametrize("locale", ["en-US", "ko"])
@pytest.mark.parametrize("name", ["plain", NASTY, "긴 이름 " * 40], ids=["plain", "nasty", "long"])
async def test_fault_49_sixty_servers_fit_whatever_they_are_called(tmp_path: Path, name: str, locale: str) -> None:
    specs = [spec_of(f"server-{n:02}", name=name) for n in range(60)]
    async with world(tmp_path, specs) as home:
        embed = embed_of(await home.slash(home.people.admin, "status", locale=locale))
        lines = (embed.description or "").splitlines()
        assert len(lines) == 60 or "more server" in lines[-1] or "개" in lines[-1]
        assert "@everyone" not in (embed.description or "")
        assert "<@&1>" not in (embed.description or "")
        one = embed_of(await home.slash(home.people.admin, "status", locale=locale, server="server-07"))
        assert "@everyone" not in (one.title or "")


async def test_fault_49_nothing_that_is_sent_may_ping(tmp_path: Path) -> None:
    async with world(tmp_path, [spec_of("alpha", name=NASTY)]) as home:
        for name, options in (
            ("status", {}),
            ("start", {"server": "alpha"}),
            ("rcon", {"server": "alpha", "command": "say @everyone <@&1>"}),
            ("rcon", {"server": "alpha", "command": "\n"}),
            ("stop", {"server": "alpha"}),
            ("stop", {"server": "alpha"}),
        ):
            await home.slash(home.people.admin, name, **options)
        sent = home.sent("PATCH", "/messages/@original")
        assert len(sent) >= 6
        assert [body for body in sent if body["allowed_mentions"] != {"parse": []}] == []
        shown = [CODE.sub("", body["content"] or "") for body in sent]
        assert [text for text in shown if "@everyone" in text or "<@&1>" in text] == []


async def test_the_reply_is_deferred_first(home: World) -> None:
    await home.slash(home.people.admin, "status", server=ALPHA.id)
    [callback] = home.sent("POST", "/callback")
    assert callback["type"] == discord.InteractionResponseType.deferred_channel_message.value


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("en-US", "⚠️ **The database is damaged** ➡️ Restart the bot: it then puts the newest backup in its place."),
        ("ko", "⚠️ **데이터베이스가 손상되었습니다** ➡️ "),
    ],
    ids=["en-US", "ko"],
)
@pytest.mark.parametrize("options", [{}, {"server": "alpha"}], ids=["all", "one"])
async def test_what_is_wrong_with_the_database_is_said_above(
    home: World, locale: str, said: str, options: dict[str, str]
) -> None:
    well = await home.slash(home.people.admin, "status", locale=locale, **options)
    assert well.response is not None
    assert well.response.content == ""
    home.db.suspect(StorageError(StorageFault.UNREADABLE, "gamekeeper.db"))
    result = await home.slash(home.people.admin, "status", locale=locale, **options)
    assert result.response is not None
    assert said in result.response.content
    assert "Alpha World" in str(embed_of(result).to_dict())


def test_fault_32_every_trouble_of_the_database_has_its_line() -> None:
    for fault in REFUSING | {StorageFault.UNREADABLE}:
        line = trouble_line(Trouble(fault, "", in_memory=False), catalogue("ko"))
        assert line is not None
        assert line.count("\n") == 0
    assert trouble_line(None, catalogue("ko")) is None
