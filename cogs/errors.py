"""The one place where an error becomes words: what, why, and what to do next."""

from __future__ import annotations

import re

import discord
import structlog

from cogs.access import AccessDenied, NobodyMeant
from cogs.attempt import attempt_of
from cogs.gate import Gate
from cogs.locale.catalogue import Words, catalogue, mark
from cogs.pinning import PanelRefused
from cogs.ratelimit import RateLimited
from cogs.render.denials import turned_away
from cogs.render.export import refused as export_refused
from cogs.render.limit_refusals import limit_refusal
from cogs.render.mistakes import mistake
from cogs.render.painter import ChartFailed
from cogs.render.pins import panel_refused
from cogs.render.refusals import refusal
from cogs.render.routes import fault_text
from cogs.render.text import escape
from cogs.reply import NOT_SENT, answer
from cogs.routing import BadRoute
from monitor.errors import (
    AccessRefused,
    CommandRejected,
    GameFault,
    GamekeeperError,
    GameUnavailable,
    LaunchRefused,
    NotSupported,
    RejectedBecause,
    StorageError,
    StorageFault,
    UnknownGame,
    UnknownServer,
    WrongState,
)
from monitor.lifecycle import Request
from monitor.model import State
from storage.audit import DENIED, LIMITED
from storage.export import ExportRefused

log = structlog.get_logger(__name__)

WRONG_STATE: dict[State, str] = {
    State.STOPPED: mark("{name} is stopped. Start it with `/start`."),
    State.STARTING: mark("{name} is already starting. Wait until it is up, or call it off with `/stop`."),
    State.RUNNING: mark("{name} is already running."),
    State.STOPPING: mark("{name} is stopping right now. Wait until it is down, or call that off with `/cancel`."),
    State.BACKOFF: mark(
        "{name} is down and will be restarted by itself. `/start` does it now, `/cancel` calls it off."
    ),
    State.FAILED: mark("{name} failed too often and was given up. Start it with `/start`."),
    State.UNRESPONSIVE: mark("{name} runs but does not answer. Use `/restart` or `/stop`."),
}

STOPPED_ALREADY = mark("{name} is down already.")
STOPPING_ALREADY = mark(
    "{name} is stopping already. `/stop` with `force` ends it at once; `/cancel` calls it off while there is time."
)
STILL_UP = mark("{name} is not down, so it was not removed. `/stop` it first, or let go of it with `leave_running`.")
NOTHING_TO_CANCEL = mark("There is nothing to call off: no stop and no restart of {name} is planned or under way.")
TOO_LATE = mark(
    "It is too late to call that off: {name} has been asked to end. If it stays down, start it with `/start`."
)

STORAGE_FAULTS: dict[StorageFault, str] = {
    StorageFault.NEWER: mark(
        "The database is from a newer version of me. Whoever runs me must bring me up to that version."
    ),
    StorageFault.UNREADABLE: mark(
        "The database is damaged. Whoever runs me must restart me: I then put the newest backup in its place."
    ),
    StorageFault.FOREIGN: mark(
        "The database is not mine. Whoever runs me must move it away, or set `GAMEKEEPER_DATA_DIR`."
    ),
    StorageFault.MISSING: mark("The database is not there. Whoever runs me must check `GAMEKEEPER_DATA_DIR`."),
    StorageFault.NO_FOLDER: mark(
        "The folder of the database cannot be used. Whoever runs me must check `GAMEKEEPER_DATA_DIR`."
    ),
    StorageFault.READ_ONLY: mark(
        "The database cannot be written to. Whoever runs me must check the permissions of its folder."
    ),
    StorageFault.BUSY: mark("Another program holds the database. Try again in a moment."),
    StorageFault.FULL: mark("The disk is full, so nothing can be written down. Free some space on it."),
    StorageFault.DISK: mark(
        "The disk fails to read or write the database. Whoever runs me must check the disk and its cable."
    ),
    StorageFault.CLOSED: mark("I am just ending. Try again once I am back."),
    StorageFault.FAILED: mark(
        "The database cannot be used right now. Try again in a moment; the bot's log has the details."
    ),
}

GAME_FAULTS: dict[GameFault, str] = {
    GameFault.REFUSED: mark(
        "The game does not listen on its admin port. It may still be loading; else an owner can "
        "correct the port by `/server edit`."
    ),
    GameFault.TIMEOUT: mark("The game did not answer in time. It may be busy: try again in a moment."),
    GameFault.CLOSED: mark("The game closed the connection before it answered. It may have stopped: see `/status`."),
    GameFault.PROTOCOL: mark(
        "What answers on the admin port does not speak RCON. An owner can correct the port by `/server edit`."
    ),
    GameFault.UNREACHABLE: mark(
        "The game's admin address cannot be reached. An owner can correct it by `/server edit`."
    ),
}

