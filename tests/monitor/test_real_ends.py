"""A hundred real ends, half of them wanted: each judged by a real fleet on the real machine."""

from __future__ import annotations

import sys

import pytest

if sys.platform == "win32":
    pytest.skip("most of these ends are signals", allow_module_level=True)

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil

from monitor.bus import Bus
from monitor.events import Event, ServerCrashed, ServerStopped
from monitor.fleet import Fleet
from monitor.game import GameTraits
from monitor.games.generic import GenericGame
from monitor.local.log import CapturedLog
from monitor.local.machine import local_machine
from monitor.model import EvidenceKind, ExitReport, Verdict
from monitor.spec import ReadyPolicy, RestartMode, RestartPolicy, ServerSpec, StopPolicy
from monitor.surroundings import Surroundings
from storage.database import Database
from storage.journal import Journal
from storage.servers import Servers
from tests.fakes.house import ANNA

MORTAL = (sys.executable, "-I", "-S", str(Path(__file__).with_name("mortal.py")))
OF_EACH = 5
LIMIT_S = 60.0
PATIENT = StopPolicy(polite_s=LIMIT_S)
IMPATIENT = StopPolicy(polite_s=0.1, terminate_s=0.1)
QUIT = StopPolicy(command="exit 0", polite_s=LIMIT_S)
SHUTDOWN_LINE = "say Server is shutting down"

End = Callable[[Fleet, str], Awaitable[object]]


async def nothing(fleet: Fleet, server_id: str) -> None:
    """It has come to its end by itself."""


async def stop(fleet: Fleet, server_id: str) -> None:
    await fleet.stop(server_id, ANNA)


async def force(fleet: Fleet, server_id: str) -> None:
    await fleet.stop(server_id, ANNA, force=True)


def told(way: str) -> End:
    """By a line on its console."""
    return lambda fleet, server_id: fleet.command(server_id, way, ANNA)


def killed(number: signal.Signals) -> End:
    """By a signal that is not ours."""

    async def kill(fleet: Fleet, server_id: str) -> None:
        os.kill(fleet.live()[server_id].pid, number)

    return kill


@dataclass(frozen=True)
class Way:
    """A way to end, and what it must be taken for."""

    end: End
    verdict: Verdict
    named: str
    """The code, or the signal's number after a minus."""
    on_term: str = ""
    at_start: str = "say Ready"
    stopping: StopPolicy = PATIENT
    forced: str = ""


WANTED = {
    "exits-with-0": Way(stop, Verdict.STOPPED, "0", on_term="exit 0"),
    "exits-with-1": Way(stop, Verdict.STOPPED, "1", on_term="exit 1"),
    "exits-with-143": Way(stop, Verdict.STOPPED, "143", on_term="exit 143"),
    "aborts": Way(stop, Verdict.STOPPED, "-6", on_term="say Saved;raise SIGABRT"),
    "falls-over": Way(stop, Verdict.STOPPED, "-11", on_term="raise SIGSEGV"),
    "dies-of-sigterm": Way(stop, Verdict.STOPPED, "-15"),
    "ignores-sigterm": Way(stop, Verdict.STOPPED, "-9", on_term="ignore", stopping=IMPATIENT, forced="kill"),
    "forced": Way(force, Verdict.STOPPED, "0", on_term="exit 0", forced="terminate"),
    "quit-command": Way(told("exit 0"), Verdict.STOPPED_IN_GAME, "0", stopping=QUIT),
    "stopped-in-game": Way(told(f"{SHUTDOWN_LINE};exit 0"), Verdict.STOPPED_IN_GAME, "0"),
}

UNWANTED = {
    "sigsegv": Way(told("raise SIGSEGV"), Verdict.CRASHED, "-11"),
    "sigabrt": Way(told("raise SIGABRT"), Verdict.CRASHED, "-6"),
    "sigkill-from-outside": Way(killed(signal.SIGKILL), Verdict.CRASHED, "-9"),
    "sigterm-from-outside": Way(killed(signal.SIGTERM), Verdict.CRASHED, "-15"),
    "code-3": Way(told("exit 3"), Verdict.CRASHED, "3"),
    "code-137": Way(told("exit 137"), Verdict.CRASHED, "137"),
    "code-0-for-no-reason": Way(told("exit 0"), Verdict.UNEXPECTED_EXIT, "0"),
    "code-0-before-ready": Way(nothing, Verdict.FAILED_TO_START, "0", at_start="exit 0"),
    "sigsegv-before-ready": Way(nothing, Verdict.CRASHED, "-11", at_start="raise SIGSEGV"),
    "sigsegv-over-a-shutdown": Way(told(f"{SHUTDOWN_LINE};raise SIGSEGV"), Verdict.CRASHED, "-11"),
}


