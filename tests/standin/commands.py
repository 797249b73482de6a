"""The application commands a bot has synced, and how a typed command line becomes an interaction's options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.standin.message import Attachment
from tests.standin.places import Channel, Member, Role, User
from tests.standin.record import Json

CHAT_INPUT = 1
SUB_COMMAND, SUB_COMMAND_GROUP = 1, 2


class Commands:
    """The commands by guild; None: everywhere."""

    def __init__(self, application_id: int, snowflake: Callable[[], int]) -> None:
        self._application_id = application_id
        self._snowflake = snowflake
        self._by_guild: dict[int | None, list[Json]] = {}

    def of(self, guild_id: int | None) -> list[Json]:
        return self._by_guild.get(guild_id, [])

    def overwrite(self, guild_id: int | None, commands: list[Json]) -> list[Json]:
        """Take these commands for all there are; one of the same name keeps its id."""
        known = {(c["type"], c["name"]): c["id"] for c in self.of(guild_id)}
        self._by_guild[guild_id] = [self._stored(guild_id, command, known) for command in commands]
        return self._by_guild[guild_id]

    def add(self, guild_id: int | None, command: Json) -> Json:
        name = (command.get("type", CHAT_INPUT), command["name"])
        others = [c for c in self.of(guild_id) if (c["type"], c["name"]) != name]
        *_, stored = self.overwrite(guild_id, [*others, command])
        return stored

    def remove(self, guild_id: int | None, command_id: str) -> None:
        self._by_guild[guild_id] = [c for c in self.of(guild_id) if c["id"] != command_id]

    def find(self, guild_id: int | None, name: str) -> Json:
        """The slash command that somebody in this guild would reach.

        Raises:
            LookupError: none was synced for it.
        """
        reachable = [*(self.of(guild_id) if guild_id else []), *self.of(None)]
        for command in reachable:
            if command["name"] == name and command["type"] == CHAT_INPUT:
                return command
        raise LookupError(f"/{name} was never synced", [c["name"] for c in reachable])

    def _stored(self, guild_id: int | None, command: Json, known: Mapping[tuple[int, str], str]) -> Json:
        kind = command.get("type", CHAT_INPUT)
        stored = {
            "description": "",
            "options": [],
            "default_member_permissions": None,
            "nsfw": False,
            **command,
            "id": known.get((kind, command["name"])) or str(self._snowflake()),
            "type": kind,
            "application_id": str(self._application_id),
            "version": str(self._snowflake()),
        }
        return stored | ({"guild_id": str(guild_id)} if guild_id else {})


@dataclass(slots=True)
class Typed:
    """The options of a command as somebody typed them, in the shape an interaction carries."""

    options: list[Json]
    resolved: dict[str, Json] = field(default_factory=dict)


def typed(command: Json, path: list[str], values: Mapping[str, Any], focused: str | None = None) -> Typed:
    """Match values with the options of a command, or of the subcommand at `path` in it.

    Raises:
        LookupError: no such subcommand or option, or a required option is missing (unless one is still focused).
    """
    chain: list[Json] = []
    leaf = command
    for step in path:
        leaf = _named(leaf, step)
        chain.append(leaf)
    resolved: dict[str, Json] = {}
    options = [_option(_named(leaf, name), value, resolved) for name, value in values.items()]
    for option in options:
        if option["name"] == focused:
            option["focused"] = True
    missing = [o["name"] for o in leaf.get("options", ()) if o.get("required") and o["name"] not in values]
    if missing and focused is None:
        raise LookupError(f"/{command['name']} needs {missing}")
    for parent in reversed(chain):
        options = [{"name": parent["name"], "type": parent["type"], "options": options}]
    return Typed(options, resolved)


def _named(parent: Json, name: str) -> Json:
    for option in parent.get("options", ()):
        if option["name"] == name:
            found: Json = option
            return found
    raise LookupError(f"{parent['name']} has no {name}", [o["name"] for o in parent.get("options", ())])


def _option(option: Json, value: Any, resolved: dict[str, Json]) -> Json:
    said = {"name": option["name"], "type": option["type"]}
    if not isinstance(value, Member | User | Role | Channel | Attachment):
        return {**said, "value": value}
    for kind, payload in _resolved(value):
        resolved.setdefault(kind, {})[str(value.id)] = payload
    return {**said, "value": str(value.id)}


def _resolved(value: Member | User | Role | Channel | Attachment) -> list[tuple[str, Json]]:
    match value:
        case Member():
            member = {k: v for k, v in value.payload().items() if k != "user"}
            return [("users", value.user.payload()), ("members", member | {"permissions": str(value.permissions)})]
        case User():
            return [("users", value.payload())]
        case Role():
            return [("roles", value.payload())]
        case Channel():
            return [("channels", value.payload() | {"permissions": "0"})]
        case Attachment():
            return [("attachments", value.payload())]
