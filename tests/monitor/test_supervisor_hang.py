"""A server that runs but does not answer: told, and restarted only where its owner wants that."""

from __future__ import annotations

import asyncio

import pytest

from monitor.events import RestartsExhausted, ServerCrashed, ServerHung, ServerReady, ServerRecovered, ServerStopped
from monitor.model import EvidenceKind, Sample, State, Verdict
from monitor.spec import HangPolicy, ServerSpec
from tests.fakes.clock import settle
from tests.fakes.house import ANNA, BERT, House, restart, spec_of, stop
from tests.fakes.machine import STUBBORN

pytestmark = [pytest.mark.timeout(60), pytest.mark.usefixtures("no_threads")]

TOLD = spec_of(hang=HangPolicy(probes=3, interval_s=30.0))
RESTARTED = spec_of(hang=HangPolicy(probes=3, interval_s=30.0, restart=True))
NEVER_ASKED = spec_of(hang=HangPolicy(probes=0))


def freeze(house: House) -> None:
    house.game().signs = {"admin": False, "query": False}
    house.game().hang |= {"players", "save", "stop", "command"}


def thaw(house: House) -> None:
    house.game().signs = {"admin": True}
    house.game().hang.clear()


async def test_fault_20_it_is_told_once_with_the_evidence_and_left_alone(house: House) -> None:
    sample = Sample("ark", 7, cpu_pct=100.0)
    async with house.supervising(TOLD) as ark:
        await ark.start(ANNA)
        ark.measured(sample)
        freeze(house)
        await house.clock.advance(89.9)
        assert ark.server.state is State.RUNNING
        await house.clock.advance(0.1)
        hung = await house.journal.nth(ServerHung)
        await house.clock.advance(3_600)
        assert (ark.server.state, ark.server.run_id) == (State.UNRESPONSIVE, 1)
    assert [(e.kind, e.detail) for e in hung.evidence] == [
        (EvidenceKind.PROBES_UNANSWERED, "3"),
        (EvidenceKind.NO_ANSWER, "admin"),
        (EvidenceKind.NO_ANSWER, "query"),
        (EvidenceKind.LOG_SILENT, "60"),
    ]
    assert (hung.run_id, hung.last, hung.log_tail) == (1, sample, ("Done (1s)",))
    assert [event for event in house.heard if event.alerts] == [hung]
    process = house.launcher.processes[0]
    assert (process.alive, process.terminated, process.interrupts) == (True, 0, [])


async def test_fault_20_one_way_that_answers_is_enough(house: House) -> None:
    async with house.supervising(RESTARTED) as ark:
        await ark.start(ANNA)
        freeze(house)
        house.game().signs = {"admin": False, "query": True}
        await house.clock.advance(3_600)
        assert ark.server.state is State.RUNNING
    assert not any(event.alerts for event in house.journal.events)


async def test_one_that_answers_again_is_running_again(house: House) -> None:
    async with house.supervising(TOLD) as ark:
        await ark.start(ANNA)
        freeze(house)
        await house.clock.advance(100)
        thaw(house)
        await house.clock.advance(50)
        recovered = await house.journal.nth(ServerRecovered)
        assert ark.server.state is State.RUNNING
        freeze(house)
        await house.clock.advance(90)
        assert (await house.journal.nth(ServerHung, 2)).run_id == 1
    assert (recovered.after_s, recovered.run_id) == (30.0, 1)


@pytest.mark.parametrize("spec", [NEVER_ASKED, TOLD], ids=["off", "no_way_to_ask"])
async def test_where_nobody_can_tell_nothing_hangs(house: House, spec: ServerSpec) -> None:
    async with house.supervising(spec) as ark:
        await ark.start(ANNA)
        freeze(house)
        house.game().signs = {}
        await house.clock.advance(3_600)
        assert ark.server.state is State.RUNNING
        assert ("signs" in house.game().asked) is bool(spec.hang.probes)


async def test_one_that_is_still_starting_is_not_asked(house: House) -> None:
    house.slow = True
    freeze(house)
    async with house.supervising(RESTARTED) as ark:
        starting = asyncio.create_task(ark.start(ANNA))
        await house.clock.advance(3_600)
        assert ark.server.state is State.STARTING
        assert (await starting).state is State.STARTING
    assert "signs" not in house.game().asked


