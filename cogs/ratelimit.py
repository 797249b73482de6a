"""How often somebody may ask: token buckets, in memory.

One person can never use up what belongs to a server: what is theirs is less, and fills no faster.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

from monitor.errors import GamekeeperError
from monitor.ports import Clock

KEPT = 4096
"""How many buckets are kept before the full ones are let go of."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many at once, and then so many a second."""

    burst: int
    per_s: float


PERSON = Rate(10, 0.5)
SERVER = Rate(30, 1.0)
TYPING = Rate(30, 10.0)
"""Completion asks with every key that is pressed."""
COMMANDS: Mapping[str, Rate] = {
    "chart": Rate(5, 0.2),
    "export": Rate(2, 1 / 60),
}
"""What costs more than a word; for one person."""


class RateLimited(GamekeeperError):
    """There were too many; nothing was done."""

    def __init__(self, wait_s: float, again_ms: int) -> None:
        super().__init__(wait_s, again_ms)
        self.wait_s = wait_s
        self.again_ms = again_ms
        """When it will be let through, UTC epoch milliseconds."""


@dataclass(slots=True)
class _Bucket:
    rate: Rate
    at_s: float
    tokens: float

    def fill(self, now_s: float) -> None:
        self.tokens = min(self.rate.burst, self.tokens + (now_s - self.at_s) * self.rate.per_s)
        self.at_s = now_s

    def wait_s(self) -> float:
        """How long until there is a whole token."""
        return max(0.0, (1 - self.tokens) / self.rate.per_s)


@dataclass(slots=True)
class Limits:
    """The buckets of everybody and everything."""

    clock: Clock
    commands: Mapping[str, Rate] = field(default_factory=lambda: COMMANDS)
    _buckets: dict[Hashable, _Bucket] = field(default_factory=dict)

    def person(self, user_id: int, command: str) -> None:
        """Count one attempt of somebody; one that is refused costs nothing.

        Raises:
            RateLimited: too many of them, or of this command.
        """
        wanted: dict[Hashable, Rate] = {("person", user_id): PERSON}
        if command in self.commands:
            wanted["command", user_id, command] = self.commands[command]
        self._take(wanted)

    def give_back(self, user_id: int, command: str) -> None:
        """Take one attempt back that cost nothing; among all of the person's it still counts."""
        bucket = self._buckets.get(("command", user_id, command))
        if bucket is not None:
            bucket.tokens = min(bucket.rate.burst, bucket.tokens + 1)

    def typing(self, user_id: int) -> None:
        """Count one completion.

        Raises:
            RateLimited: too many.
        """
        self._take({("typing", user_id): TYPING})

    def server(self, server_id: str) -> None:
        """Count what somebody who may is about to do to a server.

        Raises:
            RateLimited: too many, of all people together.
        """
        self._take({("server", server_id): SERVER})

    def _take(self, wanted: Mapping[Hashable, Rate]) -> None:
        now_s = self.clock.monotonic()
        buckets = [self._bucket(key, rate, now_s) for key, rate in wanted.items()]
        wait_s = max(bucket.wait_s() for bucket in buckets)
        if wait_s > 0:
            raise RateLimited(wait_s, self.clock.now_ms() + round(wait_s * 1000))
        for bucket in buckets:
            bucket.tokens -= 1

    def _bucket(self, key: Hashable, rate: Rate, now_s: float) -> _Bucket:
        if key not in self._buckets:
            if len(self._buckets) >= KEPT:
                self._let_go_of_full_ones(now_s)
            self._buckets[key] = _Bucket(rate, now_s, rate.burst)
        bucket = self._buckets[key]
        bucket.fill(now_s)
        return bucket

    def _let_go_of_full_ones(self, now_s: float) -> None:
        for bucket in self._buckets.values():
            bucket.fill(now_s)
        self._buckets = {key: bucket for key, bucket in self._buckets.items() if bucket.tokens < bucket.rate.burst}
