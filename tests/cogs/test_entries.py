"""What an interaction is read as, whatever Discord, or somebody in its place, has sent."""

from __future__ import annotations

import copy
import json
import random
from collections import Counter
from typing import Any

import discord
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cogs.access import Denial, House, person
from cogs.components import parse
from cogs.entries import ARGUMENT_AT_MOST, ARGUMENTS_AT_MOST, arguments_of, entry_of
from monitor.redaction import Redaction
from storage.grants import Action, Grant, PrincipalKind

KIND = discord.InteractionType
SECRET = "canary-of-a-field"
GUILD, USER, ROLE, OWNER = 10, 50, 30, 60

GRANT = {
    "name": "access",
    "options": [
        {
            "name": "grant",
            "type": 1,
            "options": [
                {"name": "who", "type": 9, "value": "50"},
                {"name": "action", "type": 3, "value": "view"},
                {"name": "password", "type": 3, "value": SECRET},
            ],
        }
    ],
}
PRESS = {"custom_id": "gk:restart:alpha", "component_type": 2, "values": ["a", "b"]}
FORM = {
    "custom_id": "gk:server_add:0011",
    "components": [
        {"type": 1, "components": [{"type": 4, "custom_id": "name", "value": "Alpha"}]},
        {"type": 18, "component": {"type": 4, "custom_id": "admin_password", "value": SECRET}},
        {"type": 18, "component": {"type": 3, "custom_id": "game", "values": ["minecraft"]}},
    ],
}


@pytest.mark.parametrize(
    ("kind", "data", "entry", "arguments"),
    [
        pytest.param(
            KIND.application_command,
            GRANT,
            "/access grant",
            {"who": "50", "action": "view", "password": "***"},
            id="subcommand",
        ),
        pytest.param(KIND.application_command, {"name": "status"}, "/status", {}, id="bare"),
        pytest.param(
            KIND.autocomplete,
            {"name": "stop", "options": [{"name": "in", "type": 4, "value": 5, "focused": True}]},
            "/stop",
            {"in": 5},
            id="completion",
        ),
        pytest.param(
            KIND.component, PRESS, "button:restart", {"id": "gk:restart:alpha", "values": "a, b"}, id="button"
        ),
        pytest.param(KIND.component, {"custom_id": "theirs"}, "button:?", {"id": "theirs"}, id="not-ours"),
        pytest.param(
            KIND.modal_submit,
            FORM,
            "form:server_add",
            {"name": "Alpha", "admin_password": "***", "game": "minecraft"},
            id="form",
        ),
        pytest.param(KIND.ping, None, "?", {}, id="nothing"),
        pytest.param(KIND.application_command, "text", "?", {}, id="no-data"),
    ],
)  # fmt: skip
def test_fault_64_what_an_interaction_is(kind: KIND, data: object, entry: str, arguments: dict[str, Any]) -> None:
    assert entry_of(kind, data) == entry
    assert arguments_of(kind, data) == arguments


def test_a_long_argument_is_cut() -> None:
    data = {"name": "rcon", "options": [{"name": "command", "type": 3, "value": "x" * 2000}]}
    assert arguments_of(KIND.application_command, data) == {"command": "x" * ARGUMENT_AT_MOST + "…"}


def test_fault_64_a_secret_is_taken_out_before_the_cut() -> None:
    secret = "hunter2-hunter2"
    data = {
        "name": "rcon",
        "options": [{"name": "command", "type": 3, "value": "x" * (ARGUMENT_AT_MOST - 5) + secret}],
    }
    arguments = arguments_of(KIND.application_command, data, Redaction([secret]).text)
    assert arguments == {"command": "x" * (ARGUMENT_AT_MOST - 5) + "***"}


JUNK: tuple[Any, ...] = (
    None, True, -1, 2**70, 1.5, "", "gk:", "gk:stop", "gk:stop:alpha:\n", "gk:Stop:alpha", "x" * 300, "\ud800",
    "../..", [], {}, [[]], [None], {"name": None}, {"options": 7}, {"components": "x"},
)  # fmt: skip


def mutate(dice: random.Random, value: Any, depth: int = 0) -> Any:
    """Change something somewhere: replace, drop, repeat, or wrap."""
    if depth > 4 or not isinstance(value, dict | list) or not value or dice.random() < 0.25:
        return copy.deepcopy(dice.choice(JUNK))
    if isinstance(value, list):
        index = dice.randrange(len(value))
        kept = list(value)
        match dice.randrange(4):
            case 0:
                del kept[index]
            case 1:
                kept.append(value[index])
            case 2:
                kept[index] = [value[index]]
            case _:
                kept[index] = mutate(dice, value[index], depth + 1)
        return kept
    key = dice.choice(list(value))
    if dice.random() < 0.2:
        return {name: item for name, item in value.items() if name != key}
    return value | {key: mutate(dice, value[key], depth + 1)}


