"""A Discord on 127.0.0.1: REST v10 and the gateway over real HTTP and WebSocket, for an unmodified discord.py.

    async with StandIn() as standin:
        guild = standin.guild("Games")
        alerts = guild.channel("alerts")
        alice = guild.member("alice", roles=[guild.role("admins")])
        ...  # start a bot with standin.token on standin.base
        reply = await standin.slash(alice, alerts, "status", {"server": "survival"})
        assert "running" in (await reply.response()).content

`standin.faults` breaks HTTP, `standin.gateway` breaks the gateway, `standin.calls()` counts requests.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self, TypeVar

from aiohttp import web

from tests.fakes.waiting import PATIENCE_S
from tests.standin.acts import Acts
from tests.standin.commands import Commands
from tests.standin.faults import Faults
from tests.standin.gateway import GUILD_MEMBERS, Gateway, Session
from tests.standin.interactions import Interactions
from tests.standin.message import Message
from tests.standin.openapi import Schema
from tests.standin.places import Channel, Guild, Member, User
from tests.standin.record import Json, Recorder, Request
from tests.standin.rest import Rest
from tests.standin.wire import API, Endpoint, Wire
from tests.standin.world import Webhook, World

HOST = "127.0.0.1"
UPLOAD_LIMIT_BYTES = 64 * 1024 * 1024
T = TypeVar("T")


class StandIn(Acts):
    """The server, its world, its faults and its record.

    Args:
        heartbeat_ms: the interval that HELLO asks bots for.
        clock: seconds, never going back; ages interactions and nonces.
    """

    def __init__(self, *, heartbeat_ms: int = 41_250, clock: Callable[[], float] = time.monotonic) -> None:
        self.token = "standin.token.never-recorded"
        """The bot's token. Change it, and the bot's is refused: 401, and 4004 from the gateway."""
        self.record = Recorder()
        self.faults = Faults()
        self.schema = Schema()
        self.gateway = Gateway(
            token=lambda: self.token,
            hello=self._hello,
            chunk=self._chunk,
            notify=self.record.notify,
            heartbeat_ms=heartbeat_ms,
        )
        self.world = World(self._announce, clock)
        self.commands = Commands(self.world.application_id, self.world.snowflake)
        self.interactions = Interactions(self.world, self.record)
        self._wire = Wire(self.record, self.faults, self.schema, lambda: self.token)
        self._rest = Rest(self.world, self.commands, self.interactions, lambda: self.gateway_url)
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def origin(self) -> str:
        return f"http://{HOST}:{self._port}"

    @property
    def base(self) -> str:
        """What `discord.http.Route.BASE` is to be."""
        return self.origin + API

    @property
    def gateway_url(self) -> str:
        """What `DiscordWebSocket.DEFAULT_GATEWAY` is to be, as `GET {base}/gateway/bot` tells."""
        return f"ws://{HOST}:{self._port}/gateway"

    @property
    def requests(self) -> list[Request]:
        """Every HTTP request so far."""
        return self.record.requests

    def calls(self, method: str = "*", path: str = "**") -> list[Request]:
        """The requests of a method and path, where `*` is one step and `**` any number."""
        return self.record.calls(method, path)

    async def wait_for(self, predicate: Callable[[], T], timeout_s: float = PATIENCE_S) -> T:
        """Wait until something is true of the stand-in, looking again whenever anything reached it."""
        return await self.record.wait_for(predicate, timeout_s)

    def guild(self, name: str = "Games", *, locale: str = "en-US") -> Guild:
        """Make a guild with the bot in it; fill it by its `role`, `channel` and `member`."""
        return self.world.guild(name, locale=locale)

    def webhook(self, channel: Channel) -> Webhook:
        return self.world.webhook(channel)

    def messages(self, channel: Channel) -> list[Message]:
        """What stands in a channel now, oldest first."""
        return list(channel.messages.values())

    def say(self, person: Member | User, channel: Channel, content: str) -> Message:
        """Let a person write something."""
        user = person.user if isinstance(person, Member) else person
        like = Message(id=0, channel_id=channel.id, guild_id=None, author=user.payload())
        return self.world.post(channel, {"content": content}, (), like=like)

    async def start(self) -> None:
        """Listen, on the same port as before if there was one."""
        app = web.Application(client_max_size=UPLOAD_LIMIT_BYTES)
        app.router.add_get("/gateway", self.gateway.serve)
        app.router.add_get("/attachments/{channel}/{id}/{name}", self._attachment)
        for method, path, endpoint in self._rest.routes():
            app.router.add_route(method, API + path, self._handler(endpoint))
        self._runner = web.AppRunner(app, shutdown_timeout=1.0, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, self._port, reuse_address=True).start()
        self._port = self._runner.addresses[0][1]
        self.world.origin = self.origin

    async def stop(self) -> None:
        """Be gone: connections are reset, new ones refused. All that was said is kept for a later `start()`."""
        if self._runner is None:
            return
        self.faults.lift()
        self.gateway.sever()
        await self._runner.cleanup()
        self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _handler(self, endpoint: Endpoint) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(http: web.Request) -> web.StreamResponse:
            return await self._wire.serve(http, endpoint)

        return handle

    async def _attachment(self, http: web.Request) -> web.Response:
        attachment = self.world.attachments.get(int(http.match_info["id"]))
        return web.Response(status=404) if attachment is None else web.Response(body=attachment.data)

    def _announce(self, event: str, data: Json) -> None:
        self.gateway.dispatch(event, data)
        self.record.notify()

    def _hello(self, session: Session) -> tuple[Json, list[tuple[str, Json]]]:
        guilds = self.world.guilds.values()
        ready = {
            "v": 10,
            "user": self.world.bot.payload() | {"verified": True, "mfa_enabled": True},
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds],
            "session_id": session.id,
            "session_type": "normal",
            "resume_gateway_url": self.gateway_url,
            "application": {"id": str(self.world.application_id), "flags": 0},
        }
        return ready, [("GUILD_CREATE", guild.create_payload(self._seen(guild, session))) for guild in guilds]

    def _seen(self, guild: Guild, session: Session) -> list[Member]:
        everyone = session.intents & GUILD_MEMBERS
        return [member for member in guild.members.values() if everyone or member.id == self.world.bot.id]

    def _chunk(self, asked: Json) -> Json:
        guild = self.world.guilds[int(asked["guild_id"])]
        wanted = {int(user_id) for user_id in asked.get("user_ids", ())}
        members = [m.payload() for m in guild.members.values() if not wanted or m.id in wanted]
        chunk = {"guild_id": str(guild.id), "members": members, "chunk_index": 0, "chunk_count": 1, "not_found": []}
        return chunk | ({"nonce": asked["nonce"]} if "nonce" in asked else {})
