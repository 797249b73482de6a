"""The demo server's admin commands."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from bot.demo.visits import MAX_PLAYERS
from bot.demo.world import Log, World


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command says, and what happens once that has been sent."""

    text: str | None
    """`None`: no answer at all."""
    then: Callable[[], None] | None = None


class Console:
    """Runs admin commands on a world."""

    def __init__(self, world: World, log: Log, *, stop: Callable[[], None], overdue: Callable[[], bool]) -> None:
        self._world = world
        self._log = log
        self._stop = stop
        self._overdue = overdue
        self._commands: dict[str, tuple[str, Callable[[str], Answer]]] = {
            "help": ("show this list", self._help),
            "list": ("who is online", self._list),
            "say": ("say <message>: tell everybody", self._say),
            "save-all": ("write the world to disk", self._save),
            "tps": ("the tick rate", self._tps),
            "chunks": ("every loaded chunk, a long list", self._chunks),
            "stop": ("save and end", self._stop_server),
            "crash": ("die of a segmentation fault", self._crash),
            "hang": ("stop answering, and stay", self._hang),
        }

    def run(self, line: str) -> Answer:
        name, _, rest = line.strip().removeprefix("/").partition(" ")
        known = self._commands.get(name)
        if known is None:
            return Answer(f'Unknown command "{name}". Type "help" for help.')
        return known[1](rest.strip())

    def _help(self, _: str) -> Answer:
        return Answer("\n".join(f"{name}: {what}" for name, (what, _) in self._commands.items()))

    def _list(self, _: str) -> Answer:
        online = self._world.players
        return Answer(f"There are {len(online)} of a max of {MAX_PLAYERS} players online: {', '.join(online)}")

    def _say(self, message: str) -> Answer:
        self._log(f"[Server] {message}")
        return Answer("")

    def _save(self, _: str) -> Answer:
        try:
            self._world.save()
        except OSError as err:
            return Answer(f"Could not save the game: {err.strerror}")
        return Answer("Saved the game")

    def _tps(self, _: str) -> Answer:
        return Answer(f"TPS over the last 5 s: {self._world.tick_rate():.2f}")

    def _chunks(self, _: str) -> Answer:
        return Answer("\n".join(f"chunk {x:+d} {z:+d} loaded" for x in range(-12, 13) for z in range(-12, 13)))

    def _stop_server(self, _: str) -> Answer:
        return Answer("Stopping the server", self._stop)

    def _crash(self, _: str) -> Answer:
        return Answer("Following a null pointer…", self._segfault)

    def _segfault(self) -> None:
        self._log("[ERROR] Mesher thread 3: read of address 0x0000000000000010 in chunk -4 +7")
        self._log("[ERROR]     at meadow::Mesher::stitch(Chunk const*) + 0x5c")
        self._log("[ERROR]     at meadow::Mesher::run() + 0x1e8")
        die()

    def _hang(self, _: str) -> Answer:
        return Answer(None, self._freeze)

    def _freeze(self) -> None:
        """Hold the event loop, so that no port answers and no signal is heeded, as in a real hang."""
        self._log("[WARN] Can't keep up! Is the server overloaded?")
        while not self._overdue():
            time.sleep(0.2)


def die() -> None:
    """End as a program does that touches memory it must not, and leave no core file."""
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415  # only here, and slow to import

        # A real access violation would be caught by ctypes, or raise a dialog.
        this_process = ctypes.c_void_p(-1)
        ctypes.windll.kernel32.TerminateProcess(this_process, ctypes.c_uint(0xC0000005))
    else:
        import resource  # noqa: PLC0415  # there is none on Windows

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.kill(os.getpid(), signal.SIGSEGV)
