"""Buttons and menus: after a restart, forged, by somebody else, twice, and too often."""

from __future__ import annotations

from typing import Any

import discord
import pytest
import simcord
from hypothesis import given, settings
from hypothesis import strategies as st
from simcord.actors import _component_interaction
from structlog.testing import capture_logs

from cogs.components import ID_AT_MOST, Address, Verb, button, menu, parse
from cogs.ratelimit import PERSON
from storage.audit import AuditRecord
from storage.grants import Action
from tests.cogs.knocks import KNOCK, Knock, choice, hang, posted
from tests.cogs.world import World


async def last(home: World) -> AuditRecord:
    [record] = await home.audit.page(limit=1)
    return record


async def press(
    home: World, who: simcord.MemberActor, message: discord.Message, custom_id: str
) -> simcord.InteractionResult:
    """Send what Discord's client would send for a button of that id, whether it is there or not."""
    stored = home.env.backend.get_message(message.channel.id, message.id)
    with home.carrying(locale="en-US"):
        return await _component_interaction(who, stored, {"custom_id": custom_id, "component_type": 2})


@pytest.mark.parametrize(
    ("custom_id", "address"),
    [
        ("gk:stop:alpha", Address("stop", ("alpha",))),
        ("gk:list", Address("list")),
        ("gk:page:aB-_3.x:12", Address("page", ("aB-_3.x", "12"))),
        ("gk:stop:", None),
        ("gk:", None),
        ("gk", None),
        ("", None),
        ("GK:stop:alpha", None),
        ("gk:Stop:alpha", None),
        ("gk:st op:alpha", None),
        ("gk:stop:al pha", None),
        ("gk:stop:alpha\n", None),
        ("gk:stop:älpha", None),
        ("gk:stop:" + "a" * 65, None),
        ("gk:stop" + ":abcdefgh" * 11, None),
        ("theirs:stop:alpha", None),
    ],
    ids=repr,
)
def test_fault_46_an_id_is_read_to_the_letter(custom_id: str, address: Address | None) -> None:
    assert parse(custom_id) == address


@settings(max_examples=500)
@given(st.text(max_size=120) | st.from_regex(r"gk(:[a-zA-Z0-9_.-]{0,70}){0,3}", fullmatch=True))
def test_fault_46_what_is_read_is_what_was_written(custom_id: str) -> None:
    address = parse(custom_id)
    if address is not None:
        assert str(address) == custom_id
        assert len(custom_id) <= ID_AT_MOST


@pytest.mark.parametrize(
    "address", [Address("stop", ("not an id",)), Address("Stop"), Address("stop", ("a" * 60, "b" * 60))], ids=str
)
def test_an_id_that_would_not_be_read_again_is_not_given_out(address: Address) -> None:
    with pytest.raises(ValueError, match="gk:"):
        button(address, "Stop")
    with pytest.raises(ValueError, match="gk:"):
        menu(address, [discord.SelectOption(label="a")])


async def test_a_press_does_what_the_id_says_and_is_written_down(home: World) -> None:
    message = await posted(home)
    result = await home.people.admin.click(message, label="Knock")
    assert result.response is not None
    assert result.response.content == "Knocked on alpha."
    record = await last(home)
    assert (record.entry.entry, record.entry.action, record.entry.server_id) == ("button:knock", "control", "alpha")
    assert record.outcome is not None
    assert record.outcome.result == "done"


async def test_what_was_chosen_in_a_menu_arrives(home: World) -> None:
    message = await posted(home, choice())
    await home.people.admin.select(message, ["back"])
    assert Knock.knocked == [("alpha", "back")]


async def test_a_button_of_an_earlier_life_of_the_bot_works(home: World) -> None:
    hang(home)
    # Posted by other means than a view: nothing in this process remembers it.
    route = discord.http.Route("POST", "/channels/{channel_id}/messages", channel_id=home.channel.id)
    component = {"type": 2, "style": 2, "label": "Knock", "custom_id": str(KNOCK)}
    body = {"components": [{"type": 1, "components": [component]}]}
    sent = await home.client.http.request(route, json=body)
    stored = home.env.backend.get_message(home.channel.id, int(sent["id"]))
    await _component_interaction(home.people.admin, stored, {"custom_id": str(KNOCK), "component_type": 2})
    assert Knock.knocked == [("alpha",)]


async def test_fault_46_who_may_not_is_told_so_and_nothing_happens(home: World) -> None:
    message = await posted(home)
    result = await press(home, home.people.viewer, message, str(KNOCK))
    assert result.response is not None
    assert result.response.ephemeral
    assert "permission `control`" in result.response.content
    assert Knock.knocked == []
    assert (await last(home)).entry.decision == "denied:no_grant"


