"""Who may do what: one row an entry, one column a situation. An entry without a row fails a test."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import simcord

from cogs.access import Denial
from storage.grants import Action
from tests.cogs.world import GUILD_ID, OTHER_GUILD_ID, Person, World


@dataclass(frozen=True, slots=True)
class Command:
    """One row: a command, given so that it is about the first server where it can be about one."""

    action: Action | None
    """What it takes; `None`: only an owner may."""
    options: Mapping[str, Any]
    done: Callable[[simcord.ResponseMessage], bool]
    """Whether a reply is the one of somebody who was let through, with alpha down."""
    everywhere: bool = False
    """Whether it takes a grant on all servers."""
    private: bool = False
    """Whether its answer is for one person's eyes."""
    anywhere: bool = False
    """Whether a grant on any server at all is enough: it then shows those."""
    form: bool = False
    """Whether it answers with a form."""
    completes: bool = True
    """Whether it completes anything that is typed."""


def _says(text: str) -> Callable[[simcord.ResponseMessage], bool]:
    return lambda reply: text in reply.content


def _nothing(_reply: simcord.ResponseMessage) -> bool:
    """For what answers with a form."""
    return False


def _titled(text: str) -> Callable[[simcord.ResponseMessage], bool]:
    return lambda reply: text in (reply.embeds[0].title or "")


SERVERS_FILE = '[[servers]]\nid = "gamma"\nname = "Gamma"\nargv = ["run"]\ncwd = "/srv"\n'

COMMANDS: dict[str, Command] = {
    "status": Command(Action.VIEW, {"server": "alpha"}, _titled("Alpha")),
    "start": Command(Action.CONTROL, {"server": "alpha"}, _says("is up")),
    "stop": Command(Action.CONTROL, {"server": "alpha"}, _says("is down already")),
    "restart": Command(Action.CONTROL, {"server": "alpha"}, _says("is stopped")),
    "cancel": Command(Action.CONTROL, {"server": "alpha"}, _says("nothing to call off")),
    "rcon": Command(Action.CONSOLE, {"server": "alpha", "command": "list"}, _says("is stopped")),
    "chart": Command(Action.VIEW, {"server": "alpha"}, lambda reply: len(reply.attachments) == 1),
    "export": Command(Action.VIEW, {"server": "alpha"}, _says("Nothing was measured")),
    "access grant": Command(
        Action.ADMIN,
        {"who": "viewer", "action": "view", "server": "alpha"},
        _says("may `view` now on `alpha`"),
        private=True,
    ),
    "access revoke": Command(
        Action.ADMIN, {"who": "user:1", "action": "view", "server": "alpha"}, _says("has no grant"), private=True
    ),
    "access list": Command(Action.ADMIN, {"server": "alpha"}, _titled("Who may do what"), private=True),
    "access check": Command(
        Action.ADMIN,
        {"who": "stranger", "action": "view", "server": "alpha"},
        _says("may not `view` on `alpha`"),
        private=True,
    ),
    "alerts add": Command(Action.MANAGE, {"server": "alpha", "channel": "alerts"}, _says("Try it by"), private=True),
    "alerts remove": Command(
        Action.MANAGE, {"route": "999"}, _says("There is no route"), everywhere=True, private=True
    ),
    "alerts list": Command(Action.MANAGE, {"server": "alpha"}, _titled("Where alerts go"), private=True),
    "alerts test": Command(
        Action.MANAGE, {"route": "999"}, _says("There is no route"), everywhere=True, private=True
    ),
    "alerts mute": Command(Action.MANAGE, {"server": "alpha", "minutes": 0}, _says("silent there"), private=True),
    "limit set": Command(
        Action.MANAGE,
        {"metric": "memory", "is": "above", "value": "8 GiB", "for": 10, "server": "alpha"},
        _titled("is set"),
    ),
    "limit remove": Command(Action.MANAGE, {"limit": "999"}, _says("There is no limit"), everywhere=True),
    "limit list": Command(Action.MANAGE, {"server": "alpha"}, _titled("Limits"), private=True),
    "server add": Command(None, {}, _nothing, form=True, completes=False),
    "server edit": Command(Action.MANAGE, {"server": "alpha"}, _nothing, form=True),
    "server remove": Command(Action.MANAGE, {"server": "alpha"}, _says("Remove **Alpha World**?"), private=True),
    "server show": Command(Action.MANAGE, {"server": "alpha"}, _titled("Alpha World"), private=True),
    "server list": Command(Action.MANAGE, {}, _titled("Servers"), anywhere=True, private=True, completes=False),
    "server import": Command(None, {"file": SERVERS_FILE}, _says("+ gamma: Gamma"), private=True, completes=False),
    "setup": Command(None, {}, _titled("Setup"), private=True, completes=False),
    "panel pin": Command(
        Action.MANAGE, {"channel": "channel", "servers": "alpha"}, _says("keeps itself current"), private=True
    ),
    "panel unpin": Command(
        Action.MANAGE, {"panel": "999"}, _says("There is no panel"), everywhere=True, private=True
    ),
    "audit": Command(Action.ADMIN, {}, _titled("What was done"), everywhere=True, private=True),
}

