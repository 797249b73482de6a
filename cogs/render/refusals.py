"""Why a program could not be started, in words, and what to do about it."""

from __future__ import annotations

from cogs.locale.catalogue import Words, mark
from cogs.render.text import escape
from monitor.errors import LaunchFault

SUBJECT_AT_MOST = 300
HOLDER_AT_MOST = 120
UNNAMED = mark("another program")
"""What the monitor calls a holder that it may not look at."""

FAULTS: dict[str, str] = {
    LaunchFault.NOT_FOUND: mark("The program {subject} does not exist. An owner can correct it by `/server edit`."),
    LaunchFault.NOT_EXECUTABLE: mark("{subject} is not a program that may be run. Check its permissions."),
    LaunchFault.NO_SUCH_FOLDER: mark(
        "The folder {subject} does not exist. Make it, or an owner can name another by `/server edit`."
    ),
    LaunchFault.BAD_ARGUMENT: mark(
        "The argument {subject} cannot be passed to a program. An owner can correct it by `/server edit`."
    ),
    LaunchFault.NO_RESOURCES: mark("The machine has no room for another process: free memory or end programs."),
    LaunchFault.NO_LOG: mark(
        "The log file {subject} cannot be written. Check the disk and the folder's permissions."
    ),
    LaunchFault.PORT_HELD: mark(
        "Port {subject} is held by {holder}. End that first, or give the server another port."
    ),
    LaunchFault.ALREADY_RUNNING: mark(
        "{subject} runs in that folder already, and the bot did not start it: {holder}. End that first."
    ),
    LaunchFault.OTHER: mark("The system refused to start {subject}. Start it by hand on that machine to see why."),
}


def refusal(reason: str, subject: str, holder: str, words: Words) -> str:
    """What stood in the way, and the next step; a reason from a newer version is told as "refused"."""
    named = words.text(UNNAMED) if holder in ("", UNNAMED) else escape(holder, HOLDER_AT_MOST)
    return words.text(
        FAULTS.get(reason, FAULTS[LaunchFault.OTHER]),
        subject=escape(subject, SUBJECT_AT_MOST) if subject else words.text("the program"),
        holder=named,
    )
