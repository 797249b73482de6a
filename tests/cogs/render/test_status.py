from __future__ import annotations

from dataclasses import replace

import discord
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogs.locale.catalogue import catalogue
from cogs.render.palette import STATES
from cogs.render.server import RESTART_WORDS, VERDICT_WORDS, server_embed
from cogs.render.status import STATE_WORDS, status_embed
from cogs.render.text import length
from monitor.model import (
    Actor,
    ActorKind,
    Evidence,
    EvidenceKind,
    ExitReport,
    ExitStatus,
    Players,
    Sample,
    Server,
    State,
    Verdict,
)
from monitor.spec import RestartMode
from tests.cogs.render.legal import assert_legal
from tests.cogs.render.samples import ALICE, AT_MS, server

EN, KO = catalogue("en"), catalogue("ko")
NAMES = [
    "Survival",
    "야생 서버",
    "Сервер",
    "サーバー",
    "שרת",
    "a_b *c* @everyone",
    "🔥" * 40,
    "x" * 200,
    "z" + "\u0301" * 300,
]
BARE = Server(server().spec)


def lines(embed: discord.Embed) -> list[str]:
    assert_legal(embed)
    return (embed.description or "").split("\n")


def field(embed: discord.Embed, name: str) -> str | None:
    assert_legal(embed)
    return next((field.value for field in embed.fields if field.name == name), None)


def test_a_server_is_one_line() -> None:
    embed = status_embed([server()], EN)
    assert lines(embed) == ["🟢 **Survival** · running · <t:1795488480:R> · 👥 5/20 · CPU 87% · 3.25 GiB"]
    assert embed.footer.text == "5 players · 1 of 1 server up"


def test_a_server_is_one_line_in_korean() -> None:
    embed = status_embed([server()], KO)
    assert lines(embed) == ["🟢 **Survival** · 실행 중 · <t:1795488480:R> · 👥 5/20 · CPU 87% · 3.25 GiB"]
    assert embed.footer.text == "플레이어 5명 · 서버 1개 중 1개 실행 중"


@pytest.mark.parametrize("state", list(State))
def test_every_state_has_its_icon_and_word(state: State) -> None:
    (line,) = lines(status_embed([server(state)], EN))
    assert line.startswith(f"{STATES[state].icon} **Survival** · {STATE_WORDS[state]}")
    assert ("CPU" in line) == (state in (State.RUNNING, State.UNRESPONSIVE))


def test_a_server_waiting_to_restart_says_when() -> None:
    (line,) = lines(status_embed([replace(server(State.BACKOFF), players=None)], EN))
    assert line == "⏳ **Survival** · waiting to restart · <t:1795500020:R>"


def test_what_is_not_known_is_not_shown_as_zero() -> None:
    embed = status_embed([replace(BARE, state=State.RUNNING, latest=Sample("survival", 1))], EN)
    assert lines(embed) == ["🟢 **Survival** · running"]
    assert embed.footer.text == "1 of 1 server up"


def test_without_a_server_it_says_what_to_do() -> None:
    assert "`/server add`" in "\n".join(lines(status_embed([], EN)))


@pytest.mark.parametrize("locale", ["en", "ko"])
@pytest.mark.parametrize("count", [1, 24, 60, 500])
@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_many_servers_with_any_name_fit(name: str, count: int, locale: str) -> None:
    servers = [server(server_id=f"s{n}", name=f"{n} {name}") for n in range(count)]
    shown = lines(status_embed(servers, catalogue(locale)))
    assert shown[0].replace("\u2068", "").startswith("🟢 **0 ")
    assert len(shown) == count or ("…" in shown[-1] and len(shown) > 40)


def test_sixty_servers_are_all_there() -> None:
    servers = [server(server_id=f"s{n}", name=f"Server number {n}") for n in range(60)]
    shown = lines(status_embed(servers, EN))
    assert len(shown) == 60
    assert "Server number 59" in shown[59]


def test_what_does_not_fit_is_counted() -> None:
    servers = [server(server_id=f"s{n}", name="x" * 40) for n in range(500)]
    shown = lines(status_embed(servers, EN))
    assert shown[-1] == f"… and {500 - len(shown) + 1} more servers"


