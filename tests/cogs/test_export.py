"""`/export`: the file, how it comes to be shown and handed over, and that nothing of it stays."""

from __future__ import annotations

import asyncio
import io
import json
import random
import shutil
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import simcord

from cogs.export import SHOWN_EVERY_S, ExportCog
from monitor.metrics import METRICS
from monitor.model import Sample
from monitor.spec import AdminEndpoint, Secret
from storage.export import Export
from storage.export_file import Format, OnProgress, Written
from storage.exports import Exports, Made
from tests.cogs.world import World, until, world
from tests.fakes.house import spec_of

CANARY = "canary-5b7a-export"
HOUR_S = 3600


def measure(home: World, *, rows: int = 100, seed: int | None = None) -> None:
    """Have alpha measured every 5 s up to now, as regularly as can be or at random."""
    now_s = home.clock.now_ms() // 1000
    noise = random.Random(seed)
    home.samples.add(
        [
            Sample(
                "alpha",
                now_s - 5 * n,
                cpu_pct=50.0 if seed is None else noise.uniform(0, 999),
                rss_bytes=1 << 30,
                threads=7 if seed is None else noise.getrandbits(38),
            )
            for n in range(rows)
        ]
    )


async def export(home: World, locale: str = "en-US", **options: str) -> simcord.ResponseMessage:
    return await export_by(home.people.admin, home, locale, **options)


async def export_by(
    who: simcord.MemberActor, home: World, locale: str = "en-US", **options: str
) -> simcord.ResponseMessage:
    result = await home.slash(who, "export", locale=locale, server="alpha", **options)
    assert result.response is not None
    return result.response


def cog_of(home: World) -> ExportCog:
    cog = home.client.get_cog("ExportCog")
    assert isinstance(cog, ExportCog)
    return cog


def left(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "exports").rglob("*"))


async def test_json_lines_of_the_last_day(home: World, tmp_path: Path) -> None:
    measure(home)
    reply = await export(home)
    [file] = reply.attachments
    assert file.filename == "alpha-24h.jsonl"
    rows = [json.loads(line) for line in (await file.read()).splitlines()]
    assert [row["epoch_s"] for row in rows] == sorted(row["epoch_s"] for row in rows)
    assert len(rows) == 100
    assert len(rows[0]) == 3 + len(METRICS)
    assert {(row["server"], row["cpu_percent_of_core"], row["memory_bytes"]) for row in rows} == {
        ("alpha", 50.0, 1 << 30)
    }
    assert "**Alpha World**" in reply.content
    assert "100 rows" in reply.content
    assert left(tmp_path) == []


async def test_csv_of_chosen_fields_and_a_shorter_time(home: World) -> None:
    measure(home, rows=1000)
    reply = await export(home, range=" 1H ", format="csv", fields="Threads, cpu")
    [file] = reply.attachments
    assert file.filename == "alpha-1h.csv"
    head, *rows = (await file.read()).decode().splitlines()
    assert head == "time_utc,epoch_s,server,threads_count,cpu_percent_of_core"
    assert len(rows) == HOUR_S // 5
    assert rows[0].endswith(",alpha,7,50.0")


async def test_nothing_measured_is_said_and_no_file_sent(home: World) -> None:
    reply = await export(home, locale="ko")
    assert reply.attachments == []
    assert "**Alpha World** 서버는 최근 `24h` 동안 측정된 값이 없습니다" in reply.content
    assert "`/status`" in reply.content


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"range": "169h"}, "“169h” is too long"),
        ({"range": "soon"}, "Write one such as `90m`, `24h` or `7d`"),
        ({"fields": "cpu,pasword"}, "There is no field “pasword”. Choose from `cpu`"),
        ({"fields": "@everyone"}, "There is no field “@\u200beveryone”"),
    ],
)
async def test_what_cannot_be_is_refused_with_what_could(home: World, options: dict[str, str], said: str) -> None:
    measure(home)
    reply = await export(home, **options)
    assert said in reply.content
    assert reply.attachments == []


async def test_who_may_not_see_the_server_gets_nothing_of_it(home: World) -> None:
    measure(home)
    reply = await export_by(home.people.stranger, home)
    assert reply.ephemeral
    assert reply.attachments == []
    viewer = await export_by(home.people.viewer, home)
    assert len(viewer.attachments) == 1


# Too large


@pytest.fixture
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cogs.export._limit", lambda _interaction: 20_000)


@pytest.mark.usefixtures("small_limit")
async def test_what_is_too_large_is_zipped(home: World, tmp_path: Path) -> None:
    measure(home, rows=1000)
    reply = await export(home)
    [file] = reply.attachments
    assert file.filename == "alpha-24h.jsonl.zip"
    with zipfile.ZipFile(io.BytesIO(await file.read())) as archive:
        assert archive.read("alpha-24h.jsonl").count(b"\n") == 1000
    assert left(tmp_path) == []


