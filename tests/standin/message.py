"""A message and its attachments, and what Discord makes of a request to post or edit one."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from tests.standin.record import Json, Upload

EPHEMERAL, LOADING = 1 << 6, 1 << 7
APPLICATION_COMMAND_TYPE = 20


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file somebody attached; its URL answers with the bytes."""

    id: int
    filename: str
    data: bytes
    url: str

    def payload(self) -> Json:
        kind = mimetypes.guess_type(self.filename)[0] or "application/octet-stream"
        said = {"id": str(self.id), "filename": self.filename, "size": len(self.data), "content_type": kind}
        return {**said, "url": self.url, "proxy_url": self.url}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One state of a message. An edit makes another value of the same id."""

    id: int
    channel_id: int
    guild_id: int | None
    author: Json
    content: str = ""
    embeds: tuple[Json, ...] = ()
    components: tuple[Json, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    flags: int = 0
    pings: tuple[str, ...] = ()
    """Who would be notified, as written: `@everyone`, `<@&1>`, `<@2>`."""
    nonce: str | None = None
    reference: Json | None = None
    """The message it replies to."""
    webhook_id: int | None = None
    interaction_id: int | None = None
    created_at: str = ""
    edited_at: str | None = None

    @property
    def ephemeral(self) -> bool:
        return bool(self.flags & EPHEMERAL)

    @property
    def loading(self) -> bool:
        """Whether it is but the "thinking" of a deferred reply."""
        return bool(self.flags & LOADING)

    def file(self, filename: str) -> Attachment:
        """The attachment of this name.

        Raises:
            LookupError: there is none.
        """
        for attachment in self.attachments:
            if attachment.filename == filename:
                return attachment
        raise LookupError(filename, [a.filename for a in self.attachments])

    def controls(self) -> list[Json]:
        """Every button and select of it, at any depth."""
        return [c for c in _flattened(self.components) if "custom_id" in c or "url" in c]

    def payload(self, *, nonce: bool = False) -> Json:
        """As REST and the gateway tell it; the nonce only to who just posted it."""
        said = {
            "id": str(self.id),
            "channel_id": str(self.channel_id),
            "author": self.author,
            "content": self.content,
            "embeds": list(self.embeds),
            "components": list(self.components),
            "attachments": [a.payload() for a in self.attachments],
            "flags": self.flags,
            "timestamp": self.created_at,
            "edited_timestamp": self.edited_at,
            "type": APPLICATION_COMMAND_TYPE if self.interaction_id else 19 if self.reference else 0,
            "tts": False,
            "pinned": False,
            "mention_everyone": "@everyone" in self.pings,
            "mentions": [],
            "mention_roles": [],
        }
        optional = {
            "guild_id": _text(self.guild_id),
            "webhook_id": _text(self.webhook_id),
            "message_reference": self.reference,
            "nonce": self.nonce if nonce else None,
        }
        return said | {key: value for key, value in optional.items() if value is not None}


def _text(snowflake: int | None) -> str | None:
    return None if snowflake is None else str(snowflake)


def _flattened(components: Iterable[Json]) -> Iterable[Json]:
    for component in components:
        yield component
        yield from _flattened(component.get("components", ()))
        if "accessory" in component:
            yield component["accessory"]


def now() -> str:
    return datetime.now(UTC).isoformat()


def filled(message: Message, body: Json, new: tuple[Attachment, ...]) -> Message:
    """A message as this request leaves it: what the body does not name stays."""
    attachments = (*_kept(message, body), *new)
    content = body["content"] or "" if "content" in body else message.content
    embeds = tuple(body["embeds"] or ()) if "embeds" in body else message.embeds
    components = tuple(body["components"] or ()) if "components" in body else message.components
    return replace(
        message,
        content=content,
        embeds=tuple(_linked(embed, attachments) for embed in embeds),
        components=components,
        attachments=attachments,
        flags=(message.flags & ~LOADING) | (body.get("flags") or 0),
        pings=pings(content, body.get("allowed_mentions")),
    )


def _kept(message: Message, body: Json) -> tuple[Attachment, ...]:
    if body.get("attachments") is None:
        return message.attachments
    named = {str(entry["id"]) for entry in body["attachments"]}
    return tuple(a for a in message.attachments if str(a.id) in named)


def _linked(embed: Json, attachments: tuple[Attachment, ...]) -> Json:
    urls = {f"attachment://{a.filename}": a.url for a in attachments}
    pictures = {
        place: {**embed[place], "url": urls.get(embed[place]["url"], embed[place]["url"])}
        for place in ("image", "thumbnail")
        if place in embed
    }
    return embed | pictures


def pings(content: str, allowed: Json | None) -> tuple[str, ...]:
    """Whom a text would notify. Without `allowed_mentions` Discord notifies everybody it names."""
    found = re.findall(r"@everyone|@here|<@&\d+>|<@!?\d+>", content)
    return tuple(mention for mention in found if allowed is None or _may_ping(mention, allowed))


def _may_ping(mention: str, allowed: Json) -> bool:
    kind = "everyone" if mention in ("@everyone", "@here") else "roles" if mention.startswith("<@&") else "users"
    listed = {str(entry) for entry in allowed.get(kind) or ()} if kind != "everyone" else set()
    return kind in (allowed.get("parse") or ()) or mention.strip("<@&!>") in listed


def breaches(body: Json) -> list[str]:
    """The limits of a message that this body breaks: those Discord answers with 400 and code 50035."""
    embeds = body.get("embeds") or []
    broken = ["content: over 2000"] * (len(body.get("content") or "") > 2000)
    broken += [f"{name}: over 10" for name in ("embeds", "attachments") if len(body.get(name) or ()) > 10]
    for number, embed in enumerate(embeds):
        too_long = [(where, limit) for where, text, limit in _texts(embed) if len(text) > limit]
        broken += [f"embeds.{number}.{where}: over {limit}" for where, limit in too_long]
        broken += [f"embeds.{number}.fields: over 25"] * (len(embed.get("fields", ())) > 25)
        broken += [
            f"embeds.{number}.fields.{place}: empty"
            for place, field in enumerate(embed.get("fields", ()))
            if not field["name"].strip() or not field["value"].strip()
        ]
    if sum(len(text) for embed in embeds for _, text, _ in _texts(embed)) > 6000:
        broken.append("embeds: over 6000 in all")
    return broken


def _texts(embed: Json) -> Iterable[tuple[str, str, int]]:
    yield "title", embed.get("title") or "", 256
    yield "description", embed.get("description") or "", 4096
    yield "footer", (embed.get("footer") or {}).get("text") or "", 2048
    yield "author", (embed.get("author") or {}).get("name") or "", 256
    for number, field in enumerate(embed.get("fields", ())):
        yield f"fields.{number}.name", field["name"], 256
        yield f"fields.{number}.value", field["value"], 1024


def of(uploads: Iterable[Upload], url_for: str, first_id: int) -> tuple[Attachment, ...]:
    """The attachments that uploads become; `url_for` is the folder they are served from."""
    return tuple(
        Attachment(
            first_id + number, upload.filename, upload.data, f"{url_for}/{first_id + number}/{upload.filename}"
        )
        for number, upload in enumerate(uploads)
    )
