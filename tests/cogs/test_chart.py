from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import simcord

from cogs.chart import LAST_WEEK, WEEK_S
from cogs.render.chart_request import ChartRequest, MarkKind, Panel
from cogs.render.painter import ChartFailed, ChartFault
from monitor.metrics import METRICS
from monitor.model import Sample
from tests.cogs.painters import RecordingPainter, SketchPainter, png_size
from tests.cogs.world import World, world

HOUR_S = 3600


def measure(home: World, server_id: str, *, ago_s: int, span_s: int = 600, cpu: float = 50.0) -> None:
    """Have a server measured every 5 s, from `ago_s` on."""
    since_s = home.clock.now_ms() // 1000 - ago_s
    home.samples.add(
        [
            Sample(server_id, at_s, cpu_pct=cpu, rss_bytes=1 << 30, players=3)
            for at_s in range(since_s, since_s + span_s, 5)
        ]
    )


async def chart(home: World, locale: str = "en-US", **options: str) -> simcord.ResponseMessage:
    result = await home.slash(home.people.admin, "chart", locale=locale, server="alpha", **options)
    assert result.response is not None
    return result.response


def request_of(home: World) -> ChartRequest:
    return home.painter.requests[-1]


def known(panel: Panel, series: int = 0) -> list[float]:
    return [value for value in panel.series[series].mean if value is not None]


@pytest.fixture
async def drawing(tmp_path: Path) -> AsyncIterator[World]:
    """With the real worker process."""
    async with world(tmp_path, painter=RecordingPainter()) as made:
        yield made


async def test_pictures_from_the_real_worker(drawing: World) -> None:
    measure(drawing, "alpha", ago_s=HOUR_S, span_s=HOUR_S)
    whole = await chart(drawing)
    [file] = whole.attachments
    assert file.filename == "alpha-1h.png"
    width, height = png_size(await file.read())
    [callback] = drawing.sent("POST", "/callback")
    assert callback["type"] == 5
    one = await chart(drawing, locale="ko", metric="cpu", range="24h", compare=LAST_WEEK)
    [narrow] = one.attachments
    assert narrow.filename == "alpha-24h.png"
    assert png_size(await narrow.read()) < (width, height)


async def test_a_picture_where_nothing_is_known(drawing: World) -> None:
    reply = await chart(drawing)
    png_size(await reply.attachments[0].read())
    assert [panel.key for panel in request_of(drawing).panels] == ["cpu", "memory"]
    assert not known(request_of(drawing).panels[0])


async def test_all_that_is_known_is_drawn(home: World) -> None:
    measure(home, "alpha", ago_s=600)
    await chart(home)
    assert [panel.key for panel in request_of(home).panels] == ["cpu", "memory", "players"]
    assert set(known(request_of(home).panels[0])) == {50.0}


@pytest.mark.parametrize("metric", [metric.key for metric in METRICS])
async def test_one_metric(home: World, metric: str) -> None:
    await chart(home, metric=metric)
    assert [panel.key for panel in request_of(home).panels] == [metric]


@pytest.mark.parametrize(("chosen", "hours"), [("1h", 1), ("6h", 6), ("24h", 24), ("7d", 168)])
async def test_the_range(home: World, chosen: str, hours: int) -> None:
    measure(home, "alpha", ago_s=hours * HOUR_S - 5, span_s=5)
    measure(home, "alpha", ago_s=hours * HOUR_S + 60, span_s=5, cpu=99.0)
    await chart(home, range=chosen, metric="cpu")
    request = request_of(home)
    assert request.until_s - request.since_s == hours * HOUR_S
    assert known(request.panels[0]) == [50.0]


async def test_against_another_server(home: World) -> None:
    measure(home, "alpha", ago_s=600, cpu=10.0)
    measure(home, "beta", ago_s=600, cpu=90.0)
    await chart(home, metric="cpu", compare="beta")
    [panel] = request_of(home).panels
    assert [series.name.text for series in panel.series] == ["Alpha World", "Beta World"]
    assert (set(known(panel, 0)), set(known(panel, 1))) == ({10.0}, {90.0})


async def test_against_last_week(home: World) -> None:
    measure(home, "alpha", ago_s=600, cpu=10.0)
    measure(home, "alpha", ago_s=WEEK_S + 600, cpu=70.0)
    await chart(home, locale="ko", metric="cpu", compare=LAST_WEEK)
    [panel] = request_of(home).panels
    own, then = panel.series
    assert then.name.text == "지난주 같은 시간"
    assert (set(known(panel, 0)), set(known(panel, 1))) == ({10.0}, {70.0})
    assert request_of(home).step_s == then.at_s[1] - then.at_s[0] == 60  # of so long ago, minutes are left
    assert 0 <= own.at_s[0] - then.at_s[0] < 60


async def test_comparing_asks_the_gate_for_the_other_server_too(home: World) -> None:
    result = await home.slash(home.people.viewer, "chart", server="alpha", compare="beta")
    assert result.response is not None
    assert result.response.ephemeral
    assert "`view`" in result.response.content
    assert home.painter.requests == []


async def test_completing_what_to_compare_with(home: World) -> None:
    assert await home.complete(home.people.admin, "chart", "", "compare") == [LAST_WEEK, "alpha", "beta"]
    assert await home.complete(home.people.viewer, "chart", "", "compare") == [LAST_WEEK, "alpha"]
    assert await home.complete(home.people.admin, "chart", "지난", "compare", locale="ko") == [LAST_WEEK]
    assert await home.complete(home.people.admin, "chart", "bet", "compare") == ["beta"]


async def test_what_happened_is_marked(home: World) -> None:
    await home.slash(home.people.admin, "start", server="alpha")
    await home.slash(home.people.admin, "stop", server="alpha")
    await home.clock.advance(60)
    await chart(home)
    kinds = sorted(mark.kind for mark in request_of(home).marks)
    assert kinds == sorted([MarkKind.STARTED, MarkKind.READY, MarkKind.STOPPED])


async def test_a_chart_that_cannot_be_drawn_is_told(tmp_path: Path) -> None:
    painter = SketchPainter()
    painter.fail_with = ChartFailed(ChartFault.CRASHED, "secret detail")
    async with world(tmp_path, painter=painter) as home:
        reply = await chart(home)
        assert reply.content == "⚠️ The chart could not be drawn. Try again in a moment."
        assert reply.attachments == []
