"""`/server add`: from a form, by way of a preview, to a server that is looked after."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import simcord

from cogs.components import Address, button, row
from monitor.errors import LaunchFault, StorageError, StorageFault
from monitor.events import ServerStarted
from monitor.model import State
from tests.cogs.serving import PROGRAM, drafted, fields, outcome_of, place, press, reply, said, shown, stored, typed
from tests.cogs.world import World, until, world

CANARY = "canary-30fe-password"


async def test_what_was_typed_is_shown_kept_and_looked_after(home: World, tmp_path: Path) -> None:
    draft = await drafted(home, typed(place(tmp_path / "ark"), arguments_maybe_secret='-name "Ark 1"'))
    assert draft.ephemeral
    text = shown(draft)
    for part in ("My Ark", "`my-ark`", "generic", PROGRAM, "-name Ark 1", "Nothing is kept yet"):
        assert part in text
    assert await stored(home) == {spec.id: spec for spec in (s.spec for s in home.fleet.servers())}
    assert "my-ark" not in await stored(home)
    kept = await press(home, draft, "Keep it")
    assert said(kept).startswith("✅ **My Ark** is kept, as `my-ark`. Start it by `/start`")
    spec = (await stored(home))["my-ark"]
    assert (spec.argv[1:], spec.cwd) == (("-name", "Ark 1"), tmp_path / "ark")
    assert home.fleet.server("my-ark").spec == spec
    assert "my-ark" in await home.complete(home.people.owner, "start", "my")
    assert "cwd: – → " in await outcome_of(home, "button:draft")


async def test_it_can_be_started_once_it_is_kept(home: World, tmp_path: Path) -> None:
    await press(home, await drafted(home, typed(place(tmp_path / "ark"))), "Keep it")
    result = await home.slash(home.people.owner, "start", server="my-ark")
    assert "is up" in said(result)
    assert home.house.launcher.spawned[0].cwd == tmp_path / "ark"


async def test_what_is_dropped_leaves_nothing(home: World, tmp_path: Path) -> None:
    draft = await drafted(home, typed(place(tmp_path / "ark")))
    assert said(await press(home, draft, "Drop it")) == "Nothing was kept."
    assert set(await stored(home)) == {"alpha", "beta"}


async def test_what_the_games_own_files_say_is_shown_without_the_password(home: World, tmp_path: Path) -> None:
    folder = place(tmp_path / "mc")
    (folder / "server.properties").write_text(f"enable-rcon=true\nrcon.port=25599\nrcon.password={CANARY}\n")
    draft = await drafted(home, typed(folder))
    text = shown(draft)
    assert "generic (minecraft)" in text
    assert "Admin port 25599, with its password" in text
    assert "I know this game by its files alone" in text
    assert CANARY not in text
    await press(home, draft, "Keep it")
    # It is read again at each start, and kept nowhere.
    assert (await stored(home))["my-ark"].admin is None
    assert await home.db.fetch_all("SELECT * FROM server_secrets") == []


async def test_a_games_own_file_that_is_wrong_is_named_and_stops_nothing(home: World, tmp_path: Path) -> None:
    folder = place(tmp_path / "mc")
    (folder / "server.properties").write_text(f"enable-rcon={CANARY}\n")
    draft = await drafted(home, typed(folder))
    assert "cannot be understood" in shown(draft)
    assert CANARY not in shown(draft)
    await press(home, draft, "Keep it")
    assert "my-ark" in await stored(home)


async def test_fault_64_a_password_among_the_arguments_is_in_no_answer_and_no_audit(
    home: World, tmp_path: Path
) -> None:
    form = typed(place(tmp_path / "ark"), arguments_maybe_secret=f"-adminpassword {CANARY}")
    draft = await drafted(home, form)
    preview = shown(draft)
    assert "-adminpassword ***" in preview
    kept = await press(home, draft, "Keep it")
    sheet = await home.slash(home.people.owner, "server show", server="my-ark")
    assert CANARY not in "".join([preview, said(kept), shown(sheet)])
    assert CANARY not in repr(await home.audit.page(limit=50))
    assert (await stored(home))["my-ark"].argv[-1] == CANARY


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no_program": ({"program": "./none.sh"}, "does not exist"),
    "no_folder": ({"folder": "/no/such/folder"}, "does not exist"),
    "relative": ({"folder": "games/ark"}, "does not say where it begins"),
    "no_place": ({"folder": "", "program": "java"}, "is missing"),
    "unc": ({"folder": r"\\host\share"}, "on another machine"),
    "parent": ({"program": "../x"}, "has `..` in it"),
    "stream": ({"program": "./a:b"}, "colon"),
    "device": ({"folder": "/srv/CON"}, "keeps for a device"),
    "quotation": ({"arguments_maybe_secret": '"open'}, "quotation mark"),
}


@pytest.mark.parametrize(
    ("changed", "told"),
    [pytest.param(*case, id=f"fault-15-{name}", marks=pytest.mark.fault(15)) for name, case in WRONG.items()],
)
async def test_what_cannot_be_is_refused_with_the_reason(
    home: World, tmp_path: Path, changed: dict[str, Any], told: str
) -> None:
    result = await drafted(home, typed(place(tmp_path / "ark"), **changed))
    assert said(result).startswith("⚠️ ")
    assert told in said(result)
    assert result.ephemeral
    assert set(await stored(home)) == {"alpha", "beta"}


async def test_fault_58_a_place_outside_the_allowed_folders_is_refused(tmp_path: Path) -> None:
    inside, outside = place(tmp_path / "games" / "ark"), place(tmp_path / "other")
    async with world(tmp_path, roots=(tmp_path / "games",)) as home:
        refused = await drafted(home, typed(outside))
        assert "leads to outside the allowed folders" in said(refused)
        assert "GAMEKEEPER_ALLOWED_ROOTS" in said(refused)
        (tmp_path / "games" / "way-out").symlink_to(outside)
        refused = await drafted(home, typed(tmp_path / "games" / "way-out"))
        assert "leads to outside the allowed folders" in said(refused)
        assert "Nothing is kept yet" in shown(await drafted(home, typed(inside)))


async def test_a_test_start_is_watched_and_can_be_left_running(home: World, tmp_path: Path) -> None:
    tried = await press(home, await drafted(home, typed(place(tmp_path / "ark"))), "Keep it and test a start")
    assert "is kept" in said(tried)
    assert "is up. Players can join." in said(tried)
    assert said(await press(home, tried, "Leave it running")) == "**My Ark** stays as it is. See `/status`."
    assert home.fleet.server("my-ark").state is State.RUNNING


async def test_a_test_start_can_be_ended_again(home: World, tmp_path: Path) -> None:
    tried = await press(home, await drafted(home, typed(place(tmp_path / "ark"))), "Keep it and test a start")
    assert "is down" in said(await press(home, tried, "Stop it again"))
    assert home.fleet.server("my-ark").state is State.STOPPED


async def test_fault_15_a_test_start_that_fails_says_why_and_can_be_undone(home: World, tmp_path: Path) -> None:
    home.house.launcher.refuse_with = LaunchFault.NOT_EXECUTABLE
    tried = await press(home, await drafted(home, typed(place(tmp_path / "ark"))), "Keep it and test a start")
    assert "is kept" in said(tried)
    assert "is not a program that may be run" in said(tried)
    gone = await press(home, tried, "Remove it again")
    assert "is removed; its history stays" in said(gone)
    assert "my-ark" not in await stored(home)
    assert "cwd: " in await outcome_of(home, "button:trial")


async def test_a_test_start_that_takes_long_can_be_ended(home: World, tmp_path: Path) -> None:
    home.house.slow = True
    draft = await drafted(home, typed(place(tmp_path / "ark")))
    trying = asyncio.create_task(press(home, draft, "Keep it and test a start"))
    await until(lambda: any(isinstance(event, ServerStarted) for event in home.house.heard))
    await home.clock.advance(121)
    tried = await trying
    assert home.fleet.server("my-ark").state is State.STARTING
    assert "is down" in said(await press(home, tried, "Stop it again"))


async def test_a_test_start_that_crashes_says_so(home: World, tmp_path: Path) -> None:
    home.house.launcher.on_spawn = lambda process: process.exit(3)
    tried = await press(home, await drafted(home, typed(place(tmp_path / "ark"))), "Keep it and test a start")
    assert "ended before it was ready: exit 3" in said(tried)
    assert said(await press(home, tried, "Leave it as it is")).startswith("**My Ark** stays as it is")


async def test_an_id_taken_meanwhile_is_refused(home: World, tmp_path: Path) -> None:
    first = await drafted(home, typed(place(tmp_path / "ark")))
    second = await drafted(home, typed(tmp_path / "ark"))
    await press(home, first, "Keep it")
    assert "There is a server `my-ark` already" in said(await press(home, second, "Keep it"))
    third = await drafted(home, typed(tmp_path / "ark"))
    assert "`my-ark-2`" in shown(third)


async def test_a_disk_that_is_full_keeps_nothing(
    home: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = await drafted(home, typed(place(tmp_path / "ark")))

    async def full(*_: object) -> None:
        raise StorageError(StorageFault.FULL, "/data")

    monkeypatch.setattr("storage.servers.Servers.save", full)
    assert "The disk is full" in said(await press(home, draft, "Keep it"))
    assert "my-ark" not in [server.id for server in home.fleet.servers()]


async def again(home: World, draft: simcord.InteractionResult, who: simcord.MemberActor, what: str) -> str:
    """Press the same button once more, on a message that still has it."""
    [buttons] = reply(draft).components
    key = buttons["components"][0]["custom_id"].split(":")[2]
    channel = home.client.get_partial_messageable(home.channel.id)
    message = await channel.send(view=row(button(Address("draft", (key, what)), "Again")))
    return said(await who.click(message, label="Again"))


async def test_fault_46_a_draft_is_for_whoever_typed_it_once_and_not_for_ever(home: World, tmp_path: Path) -> None:
    owner, admin = home.people.owner, home.people.admin
    draft = await drafted(home, typed(place(tmp_path / "ark")))
    assert "is for whoever gave the command" in await again(home, draft, admin, "save")
    assert "I have offered nothing like that" in await again(home, draft, owner, "keep")
    [late] = [await drafted(home, typed(tmp_path / "ark"))]
    assert "is kept" in await again(home, draft, owner, "save")
    assert "has expired" in await again(home, draft, owner, "save")
    await home.clock.advance(901)
    assert "has expired" in await again(home, late, owner, "save")
    assert set(await stored(home)) == {"alpha", "beta", "my-ark"}


async def test_fault_46_only_an_owner_decides_on_a_trial(home: World) -> None:
    channel = home.client.get_partial_messageable(home.channel.id)
    for parts, who, told in (
        (("alpha", "remove"), home.people.admin, "`DISCORD_OWNER_IDS`"),
        (("alpha", "explode"), home.people.owner, "I have offered nothing like that"),
        (("gamma", "stop"), home.people.owner, "There is no server “gamma”"),
    ):
        message = await channel.send(view=row(button(Address("trial", parts), "Go")))
        assert told in said(await who.click(message, label="Go"))
    assert set(await stored(home)) == {"alpha", "beta"}


async def test_the_form_says_what_to_type_in_korean_too(home: World) -> None:
    opened = await home.slash(home.people.owner, "server add", locale="ko")
    assert opened.modal is not None
    assert opened.modal["title"] == "서버 추가"
    assert set(fields(opened)) == {"name", "game", "program", "arguments_maybe_secret", "folder"}


async def test_fault_46_only_an_owner_adds(home: World) -> None:
    result = await home.slash(home.people.admin, "server add")
    assert "`DISCORD_OWNER_IDS`" in said(result)
    assert result.modal is None
