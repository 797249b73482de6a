"""A call that blocks the event loop is named while it still blocks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import MutableMapping
from typing import Any, NoReturn

import pytest
import structlog

from bot.watchdog import MISSED, Watchdog
from monitor.local.clock import SystemClock
from tests.bot.log_lines import LogLines
from tests.fakes.clock import FakeClock


def call_that_blocks(named: threading.Event) -> bool:
    return named.wait(30)


async def test_fault_44_a_call_that_blocks_the_loop_is_named_while_it_does(lines: LogLines) -> None:
    named = threading.Event()

    def note(logger: object, method: str, line: MutableMapping[str, Any]) -> NoReturn:
        # On a busy machine something else may seem to block it before.
        if line["event"] == "loop_blocked" and "call_that_blocks" in str(line["by"]):
            named.set()
        lines(logger, method, line)

    structlog.configure(processors=[note])
    watchdog = Watchdog(SystemClock())
    beats = asyncio.create_task(watchdog.run(0.005))
    with watchdog.looking(0.005):
        await asyncio.sleep(0)
        assert call_that_blocks(named), "nobody noticed"
        await lines.line("loop_goes_on")
    beats.cancel()
    await asyncio.gather(beats, return_exceptions=True)
    [blocked] = [line for line in lines.named("loop_blocked") if "call_that_blocks" in str(line["by"])]
    assert any(call.endswith("call_that_blocks") and "test_watchdog.py:" in call for call in blocked["by"])
    assert blocked in lines.grave(), "a test that looks for grave lines fails"


@pytest.mark.parametrize(("looks", "told"), [(MISSED - 1, 0), (MISSED, 1), (MISSED * 5, 1)])
async def test_fault_44_it_is_said_once_and_not_too_early(lines: LogLines, looks: int, told: int) -> None:
    clock = FakeClock()
    watchdog = Watchdog(clock)
    for _ in range(looks):
        watchdog.look()
    await clock.advance(3.0)
    watchdog.beat()
    assert len(lines.named("loop_blocked")) == told
    assert [line["blocked_s"] for line in lines.named("loop_goes_on")] == [3.0] * told


async def test_fault_44_a_loop_that_goes_on_is_left_in_peace(lines: LogLines) -> None:
    watchdog = Watchdog(FakeClock())
    for _ in range(MISSED * 3):
        watchdog.look()
        watchdog.beat()
    assert lines.lines == []


async def test_its_thread_ends_with_it() -> None:
    with Watchdog(FakeClock()).looking(60):
        assert "watchdog" in {thread.name for thread in threading.enumerate()}
    assert "watchdog" not in {thread.name for thread in threading.enumerate()}
