"""What every launcher, log and probe must do: the real machine in each of its forms, and the fake one alike."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from monitor.errors import LaunchFault, LaunchRefused
from monitor.model import ExitStatus
from tests.monitor.local.machines import Machine, ended


@pytest.mark.parametrize("code", [0, 3, 255])
async def test_the_exit_code_is_told(machine: Machine, code: int) -> None:
    process = await machine.start()
    await machine.exit(process, code)
    assert await ended(process) == ExitStatus(code=code)


async def test_many_may_wait_and_again_after_the_end(machine: Machine) -> None:
    process = await machine.start()
    waiters = [asyncio.create_task(ended(process)) for _ in range(5)]
    await asyncio.sleep(0)
    await machine.exit(process, 3)
    assert await asyncio.gather(*waiters) == [ExitStatus(code=3)] * 5
    assert await ended(process) == ExitStatus(code=3)


async def test_a_waiter_that_is_cancelled_takes_nobody_with_it(machine: Machine) -> None:
    process = await machine.start()
    impatient = asyncio.create_task(process.wait())
    patient = asyncio.create_task(ended(process))
    await asyncio.sleep(0)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    await machine.exit(process, 4)
    assert await patient == ExitStatus(code=4)


async def test_the_polite_signal_reaches_it(machine: Machine) -> None:
    process = await machine.start()
    await process.interrupt("SIGINT")
    assert await ended(process) == ExitStatus(code=0)


async def test_terminate_ends_one_that_does_not_mind(machine: Machine) -> None:
    process = await machine.start()
    await process.terminate_tree()
    assert await ended(process) == machine.ends.terminated


async def test_fault_6_kill_ends_one_that_ignores_everything_else(machine: Machine) -> None:
    process = await machine.start(stubborn=True)
    await process.interrupt("SIGINT")
    if machine.ends.termination_can_be_ignored:
        await process.terminate_tree()
    assert await asyncio.to_thread(machine.probe.read, {"survival": process.identity})
    await process.kill_tree()
    assert await ended(process) == machine.ends.killed


async def test_signals_to_one_that_is_gone_do_nothing(machine: Machine) -> None:
    process = await machine.start()
    await machine.exit(process, 0)
    await ended(process)
    await process.interrupt("SIGTERM")
    await process.terminate_tree()
    await process.kill_tree()
    assert await ended(process) == ExitStatus(code=0)


async def test_a_live_process_is_adopted_by_its_identity(machine: Machine) -> None:
    process = await machine.start()
    process.close()
    adopted = await machine.launcher.adopt(process.identity)
    assert adopted is not None
    assert adopted.identity == process.identity
    await adopted.kill_tree()
    # Not every system tells how a process ended that was adopted.
    assert await ended(adopted) in (machine.ends.killed, ExitStatus())


async def test_fault_13_another_identity_is_not_adopted(machine: Machine) -> None:
    identity = (await machine.start()).identity
    assert await machine.launcher.adopt(replace(identity, started=1)) is None
    assert await machine.launcher.adopt(replace(identity, boot_id="another boot")) is None
    assert await machine.launcher.adopt(replace(identity, pid=2**22 + 1)) is None


async def test_one_that_has_ended_is_neither_adopted_nor_found(machine: Machine) -> None:
    process = await machine.start("run-7")
    await machine.exit(process, 0)
    await ended(process)
    assert await machine.launcher.adopt(process.identity) is None
    assert await machine.launcher.find("run-7") is None


async def test_fault_17_one_whose_pid_was_never_written_down_is_found_by_its_marker(machine: Machine) -> None:
    await machine.start("run-1")
    process = await machine.start("run-2")
    found = await machine.launcher.find("run-2")
    assert found is not None
    assert found.identity == process.identity
    assert await machine.launcher.find("run-") is None
    found.close()


async def test_identities_are_of_this_boot(machine: Machine) -> None:
    process = await machine.start()
    assert process.identity.boot_id == machine.launcher.boot_id()


async def test_fault_15_what_cannot_be_started_is_refused_and_named(machine: Machine) -> None:
    with pytest.raises(LaunchRefused) as refusal:
        await machine.launcher.spawn(machine.bad_request())
    assert refusal.value.server_id == "survival"
    assert refusal.value.fault is LaunchFault.NOT_FOUND
    assert refusal.value.subject == "no-such-program-anywhere"


async def test_every_live_tree_is_read_and_no_other(machine: Machine) -> None:
    one, other = await machine.start("run-1"), await machine.start("run-2")
    await machine.exit(other, 0)
    await ended(other)
    stranger = replace(one.identity, started=1)
    roots = {"alive": one.identity, "gone": other.identity, "stranger": stranger}
    readings = await asyncio.to_thread(machine.probe.read, roots)
    assert set(readings) == {"alive"}
    assert readings["alive"].rss_bytes > 1_000_000
    assert readings["alive"].threads >= 1
    assert readings["alive"].processes == 1


async def test_the_host_has_memory(machine: Machine) -> None:
    host = await asyncio.to_thread(machine.probe.host)
    assert 0 <= host.cpu_pct <= 100
    assert 0 < host.memory_available_bytes <= host.memory_total_bytes


async def test_a_log_gives_what_came_after_the_mark(machine: Machine) -> None:
    log = machine.log()
    machine.write(log, "before")
    mark = log.mark()
    machine.write(log, "after")
    text, end = log.read_since(mark)
    assert text == "after\n"
    assert log.read_since(end) == ("", end)
    assert log.tail(1) == ("after",)
    assert log.tail(5) == ("before", "after")


async def test_a_log_that_was_trimmed_goes_on_from_the_same_mark(machine: Machine) -> None:
    log = machine.log()
    machine.write(log, "x" * 2000)
    mark = log.mark()
    log.trim()
    assert log.tail(1) == ()
    machine.write(log, "after the trim")
    assert log.read_since(mark)[0] == "after the trim\n"


async def test_a_run_is_found_again_in_the_log_by_whoever_comes_later(machine: Machine) -> None:
    log = machine.log()
    machine.write(log, "of the run before")
    log.begin("run-1")
    machine.write(log, "of the first")
    mark = log.begin("run-2")
    machine.write(log, "of the second")
    assert log.read_since(mark)[0] == "of the second\n"
    assert log.read_since(log.mark_of("run-2"))[0] == "of the second\n"
    assert log.read_since(log.mark_of("run-1"))[0].startswith("of the first\n")
    assert log.mark_of("run-3") == 0


async def test_of_a_run_whose_beginning_was_trimmed_away_all_that_is_left_counts(machine: Machine) -> None:
    log = machine.log()
    log.begin("run-1")
    machine.write(log, "x" * 2000)
    log.trim()
    machine.write(log, "after the trim")
    assert log.read_since(log.mark_of("run-1"))[0] == "after the trim\n"


async def test_a_log_under_its_cap_is_left_alone(machine: Machine) -> None:
    log = machine.log()
    machine.write(log, "short")
    log.trim()
    assert log.tail(1) == ("short",)


def test_an_empty_log_has_no_lines(machine: Machine) -> None:
    log = machine.log()
    assert log.read_since(log.mark()) == ("", 0)
    assert log.tail(10) == ()
