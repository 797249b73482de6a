"""What goes wrong on the wire, told beforehand: the next N requests that fit get a wrong answer, a reset or silence.

`*` in a path is one step, `**` any number: `faults.answer("POST", "/channels/*/messages", 502, after=True)`.
The latest fault that fits is the one that strikes; `times=None` lasts until it is lifted.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.standin.record import matches

MESSAGES = {400: "Bad Request", 401: "401: Unauthorized", 403: "Missing Access", 404: "Unknown Channel"}
CODES = {400: 50035, 401: 0, 403: 50001, 404: 10003}


@dataclass(frozen=True, slots=True)
class Answer:
    """A response in place of the true one."""

    status: int
    body: Any = None
    """A dict or list goes out as JSON, a string as text."""
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> web.Response:
        if isinstance(self.body, str):
            return web.Response(status=self.status, text=self.body, headers=self.headers)
        return json_response(self.status, self.body, self.headers)


@dataclass(frozen=True, slots=True)
class Reset:
    """The connection is reset instead of an answer."""


@dataclass(frozen=True, slots=True)
class Hang:
    """Nothing comes until it is released; then the true answer does."""

    released: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True, eq=False)
class Fault:
    """One thing that goes wrong for the requests that fit."""

    method: str
    path: str
    outcome: Answer | Reset | Hang
    after: bool
    """Whether the request is carried out first, so that only its answer is lost."""
    times: int | None
    hits: int = 0

    @property
    def spent(self) -> bool:
        return self.times is not None and self.hits >= self.times

    def lift(self) -> None:
        """Strike no more, and let go of whoever hangs."""
        self.times = self.hits
        self.release()

    def release(self) -> None:
        """Let the requests that hang in it go on to their true answer."""
        if isinstance(self.outcome, Hang):
            self.outcome.released.set()


class Faults:
    """All that is told to go wrong over HTTP."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def answer(
        self,
        method: str,
        path: str,
        status: int,
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        after: bool = False,
        times: int | None = 1,
    ) -> Fault:
        """Answer with this status; without a body, the one Discord would send for it."""
        body = _usual_body(status) if body is None else body
        return self._add(Fault(method, path, Answer(status, body, headers or {}), after, times))

    def rate_limit(
        self,
        method: str,
        path: str,
        retry_after_s: float,
        *,
        via: bool = True,
        everywhere: bool = False,
        times: int | None = 1,
    ) -> Fault:
        """Answer 429: Discord's own, or without `Via` the plain text of the proxy before it."""
        headers = {"Retry-After": f"{retry_after_s:.0f}", "X-RateLimit-Scope": "global" if everywhere else "user"}
        if not via:
            return self.answer(method, path, 429, body="error code: 1015", headers=headers, times=times)
        headers["Via"] = "1.1 google"
        if everywhere:
            headers["X-RateLimit-Global"] = "true"
        said = {"message": "You are being rate limited.", "retry_after": retry_after_s, "global": everywhere}
        return self.answer(method, path, 429, body=said, headers=headers, times=times)

    def reset(self, method: str, path: str, *, after: bool = False, times: int | None = 1) -> Fault:
        """Reset the TCP connection, before or after the request was carried out."""
        return self._add(Fault(method, path, Reset(), after, times))

    def hang(self, method: str, path: str, *, after: bool = False, times: int | None = 1) -> Fault:
        """Say nothing until `release()`, before or after the request was carried out."""
        return self._add(Fault(method, path, Hang(), after, times))

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that strikes this request, counted."""
        for fault in reversed(self._faults):
            if not fault.spent and fault.method in ("*", method) and matches(fault.path, path):
                fault.hits += 1
                return fault
        return None

    def lift(self) -> None:
        """All is well again."""
        for fault in self._faults:
            fault.lift()
        self._faults.clear()

    def _add(self, fault: Fault) -> Fault:
        self._faults.append(fault)
        return fault


def _usual_body(status: int) -> Any:
    if status >= 500:
        return f"<html><head><title>{status}</title></head></html>"
    return {"message": MESSAGES.get(status, str(status)), "code": CODES.get(status, 0)}


def json_response(status: int, body: Any, headers: Mapping[str, str] | None = None) -> web.Response:
    """JSON under the bare content type: discord.py takes any other, even with a charset, for text."""
    if body is None:
        return web.Response(status=status, headers=headers)
    return web.Response(
        status=status, body=json.dumps(body).encode(), content_type="application/json", headers=headers
    )


def sever(transport: asyncio.Transport | None) -> None:
    """Reset a TCP connection: the peer sees RST, not an orderly end."""
    if transport is None:
        return
    sock: socket.socket | None = transport.get_extra_info("socket")
    if sock is not None:
        no_linger = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_linger)
    transport.abort()
