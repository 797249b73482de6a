"""What all deliveries share: whether Discord takes us at all, and how many invalid requests it has seen of us."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import structlog

from monitor.ports import Clock

INVALID_AT_MOST, INVALID_WINDOW_S = 50, 600.0
"""Discord bans an address after 10,000 invalid requests in ten minutes; this bot stays far below.

Source: https://discord.com/developers/docs/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans
"""
NEXT_STEP = "Servers are still watched. Put a valid token into DISCORD_TOKEN, then start the bot again."

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Breaker:
    """Keeps count of the invalid requests of all destinations together, and says when to make no more of them."""

    _spent: deque[tuple[float, int]] = field(default_factory=deque)

    def spend(self, requests: int, now_s: float) -> None:
        if requests:
            self._spent.append((now_s, requests))

    def wait_s(self, now_s: float) -> float:
        """How long nothing may be sent; 0: it may."""
        while self._spent and self._spent[0][0] <= now_s - INVALID_WINDOW_S:
            self._spent.popleft()
        over = sum(requests for _, requests in self._spent) - INVALID_AT_MOST
        for at_s, requests in self._spent:
            if over < 0:
                break
            over -= requests
            if over < 0:
                return at_s + INVALID_WINDOW_S - now_s
        return 0.0


@dataclass(slots=True)
class Traffic:
    """The way to Discord, as all destinations have met it."""

    clock: Clock
    breaker: Breaker = field(default_factory=Breaker)
    refused: bool = False
    """Discord does not take the token: nothing is sent until it has taken one."""

    def failed(self, invalid: int, *, refused: bool) -> None:
        """Learn of a try that failed, and of how many invalid requests it took."""
        self.breaker.spend(invalid, self.clock.monotonic())
        if refused and not self.refused:
            log.error("alerts_stopped", reason="Discord refused the token.", next_step=NEXT_STEP)
        self.refused = self.refused or refused

    def logged_in(self) -> None:
        """Discord has taken the token."""
        self.refused = False

    def wait_s(self) -> float:
        """How long nothing may be sent; 0: it may."""
        return self.breaker.wait_s(self.clock.monotonic())
