from __future__ import annotations

import pytest
import simcord

from monitor.errors import (
    AccessRefused,
    CommandRejected,
    GameError,
    GameFault,
    GameUnavailable,
    NotSupported,
    RejectedBecause,
)
from tests.cogs.talker import Talker
from tests.cogs.world import World


async def rcon(home: World, command: str = "list", locale: str = "en-US") -> simcord.ResponseMessage:
    result = await home.slash(home.people.admin, "rcon", locale=locale, server="alpha", command=command)
    assert result.response is not None
    return result.response


@pytest.fixture
async def up(home: World) -> World:
    await home.slash(home.people.admin, "start", server="alpha")
    return home


async def test_a_short_answer_stands_in_a_block(up: World) -> None:
    talker = Talker(up, "There are 2 of 20: anna, `bert`")
    reply = await rcon(up, "list *all*")
    assert reply.content == "▶️ list \\*all\\*\n```\nThere are 2 of 20: anna, `bert`\n```"
    assert reply.attachments == []
    assert talker.asked == ["list *all*"]


@pytest.mark.parametrize("answer", ["", " \r\n\n"], ids=["nothing", "blank"])
async def test_an_empty_answer_is_told(up: World, answer: str) -> None:
    Talker(up, answer)
    assert "the game said nothing" in (await rcon(up)).content


@pytest.mark.parametrize(
    "answer",
    ["x" * 5000, "\n".join(f"line {n}" for n in range(40)), "나무😀" * 1000],
    ids=["one_long_line", "many_lines", "wide"],
)
async def test_a_long_answer_is_a_file(up: World, answer: str) -> None:
    Talker(up, answer)
    reply = await rcon(up)
    [file] = reply.attachments
    assert file.filename == "reply.txt"
    assert await file.read() == answer.encode()
    assert len(reply.content) <= 2000


async def test_fault_49_an_answer_cannot_leave_its_block(up: World) -> None:
    Talker(up, "``` @everyone **bold**\x1b[31m red")
    reply = await rcon(up)
    assert reply.content.count("```") == 2
    assert "\x1b" not in reply.content


ERRORS: list[tuple[GameError, str, str]] = [
    *(
        (GameUnavailable(fault, "127.0.0.1:1 secret"), text, "")
        for fault, text in {
            GameFault.REFUSED: "does not listen",
            GameFault.TIMEOUT: "in time",
            GameFault.CLOSED: "closed the connection",
            GameFault.PROTOCOL: "does not speak RCON",
            GameFault.UNREACHABLE: "cannot be reached",
        }.items()
    ),
    (AccessRefused("hunter2"), "admin password", ""),
    (CommandRejected(RejectedBecause.EMPTY), "empty", ""),
    (CommandRejected(RejectedBecause.TOO_LONG, 1446), "1446 bytes", "1446"),
    (CommandRejected(RejectedBecause.CONTROL_CHARACTER), "control character", ""),
    (NotSupported("command"), "no admin port", "`/server edit`"),
]


@pytest.mark.parametrize(("error", "english", "korean"), ERRORS, ids=lambda value: str(value)[:40])
async def test_fault_21_25_26_why_a_command_failed(up: World, error: GameError, english: str, korean: str) -> None:
    up.house.game("alpha").fail_with["command"] = error
    up.house.launcher.processes[0].console = False
    told = (await rcon(up)).content
    assert english in told
    assert told.startswith("⚠️ ")
    assert "secret" not in told
    assert "hunter2" not in told
    in_korean = (await rcon(up, locale="ko")).content
    assert korean in in_korean
    assert any("가" <= letter <= "힣" for letter in in_korean)


@pytest.mark.parametrize(
    ("locale", "told"),
    [
        ("en-US", "Typed into its console, as it has no admin port. What it answers is in its log."),
        ("ko", "관리 포트가 없어 콘솔에 입력했습니다. 응답은 서버 로그에 남습니다."),
    ],
)
async def test_what_is_typed_into_a_console_has_no_answer(up: World, locale: str, told: str) -> None:
    up.house.game("alpha").fail_with["command"] = NotSupported("command")
    reply = await rcon(up, "say *hi*", locale)
    assert reply.content == f"▶️ say \\*hi\\*\n{told}"
    assert reply.attachments == []
    assert up.house.launcher.processes[0].typed == ["say *hi*"]


async def test_a_command_to_what_is_down(home: World) -> None:
    assert (await rcon(home)).content == "⚠️ **Alpha World** is stopped. Start it with `/start`."
    assert home.house.game("alpha").asked == []
