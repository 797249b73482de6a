"""What the composition root builds, and in which order it lets go of it."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.app import DATABASE, gamekeeper
from bot.settings import Settings, given_settings
from cogs.delivery import Delivery
from cogs.render.painter import Painter
from monitor.errors import StorageError, StorageFault
from monitor.fleet import Fleet
from monitor.games.generic import GenericGame
from monitor.model import Players, State
from monitor.redaction import Redaction
from monitor.sampler import Sampler
from monitor.spec import AdminEndpoint, Secret, ServerSpec
from storage.database import Database
from storage.samples import SampleBuffer
from storage.settings import StoredSettings
from tests.bot.in_process import TEST, save, sleeper
from tests.bot.log_lines import LogLines
from tests.fakes.waiting import PATIENCE_S

pytestmark = [
    pytest.mark.usefixtures("own_priority"),
    pytest.mark.skipif(os.name != "posix", reason="its game waits and dies by signals"),
]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return given_settings(
        {
            "GAMEKEEPER_DATA_DIR": str(tmp_path),
            "GAMEKEEPER_SAMPLE_INTERVAL_S": "1",
            "GAMEKEEPER_FLUSH_INTERVAL_S": "300",
        }
    )


def samples(folder: Path) -> int:
    with closing(sqlite3.connect(folder / DATABASE)) as db:
        [[count]] = db.execute("SELECT count(*) FROM samples")
        return int(count)


def has_open_log(folder: Path) -> bool:
    """Whether there is a write-ahead log beside the database: it is gone once the last connection is closed."""
    return any(folder.glob(f"{DATABASE}-*"))


async def test_a_server_of_an_unknown_game_is_left_out_loudly_and_costs_the_others_nothing(
    settings: Settings, tmp_path: Path, lines: LogLines
) -> None:
    await save(tmp_path, sleeper(tmp_path, "desert", game="doom"), sleeper(tmp_path, "meadow"))
    async with gamekeeper(settings) as bot:
        assert [server.id for server in bot.fleet.servers()] == ["meadow"]
    [line] = lines.named("server_left_out")
    assert line == {
        "event": "server_left_out",
        "log_level": "error",
        "server": "desert",
        "game": "doom",
        "known": ["generic"],
    }


async def test_the_passwords_of_the_servers_are_told_to_the_log_before_any_of_them_could_be_in_it(
    settings: Settings, tmp_path: Path, lines: LogLines
) -> None:
    redaction = Redaction()
    made: list[str] = []

    def game(spec: ServerSpec) -> GenericGame:
        made.append(redaction.text("canary-password"))
        return GenericGame(spec)

    admin = AdminEndpoint("127.0.0.1", 25575, Secret("canary-password"))
    await save(tmp_path, sleeper(tmp_path, "desert"), sleeper(tmp_path, "meadow", admin=admin))
    async with gamekeeper(settings, {"generic": game}, redaction=redaction):
        assert made == ["***"] * 2
    assert "canary-password" not in repr(lines.lines)


async def test_fault_64_a_password_from_a_games_own_file_is_hidden_before_the_game_has_it(
    settings: Settings, tmp_path: Path
) -> None:
    redaction = Redaction()
    made: list[tuple[str, str]] = []

    def game(spec: ServerSpec) -> GenericGame:
        if spec.admin is not None:
            password = spec.admin.password.reveal()
            made.append((password, redaction.text(password)))
        return GenericGame(spec)

    (tmp_path / "server.properties").write_text("enable-rcon=true\nrcon.password=canary-of-the-game\n")
    await save(tmp_path, sleeper(tmp_path))
    async with gamekeeper(settings, {"generic": game}, redaction=redaction) as bot:
        assert bot.fleet.server("meadow").spec.admin is None
    assert made == [("canary-of-the-game", "***")]


@pytest.mark.parametrize("fixed", [None, 7], ids=["chosen_in_discord", "the_settings_win"])
async def test_alerts_go_to_the_channel_that_was_chosen_unless_the_settings_name_one(
    settings: Settings, tmp_path: Path, fixed: int | None
) -> None:
    async with await Database.open(tmp_path / DATABASE) as db:
        await StoredSettings(db).choose_alert_channel(42)
    async with gamekeeper(settings.model_copy(update={"alert_channel_id": fixed})) as bot:
        assert bot.delivery.places.channel_id == (fixed or 42)


async def test_what_was_measured_last_is_written_at_the_end(settings: Settings, tmp_path: Path) -> None:
    await save(tmp_path, sleeper(tmp_path))
    async with gamekeeper(settings) as bot:
        await bot.fleet.start("meadow", TEST)
        async with asyncio.timeout(PATIENCE_S):
            while bot.fleet.server("meadow").latest is None:
                await bot.clock.sleep(0.01)
        assert samples(tmp_path) == 0
        await bot.fleet.stop("meadow", TEST, force=True)
    assert samples(tmp_path) > 0


class Visited(GenericGame):
    """Mira is always on."""

    async def players(self) -> Players:
        return Players(1, 10, ("Mira",))


def sessions(folder: Path) -> list[tuple[str, int]]:
    """Who played, and whether they still do."""
    with closing(sqlite3.connect(folder / DATABASE)) as db:
        return db.execute("SELECT name, going_on FROM sessions JOIN players ON no = player_no").fetchall()


async def test_who_plays_is_written_while_it_runs(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.app.PULSE_EVERY_SAMPLES", 0.05)
    await save(tmp_path, sleeper(tmp_path))
    async with gamekeeper(settings, {"generic": Visited}) as bot, asyncio.timeout(PATIENCE_S):
        await bot.fleet.start("meadow", TEST)
        while sessions(tmp_path) != [("Mira", 1)]:
            await bot.clock.sleep(0.02)
        await bot.fleet.stop("meadow", TEST, force=True)
        while sessions(tmp_path) != [("Mira", 0)]:
            await bot.clock.sleep(0.02)


async def test_what_cannot_be_written_at_the_end_is_told_and_everything_is_closed(
    settings: Settings, tmp_path: Path, lines: LogLines, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_self: SampleBuffer) -> None:
        raise StorageError(StorageFault.FULL, "gamekeeper.db")

    monkeypatch.setattr(SampleBuffer, "flush", full)
    async with gamekeeper(settings):
        pass
    assert [line["waiting"] for line in lines.named("last_flush_failed")] == [0]
    assert not has_open_log(tmp_path)


class Closings:
    """Notes in which order the parts are let go of."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.noted: list[str] = []
        self._monkeypatch = monkeypatch
        self._note("fleet", Fleet, "close")
        self._note("sampler", Sampler, "run")
        self._note("delivery", Delivery, "run")
        self._note("painter", Painter, "run")
        self._note("samples", SampleBuffer, "flush")
        self._note("database", Database, "close")

    def _note(self, name: str, owner: type, method: str) -> None:
        """Have it noted when this method of it is through, one way or the other."""
        real: Callable[..., Any] = getattr(owner, method)

        async def noted(*arguments: Any) -> Any:
            try:
                return await real(*arguments)
            finally:
                self.noted.append(name)

        self._monkeypatch.setattr(owner, method, noted)