@settings(max_examples=500)
@given(st.integers(0, 2**64 - 1))
def test_fault_46_64_ten_thousand_mutated_payloads_are_read_without_fear(seed: int) -> None:
    for n in range(20):
        assert_read(random.Random(seed + n))


def assert_read(dice: random.Random) -> None:
    kind, data = dice.choice([(KIND.application_command, GRANT), (KIND.component, PRESS), (KIND.modal_submit, FORM)])
    mutated: Any = data
    for _ in range(dice.randint(1, 4)):
        mutated = mutate(dice, mutated)
    entry, arguments = entry_of(kind, mutated), arguments_of(kind, mutated)
    assert len(entry) < 120
    assert len(arguments) <= ARGUMENTS_AT_MOST
    assert all(len(text) <= ARGUMENT_AT_MOST + 1 for text in arguments.values() if isinstance(text, str))
    json.dumps(arguments)
    assert not any("password" in name for name, value in arguments.items() if SECRET in str(value))
    custom_id = mutated.get("custom_id") if isinstance(mutated, dict) else None
    address = parse(custom_id) if isinstance(custom_id, str) else None
    assert address is None or str(address) == custom_id


@pytest.fixture(scope="module")
def client() -> discord.Client:
    """One that knows the guild and its roles, as after its READY."""
    made = discord.Client(intents=discord.Intents(guilds=True))
    state: Any = made._connection
    state.user = discord.ClientUser(state=state, data=person_sent(2))
    roles = [{"id": str(role), "name": "r", "permissions": "0", "position": 0} for role in (GUILD, ROLE, 31, 32)]
    state._add_guild_from_data({"id": str(GUILD), "name": "home", "roles": roles, "members": [], "owner_id": "3"})
    return made


def person_sent(user_id: int) -> Any:
    return {"id": str(user_id), "username": "u", "discriminator": "0", "avatar": None}


def payload(dice: random.Random) -> dict[str, Any]:
    """An interaction as Discord sends them, from anywhere and by anybody."""
    user = person_sent(dice.choice([USER, OWNER, ROLE]))
    sent: dict[str, Any] = {"id": "1", "application_id": "2", "type": 2, "token": "t", "version": 1, "data": {}}
    guild = str(dice.choice([GUILD, GUILD, 11]))
    owners = dice.choice([{}, {"0": guild}, {"0": guild}, {"1": str(USER)}, {"0": guild, "1": str(USER)}, {"0": "0"}])
    sent |= {"authorizing_integration_owners": owners, "entitlements": [], "context": dice.choice([0, 1, 2])}
    sent |= {"attachment_size_limit": 0, "locale": "en-US"}
    if dice.random() < 0.7:
        sent["guild_id"] = guild
        roles = dice.sample([str(ROLE), "31", "32"], dice.randint(0, 3))
        sent["member"] = {"user": user, "roles": roles, "joined_at": None, "deaf": False, "mute": False, "flags": 0}
    if "member" not in sent or dice.random() < 0.1:
        sent["user"] = user
    return sent


seen: Counter[Denial | None] = Counter()


@settings(max_examples=500)
@given(seed=st.integers(0, 2**64 - 1))
def test_fault_46_47_ten_thousand_people_from_everywhere(client: discord.Client, seed: int) -> None:
    for n in range(20):
        assert_judged(client, random.Random(seed + n))


def assert_judged(client: discord.Client, dice: random.Random) -> None:
    sent = payload(dice)
    who = person(discord.Interaction(data=sent, state=client._connection))  # type: ignore[arg-type]
    role = Grant(GUILD, PrincipalKind.ROLE, ROLE, Action.CONTROL, "alpha")
    house = House(frozenset({OWNER}), frozenset(dice.choice([(), (GUILD,)])))
    denial = house.decide(who, dice.choice([Action.CONTROL, Action.ADMIN, None]), "alpha", [role]).denial
    owners = sent["authorizing_integration_owners"]
    as_guilds_app = sent.get("guild_id") == owners.get("0") is not None
    seen[denial] += 1
    if denial is None:
        assert as_guilds_app
        assert who.user_id == OWNER or sent["guild_id"] == str(GUILD)
        assert who.user_id == OWNER or str(ROLE) in sent["member"]["roles"]
    if not as_guilds_app:
        assert denial is Denial.NOT_IN_GUILD


def test_among_them_were_all_kinds() -> None:
    assert not seen or {None, Denial.NOT_IN_GUILD, Denial.FOREIGN_GUILD, Denial.NO_GRANT, Denial.NOT_OWNER} == set(
        seen
    )
