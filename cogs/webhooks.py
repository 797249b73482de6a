"""Webhooks as destinations: Discord's own, and any address that takes signed JSON.

The library's webhooks ask again by themselves after an error, and have no nonce: an alert whose answer was lost would
be told twice. Here every try is one request.
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import discord
from discord.http import Route as Api

from cogs.destinations import CHART_NAME, Outgoing, last_lines, look_for
from cogs.discretion import discreet_data
from cogs.setbacks import NotDelivered, Setback, of_status
from monitor.redaction import Redaction
from storage.outbox import OutboxItem, Standing
from storage.routes import Secrets

TIMEOUT = aiohttp.ClientTimeout(total=20, connect=10)
ANSWER_AT_MOST = 64 * 1024
"""Nobody has to say more than that."""
SIGNATURE, TIMESTAMP, DELIVERY = "X-Gamekeeper-Signature", "X-Gamekeeper-Timestamp", "X-Gamekeeper-Delivery"

_DISCORD = re.compile(
    r"https://(?:(?:canary|ptb)\.)?discord(?:app)?\.com/api/(?:v\d+/)?webhooks/(\d{1,20})/([\w-]{20,200})/?"
)


def is_discords(url: str) -> bool:
    """Whether that is the address of a webhook of Discord's."""
    return _DISCORD.fullmatch(url.strip()) is not None


def takes_json(url: str) -> bool:
    """Whether alerts may be sent to that address: http or https, with a host, and all of it visible."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and url.isprintable()
    except ValueError:
        return False


def label(url: str) -> str:
    """As much of an address as may be shown: its host, and the last four characters of a webhook's id."""
    match = _DISCORD.fullmatch(url.strip())
    host = urlsplit(url).hostname or ""
    return f"{host} …{match[1][-4:]}" if match else host


@dataclass(frozen=True, slots=True)
class DiscordWebhook:
    """A webhook of Discord's."""

    session: aiohttp.ClientSession
    client: discord.Client
    url: str
    threaded: bool = True
    nonced: bool = False

    async def post(self, what: Outgoing) -> Standing:
        return await self._send(what, {"content": what.content or "", "embeds": [what.embed.to_dict()]})

    async def post_plain(self, what: Outgoing, text: str) -> Standing:
        return await self._send(what, {"content": text})

    async def edit(self, standing: Standing, what: Outgoing) -> None:
        body: dict[str, Any] = {"embeds": [what.embed.to_dict()]}
        address = f"{self._address()}/messages/{standing.message_id}"
        if what.png is None:
            async with _answered(self.session.patch(address, json=body, **_GUARDED)):
                return
        body["attachments"] = [{"id": 0, "filename": CHART_NAME}]
        form = aiohttp.FormData()
        form.add_field("payload_json", json.dumps(body), content_type="application/json")
        form.add_field("files[0]", what.png, filename=CHART_NAME, content_type="image/png")
        async with _answered(self.session.patch(address, data=form, **_GUARDED)):
            return

    async def find(self, item: OutboxItem, *, call: bool) -> Standing | None:
        """Look for it as the bot, where that may see the channel; else nobody can know."""
        async with _answered(self.session.get(self._address(), **_GUARDED)) as answer:
            about = await _json(answer)
        channel_id, webhook_id = about.get("channel_id"), about.get("id")
        if channel_id is None or webhook_id is None:
            return None
        place = self.client.get_partial_messageable(int(channel_id))
        return await look_for(place, item, int(webhook_id), call=call, read=self._last_lines)

    async def _last_lines(self, message_id: int) -> Sequence[str]:
        """Read a message of its own: the webhook is shown its words, where the bot is not."""
        async with _answered(self.session.get(f"{self._address()}/messages/{message_id}", **_GUARDED)) as answer:
            said = await _json(answer)
        embeds = said.get("embeds")
        footers = [embed.get("footer", {}).get("text") for embed in embeds] if isinstance(embeds, list) else []
        return last_lines(str(said.get("content", "")), footers)

    async def _send(self, what: Outgoing, body: dict[str, Any]) -> Standing:
        roles = [str(what.role_id)] if what.role_id is not None else []
        body["allowed_mentions"] = {"parse": [], "roles": roles} if roles else {"parse": []}
        async with _answered(self.session.post(f"{self._address()}?wait=true", json=body, **_GUARDED)) as answer:
            said = await _json(answer)
        message_id = str(said.get("id", ""))
        return Standing(int(message_id) if message_id.isdecimal() else None)

    def _address(self) -> str:
        match = _DISCORD.fullmatch(self.url.strip())
        if match is None:
            raise NotDelivered(Setback.GONE, "not a webhook of Discord's")
        return f"{Api.BASE}/webhooks/{match[1]}/{match[2]}"


