"""Every entry for everybody, generated: each cell gives a command, presses a button or asks for a completion."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import AsyncIterator
from itertools import chain, product

import discord
import pytest
import pytest_asyncio
import simcord
from discord import app_commands

import cogs
from cogs.access import Denial, House
from cogs.components import Address, ServerVerb, button, row
from cogs.forms import Form
from monitor.model import State
from storage.grants import Action
from tests.cogs.knocks import Knock, hang
from tests.cogs.matrix import COMMANDS, FORMS, OWN_VERBS, SITUATIONS, TOLD, VERBS, Command, Situation, expected
from tests.cogs.registry import commands_of, completed, leaf
from tests.cogs.world import GUILD_ID, World, world
from tests.fakes.house import ANNA

pytestmark = pytest.mark.asyncio(loop_scope="module")

COMPLETED = {
    "owner", "role_this_server", "all_but_this", "another_server", "no_grant", "direct_message", "foreign_guild",
    "user_install",
}  # fmt: skip
"""The columns in which what is typed is completed: which action a grant is for is judged in one place."""

CELLS = [
    pytest.param(name, command, situation, id=f"{name.replace(' ', '_')}-{column}")
    for (name, command), (column, situation) in product(COMMANDS.items(), SITUATIONS.items())
]
COMPLETIONS = [
    cell for cell in CELLS if str(cell.id).split("-")[-1] in COMPLETED and COMMANDS[str(cell.values[0])].completes
]
PRESSES = [
    pytest.param(verb, action, situation, id=f"button_{verb}-{column}")
    for (verb, action), (column, situation) in product(
        {**VERBS, Knock.name: Knock.action}.items(), SITUATIONS.items()
    )
]
"""Among the buttons is one that is the tests' own."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One world for all cells; `prepared` makes it as good as new."""
    async with world(tmp_path_factory.mktemp("matrix"), granted=False) as made:
        hang(made)
        yield made


async def prepared(home: World, situation: Situation, action: Action) -> None:
    """Nothing is granted but what the situation says, alpha is down, and nobody has asked for anything lately."""
    home.access._house = House(frozenset({home.people.owner.id}), frozenset(situation.guild_ids))
    for grant in await home.access.grants(GUILD_ID):
        await home.access.revoke(grant)
    for held, server_id in situation.grants(action):
        await home.grant(held, server_id, user_id=home.people.admin.id if situation.to_user else None)
    if home.fleet.server("alpha").state is not State.STOPPED:
        await home.fleet.stop("alpha", ANNA, force=True)
    home.gate.limits._buckets.clear()
    for form in list(home.client._connection._view_store._modals.values()):
        form.stop()
    home.house.launcher.spawned.clear()
    home.house.game("alpha").asked.clear()


def assert_answered(reply: simcord.ResponseMessage | None, denial: Denial | None, command: Command) -> None:
    assert reply is not None
    if denial is None:
        assert command.done(reply), reply.content
        assert reply.ephemeral is command.private
    else:
        assert TOLD[denial].format(action=command.action) in reply.content
        assert reply.ephemeral


@pytest.mark.parametrize(("name", "command", "situation"), CELLS)
async def test_fault_45_46_47_every_command_for_everybody(
    shared: World, name: str, command: Command, situation: Situation
) -> None:
    denial = expected(command.action, situation, everywhere=command.everywhere, anywhere=command.anywhere)
    await prepared(shared, situation, command.action or Action.ADMIN)
    who, where, changes = situation.who(shared), situation.where(shared), situation.changes(shared)
    result = await shared.forge(who, where, name, command.options, locale="en-US", **changes)
    if command.form and denial is None:
        assert result.modal is not None
    else:
        assert_answered(result.response, denial, command)
    [record] = await shared.audit.page(limit=1)
    assert record.entry.entry == f"/{name}"
    if denial is None:
        assert (record.entry.decision, record.outcome is not None) == ("allowed", True)
        assert record.entry.allowed_by is not None
        assert (record.entry.allowed_by == "owner") is situation.owner
    else:
        assert (record.entry.decision, record.outcome) == (f"denied:{denial.value}", None)
        assert shared.house.launcher.spawned == []
        assert shared.house.game("alpha").asked == []