VERBS: dict[str, Action | None] = {
    "start": Action.CONTROL,
    "stop": Action.CONTROL,
    "restart": Action.CONTROL,
    "chart": Action.VIEW,
    "logs": Action.VIEW,
    "mute": Action.MANAGE,
}
"""What each kind of button about a server takes."""

OWN_VERBS = frozenset({"confirm", "page", "draft", "trial", "setup", "acknowledge", "show"})
"""Kinds of button that ask for what their own question or list takes, for an owner, or that name a server otherwise;
their tests are test_confirm, test_pages, test_server_add, test_setup, test_alert_buttons and test_choosing."""

FORMS: dict[str, Action | None] = {
    "server_add": None,
    "server_basics": Action.MANAGE,
    "server_program": None,
    "server_connection": None,
    "setup_channel": None,
    "setup_role": None,
}
"""What it takes to send each form."""

Held = list[tuple[Action, str | None]]


@dataclass(frozen=True, slots=True)
class Situation:
    """One column: what is granted, and where and how the admin, or another, gives the command."""

    grants: Callable[[Action], Held] = lambda _: []
    """Given what the entry takes, or, where that is nothing that can be granted, `admin`."""
    denial: Denial | None = None
    """Why it is refused whatever is granted."""
    to_user: bool = False
    """Granted to the admin by themselves and not to their role."""
    owner: bool = False
    who: Callable[[World], Person] = lambda home: home.people.admin
    where: Callable[[World], simcord.ChannelHandle] = lambda home: home.channel
    changes: Callable[[World], dict[str, Any]] = lambda home: {}
    guild_ids: tuple[int, ...] = field(default=())


def _owner(home: World) -> Person:
    return home.people.owner


def _only(action: Action) -> Situation:
    return Situation(lambda _: [(action, "alpha")], to_user=True)


SITUATIONS: dict[str, Situation] = {
    "owner": Situation(owner=True, who=_owner),
    "role_all_servers": Situation(lambda action: [(action, None)]),
    "role_this_server": Situation(lambda action: [(action, "alpha")]),
    "role_admin": Situation(lambda _: [(Action.ADMIN, None)]),
    **{f"only_{action.value}": _only(action) for action in Action},
    "all_but_this": Situation(
        lambda action: [(other, None) for other in Action if other not in (action, Action.ADMIN)]
    ),
    "another_server": Situation(lambda _: [(action, "beta") for action in Action]),
    "no_grant": Situation(),
    "somebody_else": Situation(
        lambda action: [(action, None)], Denial.NO_GRANT, who=lambda home: home.people.stranger
    ),
    "direct_message": Situation(
        denial=Denial.NOT_IN_GUILD,
        who=lambda home: home.people.owner.user,
        where=lambda home: home.people.owner.user.dm_channel,
    ),
    "foreign_guild": Situation(
        denial=Denial.FOREIGN_GUILD,
        who=lambda home: home.people.abroad,
        where=lambda home: home.places.abroad,
        guild_ids=(GUILD_ID,),
    ),
    "guild_on_the_list": Situation(
        owner=True,
        who=lambda home: home.people.abroad,
        where=lambda home: home.places.abroad,
        guild_ids=(OTHER_GUILD_ID,),
    ),
    "user_install": Situation(
        denial=Denial.NOT_IN_GUILD,
        who=_owner,
        changes=lambda home: {"authorizing_integration_owners": {"1": str(home.people.owner.id)}, "context": 0},
    ),
    "both_installs": Situation(
        owner=True,
        who=_owner,
        changes=lambda home: {
            "authorizing_integration_owners": {"0": str(home.guild.id), "1": str(home.people.owner.id)}
        },
    ),
}


def expected(
    action: Action | None, situation: Situation, *, everywhere: bool = False, anywhere: bool = False
) -> Denial | None:
    """Say why somebody is turned away, from the rules as people are told them; `None`: they are let in."""
    if situation.denial is not None:
        return Denial.NOT_OWNER if action is None and situation.denial is Denial.NO_GRANT else situation.denial
    if situation.owner:
        return None
    if action is None:
        return Denial.NOT_OWNER
    held = situation.grants(action)
    if anywhere:
        held = [(granted, None) for granted, _ in held]
    return None if _reaches(held, action, everywhere=everywhere) else Denial.NO_GRANT


def _reaches(held: Sequence[tuple[Action, str | None]], action: Action, *, everywhere: bool) -> bool:
    enough: set[tuple[Action, str | None]] = {(action, None), (Action.ADMIN, None)}
    if not everywhere:
        enough |= {(action, "alpha"), (Action.ADMIN, "alpha")}
    return not enough.isdisjoint(held)


TOLD: dict[Denial, str] = {
    Denial.NO_GRANT: "it takes the permission `{action}`",
    Denial.NOT_OWNER: "`DISCORD_OWNER_IDS`",
    Denial.NOT_IN_GUILD: "not in direct messages",
    Denial.FOREIGN_GUILD: "DISCORD_GUILD_IDS",
}
"""What a refusal must tell."""
