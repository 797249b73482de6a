"""From what somebody typed about a new server to its description: id, place and game are found out here."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from monitor.errors import PathFault, PathRefused, PathRole
from monitor.games.guess import guess
from monitor.games.own_files import GENERIC, names_in
from monitor.paths import folder_of, program_of
from monitor.spec import ServerSpec

LONGEST_ID = 32
LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Draft:
    """As it was typed."""

    name: str
    program: str
    arguments: tuple[str, ...] = ()
    folder: str = ""
    """Empty: the program's own."""
    game: str = ""
    """Empty: the one that the folder tells, if it is known."""
    autostart: bool = False


def spec_of_draft(
    draft: Draft, *, taken: Collection[str], adapters: Collection[str], roots: Sequence[Path]
) -> ServerSpec:
    """Make the description of a new server. Blocking, short.

    Args:
        draft: what was typed.
        taken: the ids of the others.
        adapters: the games that are known.
        roots: where servers may live; none: anywhere.

    Raises:
        PathRefused: the folder or the program may not be that, and why.
    """
    program, folder = unquoted(draft.program), unquoted(draft.folder)
    if not folder:
        folder = _folder_of_program(program)
    cwd = folder_of(folder, roots)
    argv = (program_of(program, cwd, roots), *draft.arguments)
    guessed = guess(names_in(cwd))
    game = draft.game or (guessed if guessed in adapters else None) or GENERIC
    name = " ".join(draft.name.split())[:LONGEST_NAME] or cwd.name
    server_id = new_id((name, cwd.name, guessed or game), taken)
    return ServerSpec(id=server_id, name=name, game=game, argv=argv, cwd=cwd, autostart=draft.autostart)


def new_id(names: Sequence[str], taken: Collection[str]) -> str:
    """Make an id out of the first name that has letters for one, and a number behind it where that is taken. Pure."""
    for wanted in names:
        slug = re.sub(r"[^a-z0-9]+", "-", wanted.lower()).strip("-")[:LONGEST_ID].strip("-")
        if slug:
            return next(free for free in _numbered(slug) if free not in taken)
    raise ValueError(names)


def _numbered(slug: str) -> Iterator[str]:
    yield slug
    for number in count(2):
        end = f"-{number}"
        yield slug[: LONGEST_ID - len(end)].rstrip("-") + end


def unquoted(text: str) -> str:
    """Take away blanks, and the quotation marks that Windows' "Copy as path" puts round one."""
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text


def _folder_of_program(program: str) -> str:
    if not Path(program).is_absolute():
        # Where a bare name, or a relative path, starts from has to be said.
        raise PathRefused(PathRole.FOLDER, "", PathFault.EMPTY)
    return str(Path(program).parent)
