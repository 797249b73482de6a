from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import psutil
import pytest

from cogs.render import painter as module
from cogs.render.painter import ROOT, ChartFailed, ChartFault, Painter
from tests.cogs.render.charts import curve, pixels, request
from tests.fakes.waiting import until

ASKED = request(("cpu", [curve([1.0, 2.0, 3.0])]))
LONG_S = 60

FRAMES = """
import os, struct, sys
def take():
    head = sys.stdin.buffer.read(4)
    return sys.stdin.buffer.read(struct.unpack(">I", head)[0]) if head else sys.exit()
def give(body):
    sys.stdout.buffer.write(struct.pack(">I", len(body)) + body)
    sys.stdout.buffer.flush()
give(b"\\0")
"""


def worker(body: str) -> tuple[str, ...]:
    """The command of a worker that speaks the protocol and then does as told."""
    return (sys.executable, "-c", FRAMES + body)


ECHO = worker("while True: take(); give(b'\\0' + str(os.getpid()).encode())")


@asynccontextmanager
async def running(painter: Painter) -> AsyncIterator[Painter]:
    task = asyncio.create_task(painter.run())
    try:
        yield painter
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def ended(pid: int) -> None:
    """Wait until no process has this pid."""
    with suppress(psutil.NoSuchProcess):
        await asyncio.to_thread(psutil.Process(pid).wait, LONG_S)


def pid_of(painter: Painter) -> int:
    assert painter.worker_pid is not None
    return painter.worker_pid


async def test_the_real_worker_draws_and_ends_with_run() -> None:
    async with running(Painter()) as painter:
        assert painter.worker_pid is None
        assert pixels(await painter.draw(ASKED)).shape[1] == 800
        pid = pid_of(painter)
        await painter.draw(ASKED)
        assert painter.worker_pid == pid
    assert painter.worker_pid is None
    assert not psutil.pid_exists(pid)


async def test_after_a_killed_worker_the_next_chart_gets_a_new_one() -> None:
    async with running(Painter()) as painter:
        await painter.draw(ASKED)
        pid = pid_of(painter)
        psutil.Process(pid).kill()
        assert pixels(await painter.draw(ASKED)).shape[1] == 800
        assert painter.worker_pid != pid


async def test_an_idle_worker_is_ended_and_started_again_when_wanted() -> None:
    async with running(Painter(idle_s=0.05, command=ECHO)) as painter:
        first = int(await painter.draw(ASKED))
        await ended(first)
        await until(lambda: painter.worker_pid is None)
        assert int(await painter.draw(ASKED)) != first


async def test_a_worker_that_is_to_rest_ends_at_once_and_another_is_started_when_wanted() -> None:
    async with running(Painter(idle_s=LONG_S, command=ECHO)) as painter:
        painter.rest()
        first = int(await painter.draw(ASKED))
        painter.rest()
        painter.rest()
        await ended(first)
        await until(lambda: painter.worker_pid is None)
        assert int(await painter.draw(ASKED)) != first


async def test_what_waits_is_drawn_before_the_rest() -> None:
    async with running(Painter(idle_s=LONG_S, command=ECHO)) as painter:
        first = int(await painter.draw(ASKED))
        waiting = [asyncio.create_task(painter.draw(ASKED)) for _ in range(3)]
        await asyncio.sleep(0)
        painter.rest()
        assert {int(picture) for picture in await asyncio.gather(*waiting)} == {first}
        await ended(first)


async def test_a_painter_that_is_asked_to_rest_while_it_ends_refuses_what_waits() -> None:
    hanging = worker("take()\nimport time\ntime.sleep(600)")
    painter = Painter(command=hanging)
    async with running(painter):
        drawing = [asyncio.create_task(painter.draw(ASKED)) for _ in range(2)]
        await until(lambda: painter.worker_pid is not None)
        painter.rest()
    for failed in await asyncio.gather(*drawing, return_exceptions=True):
        assert isinstance(failed, ChartFailed)
        assert failed.fault is ChartFault.STOPPED


async def test_a_worker_that_does_not_end_when_asked_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "END_S", 0.05)
    stubborn = worker("take(); give(b'\\0' + str(os.getpid()).encode())\nimport time\ntime.sleep(600)")
    async with running(Painter(idle_s=0.05, command=stubborn)) as painter:
        await ended(int(await painter.draw(ASKED)))


async def test_requests_are_drawn_one_after_the_other_in_order() -> None:
    counting = worker("n = 0\nwhile True: take(); n += 1; give(b'\\0' + str(n).encode())")
    async with running(Painter(command=counting)) as painter:
        answers = await asyncio.gather(*(painter.draw(ASKED) for _ in range(10)))
    assert answers == [str(n).encode() for n in range(1, 11)]


async def test_a_drawing_that_takes_too_long_is_given_up_and_its_worker_killed() -> None:
    hanging = worker("take()\nimport time\ntime.sleep(600)")
    async with running(Painter(timeout_s=0.2, command=hanging)) as painter:
        drawing = asyncio.create_task(painter.draw(ASKED))
        await until(lambda: painter.worker_pid is not None)
        pid = pid_of(painter)
        with pytest.raises(ChartFailed) as failed:
            await drawing
        assert failed.value.fault is ChartFault.TIMEOUT
        await ended(pid)
        await until(lambda: painter.worker_pid is None)


