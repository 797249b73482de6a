"""Domain errors in words, for the command line: the thing, the reason, and the next step."""

from __future__ import annotations

from bot.export import OutputFailed
from bot.lock import AlreadyRunning
from monitor.errors import (
    GamekeeperError,
    PathRefused,
    Problem,
    ServerFileError,
    StorageError,
    StorageFault,
    UnknownGame,
    UnknownServer,
)
from monitor.paths import WHY

STORAGE: dict[StorageFault, str] = {
    StorageFault.NEWER: "it was written by a newer gamekeeper. Update gamekeeper, or use another GAMEKEEPER_DATA_DIR",
    StorageFault.UNREADABLE: "it is damaged. Run `gamekeeper run` to have the newest backup put in its place",
    StorageFault.FOREIGN: "it belongs to another program. Move it away, or use another GAMEKEEPER_DATA_DIR",
    StorageFault.MISSING: "it is not there. Check GAMEKEEPER_DATA_DIR; `gamekeeper run` makes a new one",
    StorageFault.NO_FOLDER: "its folder cannot be made or written. Check its permissions, or set GAMEKEEPER_DATA_DIR",
    StorageFault.READ_ONLY: "it cannot be written. Check its permissions, or set GAMEKEEPER_DATA_DIR",
    StorageFault.BUSY: "another program keeps it locked. Close that program, then try again",
    StorageFault.FULL: "the disk is full. Make room on it, then try again",
    StorageFault.DISK: "the disk failed to read or write. Check the disk and its cable, then try again",
    StorageFault.CLOSED: "it has been closed already. Try again",
    StorageFault.FAILED: "SQLite, or the system under it, failed. Try again, and look at the disk if it stays so",
}


def explain(failure: GamekeeperError) -> str:
    """Give the message for a person at a terminal."""
    match failure:
        case AlreadyRunning():
            return (
                f"another gamekeeper is running on {failure.data_dir}. Stop that one first, "
                "or give this one its own GAMEKEEPER_DATA_DIR."
            )
        case StorageError():
            said = f" ({failure.detail})" if failure.detail else ""
            return f"the database {failure.path} cannot be used: {STORAGE[failure.fault]}.{said}"
        case ServerFileError():
            return "\n".join([f"{failure.source} was not taken:", *map(told, failure.problems)])
        case PathRefused():
            roots = f" ({', '.join(failure.roots)})" if failure.roots else ""
            return f"the {failure.role.value} {failure.path!r} is not taken: {WHY[failure.fault]}{roots}."
        case UnknownGame():
            return f"no adapter is called {failure.game}. Known: {', '.join(failure.known)}."
        case UnknownServer():
            return f"there is no server {failure.server_id!r}. See which there are: gamekeeper server list"
        case OutputFailed():
            return f"{failure.output} cannot be written: {failure.reason}. Give another --output."
        case _:
            return str(failure)


def told(problem: Problem) -> str:
    """Give the line about one thing in a servers file."""
    where = f"line {problem.line}: " if problem.line is not None else ""
    return f"  {where}{problem.key}: {problem.message}" if problem.key else f"  {where}{problem.message}"