async def test_fault_20_where_it_is_wanted_it_is_ended_by_force_and_restarted(house: House) -> None:
    async with house.supervising(RESTARTED) as ark:
        await ark.start(ANNA)
        freeze(house)
        await house.clock.advance(90)
        crashed = await house.journal.nth(ServerCrashed)
        assert ark.server.state is State.BACKOFF
        thaw(house)
        await house.clock.advance(5)
        assert (await house.journal.nth(ServerReady, 2)).run_id == 2
        assert ark.server.restarts_used == 1
    assert crashed.report.verdict is Verdict.HUNG
    assert [e.kind for e in crashed.report.evidence] == [
        EvidenceKind.PROBES_UNANSWERED,
        EvidenceKind.NO_ANSWER,
        EvidenceKind.NO_ANSWER,
        EvidenceKind.LOG_SILENT,
        EvidenceKind.SIGNAL,
    ]
    assert (crashed.aftermath.attempt, house.launcher.processes[0].terminated) == (1, 1)
    assert [event for event in house.heard if event.alerts] == [crashed]
    assert not {"save", "stop"} & set(house.game().asked)


async def test_fault_20_one_that_ignores_even_sigterm_is_killed(house: House) -> None:
    house.launcher.temper = STUBBORN
    async with house.supervising(RESTARTED) as ark:
        await ark.start(ANNA)
        freeze(house)
        await house.clock.advance(100)
        assert (await house.journal.nth(ServerCrashed)).report.verdict is Verdict.HUNG
    assert house.launcher.processes[0].killed == 1


async def test_fault_20_one_that_hangs_again_and_again_is_given_up(house: House) -> None:
    async with house.supervising(RESTARTED) as ark:
        await ark.start(ANNA)
        freeze(house)
        await house.clock.advance(3_600)
        assert ark.server.state is State.FAILED
    assert {event.report.verdict for event in house.journal.of(ServerCrashed)} == {Verdict.HUNG}
    assert (len(house.launcher.spawned), len(house.journal.of(RestartsExhausted))) == (4, 1)


async def test_one_that_crashes_while_it_does_not_answer_crashed(house: House) -> None:
    async with house.supervising(TOLD) as ark:
        await ark.start(ANNA)
        freeze(house)
        await house.clock.advance(100)
        house.launcher.processes[0].exit(signal=6)
        crashed = await house.journal.nth(ServerCrashed)
        await settle()
        assert ark.server.state is State.BACKOFF
    assert crashed.report.verdict is Verdict.CRASHED


async def test_fault_20_one_that_does_not_answer_can_be_stopped(house: House) -> None:
    async with house.supervising(TOLD) as ark:
        await ark.start(ANNA)
        freeze(house)
        await house.clock.advance(100)
        assert ark.server.state is State.UNRESPONSIVE
        stopping = asyncio.create_task(stop(ark, BERT))
        await house.clock.advance(120)
        assert (await stopping).state is State.STOPPED
        report = (await house.journal.nth(ServerStopped)).report
    assert (report.verdict, report.by) == (Verdict.STOPPED, BERT)
    assert EvidenceKind.NOT_SAVED in [evidence.kind for evidence in report.evidence]


async def test_one_that_does_not_answer_can_be_restarted(house: House) -> None:
    async with house.supervising(TOLD) as ark:
        await ark.start(ANNA)
        freeze(house)
        await house.clock.advance(100)
        restarting = asyncio.create_task(restart(ark))
        await house.clock.advance(120)
        assert ((await restarting).run_id, ark.server.state) == (2, State.RUNNING)
    assert house.journal.of(ServerCrashed) == []


async def test_somebody_may_want_it_down_while_it_is_being_ended_for_not_answering(house: House) -> None:
    house.launcher.temper = STUBBORN
    async with house.supervising(RESTARTED) as ark:
        await ark.start(ANNA)
        freeze(house)
        await house.clock.advance(95)
        assert house.launcher.processes[0].terminated == 1
        stopping = asyncio.create_task(stop(ark, BERT, force=True))
        await house.clock.advance(5)
        assert (await stopping).state is State.STOPPED
        await house.clock.advance(3_600)
        assert ark.server.state is State.STOPPED
    assert house.journal.of(ServerStopped)[0].report.by == BERT
    assert len(house.launcher.spawned) == 1


async def test_after_a_restart_of_the_bot_it_is_found_out_anew(house: House) -> None:
    async with house.supervising(TOLD) as ark:
        await ark.start(ANNA)
        freeze(house)
        await house.clock.advance(100)
    freeze(house)
    async with house.supervising(TOLD) as ark:
        freeze(house)
        await house.clock.advance(90)
        assert ark.server.state is State.UNRESPONSIVE