async def test_a_request_that_kills_every_worker_is_given_up_after_the_second() -> None:
    async with running(Painter(command=worker("take(); os._exit(3)"))) as painter:
        with pytest.raises(ChartFailed) as failed:
            await painter.draw(ASKED)
        assert failed.value.fault is ChartFault.CRASHED


@pytest.mark.parametrize("command", [("/no/such/program",), (sys.executable, "-c", "raise SystemExit(1)")])
async def test_a_worker_that_cannot_start_is_a_failed_chart(command: tuple[str, ...]) -> None:
    async with running(Painter(command=command)) as painter:
        with pytest.raises(ChartFailed) as failed:
            await painter.draw(ASKED)
        assert failed.value.fault is ChartFault.CRASHED


async def test_a_worker_that_never_gets_ready_is_given_up() -> None:
    mute = (sys.executable, "-c", "import time; time.sleep(600)")
    async with running(Painter(start_timeout_s=0.2, command=mute)) as painter:
        with pytest.raises(ChartFailed) as failed:
            await painter.draw(ASKED)
        assert failed.value.fault is ChartFault.TIMEOUT


async def test_what_the_worker_refuses_is_told_and_the_worker_kept() -> None:
    refusing = worker("while True: take(); give(b'\\1ValueError: no')")
    async with running(Painter(command=refusing)) as painter:
        for _ in range(2):
            with pytest.raises(ChartFailed) as failed:
                await painter.draw(ASKED)
            assert (failed.value.fault, failed.value.detail) == (ChartFault.REFUSED, "ValueError: no")
        assert painter.worker_pid is not None


async def test_too_many_waiting_charts_are_refused_at_once() -> None:
    painter = Painter(command=ECHO)
    waiting = [asyncio.create_task(painter.draw(ASKED)) for _ in range(module.WAITING_AT_MOST)]
    await asyncio.sleep(0)
    with pytest.raises(ChartFailed) as failed:
        await painter.draw(ASKED)
    assert failed.value.fault is ChartFault.BUSY
    async with running(painter):
        assert len(await asyncio.gather(*waiting)) == module.WAITING_AT_MOST


async def test_when_the_bot_ends_those_who_wait_are_told() -> None:
    hanging = worker("take()\nimport time\ntime.sleep(600)")
    async with running(Painter(command=hanging)) as painter:
        drawing, waiting = (asyncio.create_task(painter.draw(ASKED)) for _ in range(2))
        await until(lambda: painter.worker_pid is not None)
    for task in (drawing, waiting, asyncio.create_task(painter.draw(ASKED))):
        with pytest.raises(ChartFailed) as failed:
            await task
        assert failed.value.fault is ChartFault.STOPPED


async def test_somebody_who_no_longer_waits_is_no_reason_to_draw() -> None:
    counting = worker("n = 0\nwhile True: take(); n += 1; give(b'\\0' + str(n).encode())")
    painter = Painter(command=counting)
    gone = asyncio.create_task(painter.draw(ASKED))
    await asyncio.sleep(0)
    gone.cancel()
    async with running(painter):
        assert await painter.draw(ASKED) == b"1"


async def test_somebody_who_leaves_during_the_drawing_leaves_the_worker_in_step() -> None:
    slow = worker("n = 0\nwhile True: take(); n += 1; give(b'\\0' + str(n).encode())")
    async with running(Painter(command=slow)) as painter:
        leaving = asyncio.create_task(painter.draw(ASKED))
        await until(lambda: painter.worker_pid is not None)
        leaving.cancel()
        assert await painter.draw(ASKED) in (b"1", b"2")


async def test_fault_64_the_worker_does_not_inherit_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "canary")
    telling = worker("while True: take(); give(b'\\0' + repr(dict(os.environ)).encode())")
    async with running(Painter(command=telling)) as painter:
        environment = await painter.draw(ASKED)
    assert b"PATH" in environment
    assert b"canary" not in environment


BOT = """
import asyncio, sys
from cogs.render.painter import Painter
from tests.cogs.render.test_painter import ASKED

async def main():
    painter = Painter()
    task = asyncio.create_task(painter.run())
    await painter.draw(ASKED)
    print(painter.worker_pid, flush=True)
    await task

asyncio.run(main())
"""


def test_fault_17_a_worker_does_not_outlive_a_killed_bot() -> None:
    with subprocess.Popen([sys.executable, "-c", BOT], cwd=ROOT, stdout=subprocess.PIPE, text=True) as bot:
        assert bot.stdout is not None
        pid = int(bot.stdout.readline())
        drawing = psutil.Process(pid)
        bot.kill()
        drawing.wait(LONG_S)
    assert not drawing.is_running()


@pytest.mark.skipif(sys.platform != "win32", reason="priority classes are Windows'; elsewhere see test_worker")
async def test_on_windows_the_worker_has_below_normal_priority() -> None:
    below_normal = 0x4000  # BELOW_NORMAL_PRIORITY_CLASS of winbase.h
    async with running(Painter(command=ECHO)) as painter:
        assert psutil.Process(int(await painter.draw(ASKED))).nice() == below_normal
