"""What stands between HTTP and the API: recording, faults, the token, the schema, errors, rate limit headers."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.standin.faults import Answer, Fault, Faults, Hang, json_response, sever
from tests.standin.openapi import Schema
from tests.standin.record import Recorder, Request, read
from tests.standin.world import ApiError

API = "/api/v10"
LIMIT = 50
"""Requests a second that every bucket claims to allow: never so few that a client holds back by itself."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request on its way into the API."""

    request: Request
    params: dict[str, str]

    @property
    def body(self) -> dict[str, Any]:
        return self.request.json or {}

    def id(self, name: str) -> int:
        return int(self.params[name])


Endpoint = Callable[[Call], Any]
"""Returns the JSON body of a 200, or None for a 204."""
OPEN = ("/interactions/", "/webhooks/")
"""Paths whose own token is the permission."""


class Wire:
    """Carries each request through faults to its endpoint and its answer back."""

    def __init__(self, record: Recorder, faults: Faults, schema: Schema, token: Callable[[], str]) -> None:
        self._record = record
        self._faults = faults
        self._schema = schema
        self._token = token

    async def serve(self, http: web.Request, endpoint: Endpoint) -> web.StreamResponse:
        request = await read(http, API)
        authorization, request.authorization = request.authorization, None
        request.authorized = authorization == f"Bot {self._token()}"
        self._schema.check(request.method, request.path, request.json)
        self._record.add(request)
        call = Call(request, dict(http.match_info))
        fault = self._faults.take(request.method, request.path)
        if fault is None:
            response: web.Response | None = self._carry_out(call, endpoint)
        else:
            response = await self._strike(fault, call, endpoint)
        if response is None:
            sever(http.transport)
            return web.Response()
        request.status = response.status
        self._record.notify()
        return response

    async def _strike(self, fault: Fault, call: Call, endpoint: Endpoint) -> web.Response | None:
        done = self._carry_out(call, endpoint) if fault.after else None
        if isinstance(fault.outcome, Answer):
            return fault.outcome.response()
        if isinstance(fault.outcome, Hang):
            await fault.outcome.released.wait()
            return done or self._carry_out(call, endpoint)
        return None

    def _carry_out(self, call: Call, endpoint: Endpoint) -> web.Response:
        request = call.request
        headers = _limits(request)
        try:
            _admit(request)
            body = endpoint(call)
        except ApiError as error:
            return json_response(error.status, error.body, headers)
        finally:
            self._record.notify()
        return json_response(204 if body is None else 200, body, headers)


def _admit(request: Request) -> None:
    if not request.authorized and not request.path.startswith(OPEN):
        raise ApiError(401, 0, "401: Unauthorized")


def _limits(request: Request) -> dict[str, str]:
    bucket = hashlib.sha256(f"{request.method} {request.path}".encode()).hexdigest()[:32]
    return {
        "X-RateLimit-Limit": str(LIMIT),
        "X-RateLimit-Remaining": str(LIMIT - 1),
        "X-RateLimit-Reset": f"{time.time() + 1:.3f}",
        "X-RateLimit-Reset-After": "1.000",
        "X-RateLimit-Bucket": bucket,
        "Via": "1.1 google",
    }
