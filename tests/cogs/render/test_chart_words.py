from __future__ import annotations

import pytest

from cogs.locale.catalogue import catalogue
from cogs.render.chart_request import Label, MarkKind
from cogs.render.chart_words import TEXTS, UNITS, name_label, span_words
from cogs.render.fonts import LATIN, drawable
from monitor.metrics import METRICS, Unit
from tests.cogs.render.charts import HOUR_S, curve, request


@pytest.mark.parametrize(
    ("span_s", "english", "korean"),
    [
        (1800, "The last 30 minutes", "최근 30분"),
        (3600, "The last hour", "최근 1시간"),
        (21_600, "The last 6 hours", "최근 6시간"),
        (86_400, "The last 24 hours", "최근 24시간"),
        (604_800, "The last 7 days", "최근 7일"),
        (90 * 60, "The last 90 minutes", "최근 90분"),
        (0, "The last minute", "최근 1분"),
    ],
)
def test_the_span_is_told_in_words(span_s: float, english: str, korean: str) -> None:
    assert span_words(span_s, catalogue("en")) == english
    assert span_words(span_s, catalogue("ko")) == korean


def test_a_request_has_the_words_of_its_reader_and_english_beside_them() -> None:
    asked = request(("cpu", [curve([1.0])]), ("memory", []), locale="ko", name="야생")
    assert asked.title == Label("야생", "survival")
    assert asked.subtitle == Label("최근 1시간 · Asia/Seoul", "The last hour · Asia/Seoul")
    assert [panel.label for panel in asked.panels] == [Label("CPU", "CPU"), Label("메모리", "Memory")]
    assert asked.panels[0].unit_label == Label("% (코어 1개 기준)", "% of a core")
    assert asked.texts[MarkKind.CRASHED] == Label("비정상 종료", "crashed")


def test_every_unit_mark_and_metric_has_words() -> None:
    assert set(UNITS) == set(Unit)
    assert set(MarkKind) <= set(TEXTS)
    asked = request(*((metric.key, []) for metric in METRICS), locale="ko", span_s=HOUR_S)
    labels = [asked.subtitle, *asked.texts.values()]
    labels += [label for panel in asked.panels for label in (panel.label, panel.unit_label)]
    assert [label for label in labels if not drawable(label.plain, (LATIN,))] == []


@pytest.mark.parametrize(
    ("name", "drawn"),
    [
        ("Survival", "Survival"),
        ("a\nb\x00\u202ec", "a b c"),
        ("", "id"),
        ("x" * 99, "x" * 39 + "…"),
        ("\u200b", "id"),
    ],
)
def test_fault_49_a_name_on_a_chart_is_one_tame_line(name: str, drawn: str) -> None:
    assert name_label(name, "id") == Label(drawn, "id")
