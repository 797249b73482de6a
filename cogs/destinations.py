"""The places that alerts go to: channels and direct messages. Webhooks are in `cogs/webhooks.py`."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol

import discord

from cogs.render.footer import tells_of
from cogs.setbacks import SENDING, NotDelivered, Setback, judge
from storage.outbox import OutboxItem, Standing

CHART_NAME = "chart.png"
SENDING_LIMIT_S = 120.0
"""Longer than the library itself waits for any one answer: after that, the connection is dead."""
LOOKED_AT = 100
"""So many of the latest messages are looked at for one of our own: as many as one request gives."""
BLIND_AT_MOST = 5
"""So many of them are asked for one by one."""

Read = Callable[[int], Awaitable[Sequence[str]]]
"""Gives the last lines of the message with that id."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What is to be sent about one alert."""

    item: OutboxItem
    embed: discord.Embed
    content: str | None = None
    role_id: int | None = None
    """The role that `content` calls."""
    reply_to: Standing | None = None
    view: discord.ui.View | None = None
    png: bytes | None = None
    call: bool = False
    """Whether it calls for help with an alert that is out already."""


class Destination(Protocol):
    """One place. Each of its calls may raise `NotDelivered`."""

    @property
    def threaded(self) -> bool:
        """Whether messages there can be changed and answered."""
        ...

    @property
    def nonced(self) -> bool:
        """Whether a message that is sent again within a minute is known to be the same."""
        ...

    async def post(self, what: Outgoing) -> Standing: ...

    async def post_plain(self, what: Outgoing, text: str) -> Standing:
        """Say it in plain text, where an embed was not taken."""
        ...

    async def edit(self, standing: Standing, what: Outgoing) -> None: ...

    async def find(self, item: OutboxItem, *, call: bool) -> Standing | None:
        """Look whether an earlier try has arrived after all."""
        ...


@asynccontextmanager
async def judged() -> AsyncIterator[None]:
    """Raise `NotDelivered` for whatever comes of using the library, and for its silence."""
    try:
        async with asyncio.timeout(SENDING_LIMIT_S):
            yield
    except SENDING as failure:
        raise judge(failure) from failure


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel of a guild."""

    client: discord.Client
    channel_id: int
    threaded: bool = True
    nonced: bool = True

    async def post(self, what: Outgoing) -> Standing:
        return await send(self._place(self.channel_id), what, embed=what.embed, content=what.content)

    async def post_plain(self, what: Outgoing, text: str) -> Standing:
        return await send(self._place(self.channel_id), _buttonless(what), embed=None, content=text)

    async def edit(self, standing: Standing, what: Outgoing) -> None:
        await edit(self._place(standing.channel_id or self.channel_id), standing, what)

    async def find(self, item: OutboxItem, *, call: bool) -> Standing | None:
        author = self.client.user.id if self.client.user is not None else 0
        return await look_for(self._place(self.channel_id), item, author, call=call)

    def _place(self, channel_id: int) -> discord.PartialMessageable:
        return self.client.get_partial_messageable(channel_id)


@dataclass(frozen=True, slots=True)
class Owner:
    """The direct messages of an owner: where alerts go that can go nowhere else."""

    client: discord.Client
    user_id: int
    why: Callable[[OutboxItem], str]
    """Says to the owner why they get it."""
    threaded: bool = True
    nonced: bool = True

    async def post(self, what: Outgoing) -> Standing:
        return await send(await self._place(), _buttonless(what), embed=what.embed, content=self.why(what.item))

    async def post_plain(self, what: Outgoing, text: str) -> Standing:
        return await send(await self._place(), _buttonless(what), embed=None, content=text)

    async def edit(self, standing: Standing, what: Outgoing) -> None:
        await edit(await self._place(), standing, _buttonless(what))

    async def find(self, item: OutboxItem, *, call: bool) -> Standing | None:
        author = self.client.user.id if self.client.user is not None else 0
        return await look_for(await self._place(), item, author, call=call)

    async def _place(self) -> discord.DMChannel:
        async with judged():
            return await self.client.create_dm(discord.Object(self.user_id))


Place = discord.PartialMessageable | discord.DMChannel


def _buttonless(what: Outgoing) -> Outgoing:
    """Without buttons: nothing is done by direct message, and what was not taken is sent as plain as can be."""
    return replace(what, view=None)


async def send(place: Place, what: Outgoing, *, embed: discord.Embed | None, content: str | None) -> Standing:
    """Send it once: the nonce makes Discord know it again."""
    roles = [discord.Object(what.role_id)] if what.role_id is not None else False
    mentions = discord.AllowedMentions(everyone=False, users=False, roles=roles, replied_user=False)
    optional = {"embed": embed, "reference": _reference(what.reply_to, place.id), "view": what.view}
    given: dict[str, Any] = {name: value for name, value in optional.items() if value is not None}
    async with judged():
        message = await place.send(content, nonce=what.item.nonce, allowed_mentions=mentions, **given)
    standing = Standing(message.id, place.id)
    if embed is not None and what.item.attempts and _differs(message, embed):
        await edit(place, standing, what)
    return standing


def _differs(message: discord.Message, embed: discord.Embed) -> bool:
    """Whether the message is one of an earlier try, which knew less."""
    return bool(message.embeds) and message.embeds[0].description != embed.description


def _reference(standing: Standing | None, channel_id: int) -> discord.MessageReference | None:
    if standing is None or standing.message_id is None or standing.channel_id != channel_id:
        return None
    return discord.MessageReference(message_id=standing.message_id, channel_id=channel_id, fail_if_not_exists=False)


async def edit(place: Place, standing: Standing, what: Outgoing) -> None:
    """Bring a message and its buttons up to date; its chart stays, or comes with it."""
    if standing.message_id is None:
        raise NotDelivered(Setback.GONE, "there is no message")
    files = [discord.File(io.BytesIO(what.png), CHART_NAME)] if what.png is not None else discord.utils.MISSING
    async with judged():
        message = place.get_partial_message(standing.message_id)
        await message.edit(embed=what.embed, attachments=files, view=what.view)


async def look_for(
    place: Place, item: OutboxItem, author_id: int, *, call: bool, read: Read | None = None
) -> Standing | None:
    """Look through the latest messages for the one that tells of this alert.

    Args:
        place: where to look.
        item: the alert.
        author_id: who has written it.
        call: whether it is a call for help.
        read: reads a message whose words the bot is not shown. Discord shows them only to their author, unless the
            application may read whatever people write.
    """
    blind = BLIND_AT_MOST if read is not None else 0
    try:
        async with judged():
            async for message in place.history(limit=LOOKED_AT):
                if message.author.id != author_id:
                    continue
                told: Sequence[str] = last_lines(message.content, [embed.footer.text for embed in message.embeds])
                if read is not None and blind and not (message.content or message.embeds):
                    blind, told = blind - 1, await read(message.id)
                if any(tells_of(text, item.installation, item.event_id, call=call) for text in told):
                    return Standing(message.id, message.channel.id)
    except NotDelivered as failure:
        if failure.setback is not Setback.GONE:
            raise
    return None


def last_lines(content: str, footers: Sequence[str | None]) -> list[str]:
    """Where a message says which alert it tells of: in the footer, or, in plain text, in its last line."""
    plain = content.rpartition("\n")[2].replace("\\", "")
    return [plain, *(footer or "" for footer in footers)]
