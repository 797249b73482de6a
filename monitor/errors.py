"""What can go wrong below, as data. `cogs/errors.py` and the command line turn it into words.

GamekeeperError
  UnknownServer           no server has that id
  ServerExists            another server has that id already
  UnknownGame             no adapter has that name
  WrongState              the server is not in a state where that makes sense
  LaunchRefused           the program cannot be started as described
  PathRefused             a server may not live there, or that may not be started
  BadArguments            a line of arguments cannot be taken apart
  BadValue                a value that somebody typed cannot be taken
  GameError               the game was asked and did not do it
    GameUnavailable       no answer: refused, timed out, closed, or it spoke nonsense
    AccessRefused         the game does not take our password
    CommandRejected       refused here, before it was sent
    NotSupported          this game, or this server's set-up, cannot do that
  ServerFileError         a servers file is not as it should be
  GameFileError           a game's own settings file is not as it should be
  StorageError            the database is not usable
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitor.model import State


class GamekeeperError(Exception):
    """The root of everything gamekeeper itself raises."""


class UnknownServer(GamekeeperError):
    def __init__(self, server_id: str) -> None:
        super().__init__(server_id)
        self.server_id = server_id


class ServerExists(GamekeeperError):
    def __init__(self, server_id: str) -> None:
        super().__init__(server_id)
        self.server_id = server_id


class UnknownGame(GamekeeperError):
    """A server names an adapter that is not there."""

    def __init__(self, game: str, known: tuple[str, ...]) -> None:
        super().__init__(game, known)
        self.game = game
        self.known = known
        """The names that would have been taken, in order."""


class WrongState(GamekeeperError):
    """What was asked makes no sense while the server is in `state`."""

    def __init__(self, server_id: str, state: State, wanted: str, *, name: str = "") -> None:
        super().__init__(server_id, state, wanted)
        self.server_id = server_id
        self.name = name or server_id
        """What people call the server."""
        self.state = state
        self.wanted = wanted
        """What was asked for: "start", "stop", "restart", "command"."""


class LaunchFault(StrEnum):
    """Why a program cannot be started."""

    NOT_FOUND = "not_found"
    NOT_EXECUTABLE = "not_executable"
    NO_SUCH_FOLDER = "no_such_folder"
    BAD_ARGUMENT = "bad_argument"
    NO_RESOURCES = "no_resources"
    NO_LOG = "no_log"
    """Its log file cannot be written."""
    PORT_HELD = "port_held"
    """Somebody listens already where it is going to."""
    ALREADY_RUNNING = "already_running"
    """The same program runs already in the same folder, and is not ours to stop."""
    OTHER = "other"


class LaunchRefused(GamekeeperError):
    def __init__(self, server_id: str, fault: LaunchFault, subject: str, holder: str = "") -> None:
        super().__init__(server_id, fault, subject, holder)
        self.server_id = server_id
        self.fault = fault
        self.subject = subject
        """The path, folder, argument or port concerned."""
        self.holder = holder
        """For PORT_HELD and ALREADY_RUNNING: who it is, such as "java, pid 4711"."""


class PathRole(StrEnum):
    FOLDER = "folder"
    PROGRAM = "program"


class PathFault(StrEnum):
    """Why a path is not taken."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    CHARACTER = "character"
    """It holds a character that no path should hold."""
    NETWORK = "network"
    """It begins as a share of another machine, or as a device."""
    DRIVE_RELATIVE = "drive_relative"
    """`C:x`: where that is depends on what the program did before."""
    STREAM = "stream"
    PARENT = "parent"
    TRAILING = "trailing"
    """A name in it ends in a dot or a space, which Windows drops."""
    DEVICE = "device"
    SHORT_NAME = "short_name"
    """`PROGRA~1`: another name of something."""
    RELATIVE = "relative"
    NOT_FOUND = "not_found"
    NOT_A_FOLDER = "not_a_folder"
    NOT_EXECUTABLE = "not_executable"
    OUTSIDE = "outside"
    """It leads to outside the allowed folders."""


