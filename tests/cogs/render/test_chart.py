from __future__ import annotations

import json
from dataclasses import replace

import pytest

from cogs.render import chart, fonts
from cogs.render import chart_theme as theme
from cogs.render.chart import draw, name_of
from cogs.render.chart_request import ChartRequest, Label, Mark, MarkKind, from_json
from cogs.render.chart_words import Curve
from tests.cogs.render.charts import HOUR_S, SINCE_S, STEP_S, UNTIL_S, columns_with, curve, pixels, request

HANGUL = fonts.drawable("가", fonts.families("ko"))
ALL_MARKS = tuple(Mark(SINCE_S + 300 * n, kind) for n, kind in enumerate(MarkKind, 1))
WEEK_S = 7 * 24 * HOUR_S


def height(panels: int, *, marks: bool) -> int:
    return theme.HEADER_PX + 190 * panels + theme.TICKS_PX + (theme.LEGEND_PX if marks else 0)


@pytest.mark.parametrize("locale", ["en", "ko"])
@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(request(), id="no panel"),
        pytest.param(request(("cpu", [])), id="no series"),
        pytest.param(request(("cpu", [curve([])])), id="empty"),
        pytest.param(request(("cpu", [curve([12.5])])), id="one point"),
        pytest.param(request(("cpu", [curve([None] * 60)])), id="gaps only"),
        pytest.param(request(("players", [curve([0, 0, 0])])), id="all zero"),
        pytest.param(request(("memory", [curve([1e18, 0.0, None, 5e17])])), id="enormous"),
        pytest.param(request(("memory", [curve([3 << 30] * 60)]), ("players", [curve([1, 2, 1])])), id="two panels"),
        pytest.param(request(("cpu", [curve([1.0] * 60)]), marks=ALL_MARKS), id="marks"),
        pytest.param(request(("cpu", [curve([1.0])]), span_s=0), id="no time at all"),
        pytest.param(request(("cpu", [curve([5.0, None, 7.0, None])])), id="lonely points"),
    ],
)
def test_it_draws_whatever_the_data(asked: ChartRequest, locale: str) -> None:
    picture = pixels(draw(replace(asked, locale=locale)))
    assert picture.shape == (height(max(len(asked.panels), 1), marks=bool(asked.marks)), 800, 3)