@pytest.mark.usefixtures("small_limit")
async def test_what_is_too_large_all_the_same_is_refused_with_the_command_that_makes_it(
    home: World, tmp_path: Path
) -> None:
    measure(home, rows=2000, seed=1)
    reply = await export(home, range="7d", format="csv", fields="threads cpu")
    assert reply.attachments == []
    assert "too large for Discord" in reply.content
    command = "gamekeeper export alpha --range 7d --format csv --fields threads,cpu --output alpha-7d.csv"
    assert f"```\n{command}\n```" in reply.content
    assert left(tmp_path) == []


async def test_where_discord_takes_less_than_it_says_the_command_is_told_too(home: World, tmp_path: Path) -> None:
    measure(home)
    home.env.inject_error("PATCH", "/webhooks/*", status=413, code=40005, times=1)
    reply = await export(home)
    assert "too large for Discord" in reply.content
    assert left(tmp_path) == []


# While it lasts


class Held(Exports):
    """An export that goes on until it is let go."""

    def __init__(self) -> None:
        self.begun = asyncio.Semaphore(0)
        self.tell: list[OnProgress] = []
        self.let_go = asyncio.Event()

    @asynccontextmanager
    async def file(
        self, export: Export, form: Format, name: str, limit_bytes: int, on_progress: OnProgress
    ) -> AsyncIterator[Made]:
        self.tell.append(on_progress)
        self.begun.release()
        await self.let_go.wait()
        yield Made(Path(name), 0, Written())


async def test_how_far_it_is_is_shown_now_and_then(home: World) -> None:
    cog_of(home)._exports = held = Held()
    asking = asyncio.create_task(export(home))
    await held.begun.acquire()
    held.tell[0](Written(rows=1234, size_bytes=1, done=0.254))
    await home.rest()
    await home.clock.advance(SHOWN_EVERY_S)
    held.tell[0](Written(rows=3000, size_bytes=1, done=0.75))
    held.let_go.set()
    await asking
    shown = [text for text in home.edits() if "Exporting" in text]
    assert shown == ["⏳ Exporting **Alpha World**: 25%, 1,234 rows so far."]
    assert "Nothing was measured" in home.edits()[-1]


@pytest.mark.parametrize(("span", "advised"), [("6d", 1), ("7d", 0), ("168h", 0)])
async def test_a_longer_range_is_advised_where_there_is_one(home: World, span: str, advised: int) -> None:
    told = (await export(home, range=span)).content
    assert told.startswith("⚠️ Nothing was measured of **Alpha World**")
    assert told.count("longer `range`") == advised
    assert "see `/status`" in told.lower()


async def test_what_cannot_be_costs_no_turn(home: World) -> None:
    for wrong in ({"range": "soon"}, {"fields": "pasword"}, {"range": "999999999999d"}):
        assert "too much at once" not in (await export(home, **wrong)).content
    assert "Nothing was measured" in (await export(home)).content
    assert "Nothing was measured" in (await export(home)).content
    assert "too much at once" in (await export(home)).content


async def test_no_more_than_two_at_once(home: World) -> None:
    cog_of(home)._exports = held = Held()
    people = (home.people.admin, home.people.owner, home.people.viewer)
    asking = [asyncio.create_task(home.forge(who, home.channel, "export", {"server": "alpha"})) for who in people]
    for _ in range(2):
        await held.begun.acquire()
    await until(lambda: len(home.sent("POST", "/callback")) == len(people))
    await home.rest()
    assert len(held.tell) == 2
    held.let_go.set()
    await asyncio.gather(*asking)
    assert len(held.tell) == 3


async def test_what_a_killed_bot_left_is_gone_once_it_is_up_again(tmp_path: Path) -> None:
    (tmp_path / "exports" / "1").mkdir(parents=True)
    (tmp_path / "exports" / "1" / "alpha-24h.csv").write_text("half")
    async with world(tmp_path):
        assert left(tmp_path) == []


async def test_a_folder_that_cannot_be_made_is_told(home: World, tmp_path: Path) -> None:
    measure(home)
    (tmp_path / "exports").write_text("in the way")
    reply = await export(home)
    assert "The folder of the database cannot be used" in reply.content
    shutil.rmtree(tmp_path / "exports", ignore_errors=True)


async def test_fault_64_no_secret_is_in_an_export_nor_in_what_is_said_of_it(tmp_path: Path) -> None:
    spec = spec_of("alpha", name="Alpha", admin=AdminEndpoint("127.0.0.1", 1, Secret(CANARY)), env={"KEY": CANARY})
    async with world(tmp_path, specs=[spec]) as home:
        measure(home)
        for form in Format:
            reply = await export(home, format=form.value)
            assert CANARY.encode() not in await reply.attachments[0].read()
            assert CANARY not in reply.content
