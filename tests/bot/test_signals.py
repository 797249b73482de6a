"""Told to end by a signal: shown in processes of their own, since a test run has but one set of handlers."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys

import pytest

from bot.signals import CONSOLE_CLOSE_PATIENCE_S, StopSignal, stop_signal
from tests.fakes.waiting import PATIENCE_S

WAITER = """\
import asyncio, signal
from bot.signals import stop_signal

async def main():
    before = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    with stop_signal() as stop:
        print("waiting", flush=True)
        await stop.wait()
        print("told", flush=True)
    assert before == [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    print("restored", flush=True)

asyncio.run(main())
"""
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="a Windows process gets no such signal from another")


@posix_only
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_is_an_orderly_end(number: signal.Signals) -> None:
    command = [sys.executable, "-c", WAITER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as waiter:
        try:
            assert waiter.stdout is not None
            assert waiter.stdout.readline() == "waiting\n"
            waiter.send_signal(number)
            out, err = waiter.communicate(timeout=20)
        finally:
            waiter.kill()
    assert (out, err, waiter.returncode) == ("told\nrestored\n", "", 0)


@posix_only
async def test_a_second_signal_while_it_ends_interrupts_nothing() -> None:
    with stop_signal() as stop:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        await asyncio.wait_for(stop.wait(), PATIENCE_S)
        await asyncio.wait_for(stop.wait(), PATIENCE_S)


async def test_the_handlers_come_back_also_after_a_failure() -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)

    def fail() -> None:
        with stop_signal():
            assert signal.getsignal(signal.SIGTERM) != before[0]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


async def test_a_console_that_is_closed_waits_until_all_is_written_down(monkeypatch: pytest.MonkeyPatch) -> None:
    assert CONSOLE_CLOSE_PATIENCE_S < 5, "Windows ends it then"
    monkeypatch.setattr("bot.signals.CONSOLE_CLOSE_PATIENCE_S", 10 * PATIENCE_S)
    stop = StopSignal()
    closing = asyncio.create_task(asyncio.to_thread(stop.console_closed))
    await asyncio.wait_for(stop.wait(), PATIENCE_S)
    assert not closing.done()
    stop.ended()
    await asyncio.wait_for(closing, PATIENCE_S)


async def test_a_console_that_is_closed_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.signals.CONSOLE_CLOSE_PATIENCE_S", 0.01)
    stop = StopSignal()
    await asyncio.wait_for(asyncio.to_thread(stop.console_closed), PATIENCE_S)
    await asyncio.wait_for(stop.wait(), PATIENCE_S)