REJECTED: dict[RejectedBecause, str] = {
    RejectedBecause.EMPTY: mark("The command is empty. Write what the game should do."),
    RejectedBecause.TOO_LONG: mark(
        "The command is too long for this game, it takes {limit} bytes at most. Nothing was sent: shorten it."
    ),
    RejectedBecause.CONTROL_CHARACTER: mark(
        "The command holds a line break or another control character. Nothing was sent: write it on one line."
    ),
}


FOR_THEM_ALONE = (AccessDenied, BadRoute, NobodyMeant, PanelRefused, RateLimited, UnknownServer)
"""What is told to nobody else in the channel."""


def explain(error: BaseException, words: Words) -> str | None:
    """Give the words for a domain error; `None` for one that nobody foresaw."""
    match error:
        case UnknownServer():
            name = escape(error.server_id, 100)
            return words.text("There is no server “{name}”. Pick one from the list, or see `/status`.", name=name)
        case WrongState():
            return _wrong_state(error, words)
        case LaunchRefused():
            return refusal(error.fault, error.subject, error.holder, words)
        case StorageError():
            return words.text(STORAGE_FAULTS[error.fault])
        case ChartFailed():
            return words.text("The chart could not be drawn. Try again in a moment.")
        case ExportRefused():
            return export_refused(error, words)
        case _:
            return turned_away(error, words) or _setup_error(error, words) or _game_error(error, words)


def _wrong_state(error: WrongState, words: Words) -> str:
    name = f"**{escape(error.name)}**"
    match error.wanted, error.state:
        case Request.CANCEL, State.STOPPING:
            return words.text(TOO_LATE, name=name)
        case Request.CANCEL, _:
            return words.text(NOTHING_TO_CANCEL, name=name)
        case ((Request.STOP | Request.FORCE_STOP), State.STOPPED):
            return words.text(STOPPED_ALREADY, name=name)
        case Request.REMOVE, _:
            return words.text(STILL_UP, name=name)
        case Request.STOP, State.STOPPING:
            return words.text(STOPPING_ALREADY, name=name)
        case _, state:
            return words.text(WRONG_STATE[state], name=name)


def _setup_error(error: BaseException, words: Words) -> str | None:
    match error:
        case UnknownGame():
            known = ", ".join(f"`{name}`" for name in error.known)
            return words.text(
                "There is no game “{name}”. The games that I know: {known}.", name=escape(error.game), known=known
            )
        case BadRoute():
            return fault_text(error.fault, error.detail, words)
        case PanelRefused():
            return panel_refused(error.fault, error.detail, words)
        case _:
            return mistake(error, words) or limit_refusal(error, words)


def _game_error(error: BaseException, words: Words) -> str | None:
    match error:
        case GameUnavailable():
            return words.text(GAME_FAULTS[error.fault])
        case AccessRefused():
            return words.text(
                "The game does not take the admin password. An owner can give the right one by `/server edit`."
            )
        case CommandRejected():
            return words.text(REJECTED[error.reason], limit=error.limit)
        case NotSupported():
            return words.text(
                "This server has no admin port, so it takes no commands. An owner can add one by `/server edit`."
            )
        case _:
            return None


def outcome_word(error: BaseException) -> str:
    """Give the short stable word for the audit."""
    match error:
        case AccessDenied():
            return DENIED + error.denial.value
        case RateLimited():
            return LIMITED
        case GamekeeperError() | discord.DiscordException():
            return re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__).lower()
        case _:
            return "failed"


async def tell(interaction: discord.Interaction, error: BaseException, gate: Gate) -> None:
    """Tell whoever asked why it did not work, and write that down. What nobody foresaw is logged whole."""
    attempt = attempt_of(interaction)
    entry = attempt.entry
    words = catalogue(interaction.locale.value)
    told = explain(error, words)
    if told is None:
        log.error("command_failed", entry=entry, exc_info=error)
        told = words.text("Something went wrong that should not have. The bot's log has the details.")
    private = attempt.private or isinstance(error, FOR_THEM_ALONE)
    try:
        await answer(interaction, content=f"⚠️ {told}", ephemeral=private)
    except NOT_SENT as failure:
        log.warning("refusal_not_told", entry=entry, failure=str(failure))
    await gate.finish(interaction, outcome_word(error), explain(error, catalogue("en")) or "")
