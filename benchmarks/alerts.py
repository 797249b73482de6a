"""How soon an alert is out, and what is lost, doubled or refused on the way: `python -m benchmarks.alerts [--json]`.

Linux only. Discord is the tests' stand-in, over real HTTP and WebSocket on this machine. It takes under two minutes.
"""

from __future__ import annotations

import sys

if sys.platform != "linux":
    raise ImportError("Linux only")

import asyncio
import logging
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog

from benchmarks import alerts_killed, alerts_latency, alerts_outage, alerts_plain, alerts_refused
from benchmarks.report import Figure, figure, show, wants_json

NOTES = """\
Baselines, in the same run, all by channel.send and a loop that tries again each second:
  exit_to_alert_ms_p99  asyncio's own wait for the process, then channel.send: nothing is written down
  lost_of_1000          each crash is tried three times while Discord is away
  doubled_of_1000       every 50th answer is lost after the message was made
  invalid_requests_10min  the loop, for one channel; ours is for four channels and an owner
lost and doubled add up what two hours without Discord and 20 kills of the bot have cost, in two thousand crashes.
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    exits: int = 200
    crashes: int = 1000
    kills: int = 20


async def measure(plan: Plan) -> list[Figure]:
    """Measure everything; nothing that was started is left."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.getLogger("discord").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="gamekeeper-benchmark-") as name, pytest.MonkeyPatch.context() as patch:
        folders = [Path(name) / each for each in ("latency", "outage", "killed", "refused", "plain")]
        for folder in folders:
            folder.mkdir()
        seen = await alerts_latency.measure(folders[0], patch, plan.exits)
        outage = await alerts_outage.measure(folders[1], patch, plan.crashes)
        killed = await alerts_killed.measure(folders[2], patch, plan.crashes, plan.kills)
        invalid = await alerts_refused.measure(folders[3], patch)
        plain = await alerts_plain.measure(folders[4], patch, plan.crashes)
    lost, doubled = outage.lost + killed.lost, outage.doubled + killed.doubled
    return [
        figure("exit_to_alert_ms_p99", seen.p99_ms, "ms", 500.0, seen.plain_p99_ms),
        figure("lost_of_1000", lost, "alerts", 0.0, plain.lost),
        figure("doubled_of_1000", doubled, "alerts", 0.0, plain.doubled),
        figure("invalid_requests_10min", invalid, "requests", 99.0, plain.invalid),
    ]


def main(arguments: Sequence[str] | None = None, plan: Plan | None = None) -> None:
    with_json = wants_json(arguments, "Measure how soon an alert is out, and what is lost on the way.")
    show(asyncio.run(measure(plan or Plan())), NOTES, with_json=with_json)


if __name__ == "__main__":
    main()
