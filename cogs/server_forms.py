"""The forms of `/server`: what somebody types about a server, handed on as it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar

import discord

from cogs.forms import Form
from cogs.gate import Gate
from cogs.locale.catalogue import Words
from cogs.render.server import RESTART_WORDS
from cogs.render.text import cut
from monitor.editing import Basics, Connection, Program, shown_arguments
from monitor.spec import RestartMode, ServerSpec
from storage.grants import Action

TITLE_AT_MOST = 45
PATH_AT_MOST = 1_000
ARGUMENTS_AT_MOST = 4_000
YES, NO = "yes", "no"


def _text(form: discord.ui.Modal, label: str, field: str, hint: str = "", **more: Any) -> discord.ui.TextInput[Any]:
    """Put a line to type into a form. An empty default is none, as Discord wants it."""
    default = more.pop("default", "") or None
    box: discord.ui.TextInput[Any] = discord.ui.TextInput(custom_id=field, default=default, **more)
    form.add_item(discord.ui.Label(text=label, description=hint or None, component=box))
    return box


def _choice(
    form: discord.ui.Modal, label: str, field: str, options: Sequence[tuple[str, str]], default: str
) -> discord.ui.Select[Any]:
    """Put a menu into a form: pairs of a value and what is shown for it."""
    shown = [discord.SelectOption(label=text, value=value, default=value == default) for value, text in options]
    box: discord.ui.Select[Any] = discord.ui.Select(custom_id=field, options=shown)
    form.add_item(discord.ui.Label(text=label, component=box))
    return box


def _picked(box: discord.ui.Select[Any], default: str) -> str:
    return box.values[0] if box.values else default


class AddForm(Form):
    """A new server."""

    name: ClassVar[str] = "server_add"
    action: ClassVar[Action | None] = None
    GUESS: ClassVar[str] = "-"

    def __init__(self, gate: Gate, games: Sequence[str], words: Words, then: AddThen) -> None:
        super().__init__(gate, title=words.text("Add a server"), private=True)
        self._then = then
        self.called = _text(self, words.text("Name"), "name", words.text("As people see it"), max_length=100)
        guess = (self.GUESS, words.text("Look into the folder"))
        options = [guess, *((game, game) for game in games)]
        self.game = _choice(self, words.text("Game"), "game", options, self.GUESS)
        self.program = _text(
            self,
            words.text("Program"),
            "program",
            words.text("A path, or a name such as java"),
            max_length=PATH_AT_MOST,
        )
        self.arguments = _text(
            self,
            words.text("Arguments"),
            "arguments_maybe_secret",
            words.text("As in a terminal; no shell reads them"),
            required=False,
            max_length=ARGUMENTS_AT_MOST,
            style=discord.TextStyle.paragraph,
        )
        self.folder = _text(
            self,
            words.text("Folder"),
            "folder",
            words.text("Whole, such as {example}; empty: the program's own", example=r"D:\games\ark"),
            required=False,
            max_length=PATH_AT_MOST,
        )

    async def submitted(self, interaction: discord.Interaction) -> None:
        game = _picked(self.game, self.GUESS)
        await self._then(interaction, self, "" if game == self.GUESS else game)


AddThen = Callable[[discord.Interaction, AddForm, str], Awaitable[None]]
"""What is done with a filled form: the interaction, the form, and the game or nothing."""

Change = Basics | Program | Connection
ChangeThen = Callable[[discord.Interaction, str, Change], Awaitable[None]]
"""What is done with a change: the interaction, the server's id, and what was typed."""