IN_ORDER = ["fleet", "sampler", "delivery", "painter", "samples", "database"]


async def test_everything_is_closed_in_order(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    closings = Closings(monkeypatch)
    async with gamekeeper(settings):
        await asyncio.sleep(0)
        assert closings.noted == []
    assert closings.noted == IN_ORDER


async def test_a_failure_inside_closes_everything_in_order_and_leaves_the_games(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await save(tmp_path, sleeper(tmp_path))
    closings = Closings(monkeypatch)

    async def fail() -> None:
        async with gamekeeper(settings) as bot:
            await bot.fleet.start("meadow", TEST)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert closings.noted == IN_ORDER
    async with gamekeeper(settings) as bot:
        assert bot.fleet.server("meadow").state is State.RUNNING
        await bot.fleet.stop("meadow", TEST, force=True)


async def test_a_failure_on_the_way_up_closes_what_was_opened(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unreadable(_self: object) -> None:
        raise StorageError(StorageFault.UNREADABLE, "gamekeeper.db")

    closings = Closings(monkeypatch)
    monkeypatch.setattr("storage.journal.Journal.past", unreadable)
    with pytest.raises(StorageError):
        async with gamekeeper(settings):
            raise AssertionError
    assert closings.noted[0] == "fleet"
    assert closings.noted[-2:] == ["samples", "database"]
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_database_that_cannot_be_opened_leaves_nothing_behind(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / DATABASE).mkdir()
    with pytest.raises(StorageError) as caught:
        async with gamekeeper(settings):
            raise AssertionError
    assert caught.value.fault is StorageFault.FOREIGN
    assert asyncio.all_tasks() == {asyncio.current_task()}