class TalkativeGame(GenericGame):
    """One that says in its log when it is ready, and when it is being shut down."""

    @property
    def traits(self) -> GameTraits:
        ready = ReadyPolicy(log="^Ready$", timeout_s=LIMIT_S)
        return replace(super().traits, ready=ready, shutdown_log=("^Server is shutting down$",))


@dataclass(eq=False)
class Ends:
    """What is told of the ends of so many servers."""

    expected: int
    of: dict[str, Event] = field(default_factory=dict)
    all: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, _id: int, event: Event) -> None:
        if isinstance(event, ServerCrashed | ServerStopped):
            self.of[event.server_id] = event
            if len(self.of) == self.expected:
                self.all.set()


def spec_of(server_id: str, way: Way, folder: Path) -> ServerSpec:
    cwd = folder / server_id
    cwd.mkdir()
    argv = (*MORTAL, way.on_term, way.at_start)
    never = RestartPolicy(RestartMode.NEVER)
    return ServerSpec(server_id, server_id, "generic", argv, cwd, stop=way.stopping, restart=never)


@asynccontextmanager
async def fleet_of(specs: list[ServerSpec], folder: Path, bus: Bus) -> AsyncIterator[tuple[Fleet, Journal]]:
    machine = local_machine(folder / "runs")
    async with await Database.open(folder / "gamekeeper.db") as db:
        await Servers(db).save(specs)
        journal = Journal(db)
        fleet = Fleet(
            specs,
            make_game=TalkativeGame,
            make_log=lambda spec: CapturedLog(folder / "logs" / f"{spec.id}.log"),
            around=Surroundings(machine.launcher, journal, bus, machine.clock, lambda: 0.5),
        )
        await fleet.open()
        try:
            yield fleet, journal
        finally:
            left = [identity.pid for identity in fleet.live().values()]
            await fleet.close()
            for pid in left:
                psutil.Process(pid).kill()


async def put_to_an_end(ways: Mapping[str, Way], folder: Path) -> dict[str, Event]:
    """Run some servers of each way, and let them all end. Give the one end that was written down of each."""
    which = {f"{name}-{n}": way for name, way in ways.items() for n in range(OF_EACH)}
    ends, bus = Ends(len(which)), Bus()
    bus.listen(ends.hear)
    specs = [spec_of(server_id, way, folder) for server_id, way in which.items()]
    async with fleet_of(specs, folder, bus) as (fleet, journal), asyncio.timeout(LIMIT_S):
        await asyncio.gather(*(fleet.start(server_id, ANNA) for server_id in which))
        await asyncio.gather(*(way.end(fleet, server_id) for server_id, way in which.items()))
        await ends.all.wait()
        written = [stored.event for stored in await journal.events(limit=10 * len(which))]
    once = [event for event in written if isinstance(event, ServerCrashed | ServerStopped)]
    assert len(once) == len(which), "one end each"
    return ends.of


def summary(report: ExitReport) -> tuple[Verdict, str, str]:
    details = {evidence.kind: evidence.detail for evidence in report.evidence}
    code, number = details.get(EvidenceKind.EXIT_CODE), details.get(EvidenceKind.SIGNAL)
    return report.verdict, code or f"-{number}", details.get(EvidenceKind.FORCED, "")


@pytest.mark.parametrize(
    ("ways", "told_as"),
    [
        pytest.param(WANTED, ServerStopped, id="fault-1-2-6-wanted", marks=[pytest.mark.fault(n) for n in (1, 2, 6)]),
        pytest.param(UNWANTED, ServerCrashed, id="fault-3-unwanted", marks=pytest.mark.fault(3)),
    ],
)
async def test_fifty_real_ends_are_taken_for_what_they_are(
    ways: Mapping[str, Way], told_as: type[Event], tmp_path: Path
) -> None:
    told = await put_to_an_end(ways, tmp_path)
    assert len(told) == 50
    assert {server_id for server_id, event in told.items() if type(event) is not told_as} == set()
    assert {
        server_id: summary(event.report)
        for server_id, event in told.items()
        if isinstance(event, ServerStopped | ServerCrashed)
    } == {f"{name}-{n}": (way.verdict, way.named, way.forced) for name, way in ways.items() for n in range(OF_EACH)}
