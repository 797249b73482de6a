from __future__ import annotations

from dataclasses import replace

import discord
import pytest

from cogs.illustration import illustration
from cogs.locale.catalogue import catalogue
from cogs.render.alerts import alert_embed
from cogs.render.limit_list import VALUES_SHOWN, Shown, limits_embed
from cogs.render.thresholds import development, names, rule_line
from monitor.limit_events import ForecastLifted, LimitEvent, LimitRestart
from monitor.limit_watch import Held
from monitor.limits import CROSSED, RestartCause
from tests.cogs.render.legal import assert_legal
from tests.cogs.render.limited import CLEARED, CPU, CROSSING, DISK, FORESEEN, GIB, HEAP, RESTARTED
from tests.cogs.render.samples import AT_MS


def embed_of(event: LimitEvent, locale: str = "en", name: str = "Survival") -> discord.Embed:
    embed = alert_embed(event, 5, name, catalogue(locale))
    assert_legal(embed)
    return embed


def lines(event: LimitEvent, locale: str = "en") -> list[str]:
    return (embed_of(event, locale).description or "").splitlines()


def test_a_crossing_says_how_far_for_how_long_who_is_on_and_what_to_do() -> None:
    embed = embed_of(CROSSING)
    assert embed.title == "🌡️ Survival: Memory above 8.00 GiB"
    [held, on, advice] = lines(CROSSING)
    assert held == "**8.25 GiB now, and so for 10 m without a break.**"
    assert on == "👥 3 players are on"
    assert "`/restart server:survival` restarts it; `/limit list` shows all limits." in advice


def test_a_crossing_that_restarts_says_when() -> None:
    [_, plan] = lines(replace(CROSSING, limit=RESTARTED, players=None))
    assert plan.split(" · ") == [
        "🔁 Restart as soon as nobody is on",
        "only within 03:00–06:00 (Asia/Seoul)",
        f"at the latest <t:{AT_MS // 1000 + 7200}:R>",
        "at once at 9.00 GiB",
    ]


@pytest.mark.parametrize(
    ("event", "title", "advice"),
    [
        (
            replace(CROSSING, server_id="", limit=CPU, target="", value=95),
            "The machine: CPU of the machine above 90%",
            "/status",
        ),
        (
            replace(CROSSING, server_id="", limit=DISK, target="/", value=4),
            "Drive /: Free disk space below 5%",
            "Make room",
        ),
    ],
)
def test_a_drive_and_the_machine_are_named_and_have_advice_of_their_own(
    event: LimitEvent, title: str, advice: str
) -> None:
    assert embed_of(event).title == f"🌡️ {title}"
    assert advice in lines(event)[-1]
    assert "/restart" not in lines(event)[-1]


def test_a_forecast_says_how_fast_and_how_soon() -> None:
    assert embed_of(FORESEEN).title == "📈 Survival: Memory is going to be above 8.00 GiB"
    assert lines(FORESEEN) == [
        "**At +180 MiB an hour the limit of 8.00 GiB is reached in about 2 h.**",
        "7.60 GiB now.",
        "➡️ `/restart server:survival` at a quiet time prevents it.",
    ]
    assert lines(replace(FORESEEN, limit=RESTARTED))[-1].endswith("after 2 h at the latest · at once at 9.00 GiB")


def test_an_end_says_how_long_it_was() -> None:
    assert embed_of(CLEARED).title == r"☑️ Drive D\:\\: Free disk space is back within its limit"
    assert lines(CLEARED) == ["**7% now. It was crossed for 30 m.**"]


@pytest.mark.parametrize("event", [CROSSING, FORESEEN, CLEARED, replace(CROSSING, limit=RESTARTED)])
def test_everything_is_told_in_korean(event: LimitEvent) -> None:
    english, korean = embed_of(event), embed_of(event, "ko")
    assert korean.title != english.title
    assert all(ours != theirs for ours, theirs in zip(lines(event), lines(event, "ko"), strict=True))


def test_fault_49_a_name_or_a_drive_pings_nobody() -> None:
    assert "@everyone" not in (embed_of(CROSSING, name="@everyone `x`").title or "")
    assert "@everyone" not in (embed_of(replace(CLEARED, target="/@everyone")).title or "")


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (CROSSING, "Memory above 8.00 GiB"),
        (CLEARED, "Back within the limit"),
        (ForecastLifted(server_id="survival", at_ms=AT_MS, limit=HEAP), "No longer to be expected"),
        (
            ForecastLifted(server_id="survival", at_ms=AT_MS, limit=HEAP, restarted=True),
            "Restarted since: that begins anew",
        ),
        *(
            (LimitRestart(server_id="survival", at_ms=AT_MS, limit=HEAP, cause=cause), "Restarted for this limit: ")
            for cause in RestartCause
        ),
    ],
)
def test_what_has_happened_since(event: LimitEvent, line: str) -> None:
    assert development(event, catalogue("en")).startswith(line)


@pytest.mark.parametrize(
    ("event", "metric", "span_s"),
    [
        (CROSSING, "memory", 1800),
        (replace(CROSSING, limit=replace(HEAP, measure_key="threads", hold_s=1200)), "threads", 3600),
        (FORESEEN, "memory", 6 * 3600),
        (CLEARED, None, 0),
        (LimitRestart(server_id="survival", at_ms=AT_MS, limit=HEAP, cause=RestartCause.EMPTY), None, 0),
    ],
)
def test_the_chart_shows_what_is_limited_first(event: LimitEvent, metric: str | None, span_s: int) -> None:
    shown = illustration(event)
    if metric is None:
        assert shown is None
    else:
        assert shown is not None
        assert (shown.metrics[0].key, shown.span_s) == (metric, span_s)
        assert len({each.key for each in shown.metrics}) == len(shown.metrics)


def test_a_rule_in_one_line() -> None:
    words = catalogue("en")
    assert rule_line(HEAP, words) == "**Memory above 8.00 GiB** · for 10 m · ends at 7.50 GiB · Only told"
    assert "below 5%** · for 10 m · ends at 5.2%" in rule_line(replace(DISK, back_at=5.25), words)
    assert "below 5%** · for 10 m · ends at 6%" in rule_line(DISK, words)
    assert names(["a", "b", "c"], 2, words) == "a · b · … and 1 more"


def test_the_list_shows_what_is_crossed_first() -> None:
    everywhere = replace(HEAP, server_id=None)
    crossed = Held(everywhere, "s9", position=CROSSED, crossed_ms=AT_MS)
    standings = [(f"s{n}", f"S{n}", n * GIB, crossed if n == 9 else None) for n in range(10)]
    embed = limits_embed([Shown(everywhere, "Every server", standings)], 1, catalogue("en"))
    assert_legal(embed)
    last = (embed.description or "").splitlines()[-1]
    assert last.startswith(f"🌡️ S9 **9.00 GiB** · crossed <t:{AT_MS // 1000}:R> · ☑️ S0 **0 B**")
    assert last.endswith(f"… and {10 - VALUES_SHOWN} more")


def test_a_full_page_of_long_names_is_taken() -> None:
    held = Held(DISK, "x" * 200, foreseen_ms=1)
    shown = [Shown(DISK, "n" * 100, [("x" * 200, "", 1.0, held)] * 9) for _ in range(8)]
    assert_legal(limits_embed(shown, 8, catalogue("ko")))
    assert "`/limit set`" in (limits_embed([], 0, catalogue("en")).description or "")