class BasicsForm(Form):
    """What concerns no path, no program and no password."""

    name: ClassVar[str] = "server_basics"
    action: ClassVar[Action | None] = Action.MANAGE

    def __init__(self, gate: Gate, spec: ServerSpec, words: Words, then: ChangeThen) -> None:
        super().__init__(gate, title=_title(spec), server_id=spec.id, private=True)
        self._id, self._then = spec.id, then
        self.called = _text(self, words.text("Name"), "name", default=spec.name, max_length=100)
        yes_no = [(YES, words.text("Yes")), (NO, words.text("No"))]
        self.autostart = _choice(
            self, words.text("Start it with the bot"), "autostart", yes_no, YES if spec.autostart else NO
        )
        modes = [(mode.value, words.text(text)) for mode, text in RESTART_WORDS.items()]
        mode = spec.restart.policy.value
        self.restart = _choice(self, words.text("Restart it by itself"), "restart", modes, mode)
        self.budget = _text(
            self,
            words.text("How many restarts"),
            "budget",
            words.text("At most, in {seconds} seconds", seconds=round(spec.restart.window_s)),
            default=str(spec.restart.budget),
            max_length=4,
        )
        self.probes = _text(
            self,
            words.text("How many unanswered questions"),
            "probes",
            words.text("After so many in a row it counts as hung; 0: never"),
            default=str(spec.hang.probes),
            max_length=4,
        )

    async def submitted(self, interaction: discord.Interaction) -> None:
        typed = Basics(
            self.called.value,
            _picked(self.autostart, NO) == YES,
            RestartMode(_picked(self.restart, RestartMode.ON_CRASH)),
            self.budget.value,
            self.probes.value,
        )
        await self._then(interaction, self._id, typed)


class ProgramForm(Form):
    """What reaches the host."""

    name: ClassVar[str] = "server_program"
    action: ClassVar[Action | None] = None

    def __init__(self, gate: Gate, spec: ServerSpec, words: Words, then: ChangeThen) -> None:
        super().__init__(gate, title=_title(spec), server_id=spec.id, private=True)
        self._id, self._then = spec.id, then
        self.program = _text(self, words.text("Program"), "program", default=spec.argv[0], max_length=PATH_AT_MOST)
        self.arguments = _text(
            self,
            words.text("Arguments"),
            "arguments_maybe_secret",
            words.text("*** stands for a password and keeps it"),
            default=shown_arguments(spec),
            required=False,
            max_length=ARGUMENTS_AT_MOST,
            style=discord.TextStyle.paragraph,
        )
        self.folder = _text(self, words.text("Folder"), "folder", default=str(spec.cwd), max_length=PATH_AT_MOST)

    async def submitted(self, interaction: discord.Interaction) -> None:
        typed = Program(self.program.value, self.arguments.value, self.folder.value)
        await self._then(interaction, self._id, typed)


class ConnectionForm(Form):
    """How the game is reached."""

    name: ClassVar[str] = "server_connection"
    action: ClassVar[Action | None] = None

    def __init__(self, gate: Gate, spec: ServerSpec, words: Words, then: ChangeThen) -> None:
        super().__init__(gate, title=_title(spec), server_id=spec.id, private=True)
        self._id, self._then = spec.id, then
        admin, query = spec.admin, spec.query
        from_files = words.text("Empty: as the game's own files say")
        self.host = _text(
            self,
            words.text("Admin host"),
            "admin_host",
            from_files,
            default=admin.host if admin else "",
            required=False,
            max_length=253,
        )
        self.port = _text(
            self,
            words.text("Admin port"),
            "admin_port",
            from_files,
            default=str(admin.port) if admin else "",
            required=False,
            max_length=5,
        )
        self.password = _text(
            self,
            words.text("Admin password"),
            "admin_password",
            words.text("Empty: as it was. It is never shown."),
            required=False,
            max_length=200,
        )
        self.query_port = _text(
            self,
            words.text("Port for players"),
            "query_port",
            from_files,
            default=str(query.port) if query else "",
            required=False,
            max_length=5,
        )
        self.stop_command = _text(
            self,
            words.text("Command that stops it"),
            "stop_command",
            from_files,
            default=spec.stop.command or "",
            required=False,
            max_length=200,
        )

    async def submitted(self, interaction: discord.Interaction) -> None:
        boxes = (self.host, self.port, self.password, self.query_port, self.stop_command)
        await self._then(interaction, self._id, Connection(*(box.value for box in boxes)))


def fits(spec: ServerSpec) -> bool:
    """Whether what starts it can be typed over in a form: cut short, it would be lost."""
    texts = (spec.argv[0], str(spec.cwd))
    return all(len(text) <= PATH_AT_MOST for text in texts) and len(shown_arguments(spec)) <= ARGUMENTS_AT_MOST


def _title(spec: ServerSpec) -> str:
    return cut(spec.name, TITLE_AT_MOST)
