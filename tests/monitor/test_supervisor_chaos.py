"""Whatever people, processes and the bot itself do, and in whatever order: nothing is lost, doubled or stuck."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from monitor.errors import LaunchFault, LaunchRefused, WrongState
from monitor.events import ServerCrashed, ServerStarted, ServerStopped
from monitor.model import IntentAction, Plan, Server, State
from monitor.spec import HangPolicy
from monitor.supervisor import Supervisor
from tests.fakes.clock import inline, settle
from tests.fakes.house import ANNA, House, restart, spec_of, stop
from tests.fakes.machine import STUBBORN, FakeProcess, Temper

SPEC = spec_of(hang=HangPolicy(probes=2, interval_s=30.0, restart=True))


@dataclass(eq=False)
class Chaos:
    """One server, and everything that can happen to it; each method is a step."""

    house: House = field(default_factory=House)
    asked: list[asyncio.Task[Server]] = field(default_factory=list)
    most_alive: int = 0
    """Of the processes that there are whenever one is spawned."""
    jump_s: float = 3_600.0
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _ark: Supervisor | None = None

    def __post_init__(self) -> None:
        spawned = self.house.launcher.on_spawn

        def count(process: FakeProcess) -> None:
            self.most_alive = max(self.most_alive, len(self.alive()))
            if spawned is not None:
                spawned(process)

        self.house.launcher.on_spawn = count

    @property
    def ark(self) -> Supervisor:
        assert self._ark is not None
        return self._ark

    def alive(self) -> list[FakeProcess]:
        return [process for process in self.house.launcher.processes if process.alive]

    async def bot(self) -> None:
        """End the bot, and start it again."""
        await self._stack.aclose()
        self._ark = await self._stack.enter_async_context(self.house.supervising(SPEC))

    async def start(self) -> None:
        self.asked.append(asyncio.create_task(self.ark.start(ANNA)))

    async def stop(self) -> None:
        self.asked.append(asyncio.create_task(stop(self.ark)))

    async def force(self) -> None:
        self.asked.append(asyncio.create_task(stop(self.ark, force=True)))

    async def restart(self) -> None:
        self.asked.append(asyncio.create_task(restart(self.ark)))

    async def cancel(self) -> None:
        self.asked.append(asyncio.create_task(self.ark.cancel(ANNA)))

    async def plan(self) -> None:
        self._plan(IntentAction.STOP)

    async def plan_restart(self) -> None:
        self._plan(IntentAction.RESTART)

    def _plan(self, action: IntentAction) -> None:
        plan = Plan(action, ANNA, self.house.clock.now_ms() + 90_000)
        self.asked.append(asyncio.create_task(self.ark.plan(plan)))

    async def freeze(self) -> None:
        self.house.game().signs = {"admin": False}

    async def thaw(self) -> None:
        self.house.game().signs = {"admin": True}

    async def move(self) -> None:
        """Let the server become another process: a launcher ends, a game starts itself again."""
        for process in self.alive()[:1]:
            self.house.launcher.fork(process)
            process.exit(0)

    async def leave(self) -> None:
        """Let it crash, and leave something behind."""
        for process in self.alive()[:1]:
            self.house.launcher.fork(process, memory=1)
            process.exit(signal=11)

    async def set_clock(self) -> None:
        self.house.clock.shift_wall(self.jump_s)
        self.jump_s = -self.jump_s

    async def segv(self) -> None:
        for process in self.alive():
            process.exit(signal=11)

    async def quit(self) -> None:
        self.house.log().write("Stopping the server")
        for process in self.alive():
            process.exit(0)

    async def stubborn(self) -> None:
        self.house.launcher.temper = STUBBORN
        self.house.game().hang |= {"save", "stop"}

    async def mild(self) -> None:
        self.house.launcher.temper = Temper()
        self.house.game().hang.clear()

    async def refuse(self) -> None:
        self.house.launcher.refuse_with = LaunchFault.NOT_FOUND

    async def allow(self) -> None:
        self.house.launcher.refuse_with = None

    async def slow(self) -> None:
        self.house.slow = not self.house.slow

    async def second(self) -> None:
        await self.house.clock.advance(1)

    async def minutes(self) -> None:
        await self.house.clock.advance(200)

    async def turn(self) -> None:
        await asyncio.sleep(0)

    async def still(self) -> None:
        await settle()

    async def calm(self) -> None:
        """Give everything the time it may take, then take the server down."""
        await self.house.clock.advance(1_000)
        await self.stop()
        await self.house.clock.advance(1_000)
        await self._stack.aclose()


STEPS = [
    *("start", "stop", "force", "restart", "segv", "quit", "stubborn", "mild"),
    *("refuse", "allow", "slow", "second", "minutes", "turn", "still", "bot"),
    *("cancel", "plan", "plan_restart", "freeze", "thaw", "move", "leave", "set_clock"),
]


@settings(deadline=None)
@given(st.lists(st.sampled_from(STEPS), max_size=30))
def test_fault_9_nothing_is_lost_doubled_or_stuck(steps: list[str]) -> None:
    with mock.patch("asyncio.to_thread", inline), capture_logs() as logs:
        asyncio.run(play(steps))
    assert [entry for entry in logs if entry["event"] in {"job_failed", "task_failed", "event_lost"}] == []


async def play(steps: list[str]) -> None:
    chaos = Chaos()
    await chaos.bot()
    for step in steps:
        await getattr(chaos, step)()
    await chaos.calm()
    await settle()
    assert all(task.done() for task in chaos.asked)
    answers = await asyncio.gather(*chaos.asked, return_exceptions=True)
    assert {type(answer) for answer in answers} <= {Server, WrongState, LaunchRefused, asyncio.CancelledError}
    assert chaos.most_alive <= 1
    assert chaos.alive() == []
    assert chaos.ark.server.state in {State.STOPPED, State.FAILED}
    every_run_is_told_once(chaos.house)


def every_run_is_told_once(house: House) -> None:
    runs = set(house.journal.runs)
    begun = Counter(event.run_id for event in house.journal.of(ServerStarted))
    ended = Counter(event.run_id for event in house.journal.of(ServerStopped))
    ended.update(event.run_id for event in house.journal.of(ServerCrashed))
    assert begun.keys() <= runs
    assert ended == Counter(runs)
    assert all(times == 1 for times in begun.values())
    for run in house.journal.runs.values():
        assert run.report is not None
        intents = [intent.action for intent in house.journal.intents if intent.run_id == run.id]
        asked = intents[-1:] not in ([], [IntentAction.CALL_OFF])
        signalled = run.report.status.signal == 11
        assert asked or not signalled or run.report.verdict.failure


@pytest.mark.parametrize("step", STEPS)
async def test_every_step_can_be_taken(step: str) -> None:
    chaos = Chaos()
    await chaos.bot()
    await getattr(chaos, step)()
    await settle()
    await chaos._stack.aclose()
    await asyncio.gather(*chaos.asked, return_exceptions=True)
