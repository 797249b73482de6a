"""A thousand servers that somebody took down, and a thousand that came down by themselves: none taken for the other.

Each life is drawn from all the ways there are, by a fixed seed, and lived through in virtual time.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import pytest

from monitor.errors import AccessRefused, GameFault, GameUnavailable, NotSupported
from monitor.events import Event, ServerCrashed, ServerStopped
from monitor.model import IntentAction, Players, State, Verdict
from monitor.spec import HangPolicy, RestartMode
from monitor.supervisor import Supervisor
from tests.fakes.clock import settle
from tests.fakes.house import ANNA, RESTARTS, House, spec_of
from tests.fakes.machine import STUBBORN, FakeProcess, Temper

pytestmark = [pytest.mark.timeout(60), pytest.mark.usefixtures("no_threads")]

LIVES = 1_000
LIVES_IN_A_HOUSE = 50
SPEC = spec_of(
    restart=replace(RESTARTS, policy=RestartMode.NEVER), hang=HangPolicy(probes=2, interval_s=30.0, restart=True)
)
E = TypeVar("E", bound=Event)
NTSTATUS = (0xC0000005, 0xC0000409, 0xC00000FD, 0xC0000374, 0xC0000135, 0xC000001D)
FATAL_SIGNALS = (4, 5, 6, 7, 8, 9, 11, 15, 24, 25, 31)


@dataclass(eq=False)
class Life:
    """One server that is up, and the dice."""

    house: House
    ark: Supervisor
    dice: random.Random

    @property
    def process(self) -> FakeProcess:
        return next(process for process in reversed(self.house.launcher.processes) if process.alive)

    def any_end(self) -> None:
        """Exit in any way at all: games do the oddest things when they are told to stop."""
        ways: list[Callable[[FakeProcess], None]] = [
            lambda process: process.exit(self.dice.choice((0, 1, 2, 3, 42, 130, 143, 255, *NTSTATUS, 0xC000013A))),
            lambda process: process.exit(
                signal=self.dice.choice(FATAL_SIGNALS), core_dumped=self.dice.random() < 0.5
            ),
            lambda process: process.exit(),
        ]
        self.dice.choice(ways)(self.process)

    async def ask(self, action: IntentAction, *, force: bool = False) -> None:
        ask = self.ark.stop(action, ANNA, reason="", force=force, on_rung=None)
        asked = asyncio.create_task(ask)
        await self.house.clock.advance(200)
        await asked


# How it is taken down


async def by_us(life: Life) -> None:
    life.house.game().on_stop = life.any_end
    await life.ask(life.dice.choice((IntentAction.STOP, IntentAction.RESTART)))


async def by_us_over_the_console(life: Life) -> None:
    life.house.game().fail_with |= {"save": NotSupported("save"), "stop": NotSupported("stop")}
    life.process.on_line = lambda _: life.any_end()
    await life.ask(IntentAction.STOP)


async def by_us_by_signal(life: Life) -> None:
    refusal = life.dice.choice((AccessRefused(), GameUnavailable(GameFault.REFUSED)))
    life.house.game().fail_with |= {"save": refusal, "stop": refusal}
    await life.ask(life.dice.choice((IntentAction.STOP, IntentAction.RESTART)))


async def by_us_when_it_will_not(life: Life) -> None:
    life.process.temper = life.dice.choice((STUBBORN, Temper(on_interrupt=None)))
    life.house.game().hang |= {"save", "stop"}
    await life.ask(life.dice.choice((IntentAction.STOP, IntentAction.RESTART)))


async def by_us_by_force(life: Life) -> None:
    life.process.temper = life.dice.choice((STUBBORN, Temper()))
    await life.ask(IntentAction.STOP, force=True)


async def while_it_saves_for_us(life: Life) -> None:
    life.house.game().hang.add("save")
    asked = asyncio.create_task(life.ark.stop(IntentAction.STOP, ANNA, reason="", force=False, on_rung=None))
    await life.house.clock.advance(1)
    life.any_end()
    await asked


async def with_a_launcher_before_it(life: Life) -> None:
    launcher = life.process
    life.house.launcher.fork(launcher)
    launcher.exit(0)
    await settle()
    await by_us(life)


async def in_game(life: Life) -> None:
    life.house.log().write("[12:00] Stopping the server")
    life.process.exit(0)


async def by_rcon(life: Life) -> None:
    await life.ark.command(life.dice.choice(("stop", "/stop", "stop 10")), ANNA)
    await life.house.clock.advance(life.dice.choice((0, 10, 600)))
    life.process.exit(0)


NORMAL = (
    by_us,
    by_us_over_the_console,
    by_us_by_signal,
    by_us_when_it_will_not,
    by_us_by_force,
    while_it_saves_for_us,
    with_a_launcher_before_it,
    in_game,
    by_rcon,
)

# How it comes down by itself


async def by_signal(life: Life) -> None:
    life.process.exit(signal=life.dice.choice(FATAL_SIGNALS), core_dumped=life.dice.random() < 0.5)


async def by_code(life: Life) -> None:
    life.process.exit(life.dice.choice((1, 2, 3, 42, 126, 127, 134, 137, 139, 143, 255, *NTSTATUS)))


async def without_a_word(life: Life) -> None:
    life.process.exit(0)


async def with_its_console(life: Life) -> None:
    life.process.exit(0xC000013A)


async def saying_so_in_the_log(life: Life) -> None:
    life.house.log().write("FATAL: out of disk")
    life.process.exit(life.dice.choice((0, 1)))


async def while_it_was_stopped_in_game(life: Life) -> None:
    life.house.log().write("[12:00] Stopping the server")
    life.process.exit(signal=11)


async def after_a_stop_that_was_called_off(life: Life) -> None:
    life.house.game().hang.add("save")
    asked = asyncio.create_task(life.ark.stop(IntentAction.STOP, ANNA, reason="", force=False, on_rung=None))
    await life.house.clock.advance(1)
    await life.ark.cancel(ANNA)
    await asked
    await by_signal(life)


async def long_after_a_quit_command(life: Life) -> None:
    await life.ark.command("stop", ANNA)
    await life.house.clock.advance(1_000)
    life.process.exit(0)


async def for_want_of_memory(life: Life) -> None:
    life.process.oom = "oom_kill 1"
    life.process.exit(signal=9)


async def leaving_a_crash_reporter(life: Life) -> None:
    life.house.launcher.fork(life.process, memory=1_000)
    life.house.launcher.processes[-2].exit(signal=11)


async def hanging(life: Life) -> None:
    life.house.game().signs = {"admin": False}
    await life.house.clock.advance(80)


async def after_its_launcher(life: Life) -> None:
    launcher = life.process
    game = life.house.launcher.fork(launcher)
    launcher.exit(0)
    await settle()
    game.exit(signal=11)


CRASHES = (
    by_signal,
    by_code,
    without_a_word,
    with_its_console,
    saying_so_in_the_log,
    while_it_was_stopped_in_game,
    after_a_stop_that_was_called_off,
    long_after_a_quit_command,
    for_want_of_memory,
    leaving_a_crash_reporter,
    hanging,
    after_its_launcher,
)

End = Callable[[Life], Awaitable[None]]


async def live_and_end(house: House, number: int, end: End, dice: random.Random) -> None:
    """Have one server live, for some time, and come to this end; then look at how it stands."""
    house.games.clear()
    house.launcher.temper = Temper()
    async with house.supervising(SPEC) as ark:
        if ark.server.state is not State.RUNNING:
            await ark.start(ANNA)
        house.game().online = dice.choice((Players(0), Players(3), None))
        await house.clock.advance(dice.choice((0, 1, 60, 300)))
        await end(Life(house, ark, dice))
        await settle()
        runs = [run for run in house.journal.runs.values() if run.report is not None]
        assert len(runs) == number, end.__name__
        if ark.server.state is State.RUNNING:
            # A restart was asked for. The next one begins with a process of its own.
            house.journal.runs.pop(max(house.journal.runs))
            house.launcher.processes[-1].exit()


async def play(ends: tuple[End, ...], seed: int) -> list[House]:
    """Give the houses they were lived in: a fake goes through all that it remembers, so each has its share."""
    houses, dice = [House() for _ in range(LIVES // LIVES_IN_A_HOUSE)], random.Random(seed)
    for at, house in enumerate(houses):
        for number in range(1, LIVES_IN_A_HOUSE + 1):
            end = ends[(at * LIVES_IN_A_HOUSE + number) % len(ends)]
            await live_and_end(house, number, end, dice)
    return houses


def told(houses: list[House], kind: type[E]) -> list[E]:
    return [event for house in houses for event in house.journal.of(kind)]


@pytest.mark.parametrize("seed", [1])
async def test_fault_1_2_6_of_a_thousand_normal_stops_none_is_a_crash(seed: int) -> None:
    houses = await play(NORMAL, seed)
    assert told(houses, ServerCrashed) == []
    verdicts = Counter(event.report.verdict for event in told(houses, ServerStopped))
    assert verdicts.keys() == {Verdict.STOPPED, Verdict.STOPPED_IN_GAME}
    assert verdicts.total() == LIVES
    assert not any(event.alerts for event in told(houses, Event))


@pytest.mark.parametrize("seed", [1])
async def test_fault_3_of_a_thousand_crashes_none_is_missed(seed: int) -> None:
    houses = await play(CRASHES, seed)
    assert told(houses, ServerStopped) == []
    crashes = told(houses, ServerCrashed)
    for house in houses:
        assert len({event.run_id for event in house.journal.of(ServerCrashed)}) == LIVES_IN_A_HOUSE
    assert len(crashes) == LIVES
    assert {event.report.verdict for event in crashes} == {
        Verdict.CRASHED,
        Verdict.UNEXPECTED_EXIT,
        Verdict.CONSOLE_CLOSED,
        Verdict.OUT_OF_MEMORY,
        Verdict.HUNG,
    }
    assert [event for house in houses for event in house.heard if event.alerts] == crashes
