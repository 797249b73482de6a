"""What people do: slash commands, autocomplete, buttons, selects, modals, as the payloads of real clients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.standin.commands import Commands, typed
from tests.standin.interactions import CHOICES, MODAL, Interaction, Interactions
from tests.standin.message import Attachment, Message
from tests.standin.places import Channel, Guild, Member, User
from tests.standin.record import Json
from tests.standin.world import World

COMMAND, COMPONENT, AUTOCOMPLETE, MODAL_SUBMIT = 2, 3, 4, 5
BUTTON, LABEL = 2, 18
IN_GUILD, WITH_BOT = 0, 1
UPLOAD_LIMIT_BYTES = 10 * 1024 * 1024


class Acts:
    """A part of the stand-in: everything a person can do that reaches the bot as an interaction."""

    world: World
    commands: Commands
    interactions: Interactions

    async def slash(
        self,
        person: Member | User,
        channel: Channel,
        command: str,
        options: Mapping[str, Any] | None = None,
        *,
        user_install: bool = False,
    ) -> Interaction:
        """Send a slash command, written without the slash: `"server add"` reaches a subcommand.

        Option types come from the commands the bot has synced; a value may also be a `Member`, `User`, `Role`,
        `Channel` or `Attachment`. `user_install`: the person installed the bot for themselves, not the guild.

        Raises:
            LookupError: the bot never synced such a command or option.
        """
        data = self._command_data(person, command, options or {}, None)
        return self._begin(COMMAND, data, person, channel, user_install=user_install)

    async def autocomplete(
        self,
        person: Member | User,
        channel: Channel,
        command: str,
        options: Mapping[str, Any],
        focused: str | None = None,
        *,
        user_install: bool = False,
    ) -> list[Json]:
        """Type in an option (the last one if not named) and return the choices offered: `name` and `value`."""
        data = self._command_data(person, command, options, focused or list(options)[-1])
        interaction = self._begin(AUTOCOMPLETE, data, person, channel, user_install=user_install)
        callback = await interaction.acknowledged()
        assert callback["type"] == CHOICES, callback
        choices: list[Json] = callback["data"]["choices"]
        return choices

    async def click(self, person: Member | User, message: Message, which: str) -> Interaction:
        """Press a button, by its custom id or its label.

        Raises:
            LookupError: the message has no such button.
        """
        for control in message.controls():
            if control["type"] == BUTTON and which in (control.get("custom_id"), control.get("label")):
                data = {"component_type": BUTTON, "custom_id": control["custom_id"]}
                return self._use(person, message, data)
        raise LookupError(which, message.controls())

    async def forge_click(self, person: Member | User, message: Message, custom_id: str) -> Interaction:
        """Press a button that the message does not have, as a tampered client would."""
        return self._use(person, message, {"component_type": BUTTON, "custom_id": custom_id})

    async def choose(
        self, person: Member | User, message: Message, custom_id: str, values: Sequence[str]
    ) -> Interaction:
        """Choose in a select of strings."""
        kinds = [c["type"] for c in message.controls() if c.get("custom_id") == custom_id]
        if not kinds:
            raise LookupError(custom_id, message.controls())
        data = {"component_type": kinds[0], "custom_id": custom_id, "values": list(values)}
        return self._use(person, message, data)

    async def submit(self, interaction: Interaction, values: Mapping[str, str]) -> Interaction:
        """Fill in the modal that answered an interaction, by custom id, and send it; the rest stays empty."""
        callback = await interaction.acknowledged()
        assert callback["type"] == MODAL, callback
        modal = callback["data"]
        components = [_filled(component, values) for component in modal["components"]]
        data = {"custom_id": modal["custom_id"], "components": components}
        return self._begin(MODAL_SUBMIT, data, interaction.person, interaction.channel, clicked=interaction.clicked)

    def upload(self, filename: str, data: bytes) -> Attachment:
        """A file to pass as the value of an attachment option."""
        snowflake = self.world.snowflake()
        url = f"{self.world.origin}/attachments/0/{snowflake}/{filename}"
        attachment = self.world.attachments[snowflake] = Attachment(snowflake, filename, data, url)
        return attachment

    def _command_data(
        self, person: Member | User, command: str, options: Mapping[str, Any], focused: str | None
    ) -> Json:
        name, *path = command.split()
        synced = self.commands.find(person.guild.id if isinstance(person, Member) else None, name)
        line = typed(synced, path, options, focused)
        data = {"id": synced["id"], "name": name, "type": synced["type"], "options": line.options}
        data |= {"guild_id": synced["guild_id"]} if "guild_id" in synced else {}
        return data | ({"resolved": line.resolved} if line.resolved else {})

    def _use(self, person: Member | User, message: Message, data: Json) -> Interaction:
        return self._begin(COMPONENT, data, person, self.world.channel(message.channel_id), clicked=message)

    def _begin(
        self,
        kind: int,
        data: Json,
        person: Member | User,
        channel: Channel,
        *,
        clicked: Message | None = None,
        user_install: bool = False,
    ) -> Interaction:
        payload = {
            "application_id": str(self.world.application_id),
            "type": kind,
            "data": data,
            "version": 1,
            "channel_id": str(channel.id),
            "channel": channel.payload(),
            "entitlements": [],
            "attachment_size_limit": UPLOAD_LIMIT_BYTES,
            **(_in_guild(person) if isinstance(person, Member) else _alone(person)),
        }
        if user_install:
            payload["authorizing_integration_owners"] = {"1": str(person.id)}
        if isinstance(person, Member):
            payload["app_permissions"] = str(_app_permissions(person.guild, self.world.bot))
        if clicked is not None:
            payload["message"] = clicked.payload()
        return self.interactions.begin(payload, person, channel, clicked)


def _in_guild(member: Member) -> Json:
    guild = member.guild
    return {
        "guild_id": str(guild.id),
        "guild": {"id": str(guild.id), "locale": guild.locale, "features": []},
        "guild_locale": guild.locale,
        "locale": member.user.locale,
        "member": {**member.payload(), "permissions": str(member.permissions)},
        "context": IN_GUILD,
        "authorizing_integration_owners": {"0": str(guild.id)},
    }


def _alone(user: User) -> Json:
    return {
        "locale": user.locale,
        "user": user.payload(),
        "app_permissions": "0",
        "context": WITH_BOT,
        "authorizing_integration_owners": {"0": "0"},
    }


def _app_permissions(guild: Guild, bot: User) -> int:
    return guild.members[bot.id].permissions if bot.id in guild.members else 0


def _filled(component: Json, values: Mapping[str, str]) -> Json:
    if component["type"] == LABEL:
        return {"type": LABEL, "id": component.get("id", 1), "component": _filled(component["component"], values)}
    if "components" in component:
        return {"type": component["type"], "components": [_filled(c, values) for c in component["components"]]}
    custom_id = component.get("custom_id", "")
    return {"type": component["type"], "custom_id": custom_id, "value": values.get(custom_id, "")}