class PathRefused(GamekeeperError):
    def __init__(self, role: PathRole, path: str, fault: PathFault, roots: tuple[str, ...] = ()) -> None:
        super().__init__(role, path, fault, roots)
        self.role = role
        self.path = path
        self.fault = fault
        self.roots = roots
        """For OUTSIDE: the folders that would have been right."""


class BadArguments(GamekeeperError):
    """A quotation mark is opened and not closed, or a character cannot be passed to a program."""


class BadValue(GamekeeperError):
    def __init__(self, key: str, lowest: int | None = None, highest: int | None = None) -> None:
        super().__init__(key, lowest, highest)
        self.key = key
        """Such as `restart.budget`."""
        self.lowest = lowest
        """For a whole number: the range that it should be in; else `None`."""
        self.highest = highest


class GameError(GamekeeperError):
    """A game was asked and did not do it."""


class GameFault(StrEnum):
    """How a game failed to answer."""

    REFUSED = "refused"
    """Nobody listens there."""
    TIMEOUT = "timeout"
    CLOSED = "closed"
    """It hung up before the answer was whole."""
    PROTOCOL = "protocol"
    """The answer is not of the protocol."""
    UNREACHABLE = "unreachable"


class GameUnavailable(GameError):
    """The game gave no usable answer; never to be read as "nobody is on"."""

    def __init__(self, fault: GameFault, detail: str = "") -> None:
        super().__init__(fault, detail)
        self.fault = fault
        self.detail = detail


class AccessRefused(GameError):
    """The game does not take the admin password."""


class RejectedBecause(StrEnum):
    """Why a command was not even sent."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    CONTROL_CHARACTER = "control_character"


class CommandRejected(GameError):
    def __init__(self, reason: RejectedBecause, limit: int = 0) -> None:
        super().__init__(reason, limit)
        self.reason = reason
        self.limit = limit
        """For TOO_LONG: how many bytes would have been taken."""


class NotSupported(GameError):
    def __init__(self, action: str) -> None:
        super().__init__(action)
        self.action = action
        """"command", "players", "save"."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a servers file."""

    line: int | None
    """Counted from 1; `None` where it could not be told."""
    key: str
    """Such as `servers[0].restart.policy`."""
    message: str
    """What is wrong and what would be right, in English; it quotes no secret."""


class ServerFileError(GamekeeperError):
    """A servers file is not as it should be; nothing of it was taken."""

    def __init__(self, source: str, problems: tuple[Problem, ...]) -> None:
        super().__init__(source, problems)
        self.source = source
        self.problems = problems


class GameFileError(GamekeeperError):
    """A game's own settings file is not as it should be. No value of it is quoted."""

    def __init__(self, source: str, problems: tuple[Problem, ...]) -> None:
        super().__init__(source, problems)
        self.source = source
        self.problems = problems


class StorageFault(StrEnum):
    NEWER = "newer"
    """The file was written by a newer gamekeeper."""
    UNREADABLE = "unreadable"
    """It is damaged."""
    FOREIGN = "foreign"
    """It is the database of another program, or no file at all."""
    MISSING = "missing"
    """There is none."""
    NO_FOLDER = "no_folder"
    """Its folder is not there and cannot be made, or nothing can be written in it."""
    READ_ONLY = "read_only"
    BUSY = "busy"
    """Another process kept it locked for too long."""
    FULL = "full"
    """The disk is full."""
    DISK = "disk"
    """Reading or writing failed: the disk, or what stands between."""
    CLOSED = "closed"
    """It was used after it had been closed."""
    FAILED = "failed"
    """Something else; the detail says what."""


class StorageError(GamekeeperError):
    def __init__(self, fault: StorageFault, path: str, detail: str = "") -> None:
        super().__init__(fault, path, detail)
        self.fault = fault
        self.path = path
        self.detail = detail