async def test_fault_46_a_role_that_was_taken_away_counts_at_the_press(home: World) -> None:
    message = await posted(home)
    home.env.backend.remove_member_role(home.guild.id, home.people.admin.id, home.places.role.id)
    await press(home, home.people.admin, message, str(KNOCK))
    assert Knock.knocked == []


@pytest.mark.parametrize(
    "custom_id",
    [
        "gk:knock",
        "gk:knock:alpha:\x00",
        "gk:nothing:alpha",
        "gk:confirm:x",
        "gk:page:x:-1",
        "made:up",
        "gk:knock:beta",
    ],
)
async def test_fault_46_an_id_that_was_made_up_is_refused_and_written_down(home: World, custom_id: str) -> None:
    """It is on no message: even one that would be read right is not obeyed."""
    message = await posted(home)
    result = await press(home, home.people.owner, message, custom_id)
    assert result.response is not None
    assert result.response.ephemeral
    assert "I have offered nothing like that" in result.response.content
    assert Knock.knocked == []
    record = await last(home)
    assert record.entry.decision == "denied:forged"
    assert record.entry.arguments["id"] == custom_id


async def test_fault_46_ids_on_a_message_of_ours_are_read_as_strictly(home: World) -> None:
    for custom_id in ("gk:knock", "gk:nothing:alpha", "gk:knock:"):
        component = discord.ui.Button[discord.ui.View](label="Knock", custom_id=custom_id)
        view = discord.ui.View(timeout=None)
        view.add_item(component)
        message = await home.client.get_partial_messageable(home.channel.id).send(view=view)
        view.stop()
        await press(home, home.people.owner, message, custom_id)
        assert (await last(home)).entry.decision == "denied:forged"
    assert Knock.knocked == []


async def test_a_server_that_is_gone_is_told(home: World) -> None:
    message = await posted(home, button(Address("knock", ("gone",)), "Knock"))
    result = await press(home, home.people.admin, message, "gk:knock:gone")
    assert result.response is not None
    assert "There is no server" in result.response.content
    assert (await last(home)).outcome is not None


async def test_fault_43_the_same_press_twice_acts_once(home: World) -> None:
    message, emit = await posted(home), home.env.backend.emit

    def emit_twice(event: str, payload: Any) -> None:
        emit(event, payload)
        if event == "INTERACTION_CREATE":
            emit(event, payload)

    setattr(home.env.backend, "emit", emit_twice)  # noqa: B010 - a method, to mypy
    await home.people.admin.click(message, label="Knock")
    assert Knock.knocked == [("alpha",)]
    assert len(await home.audit.page()) == 1


async def test_fault_48_presses_are_counted_with_the_commands(home: World) -> None:
    message = await posted(home)
    for _ in range(PERSON.burst + 3):
        await press(home, home.people.admin, message, str(KNOCK))
    result = await press(home, home.people.admin, message, str(KNOCK))
    assert result.response is not None
    assert "too much at once" in result.response.content
    assert len(Knock.knocked) == PERSON.burst


class Careless(Verb):
    """Forgets the gate."""

    name = "careless"

    async def press(self, interaction: discord.Interaction, parts: tuple[str, ...]) -> None:
        """Do nothing, and ask nobody."""


class Broken(Verb):
    name = "broken"

    async def press(self, interaction: discord.Interaction, parts: tuple[str, ...]) -> None:
        raise ZeroDivisionError("hunter2")


async def test_a_button_that_asks_nobody_is_reported(home: World) -> None:
    home.client.router.verbs["careless"] = Careless()
    message = await posted(home, button(Address("careless"), "Press"))
    with capture_logs() as logs:
        await press(home, home.people.admin, message, "gk:careless")
    assert {"event": "entry_without_gate", "entry": "button:careless", "log_level": "error"} in logs


async def test_fault_64_what_nobody_foresaw_is_logged_and_not_shown(home: World) -> None:
    home.client.router.verbs["broken"] = Broken()
    message = await posted(home, button(Address("broken"), "Press"))
    with capture_logs() as logs:
        result = await press(home, home.people.admin, message, "gk:broken")
    assert result.response is not None
    assert "should not have" in result.response.content
    assert "hunter2" not in result.response.content
    assert [entry["event"] for entry in logs] == ["command_failed"]


async def test_a_grant_is_enough_for_a_button(home: World) -> None:
    await home.grant(Action.CONTROL, "alpha", user_id=home.people.stranger.id)
    message = await posted(home)
    await press(home, home.people.stranger, message, str(KNOCK))
    assert Knock.knocked == [("alpha",)]
