"""Each step of a stop, and what makes it go on to the next."""

from __future__ import annotations

import asyncio
import errno
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from monitor.errors import AccessRefused, GameError, GameFault, GameUnavailable, NotSupported
from monitor.model import ExitStatus, ProcessId, Rung
from monitor.ports import LaunchRequest
from monitor.saving import Saved, Saving
from monitor.spec import StopPolicy
from monitor.stopping import ASKING_S, KILL_AGAIN_S, StopProcedure
from tests.fakes.clock import FakeClock
from tests.fakes.game import FakeGame
from tests.fakes.house import spec_of
from tests.fakes.machine import CLEAN, KILLED, STUBBORN, TERMINATED, FakeLog, FakeProcess, Temper

POLICY = StopPolicy(command="stop", signal="SIGINT", save_s=30.0, polite_s=60.0, terminate_s=10.0)
DEAF = replace(STUBBORN, on_terminate=TERMINATED)
"""Ends by SIGTERM, not by anything polite."""


@dataclass(eq=False)
class Stop:
    """A stop of one fake process, and how it went."""

    clock: FakeClock
    game: FakeGame = field(default_factory=FakeGame)
    policy: StopPolicy = POLICY
    warning: str = ""
    rungs: list[tuple[Rung, float]] = field(default_factory=list)
    """Each step, and the seconds after the beginning at which it began."""
    saved: list[Saved] = field(default_factory=list)

    def __post_init__(self) -> None:
        spec = spec_of()
        request = LaunchRequest(spec.id, spec.argv, spec.cwd, {}, "m", FakeLog().path)
        self.process = FakeProcess(ProcessId(1, 1), request)

    def note(self, rung: Rung) -> None:
        self.rungs.append((rung, self.clock.monotonic()))

    def begin(self, *, force: bool = False) -> asyncio.Task[Rung]:
        saving = Saving(self.game, self.process, FakeLog(), Path("/srv"), self.policy, self.clock)
        procedure = StopProcedure(
            self.process, self.game, self.policy, self.clock, self.note, saving, self.saved.append, self.warning
        )
        return asyncio.create_task(procedure.run(force=force))

    async def through(self, seconds: float, *, force: bool = False) -> Rung:
        """Run it whole: it must be over after this much time, and not before."""
        task = self.begin(force=force)
        await self.clock.advance(seconds - 0.001)
        assert not task.done() or not seconds
        await self.clock.advance(0.001)
        assert task.done()
        return await task

    def ends_when_asked(self, status: ExitStatus = CLEAN) -> None:
        self.game.on_stop = lambda: self.process.exit(status.code, signal=status.signal)


@pytest.fixture
def stop(clock: FakeClock) -> Stop:
    return Stop(clock)


async def test_a_game_that_listens_is_only_asked(stop: Stop) -> None:
    stop.ends_when_asked()
    stop.warning = "Bye"
    assert await stop.through(0) is Rung.ASK
    assert stop.game.asked == ["warn: Bye", "save", "stop"]
    assert [rung for rung, _ in stop.rungs] == [Rung.WARN, Rung.SAVE, Rung.ASK]
    assert (stop.process.interrupts, stop.process.terminated, stop.process.killed) == ([], 0, 0)


async def test_nobody_is_warned_when_nobody_is_on(stop: Stop) -> None:
    stop.ends_when_asked()
    await stop.through(0)
    assert stop.game.asked == ["save", "stop"]
    assert stop.rungs[0][0] is Rung.SAVE


@pytest.mark.parametrize(
    "refusal",
    [NotSupported("command"), AccessRefused(), GameUnavailable(GameFault.REFUSED)],
    ids=["not-supported", "password", "refused"],
)
async def test_a_game_that_cannot_be_asked_gets_the_polite_signal(stop: Stop, refusal: GameError) -> None:
    stop.game.fail_with = {"save": refusal, "stop": refusal}
    stop.process.console = False
    assert await stop.through(0) is Rung.ASK
    assert stop.process.interrupts == ["SIGINT"]


async def test_without_an_admin_port_the_stop_command_is_typed_into_its_console(stop: Stop) -> None:
    stop.game.fail_with = {"save": NotSupported("save"), "stop": NotSupported("stop")}
    stop.process.on_line = lambda line: stop.process.exit(0) if line == "stop" else None
    assert await stop.through(0) is Rung.ASK
    assert (stop.process.typed, stop.process.interrupts) == (["stop"], [])


