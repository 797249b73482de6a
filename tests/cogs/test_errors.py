from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

import pytest
from structlog.testing import capture_logs

from cogs.access import AccessDenied, Denial, NobodyMeant
from cogs.errors import explain, outcome_word
from cogs.locale.catalogue import catalogue
from cogs.ratelimit import RateLimited
from cogs.render.painter import ChartFailed, ChartFault
from cogs.routing import BadRoute, RouteFault
from monitor import errors
from monitor.errors import (
    AccessRefused,
    BadArguments,
    BadValue,
    CommandRejected,
    GameFault,
    GameFileError,
    GamekeeperError,
    GameUnavailable,
    LaunchFault,
    LaunchRefused,
    NotSupported,
    PathFault,
    PathRefused,
    PathRole,
    Problem,
    RejectedBecause,
    ServerExists,
    ServerFileError,
    StorageError,
    StorageFault,
    UnknownGame,
    UnknownServer,
    WrongState,
)
from monitor.lifecycle import ACCEPTED
from monitor.limit_terms import LimitFault, LimitRefused, UnknownLimit
from monitor.metrics import Unit
from monitor.model import State
from monitor.quantities import BadHours, BadQuantity, QuantityFault
from storage.grants import Action
from tests.cogs.world import World

NASTY = "**@everyone** <@&1> `x`"
EXAMPLES: list[GamekeeperError] = [
    UnknownServer(NASTY),
    UnknownGame(NASTY, ("generic", "minecraft")),
    AccessRefused("hunter2"),
    NotSupported("command"),
    ServerFileError(NASTY, (Problem(3, "servers[0].id", "twice"),)),
    GameFileError(NASTY, (Problem(3, "rcon.port", "it should be a port"),)),
    ServerExists("alpha"),
    BadArguments(),
    BadValue("restart.budget", 0, 1000),
    BadValue("admin.host"),
    *(PathRefused(role, NASTY, fault, (NASTY,)) for role in PathRole for fault in PathFault),
    *(LaunchRefused("alpha", fault, NASTY) for fault in LaunchFault),
    *(LaunchRefused("alpha", fault, NASTY, NASTY) for fault in LaunchFault),
    *(GameUnavailable(fault, "hunter2") for fault in GameFault),
    *(CommandRejected(reason, 1446) for reason in RejectedBecause),
    *(StorageError(fault, "/secret/path", "hunter2") for fault in StorageFault),
    *(ChartFailed(fault, "hunter2") for fault in ChartFault),
    *(BadRoute(fault, NASTY) for fault in RouteFault),
    *(BadQuantity(fault, NASTY, unit) for fault in QuantityFault for unit in Unit),
    *(LimitRefused(fault) for fault in LimitFault),
    UnknownLimit(NASTY),
    BadHours(NASTY),
    RateLimited(1.0, 1_000),
    NobodyMeant(NASTY),
    *(AccessDenied(denial, Action.CONTROL, "hunter2") for denial in Denial),
    *(
        WrongState("alpha", state, request.value, name=NASTY)
        for request, accepted in ACCEPTED.items()
        for state in State
        if state not in accepted
    ),
]


def tree(root: type[GamekeeperError]) -> Iterator[type[GamekeeperError]]:
    yield root
    yield from chain.from_iterable(tree(child) for child in root.__subclasses__())


def raised() -> set[type[GamekeeperError]]:
    """The leaves of the tree in `monitor/errors.py`: what is raised, and not only caught."""
    ours = {error for error in tree(GamekeeperError) if error.__module__ == errors.__name__}
    return {error for error in ours if not ours & set(error.__subclasses__())}


def test_there_is_an_example_of_every_error() -> None:
    assert raised() <= {type(example) for example in EXAMPLES}


@pytest.mark.parametrize("locale", ["en", "ko"])
@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: f"{type(error).__name__}-{error.args}"[:60])
def test_fault_49_64_every_error_has_words(error: GamekeeperError, locale: str) -> None:
    told = explain(error, catalogue(locale))
    assert told is not None
    assert bool(re.search("[가-힣]", told)) is (locale == "ko")
    assert not re.search(r"\{\w+\}|hunter2|/secret|@everyone|<@&1>", told)
    assert len(re.findall(r"(?<!\\)\*\*", told)) == 2 * isinstance(error, WrongState)  # the name alone is bold


