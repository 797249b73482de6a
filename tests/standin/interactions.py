"""Interactions: what a test holds of one, and the answers a bot may give to it.

https://discord.com/developers/docs/interactions/receiving-and-responding
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TypeVar

from tests.fakes.waiting import PATIENCE_S
from tests.standin.message import LOADING, Message
from tests.standin.places import Channel, Member, User
from tests.standin.record import Json, Recorder, Upload
from tests.standin.world import ApiError, World

ACKNOWLEDGE_WITHIN_S = 3.0
TOKEN_LIVES_S = 900.0
MESSAGE, DEFERRED_MESSAGE, DEFERRED_UPDATE, UPDATE, CHOICES, MODAL = 4, 5, 6, 7, 8, 9

T = TypeVar("T")


class Interaction:
    """One act of a person, and all that the bot answered to it."""

    def __init__(
        self,
        payload: Json,
        person: Member | User,
        channel: Channel,
        *,
        clicked: Message | None,
        at: float,
        record: Recorder,
    ) -> None:
        self.id = int(payload["id"])
        self.token: str = payload["token"]
        self.payload = payload
        """As it was dispatched; dispatch it again to try a bot with doubles."""
        self.person = person
        self.channel = channel
        self.clicked = clicked
        """The message whose button or select was used."""
        self.callback: Json | None = None
        """The bot's first answer: its type and data."""
        self.answered_after_s: float | None = None
        self.original: Message | None = None
        """The current state of what `@original` means."""
        self.shown: Message | None = None
        """The same, once the person sees more of it than "thinking"."""
        self.edits: list[Message] = []
        """Each state that an edit of the original left, in order."""
        self.followups: list[Message] = []
        self.messages: dict[int, Message] = {}
        self.expired = False
        """Set it to have the bot told that the interaction is unknown, its token invalid."""
        self.at = at
        self._record = record

    async def acknowledged(self, timeout_s: float = ACKNOWLEDGE_WITHIN_S) -> Json:
        """The first answer, whatever it is: `type` and `data`."""
        return await self._wait(lambda: self.callback, timeout_s)

    async def response(self, timeout_s: float = PATIENCE_S) -> Message:
        """The first reply with something to see in it; later edits do not change what this returned."""
        return await self._wait(lambda: self.shown, timeout_s)

    async def edited(self, count: int = 1, timeout_s: float = PATIENCE_S) -> Message:
        """The original after its edit number `count`, from 1."""
        return (await self._wait(lambda: self.edits[:count] if len(self.edits) >= count else None, timeout_s))[-1]

    async def followup(self, number: int = 1, timeout_s: float = PATIENCE_S) -> Message:
        """The followup of this number, from 1."""
        return (await self._wait(lambda: self.followups[number - 1 :], timeout_s))[0]

    async def until(self, predicate: Callable[[Message], bool], timeout_s: float = PATIENCE_S) -> Message:
        """The reply once it is as wanted, after however many edits."""
        return await self._wait(lambda: self.shown if self.shown and predicate(self.shown) else None, timeout_s)

    async def _wait(self, look: Callable[[], T | None], timeout_s: float) -> T:
        found = await self._record.wait_for(look, timeout_s)
        if found is None:
            raise AssertionError
        return found