def test_one_server_with_everything_known() -> None:
    embed = server_embed(server(), EN)
    assert embed.title == "🟢 Survival"
    assert lines(embed) == ["**running** · <t:1795499940:R>", "👥 5/20"]
    assert field(embed, "Load") == (
        "CPU **87%**\nMemory **3.25 GiB**\nPlayers **5**\nTick rate **19.8/s**\nDisk read **2.00 KiB/s**\n"
        "Disk write **0 B/s**\nThreads **61**\nmeasured <t:1795499995:R>"
    )
    assert field(embed, "Process") == "PID 4321\nStarted <t:1795488480:f>"
    assert field(embed, "Restarts") == "By itself: after a crash\n1 of 5 used"
    assert field(embed, "Last exit") == ("**crashed** · <t:1795488400:R>\nSIGSEGV (invalid memory access)\nexit 139")
    assert field(embed, "5 players on") == "Steve, Alex, a\\_b, 김민수, @\u200beveryone"
    assert embed.footer.text == "survival · minecraft"


def test_who_stopped_it_is_said_once() -> None:
    asked = ExitReport(Verdict.STOPPED, ExitStatus(code=0), (Evidence(EvidenceKind.ASKED, ALICE.name),), ALICE)
    last = field(server_embed(replace(server(State.STOPPED), last_exit=asked), EN), "Last exit") or ""
    assert last.splitlines()[0].startswith("**stopped by Alice**")
    assert last.count("Alice") == 1


def test_fault_64_a_servers_arguments_and_environment_are_not_shown() -> None:
    assert "SECRET" not in str(server_embed(server(), EN).to_dict())


def test_one_server_of_which_nothing_is_known() -> None:
    embed = server_embed(BARE, EN)
    assert lines(embed) == ["**stopped**"]
    assert [field.name for field in embed.fields] == ["Restarts"]


def test_a_waiting_server_says_when_it_starts_again() -> None:
    assert "Next start <t:1795500020:R>" in lines(server_embed(server(State.BACKOFF), EN))


def test_a_requested_stop_names_who_asked() -> None:
    stopped = ExitReport(Verdict.STOPPED, ExitStatus(code=0), by=ALICE)
    embed = server_embed(replace(BARE, last_exit=stopped), EN)
    assert (field(embed, "Last exit") or "").startswith("**stopped by Alice**")


@pytest.mark.parametrize(
    ("signal", "shown"),
    [(15, "SIGTERM"), (9, "SIGKILL"), (2, "SIGINT"), (6, "SIGABRT (it aborted itself)")],
)
def test_a_signal_of_our_own_is_not_told_as_one_from_outside(signal: int, shown: str) -> None:
    stopped = ExitReport(Verdict.STOPPED, ExitStatus(signal=signal), by=ALICE)
    embed = server_embed(replace(BARE, last_exit=stopped), EN)
    assert (field(embed, "Last exit") or "").splitlines()[1] == shown


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        (ActorKind.DISCORD, "Alice"),
        (ActorKind.SCHEDULE, "the schedule Alice"),
        (ActorKind.POLICY, "the restart policy"),
        (ActorKind.COMMAND_LINE, "Alice at the command line"),
    ],
)
def test_every_kind_of_actor_has_words(kind: ActorKind, shown: str) -> None:
    stopped = ExitReport(Verdict.STOPPED, ExitStatus(code=0), by=Actor(kind, "1", "Alice"))
    embed = server_embed(replace(BARE, last_exit=stopped), EN)
    assert (field(embed, "Last exit") or "").startswith(f"**stopped by {shown}**")


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_verdict_and_policy_has_words(verdict: Verdict) -> None:
    ended = replace(BARE, last_exit=ExitReport(verdict, ExitStatus()), last_exit_ms=AT_MS)
    assert VERDICT_WORDS[verdict] in (field(server_embed(ended, EN), "Last exit") or "")
    assert set(RESTART_WORDS) == set(RestartMode)


def test_a_server_that_never_restarts_has_no_budget() -> None:
    never = replace(BARE.spec, autostart=True, restart=replace(BARE.spec.restart, policy=RestartMode.NEVER))
    assert field(server_embed(replace(BARE, spec=never), EN), "Restarts") == "By itself: never\nStarts with the bot"


def test_of_a_full_house_the_rest_is_counted() -> None:
    crowd = Players(500, None, tuple(f"player{n:03}" for n in range(500)))
    value = field(server_embed(replace(server(), players=crowd), EN), "500 players on") or ""
    shown, rest = value.split(" +")
    assert len(shown.split(", ")) + int(rest) == 500
    assert length(value) > 900


TEXT = st.text(st.characters(exclude_categories=()), max_size=300)


@given(TEXT, st.lists(TEXT, max_size=40), st.sampled_from(list(State)))
def test_fault_49_any_names_make_a_legal_embed(name: str, players: list[str], state: State) -> None:
    crowded = replace(server(state, name=name), players=Players(len(players), 10, tuple(players)))
    for words in (EN, KO):
        assert_legal(server_embed(crowded, words))
        assert_legal(status_embed([crowded] * 60, words))