async def test_one_that_has_not_read_its_console_for_long_gets_the_polite_signal(
    stop: Stop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(text: str) -> None:
        raise GameUnavailable(GameFault.TIMEOUT)

    stop.game.fail_with = {"save": NotSupported("save"), "stop": NotSupported("stop")}
    monkeypatch.setattr(stop.process, "type_line", full)
    assert await stop.through(0) is Rung.ASK
    assert stop.process.interrupts == ["SIGINT"]


async def test_a_game_that_hangs_up_has_been_asked(stop: Stop) -> None:
    stop.game.fail_with["stop"] = GameUnavailable(GameFault.CLOSED)
    task = stop.begin()
    await stop.clock.advance(59)
    assert stop.process.interrupts == []
    stop.process.exit(0)
    assert await task is Rung.ASK


async def test_a_game_that_does_not_answer_gets_the_signal_inside_the_polite_limit(stop: Stop) -> None:
    stop.game.hang.add("stop")
    stop.process.temper = DEAF
    task = stop.begin()
    await stop.clock.advance(ASKING_S)
    assert stop.process.interrupts == ["SIGINT"]
    await stop.clock.advance(60.0 - ASKING_S)
    assert await task is Rung.TERMINATE
    assert stop.rungs == [(Rung.SAVE, 0.0), (Rung.ASK, 0.0), (Rung.TERMINATE, 60.0)]


async def test_without_a_signal_the_polite_limit_is_only_waited_out(stop: Stop) -> None:
    stop.policy = replace(POLICY, signal=None)
    stop.game.fail_with["stop"] = NotSupported("command")
    assert await stop.through(60) is Rung.TERMINATE
    assert stop.process.interrupts == []


async def test_fault_7_a_save_that_hangs_passes_its_own_limit(stop: Stop) -> None:
    stop.game.hang.add("save")
    stop.ends_when_asked()
    assert await stop.through(30) is Rung.ASK
    assert stop.rungs == [(Rung.SAVE, 0.0), (Rung.ASK, 30.0)]
    assert stop.saved == [Saved.UNPROVEN]


async def test_a_save_that_breaks_was_not_made(stop: Stop, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail() -> None:
        raise LookupError

    monkeypatch.setattr(stop.game, "save", fail)
    stop.ends_when_asked()
    with capture_logs() as logs:
        assert await stop.through(0) is Rung.ASK
    assert stop.saved == [Saved.FAILED]
    assert [entry["event"] for entry in logs] == ["stop_step_broke"]


async def test_without_time_to_save_it_is_not_saved(stop: Stop) -> None:
    stop.policy = replace(POLICY, save_s=0.0)
    stop.ends_when_asked()
    assert await stop.through(0) is Rung.ASK
    assert (stop.game.asked, stop.saved) == (["stop"], [])


async def test_a_warning_that_hangs_passes_its_own_limit(stop: Stop) -> None:
    stop.warning = "Bye"
    stop.game.hang.add("warn")
    stop.ends_when_asked()
    assert await stop.through(5) is Rung.ASK


async def test_fault_6_who_ignores_everything_is_killed_inside_the_stated_limit(stop: Stop) -> None:
    stop.process.temper = STUBBORN
    stop.game.hang |= {"save", "stop"}
    assert await stop.through(30 + 60 + 10) is Rung.KILL
    assert stop.rungs == [(Rung.SAVE, 0.0), (Rung.ASK, 30.0), (Rung.TERMINATE, 90.0), (Rung.KILL, 100.0)]
    assert (stop.process.interrupts, stop.process.terminated, stop.process.killed) == (["SIGINT"], 1, 1)
    assert stop.process.status == KILLED


async def test_fault_6_what_cannot_be_killed_now_is_killed_again(stop: Stop, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused() -> None:
        raise OSError(errno.EMFILE, "no descriptors left")

    stop.process.temper = STUBBORN
    with monkeypatch.context() as patch:
        patch.setattr(stop.process, "kill_tree", refused)
        task = stop.begin(force=True)
        await stop.clock.advance(10)
        assert stop.rungs[-1] == (Rung.KILL, 10.0)
    await stop.clock.advance(KILL_AGAIN_S - 0.001)
    assert not task.done()
    await stop.clock.advance(0.001)
    assert await task is Rung.KILL
    assert stop.process.killed == 1


async def test_fault_6_who_ends_by_sigterm_is_not_killed(stop: Stop) -> None:
    stop.process.temper = DEAF
    assert await stop.through(60) is Rung.TERMINATE
    assert stop.process.killed == 0


@pytest.mark.parametrize(
    ("temper", "seconds", "rung"),
    [(Temper(), 0, Rung.TERMINATE), (STUBBORN, 10, Rung.KILL)],
    ids=["listens", "stubborn"],
)
async def test_force_leaves_out_the_polite_steps(stop: Stop, temper: Temper, seconds: float, rung: Rung) -> None:
    stop.process.temper = temper
    stop.warning = "Bye"
    assert await stop.through(seconds, force=True) is rung
    assert stop.game.asked == []
    assert stop.rungs[0] == (Rung.TERMINATE, 0.0)


@pytest.mark.parametrize("broken", ["warn", "save", "ask_to_stop"])
async def test_fault_63_a_step_that_breaks_leads_to_the_next(
    stop: Stop, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    async def fail(*_: str) -> None:
        raise LookupError

    stop.warning = "Bye"
    stop.process.temper = DEAF
    monkeypatch.setattr(stop.game, broken, fail)
    with capture_logs() as logs:
        task = stop.begin()
        await stop.clock.advance(60)
    assert await task is Rung.TERMINATE
    assert "stop_step_broke" in [entry["event"] for entry in logs]


async def test_a_listener_that_breaks_does_not_end_a_stop(stop: Stop, monkeypatch: pytest.MonkeyPatch) -> None:
    def deaf(rung: Rung) -> None:
        raise LookupError

    monkeypatch.setattr(stop, "note", deaf)
    stop.ends_when_asked()
    with capture_logs() as logs:
        assert await stop.through(0) is Rung.ASK
    assert [e["event"] for e in logs] == ["stop_step_untold"] * 2