@dataclass(frozen=True, slots=True)
class JsonWebhook:
    """An address that takes each event as signed JSON; `docs/alerts.md` describes it to whoever listens there."""

    session: aiohttp.ClientSession
    secrets: Secrets
    now_s: Callable[[], float]
    """UTC epoch seconds."""
    redaction: Redaction
    threaded: bool = False
    nonced: bool = True
    """Whoever listens knows a delivery again by its id."""

    async def post(self, what: Outgoing) -> Standing:
        body = json.dumps(document(what, self.redaction), ensure_ascii=False).encode("utf-8", "replace")
        timestamp = str(int(self.now_s()))
        headers = {
            "Content-Type": "application/json",
            DELIVERY: what.item.key,
            TIMESTAMP: timestamp,
            SIGNATURE: signature(self.secrets.signing, timestamp, body),
        }
        try:
            async with _answered(self.session.post(self.secrets.url, data=body, headers=headers, **_GUARDED)):
                return Standing(None)
        except NotDelivered as failure:
            # It is not Discord that has counted it.
            failure.invalid = 0
            raise

    async def post_plain(self, what: Outgoing, text: str) -> Standing:
        del what, text
        raise NotDelivered(Setback.UNFIT, "it takes JSON or nothing")

    async def edit(self, standing: Standing, what: Outgoing) -> None:
        """Nothing that was sent can be changed."""

    async def find(self, item: OutboxItem, *, call: bool) -> Standing | None:
        del item, call
        return None


_GUARDED: dict[str, Any] = {"timeout": TIMEOUT, "allow_redirects": False}


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 over the timestamp, a dot and the body, as "sha256=" and 64 hexadecimal digits."""
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"sha256={digest.hexdigest()}"


def document(what: Outgoing, redaction: Redaction) -> dict[str, Any]:
    """Tell of an event in JSON: what it is, the words that people read, and its facts."""
    item, event = what.item, what.item.event
    facts = {key: value for key, value in dataclasses.asdict(event).items() if key not in ("server_id", "at_ms")}
    return {
        "id": item.key,
        "event_id": item.event_id,
        "incident_id": item.incident_id,
        "kind": event.kind,
        "severity": event.severity.value,
        "server": event.server_id or None,
        "at": datetime.fromtimestamp(event.at_ms / 1000, UTC).isoformat(),
        "title": what.embed.title,
        "text": what.embed.description,
        "call": what.call,
        "facts": discreet_data(facts, redaction),
    }


@asynccontextmanager
async def _answered(request: Any) -> AsyncIterator[aiohttp.ClientResponse]:
    """Make one request, and raise `NotDelivered` unless it was taken. No error names its address: it is a secret."""
    try:
        async with request as answer:
            if 200 <= answer.status < 300:  # noqa: PLR2004 - HTTP's own classes
                yield answer
                return
            refusal = of_status(answer.status, f"HTTP {answer.status}", retry_after=answer.headers.get("Retry-After"))
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as failure:
        raise NotDelivered(Setback.AGAIN, type(failure).__name__) from None
    if refusal.setback is Setback.REFUSED or 300 <= answer.status < 400:  # noqa: PLR2004
        # It is the webhook's own token that is refused, and not the bot's; and nobody is sent on elsewhere.
        raise NotDelivered(Setback.GONE, refusal.why, invalid=refusal.invalid)
    raise refusal


async def _json(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    read = b""
    async for chunk in answer.content.iter_any():
        read += chunk
        if len(read) > ANSWER_AT_MOST:
            return {}
    try:
        said = json.loads(read)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
