"""Ended for want of memory: only where the system says so, and in its words."""

from __future__ import annotations

import pytest

from monitor.events import ServerCrashed
from monitor.model import EvidenceKind, ExitStatus, State, Verdict
from tests.fakes.clock import settle
from tests.fakes.house import ANNA, House
from tests.fakes.machine import FakeProcess

pytestmark = [pytest.mark.timeout(60), pytest.mark.usefixtures("no_threads")]


@pytest.mark.parametrize(
    ("status", "said", "verdict"),
    [
        (ExitStatus(signal=9), "oom_kill 1", Verdict.OUT_OF_MEMORY),
        (ExitStatus(signal=9), None, Verdict.CRASHED),
        (ExitStatus(code=137), "oom_kill 1", Verdict.OUT_OF_MEMORY),
        (ExitStatus(code=0xC0000017), "event 2004", Verdict.OUT_OF_MEMORY),
        (ExitStatus(signal=11), "oom_kill 1", Verdict.CRASHED),
        (ExitStatus(code=1), "oom_kill 1", Verdict.CRASHED),
    ],
    ids=["said_so", "nothing_said", "as_a_code", "windows", "segv", "code"],
)
async def test_fault_3_out_of_memory_only_where_the_system_says_so(
    house: House, status: ExitStatus, said: str | None, verdict: Verdict
) -> None:
    async with house.supervising() as ark:
        await ark.start(ANNA)
        house.launcher.processes[0].oom = said
        house.launcher.processes[0].exit(status.code, signal=status.signal)
        crashed = await house.journal.nth(ServerCrashed)
        await settle()
        assert ark.server.state is State.BACKOFF
    assert crashed.report.verdict is verdict
    told = [e.detail for e in crashed.report.evidence if e.kind is EvidenceKind.OOM_KILL]
    assert told == ([said] if verdict is Verdict.OUT_OF_MEMORY else [])


async def test_what_has_not_ended_by_its_force_is_not_asked_of_the_system(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[ExitStatus | None] = []

    async def noted(process: FakeProcess) -> None:
        asked.append(process.status)

    monkeypatch.setattr(FakeProcess, "out_of_memory", noted)
    async with house.supervising() as ark:
        await ark.start(ANNA)
        house.launcher.processes[0].exit(signal=11)
        await house.journal.nth(ServerCrashed)
        await house.clock.advance(5)
        assert asked == []
        house.launcher.processes[-1].exit(signal=9)
        await house.journal.nth(ServerCrashed, 2)
    assert asked == [ExitStatus(signal=9)]
