"""`/server edit`, `remove`, `show` and `list`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import simcord

from monitor.model import State
from monitor.spec import AdminEndpoint, Endpoint, HangPolicy, RestartMode, Secret, ServerSpec
from storage.grants import Action
from tests.cogs.serving import PROGRAM, fields, outcome_of, place, press, said, shown, stored
from tests.cogs.world import World, world
from tests.fakes.house import RESTARTS, spec_of

CANARY = "canary-8812-password"
SECRETIVE = spec_of("alpha", name="Alpha World", admin=AdminEndpoint("127.0.0.1", 25575, Secret(CANARY)))


async def edit(
    home: World, part: str, form: dict[str, Any], who: simcord.MemberActor | None = None
) -> simcord.InteractionResult:
    who = who or home.people.owner
    return await who.submit_modal(await home.slash(who, "server edit", server="alpha", part=part), form)


BASICS = {"name": "New World", "autostart": ["yes"], "restart": ["always"], "budget": "7", "probes": "3"}


async def test_the_basics_are_changed_at_once_by_whoever_may_manage(home: World) -> None:
    changed = await edit(home, "basics", BASICS, home.people.admin)
    assert changed.ephemeral
    assert said(changed).splitlines()[0] == "✅ **New World** is changed:"
    assert "restart.budget: 3 → 7" in said(changed)
    spec = (await stored(home))["alpha"]
    assert spec == home.fleet.server("alpha").spec
    assert (spec.name, spec.autostart, spec.hang) == ("New World", True, HangPolicy(probes=3))
    assert spec.restart == replace(RESTARTS, policy=RestartMode.ALWAYS, budget=7)
    status = await home.slash(home.people.owner, "status", server="New World")
    assert "New World" in shown(status)
    assert "name: Alpha World → New World" in await outcome_of(home, "form:server_basics")


async def test_the_form_shows_what_is_there_and_sent_back_changes_nothing(home: World) -> None:
    opened = await home.slash(home.people.owner, "server edit", server="alpha")
    controls = fields(opened)
    assert controls["name"]["value"] == "Alpha World"
    assert controls["budget"]["value"] == "3"
    form = {"name": "Alpha World", "autostart": ["no"], "restart": ["on-crash"], "budget": "3", "probes": "0"}
    unchanged = await home.people.owner.submit_modal(opened, form)
    assert "nothing was changed" in said(unchanged)


async def test_what_is_up_is_left_as_it_is_until_its_next_start(home: World, tmp_path: Path) -> None:
    await home.slash(home.people.owner, "start", server="alpha")
    place(tmp_path / "new")
    form = {"program": PROGRAM, "arguments_maybe_secret": "", "folder": str(tmp_path / "new")}
    changed = await edit(home, "program", form)
    assert "this counts from its next start on" in said(changed)
    assert home.fleet.server("alpha").state is State.RUNNING
    sheet = await home.slash(home.people.owner, "server show", server="alpha")
    assert "From its next start on" in shown(sheet)
    await home.slash(home.people.owner, "restart", server="alpha")
    assert [request.cwd for request in home.house.launcher.spawned] == [Path("/srv"), tmp_path / "new"]
    sheet = await home.slash(home.people.owner, "server show", server="alpha")
    assert "From its next start on" not in shown(sheet)


async def test_how_it_is_reached_is_changed_and_the_password_never_shown(tmp_path: Path) -> None:
    async with world(tmp_path, [SECRETIVE]) as home:
        opened = await home.slash(home.people.owner, "server edit", server="alpha", part="connection")
        assert CANARY not in repr(opened.modal)
        assert fields(opened)["admin_port"]["value"] == "25575"
        form = {"admin_host": "127.0.0.1", "admin_port": "25580", "admin_password": "", "query_port": "25565"}
        await home.people.owner.submit_modal(opened, form)
        spec = (await stored(home))["alpha"]
        assert spec.admin == AdminEndpoint("127.0.0.1", 25580, Secret(CANARY))
        assert spec.query == Endpoint("127.0.0.1", 25565)
        changed = await edit(home, "connection", form | {"admin_password": "canary-new-one"})
        assert "admin.password: ***, changed" in said(changed)
        assert (await stored(home))["alpha"].admin.password == Secret("canary-new-one")
        told = repr(await home.audit.page(limit=50)) + said(changed)
        assert "canary-new-one" not in told
        assert CANARY not in told
        assert home.gate.redaction.text("canary-new-one") == "***"


BAD = {
    "budget": ("basics", BASICS | {"budget": "many"}, "should be a whole number from 0 to 1000"),
    "port": ("connection", {"admin_port": "99999", "admin_password": "x"}, "from 1 to 65535"),
    "password": ("connection", {"admin_port": "25575"}, "needs a password"),
    "host": ("connection", {"admin_host": "a b", "admin_port": "1", "admin_password": "x"}, "a name or an address"),
    "program": ("program", {"program": "./none", "folder": "/"}, "does not exist"),
}


@pytest.mark.parametrize(
    ("part", "form", "told"),
    [pytest.param(*case, id=f"fault-50-{name}", marks=pytest.mark.fault(50)) for name, case in BAD.items()],
)
async def test_a_change_that_is_wrong_leaves_everything_as_it_was(
    home: World, part: str, form: dict[str, Any], told: str
) -> None:
    before = await stored(home)
    refused = await edit(home, part, form)
    assert told in said(refused)
    assert await stored(home) == before
    assert home.fleet.server("alpha").spec == before["alpha"]


async def test_a_command_too_long_for_a_form_is_for_a_file(tmp_path: Path) -> None:
    async with world(tmp_path, [spec_of("alpha", argv=("run", "x" * 4_001))]) as home:
        result = await home.slash(home.people.owner, "server edit", server="alpha", part="program")
        assert result.modal is None
        assert "`/server import`" in said(result)


@pytest.mark.parametrize("part", ["program", "connection"])
async def test_fault_46_what_reaches_the_host_is_for_owners_alone(home: World, part: str) -> None:
    result = await home.slash(home.people.admin, "server edit", server="alpha", part=part)
    assert result.modal is None
    assert "`DISCORD_OWNER_IDS`" in said(result)


async def test_fault_46_a_role_taken_away_while_the_form_is_open_counts(home: World) -> None:
    admin = home.people.admin
    opened = await home.slash(admin, "server edit", server="alpha")
    home.env.backend.remove_member_role(home.guild.id, admin.id, home.places.role.id)
    refused = await admin.submit_modal(opened, BASICS)
    assert "permission `manage`" in said(refused)
    assert home.fleet.server("alpha").spec.name == "Alpha World"


async def test_a_server_that_is_not_there_is_told_to_owners(home: World) -> None:
    owner = home.people.owner
    result = await home.slash(owner, "server edit", server="gamma", part="program")
    assert "There is no server “gamma”" in said(result)


# Removing


async def remove(home: World, who: simcord.MemberActor, **options: Any) -> simcord.InteractionResult:
    return await home.slash(who, "server remove", server="alpha", **options)


async def test_removing_asks_and_keeps_the_history(home: World) -> None:
    asked = await remove(home, home.people.admin)
    assert asked.ephemeral
    assert "Remove **Alpha World**?" in said(asked)
    assert "alpha" in await stored(home)
    gone = await press(home, asked, "Remove it", home.people.admin)
    assert said(gone) == "🗑️ **Alpha World** is removed; its history stays."
    assert set(await stored(home)) == {"beta"}
    assert [server.id for server in home.fleet.servers()] == ["beta"]
    assert await home.complete(home.people.owner, "start", "") == ["beta"]
    assert await home.db.fetch_all("SELECT id FROM servers WHERE removed_ms IS NOT NULL") == [("alpha",)]
    assert "name: Alpha World → –" in await outcome_of(home, "yes:/server remove")


async def test_fault_46_a_server_that_takes_the_id_of_a_removed_one_begins_without_its_grants(home: World) -> None:
    viewer = home.people.viewer
    assert await home.complete(viewer, "status", "") == ["alpha"]
    await press(home, await remove(home, home.people.admin), "Remove it", home.people.admin)
    another = b'[[servers]]\nid = "alpha"\nname = "Another"\nargv = ["run"]\ncwd = "/srv"\n'
    added = await home.slash(home.people.owner, "server import", file=("servers.toml", another))
    await press(home, added, "Take it in")
    assert "alpha" in await stored(home)
    assert await home.complete(viewer, "status", "") == []
    assert "permission `view`" in said(await home.slash(viewer, "status", server="alpha"))


async def test_no_is_no(home: World) -> None:
    asked = await remove(home, home.people.admin)
    await press(home, asked, "No, leave it", home.people.admin)
    assert "alpha" in await stored(home)


async def test_one_that_is_up_is_not_removed_by_mistake(home: World) -> None:
    await home.slash(home.people.owner, "start", server="alpha")
    refused = await remove(home, home.people.admin)
    assert "**Alpha World** is not down, so it was not removed" in said(refused)
    assert "alpha" in await stored(home)


async def test_one_started_while_it_was_asked_is_not_removed(home: World) -> None:
    asked = await remove(home, home.people.admin)
    await home.slash(home.people.owner, "start", server="alpha")
    refused = await press(home, asked, "Remove it", home.people.admin)
    assert "is not down" in said(refused)
    assert home.fleet.server("alpha").state is State.RUNNING
    assert "alpha" in await stored(home)


async def test_one_that_is_up_can_be_let_go_of_and_runs_on(home: World) -> None:
    await home.slash(home.people.owner, "start", server="alpha")
    asked = await remove(home, home.people.admin, leave_running=True)
    assert "while it is up? It runs on" in said(asked)
    gone = await press(home, asked, "Remove it", home.people.admin)
    process = home.house.launcher.processes[0]
    assert f"Its process {process.identity.pid} runs on" in said(gone)
    assert (process.alive, process.terminated, process.killed) == (True, 0, 0)
    assert "alpha" not in await stored(home)


# Looking


async def test_a_sheet_shows_everything_but_the_secrets(tmp_path: Path) -> None:
    spec = replace(SECRETIVE, env={"TOKEN": CANARY}, argv=("run", "-password", CANARY))
    async with world(tmp_path, [spec]) as home:
        sheet = await home.slash(home.people.admin, "server show", server="alpha")
        text = shown(sheet)
        assert sheet.ephemeral
        for part in (
            "id = alpha",
            "admin.port = 25575",
            "admin.password = ***",
            "env.TOKEN = ***",
            "restart.budget = 3",
        ):
            assert part in text
        assert CANARY not in text


async def test_the_list_has_pages_and_only_what_one_may_change(tmp_path: Path) -> None:
    specs: list[ServerSpec] = [spec_of(f"server-{number:02}") for number in range(12)]
    async with world(tmp_path, specs, granted=False) as home:
        owner = home.people.owner
        first = await home.slash(owner, "server list")
        assert "server-09" in shown(first)
        assert "server-10" not in shown(first)
        second = await press(home, first, "Next")
        assert "server-11" in shown(second)
        await home.grant(Action.MANAGE, "server-03", user_id=home.people.viewer.id)
        own = shown(await home.slash(home.people.viewer, "server list"))
        assert "server-03" in own
        assert "server-04" not in own
        refused = await home.slash(home.people.stranger, "server list")
        assert "permission `manage`" in said(refused)


async def test_the_list_of_nothing_says_how_to_begin(tmp_path: Path) -> None:
    async with world(tmp_path, []) as home:
        assert "/server add" in shown(await home.slash(home.people.owner, "server list"))


async def test_two_who_have_a_form_open_for_the_same_server_lose_nothing_of_each_others(home: World) -> None:
    owner, admin = home.people.owner, home.people.admin
    one = await home.slash(owner, "server edit", server="alpha", part="connection")
    other = await home.slash(admin, "server edit", server="alpha")
    connection = {"admin_port": "25580", "admin_password": "canary-secret"}
    await owner.submit_modal(one, connection)
    await admin.submit_modal(other, BASICS)
    spec = (await stored(home))["alpha"]
    assert spec.name == "New World"
    assert spec.admin is not None
