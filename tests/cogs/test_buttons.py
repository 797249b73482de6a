"""The buttons of a server: which of them there are in which state, and what each press does."""

from __future__ import annotations

import asyncio

import discord
import pytest

from cogs.components import Address, button, row
from cogs.locale.catalogue import catalogue
from cogs.offers import OFFERED, RESTART, START, STOP, server_buttons
from cogs.ratelimit import COMMANDS
from monitor.lifecycle import ACCEPTED, Request
from monitor.model import Players, State
from monitor.redaction import MASK
from tests.cogs.pressing import labels, played_on, press, press_id
from tests.cogs.render.samples import server
from tests.cogs.world import World
from tests.fakes.house import ANNA

WANTED = {START: Request.START, STOP: Request.STOP, RESTART: Request.RESTART}


async def status(home: World, locale: str = "en-US") -> discord.Message:
    """Post the status of alpha, and give the message."""
    await home.slash(home.people.admin, "status", server="alpha", locale=locale)
    return home.channel.history()[-1]


async def pinned(home: World, *verbs: str) -> discord.Message:
    """Post a message with buttons as a panel or an alert has them."""
    where = home.client.get_partial_messageable(home.channel.id)
    return await where.send(view=row(*(button(Address(verb, ("alpha",)), verb) for verb in verbs)))


@pytest.mark.parametrize("state", State)
def test_only_what_the_state_allows_is_offered(state: State) -> None:
    assert {verb for verb in WANTED if state in ACCEPTED[WANTED[verb]]} >= set(OFFERED[state])
    view = server_buttons(server(state), catalogue("en"))
    ids = [item.item.custom_id for item in view.children if isinstance(item, discord.ui.DynamicItem)]
    assert ids == [f"gk:{verb}:survival" for verb in (*OFFERED[state], "chart", "logs")]


async def test_a_status_changes_in_place_with_each_press(home: World) -> None:
    message = await status(home)
    assert labels(message) == ["Start", "Chart", "Logs"]
    after = await press(home, home.people.admin, message, "Start")
    assert (after.id, after.ephemeral) == (message.id, False)
    assert "is up" in after.content
    [message] = home.channel.history()
    assert labels(message) == ["Restart", "Stop", "Chart", "Logs"]
    assert "running" in (message.embeds[0].description or "")
    await press(home, home.people.admin, message, "Stop")
    [message] = home.channel.history()
    assert message.content.splitlines()[0] == "💾 Saving the world"
    assert labels(message) == ["Start", "Chart", "Logs"]


async def test_a_status_stays_in_its_language_whoever_presses(home: World) -> None:
    message = await status(home, "ko")
    await press(home, home.people.admin, message, "시작")
    [message] = home.channel.history()
    assert labels(message) == ["재시작", "중지", "차트", "로그"]
    assert "is up" in message.content


async def test_a_button_of_another_time_is_refused_and_the_status_brought_up_to_date(home: World) -> None:
    message = await status(home)
    await home.slash(home.people.admin, "start", server="alpha")
    after = await press(home, home.people.admin, message, "Start")
    assert "already running" in after.content
    assert labels(home.channel.history()[0]) == ["Restart", "Stop", "Chart", "Logs"]


@pytest.mark.parametrize("rest", ["xx", "en:en"])
async def test_fault_46_a_language_that_was_made_up_is_refused(home: World, rest: str) -> None:
    where = home.client.get_partial_messageable(home.channel.id)
    made_up = Address("start", ("alpha", *rest.split(":")))
    message = await where.send(view=row(button(made_up, "Start")))
    answer = await press(home, home.people.admin, message, "Start")
    assert "I have offered nothing like that" in answer.content
    assert home.house.launcher.spawned == []


async def test_elsewhere_the_answer_is_for_whoever_pressed_alone(home: World) -> None:
    message = await pinned(home, START)
    answer = await press(home, home.people.admin, message, START)
    assert answer.ephemeral
    assert "is up" in answer.content
    assert [m.id for m in home.channel.history()] == [message.id]


async def test_whoever_presses_while_somebody_else_was_quicker_is_told_so(home: World) -> None:
    home.house.slow = True
    message = await pinned(home, START)
    quicker = asyncio.create_task(home.fleet.start("alpha", ANNA))
    await home.house.launcher.nth(1)
    for _ in range(2):
        answer = await press(home, home.people.admin, message, START)
        assert answer.ephemeral
        assert "is already starting" in answer.content
    home.house.log("alpha").write("Done (1s)")
    await home.clock.advance(5)
    await quicker
    assert len(home.house.launcher.spawned) == 1


