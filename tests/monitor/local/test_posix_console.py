"""A server's console on POSIX: a FIFO that neither end can break."""

from __future__ import annotations

import asyncio
import itertools
import os
import stat
from contextlib import suppress
from pathlib import Path

import pytest

from monitor.errors import GameFault, GameUnavailable, NotSupported
from monitor.local import fifo
from monitor.local.console_line import MOST_BYTES
from monitor.local.log import CapturedLog
from monitor.local.machine import local_system
from monitor.local.system import System
from monitor.ports import ServerProcess
from tests.monitor.local.little_bot import start_bot
from tests.monitor.local.stage import LIMIT_S, Puppet, Stage


@pytest.fixture(params=[True, False], ids=["with a recorder", "without"])
def system(request: pytest.FixtureRequest, tmp_path: Path) -> System:
    return local_system(tmp_path / "runs" if request.param else None)


async def read_by(puppet: Puppet, log: Path) -> str:
    await puppet.order("read-console")
    return CapturedLog(log).tail(1)[0]


async def test_fault_17_a_line_reaches_a_game_whose_bot_was_killed(stage: Stage) -> None:
    bot = await start_bot(stage)
    game = await stage.enters("game")
    await bot.kill()
    process = await stage.adopt(bot.identity)
    await process.type_line("save-all")
    assert await read_by(game, stage.folder / "bot.log") == "read save-all"


async def test_the_game_reads_no_end_of_file_when_the_bot_lets_go(stage: Stage) -> None:
    process, game = await stage.play()
    await process.type_line("first")
    log = stage.folder / "logs" / "game.log"
    assert await read_by(game, log) == "read first"
    process.close()
    reading = asyncio.create_task(game.order("read-console"))
    await (await stage.adopt(process.identity)).type_line("second")
    await reading
    assert CapturedLog(log).tail(1) == ("read second",)


async def fill(process: ServerProcess) -> int:
    """Type until there is no more room; give how many lines there was room for."""
    for lines in itertools.count():
        with suppress(GameUnavailable):
            await process.type_line("x" * MOST_BYTES)
            continue
        return lines
    raise AssertionError


async def test_fault_20_a_game_that_does_not_read_blocks_nobody(stage: Stage) -> None:
    process, game = await stage.play()
    async with asyncio.timeout(LIMIT_S):
        lines = await fill(process)
    assert lines > 0
    with pytest.raises(GameUnavailable) as fault:
        await process.type_line("stop")
    assert fault.value.fault is GameFault.TIMEOUT
    for _ in range(lines):
        assert await read_by(game, stage.folder / "logs" / "game.log") == "read " + "x" * (1999 - len("read ")) + "…"
    await process.type_line("there is room again")


async def test_a_game_that_has_closed_its_input_has_no_console(stage: Stage) -> None:
    process, game = await stage.play()
    await game.order("close-console")
    with pytest.raises(NotSupported):
        await process.type_line("stop")


async def test_it_belongs_to_us_alone_and_to_one_run(stage: Stage) -> None:
    one, _ = await stage.play("one", log=stage.folder / "game.log")
    path = stage.folder / "game.console"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    two, reader = await stage.play("two", log=stage.folder / "game.log")
    await two.type_line("for the second")
    assert await read_by(reader, stage.folder / "game.log") == "read for the second"
    await one.kill_tree()


async def test_it_is_used_again_once_nobody_reads_from_it(stage: Stage) -> None:
    process, game = await stage.play("one", log=stage.folder / "game.log")
    before = (stage.folder / "game.console").stat().st_ino
    await process.type_line("never read")
    game.send("exit 0")
    await process.wait()
    again, reader = await stage.play("two", log=stage.folder / "game.log")
    assert (stage.folder / "game.console").stat().st_ino == before
    await again.type_line("fresh")
    assert await read_by(reader, stage.folder / "game.log") == "read fresh"


async def test_what_is_no_fifo_is_left_alone_and_the_game_starts_without_a_console(stage: Stage) -> None:
    (stage.folder / "game.console").write_text("somebody's notes")
    process, game = await stage.play(log=stage.folder / "game.log")
    with pytest.raises(NotSupported):
        await process.type_line("stop")
    await game.order("read-console")
    assert CapturedLog(stage.folder / "game.log").tail(1) == ("end of file",)
    assert (stage.folder / "game.console").read_text() == "somebody's notes"


def test_a_fifo_that_was_swapped_for_a_file_is_not_written_to(tmp_path: Path) -> None:
    file = tmp_path / "game.console"
    file.write_text("")
    with pytest.raises(NotSupported):
        fifo.write(file, b"stop\n")
    assert file.read_text() == ""


def test_a_pipe_without_a_name_is_no_console() -> None:
    assert fifo.standard_input(os.getpid()) is None
    assert fifo.standard_input(2**22 + 1) is None
