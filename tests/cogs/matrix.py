"""Who may do what: one row a command, one column a situation. A command without a row fails a test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import simcord

from cogs.access import Denial
from storage.grants import Action
from tests.cogs.world import GUILD_ID, OTHER_GUILD_ID, Person, World


@dataclass(frozen=True, slots=True)
class Command:
    """One row."""

    action: Action
    options: Mapping[str, Any]
    done: Callable[[simcord.ResponseMessage], bool]
    """Whether a reply is the one of somebody who was let through, with alpha down."""


def _says(text: str) -> Callable[[simcord.ResponseMessage], bool]:
    return lambda reply: text in reply.content


COMMANDS: dict[str, Command] = {
    "status": Command(Action.VIEW, {"server": "alpha"}, lambda reply: "Alpha" in (reply.embeds[0].title or "")),
    "start": Command(Action.CONTROL, {"server": "alpha"}, _says("is up")),
    "stop": Command(Action.CONTROL, {"server": "alpha"}, _says("is down already")),
    "restart": Command(Action.CONTROL, {"server": "alpha"}, _says("is stopped")),
    "cancel": Command(Action.CONTROL, {"server": "alpha"}, _says("nothing to call off")),
    "rcon": Command(Action.CONSOLE, {"server": "alpha", "command": "list"}, _says("is stopped")),
    "chart": Command(Action.VIEW, {"server": "alpha"}, lambda reply: len(reply.attachments) == 1),
}

OTHER_ACTION = {
    Action.VIEW: Action.CONTROL,
    Action.CONTROL: Action.CONSOLE,
    Action.CONSOLE: Action.CONTROL,
}
"""A grant that is near to what is asked for, and does not reach."""


@dataclass(frozen=True, slots=True)
class Situation:
    """One column: what is granted, and where and how the admin, or another, gives the command."""

    denial: Denial | None = None
    """Why it is refused; `None`: it is not."""
    grants: Callable[[Action], list[tuple[Action, str | None]]] = lambda _: []
    to_user: bool = False
    """Granted to the admin by themselves and not to their role."""
    who: Callable[[World], Person] = lambda home: home.people.admin
    where: Callable[[World], simcord.ChannelHandle] = lambda home: home.channel
    changes: Callable[[World], dict[str, Any]] = lambda home: {}
    guild_ids: tuple[int, ...] = field(default=())


def _owner(home: World) -> Person:
    return home.people.owner


SITUATIONS: dict[str, Situation] = {
    "owner": Situation(who=_owner),
    "role_all_servers": Situation(grants=lambda action: [(action, None)]),
    "role_this_server": Situation(grants=lambda action: [(action, "alpha")]),
    "role_admin": Situation(grants=lambda _: [(Action.ADMIN, None)]),
    "user_this_server": Situation(grants=lambda action: [(action, "alpha")], to_user=True),
    "another_server": Situation(Denial.NO_GRANT, lambda action: [(action, "beta"), (Action.ADMIN, "beta")]),
    "wrong_action": Situation(Denial.NO_GRANT, lambda action: [(OTHER_ACTION[action], None)]),
    "no_grant": Situation(Denial.NO_GRANT),
    "somebody_else": Situation(
        Denial.NO_GRANT, lambda action: [(action, None)], who=lambda home: home.people.stranger
    ),
    "direct_message": Situation(
        Denial.NOT_IN_GUILD,
        who=lambda home: home.people.owner.user,
        where=lambda home: home.people.owner.user.dm_channel,
    ),
    "foreign_guild": Situation(
        Denial.FOREIGN_GUILD,
        who=lambda home: home.people.abroad,
        where=lambda home: home.places.abroad,
        guild_ids=(GUILD_ID,),
    ),
    "guild_on_the_list": Situation(
        who=lambda home: home.people.abroad, where=lambda home: home.places.abroad, guild_ids=(OTHER_GUILD_ID,)
    ),
    "user_install": Situation(
        Denial.NOT_IN_GUILD,
        who=_owner,
        changes=lambda home: {"authorizing_integration_owners": {"1": str(home.people.owner.id)}, "context": 0},
    ),
    "both_installs": Situation(
        who=_owner,
        changes=lambda home: {
            "authorizing_integration_owners": {"0": str(home.guild.id), "1": str(home.people.owner.id)}
        },
    ),
}

MISSING: dict[Denial, dict[str, str]] = {
    Denial.NO_GRANT: {"en-US": "it takes the permission `{action}`", "ko": "`{action}`"},
    Denial.NOT_IN_GUILD: {"en-US": "not in direct messages", "ko": "개인 메시지"},
    Denial.FOREIGN_GUILD: {"en-US": "DISCORD_GUILD_IDS", "ko": "DISCORD_GUILD_IDS"},
}
"""What a refusal must tell."""