@pytest.mark.parametrize(
    ("online", "asked"),
    [
        (Players(1, 20), "1 player is on **Alpha World**."),
        (Players(12, 20), "12 players are on **Alpha World**."),
        (None, "Nobody can tell whether players are on **Alpha World**."),
    ],
    ids=["one", "many", "unknown"],
)
@pytest.mark.parametrize("verb", [STOP, RESTART])
async def test_with_players_on_it_asks_once(home: World, verb: str, online: Players | None, asked: str) -> None:
    await played_on(home, online)
    message = await pinned(home, verb)
    question = await press(home, home.people.admin, message, verb)
    assert question.ephemeral
    assert question.content.startswith(asked)
    assert "save" not in home.house.game().asked
    assert labels(question) == [verb.capitalize(), "No, leave it"]
    done = await press(home, home.people.admin, question, verb.capitalize())
    assert "is down" in done.content if verb == STOP else "is up" in done.content
    assert done.content.splitlines()[0] == "📢 Warning the players"


async def test_after_a_question_the_status_is_brought_up_to_date_as_well(home: World) -> None:
    await played_on(home, Players(3, 20))
    message = await status(home)
    question = await press(home, home.people.admin, message, "Stop")
    await press(home, home.people.admin, question, "Stop")
    assert labels(home.channel.history()[-1]) == ["Start", "Chart", "Logs"]


async def test_fault_46_whoever_lost_the_right_meanwhile_may_not_say_yes(home: World) -> None:
    await played_on(home, Players(3, 20))
    question = await press(home, home.people.admin, await pinned(home, STOP), STOP)
    home.env.backend.remove_member_role(home.guild.id, home.people.admin.id, home.places.role.id)
    refused = await press(home, home.people.admin, question, "Stop")
    assert "permission `control`" in refused.content
    assert home.fleet.server("alpha").state is State.RUNNING


async def test_a_chart_is_shown_to_whoever_asked(home: World) -> None:
    answer = await press(home, home.people.viewer, await pinned(home, "chart"), "chart")
    assert answer.ephemeral
    assert [file.filename for file in answer.attachments] == ["alpha-1h.png"]
    assert home.painter.requests[-1].title.text == "Alpha World"


async def test_fault_48_a_buttons_chart_costs_what_the_commands_does(home: World) -> None:
    message, drawn = await pinned(home, "chart"), len(home.painter.requests)
    for _ in range(COMMANDS["chart"].burst):
        await press(home, home.people.viewer, message, "chart")
    refused = await press(home, home.people.viewer, message, "chart")
    assert "too much at once" in refused.content
    assert len(home.painter.requests) == drawn + COMMANDS["chart"].burst


async def test_fault_64_a_log_shows_its_last_lines_without_secrets_or_a_way_out_of_its_block(home: World) -> None:
    secret = "hunter2-" + "x" * 40
    home.gate.redaction.hide([secret])
    log = home.house.log("alpha")
    for number in range(30):
        log.write(f"line {number}")
    # The secret lies where the line is cut.
    log.write("y" * 170 + secret)
    log.write("```@everyone `` \x07 <@&1>")
    answer = await press(home, home.people.viewer, await pinned(home, "logs"), "logs")
    assert answer.ephemeral
    [embed] = answer.embeds
    text = embed.description or ""
    assert text.startswith("```\nline 7\n")
    assert text.endswith("\n```")
    assert text.count("```") == 2
    assert "hunter2" not in text
    assert "y" * 170 + MASK in text


async def test_a_log_that_is_empty_or_cannot_be_read_is_told(home: World, monkeypatch: pytest.MonkeyPatch) -> None:
    message = await pinned(home, "logs")
    answer = await press(home, home.people.viewer, message, "logs")
    assert "printed nothing yet" in (answer.embeds[0].description or "")

    def unreadable(_lines: int) -> tuple[str, ...]:
        raise PermissionError

    monkeypatch.setattr(home.house.log("alpha"), "tail", unreadable)
    answer = await press(home, home.people.viewer, message, "logs")
    assert "cannot be read" in (answer.embeds[0].description or "")


async def test_a_server_that_is_gone_is_told(home: World) -> None:
    where = home.client.get_partial_messageable(home.channel.id)
    message = await where.send(view=row(*(button(Address(verb, ("gone",)), verb) for verb in (START, "logs"))))
    for verb in (START, "logs"):
        answer = await press(home, home.people.owner, message, verb)
        assert answer.ephemeral
        assert "There is no server “gone”" in answer.content


async def test_a_press_after_a_restart_of_the_bot_does_the_same(home: World) -> None:
    # Posted by other means than a view: nothing in this process remembers it.
    route = discord.http.Route("POST", "/channels/{channel_id}/messages", channel_id=home.channel.id)
    component = {"type": 2, "style": 3, "label": "Start", "custom_id": "gk:start:alpha"}
    await home.client.http.request(route, json={"components": [{"type": 1, "components": [component]}]})
    answer = await press_id(home, home.people.admin, home.channel.history()[-1], "gk:start:alpha")
    assert "is up" in answer.content
