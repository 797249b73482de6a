"""The REST API v10, as far as a bot like this one speaks it: which path does what to the world."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.standin.commands import Commands
from tests.standin.interactions import Interaction, Interactions
from tests.standin.message import Message
from tests.standin.places import Channel, Guild
from tests.standin.record import Json
from tests.standin.wire import Call, Endpoint
from tests.standin.world import ApiError, Webhook, World

TRUE = ("1", "true", "True")


class Rest:
    """The endpoints. Each takes a `Call` and returns the body of its answer, or None for 204."""

    def __init__(
        self, world: World, commands: Commands, interactions: Interactions, gateway_url: Callable[[], str]
    ) -> None:
        self._world = world
        self._commands = commands
        self._interactions = interactions
        self._gateway_url = gateway_url

    def routes(self) -> list[tuple[str, str, Endpoint]]:
        """Method, path, endpoint; literal paths before those that would swallow them."""
        app, command = "/applications/{app}", "/commands/{command}"
        guild, messages = "/guilds/{guild}", "/channels/{channel}/messages"
        hook = "/webhooks/{webhook}/{token}"
        return [
            ("GET", "/gateway", self.gateway),
            ("GET", "/gateway/bot", self.gateway_bot),
            ("GET", "/users/@me", lambda _: self._world.bot.payload() | {"verified": True, "mfa_enabled": True}),
            ("GET", "/users/@me/guilds", self.own_guilds),
            ("DELETE", "/users/@me/guilds/{guild}", self.leave_guild),
            ("POST", "/users/@me/channels", self.open_conversation),
            ("GET", "/users/{user}", lambda call: self._world.find_user(call.id("user")).payload()),
            ("GET", "/oauth2/applications/@me", self.application),
            ("GET", "/applications/@me", self.application),
            *((m, p + "/commands", e) for p in (app, app + guild) for m, e in self._all_commands()),
            ("DELETE", app + command, self.remove_command),
            ("DELETE", app + guild + command, self.remove_command),
            ("GET", guild, lambda call: self._guild(call).payload()),
            ("GET", guild + "/channels", lambda call: [c.payload() for c in self._guild(call).channels.values()]),
            ("GET", guild + "/roles", lambda call: self._guild(call).payload()["roles"]),
            ("GET", guild + "/members/{user}", self.member),
            ("GET", "/channels/{channel}", lambda call: self._channel(call).payload()),
            ("GET", messages, self.history),
            ("POST", messages, self.post),
            ("GET", messages + "/{message}", lambda call: self._message(call).payload()),
            ("PATCH", messages + "/{message}", self.edit),
            ("DELETE", messages + "/{message}", self.delete),
            ("POST", "/channels/{channel}/typing", self.typing),
            ("POST", "/interactions/{interaction}/{token}/callback", self.callback),
            ("GET", hook, lambda call: self._webhook(call).payload()),
            ("POST", hook, self.execute),
            ("GET", hook + "/messages/{message}", self.webhook_message),
            ("PATCH", hook + "/messages/{message}", self.edit_webhook_message),
            ("DELETE", hook + "/messages/{message}", self.delete_webhook_message),
            ("*", "/{path:.*}", self.nowhere),
        ]

    def _all_commands(self) -> list[tuple[str, Endpoint]]:
        return [("GET", self.list_commands), ("PUT", self.overwrite_commands), ("POST", self.add_command)]

    def gateway(self, _: Call) -> Json:
        return {"url": self._gateway_url()}

    def gateway_bot(self, _: Call) -> Json:
        start = {"total": 1000, "remaining": 999, "reset_after": 14_400_000, "max_concurrency": 1}
        return {"url": self._gateway_url(), "shards": 1, "session_start_limit": start}

    def application(self, _: Call) -> Json:
        return {
            "id": str(self._world.application_id),
            "name": self._world.bot.name,
            "description": "",
            "icon": None,
            "bot_public": False,
            "bot_require_code_grant": False,
            "owner": self._world.owner.payload(),
            "team": None,
            "verify_key": "0" * 64,
            "flags": 0,
            "install_params": None,
        }

    def own_guilds(self, _: Call) -> list[Json]:
        return [guild.payload() | {"owner": False, "permissions": "0"} for guild in self._world.guilds.values()]

    def leave_guild(self, call: Call) -> None:
        self._world.leave(self._guild(call))

    def open_conversation(self, call: Call) -> Json:
        return self._world.conversation(self._world.find_user(int(call.body["recipient_id"]))).payload()

    def member(self, call: Call) -> Json:
        member = self._guild(call).members.get(call.id("user"))
        if member is None:
            raise ApiError(404, 10007, "Unknown Member")
        return member.payload()

    def list_commands(self, call: Call) -> list[Json]:
        return self._commands.of(self._command_guild(call))

    def overwrite_commands(self, call: Call) -> list[Json]:
        return self._commands.overwrite(self._command_guild(call), call.request.json)

    def add_command(self, call: Call) -> Json:
        return self._commands.add(self._command_guild(call), call.body)

    def remove_command(self, call: Call) -> None:
        self._commands.remove(self._command_guild(call), call.params["command"])

    def history(self, call: Call) -> list[Json]:
        """The latest first; without nonces, so that nobody recognises their own by them.

        What others wrote in a guild is not shown: the application has no message content intent.
        """
        query = call.request.query
        before, after = int(query.get("before", 1 << 63)), int(query.get("after", 0))
        fitting = [m for m in self._channel(call).messages.values() if after < m.id < before]
        limit = int(query.get("limit", 50))
        page = fitting[:limit] if "after" in query else fitting[-limit:]
        return [self._as_shown(message) for message in reversed(page)]

    def _as_shown(self, message: Message) -> Json:
        shown = message.payload()
        if message.guild_id is not None and message.author["id"] != str(self._world.bot.id):
            shown |= {"content": "", "embeds": [], "attachments": [], "components": []}
        return shown

    def post(self, call: Call) -> Json:
        message = self._world.post(self._channel(call), call.body, call.request.files)
        return message.payload(nonce=True)

    def edit(self, call: Call) -> Json:
        message = self._message(call)
        if message.author["id"] != str(self._world.bot.id):
            raise ApiError(403, 50005, "Cannot edit a message authored by another user")
        return self._world.edit(self._channel(call), message, call.body, call.request.files).payload()

    def delete(self, call: Call) -> None:
        self._world.delete(self._channel(call), self._message(call))

    def typing(self, call: Call) -> None:
        self._channel(call)

    def callback(self, call: Call) -> Any:
        body = call.body
        told = self._interactions.answer(call.params["token"], body, call.request.files)
        return told if call.request.query.get("with_response") in TRUE else None

    def execute(self, call: Call) -> Json | None:
        """A followup to an interaction, or a post by an incoming webhook."""
        if self._is_interaction(call):
            interaction = self._interaction(call)
            return self._interactions.follow_up(interaction, call.body, call.request.files).payload()
        webhook = self._webhook(call)
        author = {"id": str(webhook.id), "username": call.body.get("username", "alerts"), "avatar": None}
        author |= {"discriminator": "0000", "bot": True}
        like = Message(id=0, channel_id=webhook.channel.id, guild_id=None, author=author, webhook_id=webhook.id)
        message = self._world.post(webhook.channel, call.body, call.request.files, like=like)
        return message.payload() if call.request.query.get("wait") in TRUE else None

    def webhook_message(self, call: Call) -> Json:
        if self._is_interaction(call):
            return self._interactions.message(self._interaction(call), call.params["message"]).payload()
        return self._world.message(self._webhook(call).channel, call.id("message")).payload()

    def edit_webhook_message(self, call: Call) -> Json:
        body, files = call.body, call.request.files
        if self._is_interaction(call):
            interaction = self._interaction(call)
            message = self._interactions.message(interaction, call.params["message"])
            return self._interactions.edit(interaction, message, body, files).payload()
        channel = self._webhook(call).channel
        return self._world.edit(channel, self._world.message(channel, call.id("message")), body, files).payload()

    def delete_webhook_message(self, call: Call) -> None:
        if self._is_interaction(call):
            interaction = self._interaction(call)
            message = self._interactions.message(interaction, call.params["message"])
            self._interactions.delete(interaction, message)
            return
        channel = self._webhook(call).channel
        self._world.delete(channel, self._world.message(channel, call.id("message")))

    def nowhere(self, call: Call) -> Json:
        raise ApiError(404, 0, f"404: Not Found ({call.request.method} {call.request.path})")

    def _is_interaction(self, call: Call) -> bool:
        return call.id("webhook") == self._world.application_id

    def _interaction(self, call: Call) -> Interaction:
        return self._interactions.find(call.params["token"])

    def _webhook(self, call: Call) -> Webhook:
        webhook = self._world.webhooks.get(call.id("webhook"))
        if webhook is None or webhook.token != call.params["token"]:
            raise ApiError(404, 10015, "Unknown Webhook")
        return webhook

    def _command_guild(self, call: Call) -> int | None:
        return self._guild(call).id if "guild" in call.params else None

    def _guild(self, call: Call) -> Guild:
        guild = self._world.guilds.get(call.id("guild"))
        if guild is None:
            raise ApiError(404, 10004, "Unknown Guild")
        return guild

    def _channel(self, call: Call) -> Channel:
        return self._world.channel(call.id("channel"))

    def _message(self, call: Call) -> Message:
        return self._world.message(self._channel(call), call.id("message"))
