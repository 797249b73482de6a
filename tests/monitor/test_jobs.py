"""Jobs are done one after the other, and none of them can stop the next."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from monitor.errors import UnknownServer
from monitor.jobs import JobQueue
from tests.fakes.clock import settle
from tests.fakes.waiting import PATIENCE_S


@pytest.fixture
async def jobs() -> AsyncIterator[JobQueue]:
    queue = JobQueue("ark")
    task = asyncio.create_task(queue.serve())
    yield queue
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await queue.close()


async def seven() -> int:
    return 7


async def test_an_answer_comes_back(jobs: JobQueue) -> None:
    assert await jobs.ask(seven) == 7


async def test_jobs_never_overlap(jobs: JobQueue) -> None:
    steps: list[str] = []

    async def job(name: str) -> None:
        steps.append(f"{name} begins")
        await asyncio.sleep(0)
        steps.append(f"{name} ends")

    await asyncio.gather(jobs.ask(lambda: job("a")), jobs.ask(lambda: job("b")), jobs.ask(lambda: job("c")))
    assert steps == [f"{name} {what}" for name in "abc" for what in ("begins", "ends")]


@pytest.mark.parametrize(("failure", "logged"), [(UnknownServer("x"), False), (LookupError("bug"), True)], ids=repr)
async def test_a_failure_goes_to_whoever_asked_and_the_next_job_is_done(
    jobs: JobQueue, failure: Exception, *, logged: bool
) -> None:
    async def fail() -> None:
        raise failure

    with capture_logs() as logs:
        with pytest.raises(type(failure)) as caught:
            await jobs.ask(fail)
        assert await jobs.ask(seven) == 7
    assert caught.value is failure
    assert [entry["event"] for entry in logs] == ["job_failed"] * logged


async def test_a_job_nobody_waits_for_is_logged_when_it_fails(jobs: JobQueue) -> None:
    async def fail() -> None:
        raise UnknownServer("x")

    with capture_logs() as logs:
        jobs.tell(fail)
        assert await jobs.ask(seven) == 7
    assert [(entry["event"], entry["owner"]) for entry in logs] == [("job_failed", "ark")]


async def test_what_is_no_longer_wanted_before_its_turn_is_not_done(jobs: JobQueue) -> None:
    done: list[str] = []
    gate = asyncio.Event()

    async def note(name: str) -> None:
        done.append(name)

    first = asyncio.create_task(jobs.ask(gate.wait))
    second = asyncio.create_task(jobs.ask(lambda: note("second")))
    await settle()
    second.cancel()
    await settle()
    gate.set()
    assert await first is True
    assert await jobs.ask(seven) == 7
    assert done == []


async def test_whoever_gives_up_waiting_does_not_end_the_job(jobs: JobQueue) -> None:
    gate, done = asyncio.Event(), asyncio.Event()

    async def job() -> None:
        await gate.wait()
        done.set()
        raise UnknownServer("nobody hears this")

    asked = asyncio.create_task(jobs.ask(job))
    await settle()
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    gate.set()
    assert await jobs.ask(seven) == 7
    assert done.is_set()


async def test_closing_lets_everybody_go_who_waits() -> None:
    queue = JobQueue("ark")
    task = asyncio.create_task(queue.serve())
    under_way, queued = (asyncio.create_task(queue.ask(asyncio.Event().wait)) for _ in range(2))
    await settle()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await queue.close()
    async with asyncio.timeout(PATIENCE_S):
        results = await asyncio.gather(under_way, queued, return_exceptions=True)
    assert [type(result) for result in results] == [asyncio.CancelledError] * 2


async def test_nobody_waits_for_a_closed_queue() -> None:
    queue = JobQueue("ark")
    await queue.close()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(PATIENCE_S):
            await queue.ask(seven)


async def test_a_second_task_of_a_name_takes_the_place_of_the_first(jobs: JobQueue) -> None:
    ended: list[str] = []

    async def work(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(name)

    jobs.beside("pulse", lambda: work("first"))
    await settle()
    jobs.beside("pulse", lambda: work("second"))
    await settle()
    assert ended == ["first"]
    jobs.call_off("pulse", "never there")
    await settle()
    assert ended == ["first", "second"]


async def test_a_task_called_off_before_it_began_leaves_nothing(jobs: JobQueue) -> None:
    begun: list[str] = []

    async def work() -> None:
        begun.append("work")

    jobs.beside("pulse", work)
    jobs.call_off("pulse")
    await settle()
    assert begun == []


async def test_a_task_that_breaks_is_logged_and_breaks_nothing(jobs: JobQueue) -> None:
    async def fail() -> None:
        raise LookupError

    with capture_logs() as logs:
        jobs.beside("pulse", fail)
        await settle()
    assert [(e["event"], e["owner"], e["task"]) for e in logs] == [("task_failed", "ark", "pulse")]
    assert await jobs.ask(seven) == 7


async def test_closing_waits_until_what_ran_beside_is_gone() -> None:
    queue = JobQueue("ark")
    gone: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            gone.append("work")

    queue.beside("stop", work)
    await settle()
    await queue.close()
    assert gone == ["work"]
