"""The rest of the contract: consoles, records of ends, and who is in a server's way."""

from __future__ import annotations

import asyncio

import pytest

from monitor.errors import (
    CommandRejected,
    GameUnavailable,
    LaunchFault,
    LaunchRefused,
    NotSupported,
    RejectedBecause,
)
from monitor.model import ExitStatus
from tests.monitor.local.machines import Machine, ended


async def test_lines_typed_into_the_console_are_read_one_by_one(machine: Machine) -> None:
    process = await machine.start()
    if not machine.can.console:
        with pytest.raises(NotSupported):
            await process.type_line("save-all")
        return
    await process.type_line('say 안녕, $HOME `x` "y"')
    await process.type_line("stop")
    assert [await machine.next_line(process) for _ in range(2)] == ['say 안녕, $HOME `x` "y"', "stop"]


LINES = {
    "two lines": ("say hi\nstop", RejectedBecause.CONTROL_CHARACTER),
    "a carriage return": ("stop\r", RejectedBecause.CONTROL_CHARACTER),
    "a line separator": ("say\u2028stop", RejectedBecause.CONTROL_CHARACTER),
    "NUL": ("a\0b", RejectedBecause.CONTROL_CHARACTER),
    "end of file": ("\x04", RejectedBecause.CONTROL_CHARACTER),
    "half a surrogate": ("a\ud800", RejectedBecause.CONTROL_CHARACTER),
    "nothing": ("", RejectedBecause.EMPTY),
    "spaces": ("   ", RejectedBecause.EMPTY),
    "too long": ("가" * 1366, RejectedBecause.TOO_LONG),
}


@pytest.mark.parametrize(("text", "reason"), LINES.values(), ids=LINES.keys())
async def test_fault_26_what_is_not_one_line_is_not_typed(
    machine: Machine, text: str, reason: RejectedBecause
) -> None:
    process = await machine.start()
    if not machine.can.console:
        pytest.skip("no console here")
    with pytest.raises(CommandRejected) as rejection:
        await process.type_line(text)
    assert rejection.value.reason is reason
    await process.type_line("stop")
    assert await machine.next_line(process) == "stop"


async def test_nothing_is_typed_into_one_that_has_ended(machine: Machine) -> None:
    process = await machine.start()
    if not machine.can.console:
        pytest.skip("no console here")
    await machine.exit(process, 0)
    await ended(process)
    with pytest.raises(GameUnavailable):
        await process.type_line("stop")


@pytest.mark.parametrize("code", [0, 7, 143])
async def test_fault_18_how_one_ended_that_nobody_watched_is_known_afterwards(machine: Machine, code: int) -> None:
    if not machine.can.records:
        pytest.skip("nobody writes it down here")
    process = await machine.start("run-1")
    other = await machine.start("run-2")
    assert await machine.launcher.ended("run-1") is None
    await machine.exit_unwatched(process, code)
    for _ in range(2):
        assert await machine.launcher.ended("run-1") == ExitStatus(code=code)
    assert await machine.launcher.adopt(process.identity) is None
    assert await machine.launcher.ended("run-2") is None
    await machine.exit(other, 0)


async def test_nobody_knows_of_a_run_that_never_was(machine: Machine) -> None:
    assert await machine.launcher.ended("run-0") is None


async def test_fault_14_a_port_that_somebody_has_is_named_with_who_has_it(machine: Machine) -> None:
    port, holder = machine.hold_port()
    with pytest.raises(LaunchRefused) as refusal:
        await machine.start(ports=(port,))
    assert (refusal.value.fault, refusal.value.subject) == (LaunchFault.PORT_HELD, str(port))
    assert refusal.value.holder == holder


async def test_fault_14_what_somebody_else_has_started_already_is_not_started_again(machine: Machine) -> None:
    stranger = machine.start_by_hand("run-game")
    with pytest.raises(LaunchRefused) as refusal:
        await machine.start("run-game")
    assert (refusal.value.fault, refusal.value.holder) == (LaunchFault.ALREADY_RUNNING, stranger)


async def test_memory_is_not_blamed_for_other_ends(machine: Machine) -> None:
    process = await machine.start()
    assert await process.out_of_memory() is None
    await machine.exit(process, 1)
    await ended(process)
    assert await process.out_of_memory() is None


async def test_fault_3_a_kill_by_somebody_is_not_a_kill_for_memory(machine: Machine) -> None:
    process = await machine.start()
    await process.kill_tree()
    await asyncio.wait_for(process.wait(), 20)
    assert await process.out_of_memory() is None