class Interactions:
    """All interactions, by their tokens, and what becomes of an answer to one."""

    def __init__(self, world: World, record: Recorder) -> None:
        self._world = world
        self._record = record
        self._by_token: dict[str, Interaction] = {}

    def begin(
        self, payload: Json, person: Member | User, channel: Channel, clicked: Message | None = None
    ) -> Interaction:
        """Give it an id and a token, and dispatch it."""
        payload |= {"id": str(self._world.snowflake()), "token": secrets.token_urlsafe(48)}
        interaction = Interaction(
            payload, person, channel, clicked=clicked, at=self._world.clock(), record=self._record
        )
        self._by_token[interaction.token] = interaction
        self._world.announce("INTERACTION_CREATE", payload)
        return interaction

    def find(self, token: str) -> Interaction:
        """The interaction of a token that still lives."""
        interaction = self._by_token.get(token)
        if interaction is None:
            raise ApiError(404, 10015, "Unknown Webhook")
        if interaction.expired or self._world.clock() - interaction.at > TOKEN_LIVES_S:
            raise ApiError(401, 50027, "Invalid Webhook Token")
        return interaction

    def answer(self, token: str, body: Json, uploads: tuple[Upload, ...]) -> Json:
        """Take the first answer, and tell what came of it."""
        interaction = self._by_token.get(token)
        if interaction is None or self._too_late(interaction):
            raise ApiError(404, 10062, "Unknown interaction")
        if interaction.callback is not None:
            raise ApiError(400, 40060, "Interaction has already been acknowledged.")
        self._carry_out(interaction, body["type"], body.get("data") or {}, uploads)
        interaction.callback = body
        interaction.answered_after_s = self._world.clock() - interaction.at
        self._record.notify()
        return _resource(interaction, body["type"])

    def edit(self, interaction: Interaction, message: Message, body: Json, uploads: tuple[Upload, ...]) -> Message:
        """Edit the original or a followup."""
        edited = self._world.edit(interaction.channel, message, body, uploads)
        interaction.messages[edited.id] = edited
        if interaction.original is not None and edited.id == interaction.original.id:
            interaction.original = interaction.shown = edited
            interaction.edits.append(edited)
        self._record.notify()
        return edited

    def follow_up(self, interaction: Interaction, body: Json, uploads: tuple[Upload, ...]) -> Message:
        """Say more; the first followup to a deferred reply takes the place of its "thinking"."""
        if interaction.callback is None:
            raise ApiError(404, 10015, "Unknown Webhook")
        if interaction.original is not None and interaction.original.loading:
            message = self.edit(interaction, interaction.original, body, uploads)
        else:
            message = self._post(interaction, body, uploads)
        interaction.followups.append(message)
        self._record.notify()
        return message

    def delete(self, interaction: Interaction, message: Message) -> None:
        self._world.delete(interaction.channel, message)
        del interaction.messages[message.id]
        if interaction.original is not None and message.id == interaction.original.id:
            interaction.original = interaction.shown = None
        self._record.notify()

    def message(self, interaction: Interaction, which: str) -> Message:
        """The message that `@original` or an id means."""
        original = interaction.original
        message = original if which == "@original" else interaction.messages.get(int(which))
        if message is None:
            raise ApiError(404, 10008, "Unknown Message")
        return message

    def _too_late(self, interaction: Interaction) -> bool:
        late = self._world.clock() - interaction.at > ACKNOWLEDGE_WITHIN_S
        return interaction.expired or (late and interaction.callback is None)

    def _carry_out(self, interaction: Interaction, kind: int, data: Json, uploads: tuple[Upload, ...]) -> None:
        if kind == MESSAGE:
            interaction.original = interaction.shown = self._post(interaction, data, uploads)
        elif kind == DEFERRED_MESSAGE:
            interaction.original = self._post(interaction, {"flags": data.get("flags", 0) | LOADING}, ())
        elif kind in (DEFERRED_UPDATE, UPDATE):
            if interaction.clicked is None:
                raise ApiError(400, 50035, "Invalid Form Body", {"type": "there is no message to update"})
            interaction.original = interaction.clicked
            interaction.messages[interaction.clicked.id] = interaction.clicked
            if kind == UPDATE:
                self.edit(interaction, interaction.clicked, data, uploads)

    def _post(self, interaction: Interaction, body: Json, uploads: tuple[Upload, ...]) -> Message:
        like = Message(
            id=0,
            channel_id=interaction.channel.id,
            guild_id=None,
            author=self._world.bot.payload(),
            webhook_id=self._world.application_id,
            interaction_id=interaction.id,
        )
        message = self._world.post(interaction.channel, body, uploads, like=like)
        interaction.messages[message.id] = message
        return message


def _resource(interaction: Interaction, kind: int) -> Json:
    about: Json = {"id": str(interaction.id), "type": interaction.payload["type"]}
    original = interaction.original
    if original is None:
        return {"interaction": about}
    about |= {
        "response_message_id": str(original.id),
        "response_message_loading": original.loading,
        "response_message_ephemeral": original.ephemeral,
    }
    return {"interaction": about, "resource": {"type": kind, "message": original.payload()}}
