"""What the stand-in was asked, kept for the tests to count, and the one way to wait for it."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

from aiohttp import web

from tests.fakes.waiting import PATIENCE_S, in_vain

Json = dict[str, Any]
T = TypeVar("T")

LOOK_AGAIN_S = 0.05
"""How soon a wait looks again though nothing has happened here: it may ask for what the bot is, too."""

SECRET_HEADERS = frozenset({"authorization", "proxy-authorization"})


@dataclass(frozen=True, slots=True)
class Upload:
    """One file of a multipart request."""

    field: str
    """As in `files[0]`."""
    filename: str
    data: bytes


@dataclass(slots=True, kw_only=True)
class Request:
    """One HTTP request as it arrived. The bot's token is not in it."""

    method: str
    path: str
    """Below the API's base: `/channels/1/messages`."""
    query: dict[str, str]
    headers: dict[str, str]
    json: Any
    """The body, or the `payload_json` part of a multipart body; None where there is none."""
    files: tuple[Upload, ...]
    authorization: str | None = field(repr=False)
    """How it identified itself; forgotten as soon as it was compared."""
    at: float = field(default_factory=time.monotonic)
    """When it had wholly arrived, in seconds of `time.monotonic()`."""
    authorized: bool = False
    """Whether it carried the bot's own token."""
    status: int | None = None
    """What was answered. None: nothing (yet), or the connection was cut instead."""


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = (".*" if part == "**" else "[^/]+" if part == "*" else re.escape(part) for part in _split(pattern))
    return re.compile("".join(parts))


def _split(pattern: str) -> Iterator[str]:
    yield from re.split(r"(\*\*|\*)", pattern)


def matches(pattern: str, path: str) -> bool:
    """Whether a path fits a pattern: `*` is one step of it, `**` any number of them."""
    return _compiled(pattern).fullmatch(path) is not None


class Recorder:
    """Every request so far, and a wait that wakes whenever anything happened in the stand-in."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._changed = asyncio.Event()

    def add(self, request: Request) -> None:
        self.requests.append(request)
        self.notify()

    def calls(self, method: str = "*", path: str = "**") -> list[Request]:
        """The requests that fit, in the order they came."""
        return [r for r in self.requests if method in ("*", r.method) and matches(path, r.path)]

    def notify(self) -> None:
        """Let every waiting predicate look again."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def wait_for(self, predicate: Callable[[], T], timeout_s: float = PATIENCE_S) -> T:
        """Wait until the predicate is true of the stand-in, and return what it said.

        Let it be something that stays so: what passes by can be missed.

        Raises:
            TimeoutError: it did not become true in time; names what was waited for.
        """
        end_s = time.monotonic() + timeout_s
        while not (seen := predicate()):
            left_s = end_s - time.monotonic()
            if left_s <= 0:
                raise in_vain(predicate, timeout_s)
            with suppress(TimeoutError):
                async with asyncio.timeout(min(LOOK_AGAIN_S, left_s)):
                    await self._changed.wait()
        return seen


async def read(request: web.Request, prefix: str) -> Request:
    """Take in a request, multipart or JSON."""
    multipart = request.content_type == "multipart/form-data"
    body, files = await _multipart(request) if multipart else (_parsed(await request.text()), ())
    return Request(
        method=request.method,
        path=request.path.removeprefix(prefix),
        query=dict(request.query),
        headers={name: value for name, value in request.headers.items() if name.lower() not in SECRET_HEADERS},
        json=body,
        files=files,
        authorization=request.headers.get("Authorization"),
    )


def _parsed(text: str) -> Any:
    return json.loads(text) if text else None


async def _multipart(request: web.Request) -> tuple[Any, tuple[Upload, ...]]:
    form = await request.post()
    parts = [(name, part) for name, part in form.items() if isinstance(part, web.FileField)]
    uploads = [Upload(name, part.filename, part.file.read()) for name, part in parts]
    payload = form.get("payload_json")
    return _parsed(payload) if isinstance(payload, str) else None, tuple(uploads)
