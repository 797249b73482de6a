"""`python -m bot` as real processes, in a folder and an environment of their own, and the games they leave behind."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.bot.place import Place, shown
from tests.fakes.waiting import PATIENCE_S

ROOT = Path(__file__).parents[2]
ASK_AGAIN_S = 0.5
"""Who asks more often is soon told to wait."""

GAME = """\
import os, pathlib, signal, sys
signal.alarm(100)
pathlib.Path(f"{os.getpid()}.pid").touch()
print("meadow is open for", *sys.argv[1:], flush=True)
while True:
    signal.pause()
"""
"""A small game: leaves a file named by its pid, says something, and waits for a signal; no test takes longer."""

SERVERS = """\
[[servers]]
id = "meadow"
name = "Meadow 초원"
game = "generic"
argv = [{python!r}, "game.py", "everybody"]
cwd = "game"
ready = {{ log = "is open", timeout_s = 20 }}
restart = {{ backoff_s = 1 }}
"""


def environment(**more: str) -> dict[str, str]:
    """This process's environment without settings of its own, and with these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DISCORD_", "GAMEKEEPER_"))}
    return {**kept, "PYTHONPATH": str(ROOT), **more}


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that is over."""

    code: int
    out: str
    err: str


async def command(folder: Path, variables: dict[str, str], *arguments: str) -> Ended:
    """Run `python -m bot …` to its end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        *arguments,
        cwd=folder,
        env=environment(**variables),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 2 * PATIENCE_S)
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


@dataclass(slots=True)
class BotProcess:
    """One `python -m bot run`, and every line it has written to its standard error."""

    process: asyncio.subprocess.Process
    written: list[str] = field(default_factory=list)
    more: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def follow(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            async with self.more:
                self.written.append(line.decode())
                self.more.notify_all()

    async def says(self, text: str, timeout_s: float = PATIENCE_S) -> None:
        """Wait until it has written this."""
        async with self.more:
            said: Callable[[], bool] = lambda: text in "".join(self.written)  # noqa: E731
            await asyncio.wait_for(self.more.wait_for(said), timeout_s)

    async def end(self, by: signal.Signals, timeout_s: float = PATIENCE_S) -> int:
        """Send it a signal and give its exit code."""
        self.process.send_signal(by)
        return await asyncio.wait_for(self.process.wait(), timeout_s)


@dataclass(frozen=True, slots=True)
class Home:
    """The folder of one installation: `data`, `servers.toml`, `game`."""

    folder: Path
    place: Place

    @property
    def variables(self) -> dict[str, str]:
        return self.place.variables(self.data)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    async def command(self, *arguments: str) -> Ended:
        return await command(self.folder, self.variables, *arguments)

    def write(self, name: str, text: str, *, mode: int) -> None:
        path = self.folder / name
        path.write_text(text, "utf-8")
        path.chmod(mode)

    def games(self) -> list[int]:
        """The pids of every game ever started here that is still alive."""
        pids = [int(path.stem) for path in (self.folder / "game").glob("*.pid")]
        return [pid for pid in pids if _runs_in(pid, self.folder / "game")]

    async def pid(self, *, but: int | None = None) -> int:
        """What `/status` tells once it is up, and another than this: the game has left its file by then."""
        said = await self.status(lambda said: "running" in said and "PID" in said and f"PID {but}\n" not in said)
        return int(re.findall(r"PID (\d+)", said)[0])

    async def status(self, wanted: Callable[[str], bool], timeout_s: float = PATIENCE_S) -> str:
        """What `/status` shows of the server, asked again and again until it is as wanted."""
        async with asyncio.timeout(timeout_s):
            while True:
                said = shown(await self.place.slash("status", server="meadow"))
                if wanted(said):
                    return said
                await asyncio.sleep(ASK_AGAIN_S)

    def _connected(self) -> bool:
        return any(session.connection for session in self.place.standin.gateway.sessions.values())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[BotProcess]:
        """`python -m bot run`, connected; killed in the end where the test has not ended it.

        It takes commands now; alerts, and `discord_ready` in its log, come 2 s later.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            "run",
            cwd=self.folder,
            env=environment(**self.variables),
            stdin=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        bot = BotProcess(process)
        following = asyncio.create_task(bot.follow())
        try:
            await self.place.standin.wait_for(self._connected)
            yield bot
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
            await following


def _runs_in(pid: int, folder: Path) -> bool:
    """Whether it lives and is one of ours: a pid may be somebody else's by now."""
    try:
        return Path(f"/proc/{pid}/cwd").resolve(strict=True) == folder.resolve()
    except OSError:
        return False


@asynccontextmanager
async def home(folder: Path, place: Place) -> AsyncIterator[Home]:
    """An installation with one server taken from a file; its games are killed in the end, each by its pid."""
    (folder / "game").mkdir()
    (folder / "game" / "game.py").write_text(GAME, "utf-8")
    (folder / "servers.toml").write_text(SERVERS.format(python=sys.executable), "utf-8")
    installed = Home(folder, place)
    taken = await installed.command("server", "import", "servers.toml")
    assert taken == Ended(0, taken.out, "")
    try:
        yield installed
    finally:
        for pid in installed.games():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@asynccontextmanager
async def gone(pid: int, timeout_s: float = PATIENCE_S) -> AsyncIterator[None]:
    """Wait, after the block, until a process that lives now has ended; the system itself tells."""
    ended = asyncio.Event()
    handle = os.pidfd_open(pid)
    loop = asyncio.get_running_loop()
    loop.add_reader(handle, ended.set)
    try:
        yield
        await asyncio.wait_for(ended.wait(), timeout_s)
    finally:
        loop.remove_reader(handle)
        os.close(handle)