@pytest.mark.parametrize(
    ("wanted", "state", "said"),
    [
        ("stop", State.STOPPED, "is down already"),
        ("force_stop", State.STOPPED, "is down already"),
        ("force_stop", State.FAILED, "was given up"),
        ("stop", State.STOPPING, "`/stop` with `force` ends it at once; `/cancel` calls it off"),
        ("start", State.STOPPING, "Wait until it is down, or call that off with `/cancel`"),
        ("start", State.BACKOFF, "`/cancel` calls it off"),
        ("cancel", State.STOPPED, "nothing to call off"),
        ("cancel", State.RUNNING, "nothing to call off"),
        ("cancel", State.STARTING, "nothing to call off"),
        ("cancel", State.UNRESPONSIVE, "nothing to call off"),
        ("cancel", State.STOPPING, "too late"),
    ],
)
def test_a_wish_out_of_place_is_answered_by_what_helps(wanted: str, state: State, said: str) -> None:
    told = explain(WrongState("alpha", state, wanted, name="Alpha World"), catalogue("en"))
    assert told is not None
    assert said in told
    assert "**Alpha World**" in told


def test_fault_14_who_holds_a_port_is_named() -> None:
    held = LaunchRefused("alpha", LaunchFault.PORT_HELD, "25565", "java, pid 4711")
    assert explain(held, catalogue("en")) == (
        "Port 25565 is held by java, pid 4711. End that first, or give the server another port."
    )


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (AccessDenied(Denial.NO_GRANT, Action.VIEW), "denied:no_grant"),
        (RateLimited(1.0, 1), "limited"),
        (WrongState("alpha", State.STOPPED, "stop"), "wrong_state"),
        (UnknownServer("x"), "unknown_server"),
        (ZeroDivisionError("hunter2"), "failed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_error_has_a_word_for_the_audit(error: BaseException, word: str) -> None:
    assert outcome_word(error) == word


def test_what_nobody_foresaw_has_no_words() -> None:
    assert explain(ZeroDivisionError("hunter2"), catalogue("en")) is None


@pytest.mark.parametrize(("locale", "told"), [("en-US", "should not have"), ("ko", "로그")])
async def test_fault_64_what_nobody_foresaw_is_logged_and_not_shown(home: World, locale: str, told: str) -> None:
    def break_down(*_: object) -> None:
        raise ZeroDivisionError("hunter2")

    home.fleet.start = break_down  # type: ignore[assignment]
    with capture_logs() as logs:
        result = await home.slash(home.people.admin, "start", locale=locale, server="alpha")
    assert result.response is not None
    assert told in result.response.content
    assert "hunter2" not in result.response.content
    [entry] = [entry for entry in logs if entry["event"] == "command_failed"]
    assert (entry["entry"], entry["log_level"]) == ("/start", "error")
    assert isinstance(entry["exc_info"], ZeroDivisionError)


async def test_fault_46_a_denial_is_logged(home: World) -> None:
    with capture_logs() as logs:
        await home.slash(home.people.stranger, "stop", server="alpha")
    told = {"entry": "/stop", "user": home.people.stranger.id, "decision": "denied:no_grant"}
    assert told.items() <= logs[-1].items()


async def test_fault_29_30_32_a_database_that_refuses_is_told(home: World) -> None:
    await home.db.close()
    result = await home.slash(home.people.admin, "start", server="alpha")
    assert result.response is not None
    assert result.response.content == "⚠️ I am just ending. Try again once I am back."
    assert home.house.launcher.spawned == []


async def test_an_answer_that_discord_refuses_is_logged(home: World) -> None:
    home.env.inject_error("*", "/interactions/*", status=500, times=None)
    with capture_logs() as logs:
        await home.slash(home.people.stranger, "stop", server="alpha")
    assert [entry["event"] for entry in logs] == ["refused", "refusal_not_told"]
