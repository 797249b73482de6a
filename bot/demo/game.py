"""A small real game server to try gamekeeper on: `python -m bot.demo.game --password-env NAME --world DIR`.

It has a log, players, an admin port, a world that is saved, and memory that grows; it can be stopped, can crash and
can hang. It ends by itself when its world's folder is gone, or after `--hours`, so that no demo leaves one behind.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from bot.demo.console import Console
from bot.demo.rcon_port import RconPort
from bot.demo.world import World

_WATCH_S = 0.5


@dataclass(frozen=True, slots=True)
class Options:
    """How the server was asked to run."""

    port: int
    password: str
    world: Path
    speed: float
    seed: int
    hours: float
    memory_bytes: int


def log(line: str) -> None:
    """Print one line, a time before it, at once."""
    level = "" if line.startswith("[") else "[INFO] "
    print(f"[{time.strftime('%H:%M:%S')}] {level}{line}", flush=True)  # noqa: T201  # its output is its log


class GameServer:
    """The life of the server, from its first line to its last."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._end = asyncio.Event()
        self._stop_at_s = time.monotonic() + options.hours * 3600
        self._world = World(
            options.world, log, seed=options.seed, speed=options.speed, memory_bytes=options.memory_bytes
        )
        self._console = Console(self._world, log, stop=self._stop, overdue=self._overdue)

    async def run(self) -> int:
        """Serve until stopped, and give the exit code."""
        began_s = time.perf_counter()
        log("Starting Meadow demo server 1.0")
        try:
            self._options.world.mkdir(parents=True, exist_ok=True)
        except OSError as err:
            log(f"[ERROR] Failed to open the world: {err}")
            return 1
        try:
            listener = await RconPort(self._console, self._options.password).listen(self._options.port)
        except OSError as err:
            log(f"[ERROR] FAILED TO BIND TO PORT {self._options.port}: {err.strerror}")
            return 1
        self._heed_signals()
        log(f"RCON running on 127.0.0.1:{listener.sockets[0].getsockname()[1]}")
        log(f'Done ({time.perf_counter() - began_s:.2f}s)! For help, type "help"')
        await self._live()
        listener.close()
        return self._finish()

    async def _live(self) -> None:
        tasks = [asyncio.create_task(part) for part in (self._world.live(), self._watch(), self._end.wait())]
        done, others = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for task in done:
            task.result()

    async def _watch(self) -> None:
        while not self._overdue():  # noqa: ASYNC110  # a folder that goes away sets no event
            await asyncio.sleep(_WATCH_S)
        log("Nobody needs this server any more")

    def _overdue(self) -> bool:
        return time.monotonic() > self._stop_at_s or not self._options.world.is_dir()

    def _stop(self) -> None:
        log("Stopping server")
        self._end.set()

    def _heed_signals(self) -> None:
        loop = asyncio.get_running_loop()

        def ended_by(number: int, _: FrameType | None) -> None:
            loop.call_soon_threadsafe(self._interrupt, signal.Signals(number).name)

        # Not the loop's own add_signal_handler: there is none on Windows.
        for name in ("SIGTERM", "SIGINT", "SIGBREAK"):
            if (number := getattr(signal, name, None)) is not None:
                signal.signal(number, ended_by)

    def _interrupt(self, name: str) -> None:
        log(f"Received {name}, closing down")
        self._end.set()

    def _finish(self) -> int:
        if self._options.world.is_dir():
            try:
                self._world.save()
            except OSError as err:
                log(f"[ERROR] Could not save the game: {err}")
                return 1
        log("Goodbye")
        return 0


def read_options(arguments: Sequence[str]) -> Options:
    """Read the command line; ends the program with code 2 where it is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m bot.demo.game", description="A small game server to try things on."
    )
    parser.add_argument("--port", type=int, default=0, help="admin port on 127.0.0.1; 0: any free one, see the log")
    parser.add_argument(
        "--password-env", required=True, help="the environment variable that holds the admin password"
    )
    parser.add_argument("--world", type=Path, required=True, help="the world's folder; made where it is missing")
    parser.add_argument("--speed", type=float, default=1.0, help="how much faster players and memory move")
    parser.add_argument("--seed", type=int, default=7, help="which players come and go when")
    parser.add_argument("--hours", type=float, default=12.0, help="it ends by itself after so long")
    parser.add_argument("--memory-mib", type=int, default=128, help="it grows by at most so much")
    given = parser.parse_args(arguments)
    password = os.environ.get(given.password_env, "")
    if not password:
        parser.error(f"the environment variable {given.password_env} is empty")
    if given.speed <= 0:
        parser.error("--speed must be more than 0")
    memory_bytes = given.memory_mib * 2**20
    return Options(given.port, password, given.world, given.speed, given.seed, given.hours, memory_bytes)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server and give its exit code."""
    options = read_options(sys.argv[1:] if arguments is None else arguments)
    # Players have names that a Windows code page has no letters for.
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    return asyncio.run(_run(options))


async def _run(options: Options) -> int:
    return await GameServer(options).run()


if __name__ == "__main__":
    raise SystemExit(main())
