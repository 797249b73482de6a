"""`/server import`: a whole file or nothing of it, shown before it counts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import simcord

from monitor.serverfile import MAX_BYTES
from monitor.spec import AdminEndpoint, Secret
from tests.cogs.serving import outcome_of, press, said, shown, stored
from tests.cogs.world import World, world

CANARY = "canary-c0de-password"
GOOD = f"""\
[[servers]]
id = "alpha"
name = "Alpha Two"
argv = ["run", "--fast"]
cwd = "/srv"

[[servers]]
id = "gamma"
name = "Gamma"
argv = ["./start.sh"]
cwd = "/srv/gamma"
admin = {{ host = "127.0.0.1", port = 25575, password = "{CANARY}" }}
"""
WRONG = GOOD.replace('"Gamma"', '""').replace("port = 25575", "prot = 1").replace('"gamma"', '"alpha"')


async def take(
    home: World, data: bytes | str, name: str = "servers.toml", who: simcord.MemberActor | None = None
) -> simcord.InteractionResult:
    content = data.encode() if isinstance(data, str) else data
    return await home.slash(who or home.people.owner, "server import", file=(name, content))


async def test_a_file_is_shown_then_taken_whole(home: World) -> None:
    asked = await take(home, GOOD)
    assert asked.ephemeral
    text = said(asked)
    assert "~ alpha: Alpha Two (generic)" in text
    assert "name: Alpha World → Alpha Two" in text
    assert "+ gamma: Gamma (generic)" in text
    assert CANARY not in text
    assert set(await stored(home)) == {"alpha", "beta"}
    taken = await press(home, asked, "Take it in")
    assert "2 servers are taken in" in said(taken)
    servers = await stored(home)
    assert set(servers) == {"alpha", "beta", "gamma"}
    assert servers["gamma"].admin == AdminEndpoint("127.0.0.1", 25575, Secret(CANARY))
    assert [server.id for server in home.fleet.servers()] == ["alpha", "beta", "gamma"]
    detail = await outcome_of(home, "yes:/server import")
    assert "gamma: admin.password: – → ***" in detail
    assert CANARY not in repr(await home.audit.page(limit=50))
    assert home.gate.redaction.text(CANARY) == "***"


async def test_no_takes_nothing(home: World) -> None:
    before = await stored(home)
    await press(home, await take(home, GOOD), "No, leave it")
    assert await stored(home) == before


async def test_fault_50_what_is_wrong_is_told_by_line_and_key_and_nothing_is_taken(home: World) -> None:
    before = await stored(home)
    refused = await take(home, WRONG)
    text = said(refused)
    assert refused.ephemeral
    assert "servers.toml has 4 mistakes in it" in text.replace("\\", "")
    for part in ("line 8: servers[1].id: ", "line 9: servers[1].name: ", "line 12: servers[1].admin."):
        assert part in text
    assert CANARY not in text
    assert await stored(home) == before
    assert [server.described for server in home.fleet.servers()] == list(before.values())


FORMS = {
    "fault-50-bom": b"\xef\xbb\xbf" + GOOD.encode(),
    "fault-50-crlf": GOOD.replace("\n", "\r\n").encode(),
    "json": json.dumps(
        {"servers": [{"id": "gamma", "name": "Gamma", "argv": ["./start.sh"], "cwd": "/srv/gamma"}]}
    ).encode(),
}


@pytest.mark.parametrize(
    "data",
    [pytest.param(data, id=name, marks=[pytest.mark.fault(50)] * ("fault" in name)) for name, data in FORMS.items()],
)
async def test_any_form_of_the_file_is_read(home: World, data: bytes) -> None:
    await press(home, await take(home, data), "Take it in")
    assert (await stored(home))["gamma"].name == "Gamma"


async def test_what_is_up_is_left_as_it_is(home: World) -> None:
    await home.slash(home.people.owner, "start", server="alpha")
    changed = GOOD.replace('"--fast"', '"--slow"')
    taken = await press(home, await take(home, changed), "Take it in")
    assert "it counts from their next start on" in said(taken)
    assert home.fleet.server("alpha").described.argv == ("run", "--slow")
    assert home.fleet.server("alpha").spec.argv == ("run", "--fast")


async def test_fault_58_places_outside_the_allowed_folders_are_told_by_key(tmp_path: Path) -> None:
    games = tmp_path / "games"
    async with world(tmp_path, [], roots=(games,)) as home:
        refused = await take(home, GOOD.replace("/srv/gamma", "gamma"))
        assert "servers[0].cwd" in said(refused)
        assert "servers[1]" not in said(refused)
        asked = await take(home, GOOD.replace("/srv/gamma", "gamma").replace('"/srv"', '"alpha"'))
        await press(home, asked, "Take it in")
        assert (await stored(home))["gamma"].cwd == games / "gamma"


REFUSED = {
    "huge": (b"x" * (MAX_BYTES + 1), "larger than 1024 KiB"),
    "binary": (b"\xff\xfe\x00", "UTF-8"),
    "empty": (b"", "there are no servers"),
}


@pytest.mark.parametrize(("data", "told"), REFUSED.values(), ids=REFUSED.keys())
async def test_what_is_no_servers_file_is_refused(home: World, data: bytes, told: str) -> None:
    assert told in said(await take(home, data))


async def test_fault_46_only_an_owner_takes_a_file(home: World) -> None:
    refused = await take(home, GOOD, who=home.people.admin)
    assert "`DISCORD_OWNER_IDS`" in said(refused)
    assert set(await stored(home)) == {"alpha", "beta"}


async def test_a_long_file_is_shown_as_far_as_it_fits(home: World) -> None:
    many = "\n".join(GOOD.replace("alpha", f"a-{i}").replace("gamma", f"g-{i}") for i in range(60))
    asked = await take(home, many)
    assert len(said(asked)) <= 2_000
    await press(home, asked, "Take it in")
    assert len(await stored(home)) == 122
    listed = await home.slash(home.people.owner, "server list")
    assert "a-0" in shown(listed)