def test_a_week_at_ten_seconds_is_drawn() -> None:
    values = [float(n % 100) for n in range(WEEK_S // 10)]
    line = curve(values, since_s=UNTIL_S - WEEK_S, step_s=10)
    marks = tuple(Mark(UNTIL_S - n * 60, MarkKind.SAVED) for n in range(5000))
    picture = pixels(draw(request(("cpu", [line]), span_s=WEEK_S, step_s=10, marks=marks)))
    assert len(columns_with(picture[: -theme.LEGEND_PX], theme.COLOURS["cpu"])) > 600


def test_a_picture_is_as_large_as_asked_for() -> None:
    asked = replace(request(("cpu", [curve([1.0, 2.0])])), width_px=900, panel_px=240, dpi=120)
    assert pixels(draw(asked)).shape == (theme.HEADER_PX + 240 + theme.TICKS_PX, 900, 3)


def test_a_gap_is_a_gap() -> None:
    whole = curve([50.0] * 60)
    holed = curve([50.0] * 20 + [None] * 20 + [50.0] * 20)
    parts = [curve([50.0] * 20), curve([50.0] * 20, since_s=SINCE_S + 40 * STEP_S)]
    values = [50.0] * 40
    missing = Curve([*parts[0].at_s, *parts[1].at_s], values, values, values)
    plot = 800 - theme.LEFT_PX - theme.RIGHT_PX
    middle = range(theme.LEFT_PX + plot * 21 // 60, theme.LEFT_PX + plot * 39 // 60)
    for line, seen in ((whole, True), (holed, False), (missing, False)):
        found = set(columns_with(pixels(draw(request(("cpu", [line])))), theme.COLOURS["cpu"]))
        assert bool(found & set(middle)) is seen
        assert set(range(theme.LEFT_PX + 20, theme.LEFT_PX + 100)) <= found


def test_the_band_between_low_and_high_is_filled() -> None:
    line = curve([50.0] * 60)
    banded = replace(line, low=[10.0] * 60, high=[90.0] * 60)
    same_axis = curve([90.0] * 60)
    plain = pixels(draw(request(("cpu", [line, same_axis]))))
    filled = pixels(draw(request(("cpu", [banded, same_axis]))))
    column = 400
    assert (plain[:, column] != filled[:, column]).any(axis=1).sum() > 60


def test_one_point_alone_is_seen() -> None:
    line = curve([None] * 30 + [50.0] + [None] * 29)
    assert columns_with(pixels(draw(request(("cpu", [line])))), theme.COLOURS["cpu"])


@pytest.mark.parametrize("kind", list(MarkKind))
def test_each_kind_of_mark_is_drawn_and_explained(kind: MarkKind) -> None:
    asked = request(("memory", [curve([1.0] * 60)]), marks=(Mark(SINCE_S + HOUR_S / 2, kind),))
    picture = pixels(draw(asked))
    colour = theme.MARKS[kind].colour
    middle = theme.LEFT_PX + (800 - theme.LEFT_PX - theme.RIGHT_PX) // 2
    assert any(abs(column - middle) <= 6 for column in columns_with(picture[: -theme.LEGEND_PX], colour))
    assert columns_with(picture[-theme.LEGEND_PX :], colour)


def test_a_mark_outside_the_time_is_left_out() -> None:
    asked = request(("memory", [curve([1.0] * 60)]), marks=(Mark(SINCE_S - 1, MarkKind.CRASHED),))
    assert columns_with(pixels(draw(asked)), theme.MARKS[MarkKind.CRASHED].colour) == []


def test_two_series_are_told_apart_by_colour_and_named() -> None:
    asked = request(("cpu", [curve([50.0] * 60, name="this week"), curve([20.0] * 60, name="last week")]))
    picture = pixels(draw(asked))
    for colour, _ in theme.OTHERS[:2]:
        assert len(columns_with(picture[theme.HEADER_PX + theme.NAMES_PX :], colour)) > 200
        assert columns_with(picture[theme.HEADER_PX : theme.HEADER_PX + theme.NAMES_PX], colour)


@pytest.mark.parametrize("letter", ["W", pytest.param("뷁", marks=pytest.mark.skipif(not HANGUL, reason="no font"))])
def test_no_name_runs_off_the_picture(letter: str) -> None:
    lines = [curve([50.0] * 60, name=letter * 60), curve([20.0] * 60, name=letter * 60)]
    asked = replace(request(("cpu", lines)), title=Label(letter * 60, "x"), locale="ko")
    header = pixels(draw(asked))[: theme.HEADER_PX + theme.NAMES_PX]
    written = (header != header[0, 0]).any(axis=(0, 2)).nonzero()[0]
    assert 600 < written.max() <= 800 - theme.EDGE_PX


def test_next_to_nothing_looks_like_it() -> None:
    asked = request(("read", [curve([0.1] * 60)]))
    plot = pixels(draw(asked))[theme.HEADER_PX + theme.HEADING_PX : theme.HEADER_PX + 190 - theme.PANEL_GAP_PX]
    wanted = tuple(int(theme.COLOURS["read"][n : n + 2], 16) for n in (1, 3, 5))
    rows = (plot == wanted).all(axis=2).any(axis=1).nonzero()[0]
    assert rows.min() > 0.8 * len(plot)


def test_players_are_drawn_as_steps() -> None:
    asked = request(("players", [curve([1.0] * 30 + [9.0] * 30)]))
    picture = pixels(draw(asked))[theme.HEADER_PX + theme.HEADING_PX :]
    wanted = tuple(int(theme.COLOURS["players"][n : n + 2], 16) for n in (1, 3, 5))
    rows = (picture == wanted).all(axis=2).sum(axis=0)
    assert max(rows) > 60, "the step itself is one upright line"


@pytest.mark.skipif(not HANGUL, reason="no font with Hangul on this machine: see docs/charts.md")
def test_korean_is_drawn_in_korean() -> None:
    asked = request(("cpu", [curve([1.0] * 60)]), locale="ko", name="야생 서버", marks=ALL_MARKS)
    chosen = fonts.families("ko")
    assert chart._language(asked, chosen)(asked.panels[0].unit_label) == "% (코어 1개 기준)"
    assert name_of(asked.title, chosen) == "야생 서버"
    assert draw(asked) != draw(replace(asked, title=Label("survival", "survival")))


def test_without_a_font_for_it_korean_becomes_english_and_names_become_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "families", lambda locale: (fonts.LATIN,))
    korean = request(("cpu", [curve([1.0] * 60)]), locale="ko", name="야생 서버", marks=ALL_MARKS)
    english = request(("cpu", [curve([1.0] * 60)]), locale="en", name="survival", marks=ALL_MARKS)
    assert draw(korean) == draw(english)


@pytest.mark.parametrize(
    ("name", "drawn"),
    [
        ("Survival", "Survival"),
        ("Survival 🔥", "Survival"),
        ("🔥🔥", "survival"),
        ("$x^2$ \\frac", "$x^2$ \\frac"),
        ("سيرفر", "survival"),
        ("Сервер", "Сервер"),
        ("𓀀𓀁", "survival"),
    ],
)
def test_a_name_is_drawn_as_far_as_it_can_be(name: str, drawn: str) -> None:
    assert name_of(Label(name, "survival"), (fonts.LATIN,)) == drawn
    draw(request(("cpu", [curve([1.0])]), name=name))


def test_a_request_survives_the_way_through_json() -> None:
    asked = request(("cpu", [curve([1.0, None, 3.5])]), ("players", []), name='"야생" \\ 🔥', marks=ALL_MARKS)
    assert from_json(asked.to_json()) == asked


@pytest.mark.parametrize("broken", [b"", b"[]", b"{}", b'{"title": 1}', b"\xff"])
def test_what_is_no_request_is_refused(broken: bytes) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        from_json(broken)


def test_a_request_with_a_wrong_unit_is_refused() -> None:
    raw = json.loads(request(("cpu", [curve([1.0])])).to_json())
    raw["panels"][0]["unit"] = "furlongs"
    with pytest.raises(ValueError, match="furlongs"):
        from_json(json.dumps(raw).encode())