@pytest.mark.parametrize(("name", "command", "situation"), COMPLETIONS)
async def test_fault_45_46_47_every_completion_for_everybody(
    shared: World, name: str, command: Command, situation: Situation
) -> None:
    denial = expected(command.action, situation)
    await prepared(shared, situation, command.action or Action.ADMIN)
    who, where, changes = situation.who(shared), situation.where(shared), situation.changes(shared)
    for option in completed(leaf(shared, name)):
        result = await shared.forge(who, where, name, {option: ""}, focused=option, **changes)
        assert result.autocomplete_choices is not None
        offered = [choice["value"] for choice in result.autocomplete_choices]
        if option == "server":
            assert ("alpha" in offered) is (denial is None)
        if denial in (Denial.NOT_IN_GUILD, Denial.FOREIGN_GUILD) or not situation.grants(Action.VIEW):
            assert situation.owner or offered == []


@pytest.mark.parametrize(("verb", "action", "situation"), PRESSES)
async def test_fault_45_46_47_every_button_for_everybody(
    shared: World, verb: str, action: Action | None, situation: Situation
) -> None:
    denial = expected(action, situation)
    await prepared(shared, situation, action or Action.ADMIN)
    channel = shared.client.get_partial_messageable(situation.where(shared).id)
    message = await channel.send(view=row(button(Address(verb, ("alpha",)), "Press")))
    with shared.carrying(locale="en-US", **situation.changes(shared)):
        result = await situation.who(shared).click(message, label="Press")
    [record] = await shared.audit.page(limit=1)
    assert record.entry.entry == f"button:{verb}"
    assert record.entry.decision == ("allowed" if denial is None else f"denied:{denial.value}")
    if denial is not None:
        assert result.response is not None
        assert TOLD[denial].format(action=action) in result.response.content
        assert shared.house.launcher.spawned == []


async def test_every_command_has_a_row(shared: World) -> None:
    assert {command.qualified_name for command in commands_of(shared)} == set(COMMANDS)
    completing = {command.qualified_name for command in commands_of(shared) if completed(command)}
    assert completing == {name for name, row in COMMANDS.items() if row.completes}
    assert not shared.client.tree.get_commands(type=discord.AppCommandType.user)
    assert not shared.client.tree.get_commands(type=discord.AppCommandType.message)


async def test_every_kind_of_button_has_a_row(shared: World) -> None:
    verbs = {name: verb for name, verb in shared.client.router.verbs.items() if name != Knock.name}
    about_servers = {name: verb for name, verb in verbs.items() if isinstance(verb, ServerVerb)}
    assert {name: verb.action for name, verb in about_servers.items()} == VERBS
    assert set(verbs) - set(about_servers) == OWN_VERBS


def below(kind: type) -> set[type]:
    children: list[type] = kind.__subclasses__()
    return set(chain([kind], *(below(child) for child in children)))


async def test_every_form_has_a_row_and_nothing_goes_round_the_gate() -> None:
    for module in pkgutil.walk_packages(cogs.__path__, "cogs."):
        importlib.import_module(module.name)
    modals = {kind for kind in below(discord.ui.Modal) if kind.__module__.startswith("cogs.")}
    forms = {kind for kind in below(Form) if kind is not Form and kind.__module__.startswith("cogs.")}
    assert modals - {Form} == forms
    assert {kind.name: kind.action for kind in forms if issubclass(kind, Form)} == FORMS
    views = {kind for kind in below(discord.ui.View) if kind.__module__.startswith("cogs.")}
    assert views == set()


async def test_no_command_asks_for_permissions_of_discords(shared: World) -> None:
    for command in shared.client.tree.get_commands():
        assert isinstance(command, app_commands.Command | app_commands.Group)
        assert command.default_permissions is None
        assert command.guild_only
