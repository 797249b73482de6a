"""The whole thing as real processes: the bot, its game, and a Discord at the other end of real sockets."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.bot.bot_process import Home, gone, home
from tests.bot.place import Place, shown

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc and kills by SIGKILL")

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
async def at_home(tmp_path: Path, place: Place) -> AsyncIterator[Home]:
    async with home(tmp_path, place) as installed:
        yield installed


def rows(data: Path, sql: str) -> int:
    with closing(sqlite3.connect(f"file:{data / 'gamekeeper.db'}?mode=ro", uri=True)) as db:
        [[count]] = db.execute(sql)
        return int(count)


def about(pid: int, what: str) -> bytes:
    return Path(f"/proc/{pid}/{what}").read_bytes()


async def test_fault_17_a_killed_bot_leaves_its_game_and_the_next_one_takes_it_up(at_home: Home) -> None:
    async with at_home.running() as bot:
        assert "Players can join" in shown(await at_home.place.slash("start", server="meadow"))
        pid = await at_home.pid()
        assert at_home.games() == [pid]
        assert await bot.end(signal.SIGKILL) == -signal.SIGKILL
    assert at_home.games() == [pid]
    async with at_home.running() as bot:
        assert await at_home.pid() == pid
        await bot.says("discord_ready")
        assert "running" in shown(await at_home.place.slash("status"))
        assert at_home.games() == [pid]
        assert rows(at_home.data, "SELECT count(*) FROM outbox") == 0
    assert at_home.place.posted == []


async def test_fault_3_a_killed_game_is_told_with_a_chart_and_comes_back_under_a_new_pid(at_home: Home) -> None:
    async with at_home.running():
        await at_home.place.slash("start", server="meadow")
        first = await at_home.pid()
        os.kill(first, signal.SIGKILL)
        alert = await at_home.place.alert()
        assert "Meadow 초원 crashed" in shown(alert)
        assert "SIGKILL" in shown(alert)
        assert "meadow is open for everybody" in shown(alert)
        assert alert.file("chart.png").data.startswith(PNG)
        assert "Restart 1 of 5" in shown(alert)
        second = await at_home.pid(but=first)
        assert at_home.games() == [second]
    assert len(at_home.place.posted) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
async def test_told_to_end_it_writes_everything_down_and_leaves_the_game(
    at_home: Home, number: signal.Signals
) -> None:
    async with at_home.running() as bot:
        await at_home.place.slash("start", server="meadow")
        pid = await at_home.pid()
        await at_home.status(lambda said: "Memory" in said)
        assert rows(at_home.data, "SELECT count(*) FROM samples") == 0
        assert await bot.end(number) == 0
        await bot.says("stopped")
        assert "Traceback" not in "".join(bot.written)
    assert at_home.games() == [pid]
    assert list(at_home.data.glob("gamekeeper.db-*")) == []
    assert rows(at_home.data, "SELECT count(*) FROM samples") > 0
    assert rows(at_home.data, "SELECT count(*) FROM runs WHERE ended_ms IS NULL") == 1


async def test_the_game_writes_to_its_own_log_and_never_sees_the_token(at_home: Home) -> None:
    async with at_home.running():
        await at_home.place.slash("start", server="meadow")
        pid = await at_home.pid()
        environment = about(pid, "environ")
        assert b"GAMEKEEPER_RUN=" in environment
        assert b"DISCORD_" not in environment
        assert at_home.place.standin.token.encode() not in environment
        assert (
            (at_home.data / "servers" / "meadow.log")
            .read_text("utf-8")
            .endswith(" begins ---\nmeadow is open for everybody\n")
        )
        assert os.getsid(pid) == pid
    log = at_home.data / "logs" / "gamekeeper.log"
    assert at_home.place.standin.token not in log.read_text("utf-8")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (at_home.data, log)}
    assert modes == {"data": 0o700, "gamekeeper.log": 0o600}


async def test_one_folder_takes_one_bot_and_no_import_beside_it(at_home: Home) -> None:
    async with at_home.running() as bot:
        for arguments in (["run"], ["server", "import", "servers.toml"], ["server", "list"]):
            second = await at_home.command(*arguments)
            assert second.code == 1
            assert second.out == ""
            assert second.err == (
                f"gamekeeper: another gamekeeper is running on {at_home.data}. "
                "Stop that one first, or give this one its own GAMEKEEPER_DATA_DIR.\n"
            )
        assert bot.process.returncode is None
        assert "stopped" in shown(await at_home.place.slash("status"))


async def test_its_end_takes_its_own_helpers_along(at_home: Home) -> None:
    async with at_home.running() as bot:
        chart = await at_home.place.slash("chart", server="meadow", timeout_s=20)
        assert chart.attachments[0].data.startswith(PNG)
        [painter] = map(int, about(bot.process.pid, f"task/{bot.process.pid}/children").split())
        async with gone(painter):
            await bot.end(signal.SIGKILL)


async def test_fault_51_settings_that_everybody_can_read_are_warned_of_and_not_quoted(at_home: Home) -> None:
    at_home.write(".env", f"DISCORD_TOKEN={at_home.place.standin.token}\n", mode=0o644)
    async with at_home.running() as bot:
        await bot.says("chmod 600 .env")
        assert at_home.place.standin.token not in "".join(bot.written)
