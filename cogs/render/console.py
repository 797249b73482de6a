"""What `/rcon` answers."""

from __future__ import annotations

from dataclasses import dataclass

from cogs.locale.catalogue import Words
from cogs.render.limits import CONTENT
from cogs.render.text import code_block, escape, length

COMMAND_SHOWN = 200
BLOCK_AT_MOST = CONTENT - 2 * COMMAND_SHOWN
LINES_AT_MOST = 25
"""More than this scrolls everything else off a phone."""


@dataclass(frozen=True, slots=True)
class ConsoleReply:
    """The text of a message, and what did not fit it as a UTF-8 file."""

    content: str
    file: bytes | None = None


def console_reply(command: str, said: str | None, words: Words) -> ConsoleReply:
    """Show a short answer in a block, a long one as a file; `None` was typed into a console that gives none."""
    heading = f"▶️ {escape(command, COMMAND_SHOWN)}"
    if said is None:
        typed = words.text("Typed into its console, as it has no admin port. What it answers is in its log.")
        return ConsoleReply(f"{heading}\n{typed}")
    lines = said.strip("\r\n").splitlines()
    if not "".join(lines).strip():
        return ConsoleReply(f"{heading}\n{words.text('Done; the game said nothing.')}")
    if len(lines) > LINES_AT_MOST or length(said) > BLOCK_AT_MOST:
        told = words.plural("The answer has {n} line.", "The answer has {n} lines.", len(lines))
        return ConsoleReply(f"{heading}\n{told}", said.encode())
    return ConsoleReply(f"{heading}\n{code_block(lines, BLOCK_AT_MOST)}")
