"""Draws charts in a worker process, started when a chart is wanted and ended when none has been for a while."""

from __future__ import annotations

import asyncio
import os
import struct
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from cogs.render.chart_request import ChartRequest
from monitor.errors import GamekeeperError

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "cogs.render.worker")
LENGTH = struct.Struct(">I")
OK = b"\0"
WAITING_AT_MOST = 16
END_S = 2.0


class ChartFault(StrEnum):
    """Why there is no picture."""

    BUSY = "busy"
    """Too many charts are waiting already."""
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    """The worker process died over it, or could not be started."""
    REFUSED = "refused"
    """The worker could not draw it; the detail says why."""
    STOPPED = "stopped"
    """The bot is ending."""


class ChartFailed(GamekeeperError):
    """A chart could not be drawn."""

    def __init__(self, fault: ChartFault, detail: str = "") -> None:
        super().__init__(fault, detail)
        self.fault = fault
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Job:
    """A request and where its picture goes."""

    request: bytes
    picture: asyncio.Future[bytes]


class Worker:
    """One worker process and its two pipes."""

    def __init__(
        self, process: asyncio.subprocess.Process, stdin: asyncio.StreamWriter, stdout: asyncio.StreamReader
    ) -> None:
        self._process = process
        self._stdin, self._stdout = stdin, stdout

    @classmethod
    async def start(cls, command: Sequence[str]) -> Worker:
        """Start it. Raises OSError where the system refuses."""
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=_environment(),
            creationflags=_priority(),
        )
        if process.stdin is None or process.stdout is None:  # asked for above; the types cannot know
            raise BrokenPipeError
        return cls(process, process.stdin, process.stdout)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def ready(self) -> None:
        await self._frame()

    async def draw(self, request: bytes) -> bytes:
        """One picture. Raises `ChartFailed` where the worker says no, EOFError or OSError where it is gone."""
        self._stdin.write(LENGTH.pack(len(request)) + request)
        await self._stdin.drain()
        frame = await self._frame()
        if frame[:1] != OK:
            raise ChartFailed(ChartFault.REFUSED, frame[1:].decode("utf-8", "replace"))
        return frame[1:]

    async def _frame(self) -> bytes:
        head = await self._stdout.readexactly(LENGTH.size)
        return await self._stdout.readexactly(LENGTH.unpack(head)[0])

    async def end(self) -> None:
        """Close its input and wait for it to end, which it does at once unless it is drawing; then kill it."""
        self._stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), END_S)
        except TimeoutError:
            await self.kill()
        await self._drained()

    async def kill(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()
        self._stdin.close()
        await self._process.wait()
        await self._drained()

    async def _drained(self) -> None:
        """Read to the end: only then does the transport close its pipes."""
        with suppress(OSError):
            while await self._stdout.read(1 << 16):
                pass
        with suppress(OSError):
            await self._stdin.wait_closed()


class Painter:
    """The bot's side of the worker. `run` owns the process; `draw` may be called from any task."""

    def __init__(
        self,
        *,
        idle_s: float = 60.0,
        timeout_s: float = 20.0,
        start_timeout_s: float = 120.0,
        command: Sequence[str] = COMMAND,
    ) -> None:
        self._idle_s = idle_s
        self._timeout_s = timeout_s
        self._start_timeout_s = start_timeout_s
        """Longer than a drawing may take: the first start on a machine lists all its fonts."""
        self._command = command
        self._jobs: asyncio.Queue[Job | None] = asyncio.Queue(WAITING_AT_MOST)
        """`None` asks for rest."""
        self._worker: Worker | None = None
        self._ended = False

    @property
    def worker_pid(self) -> int | None:
        """The pid of the live worker, if there is one."""
        return self._worker.pid if self._worker is not None else None

    async def draw(self, request: ChartRequest) -> bytes:
        """The PNG of a chart.

        Raises:
            ChartFailed: there is none; the fault says why.
        """
        if self._ended:
            raise ChartFailed(ChartFault.STOPPED)
        job = Job(request.to_json(), asyncio.get_running_loop().create_future())
        try:
            self._jobs.put_nowait(job)
        except asyncio.QueueFull as err:
            raise ChartFailed(ChartFault.BUSY) from err
        return await job.picture

    def rest(self) -> None:
        """End the worker as soon as it has drawn what is waiting; the next chart starts another. Never waits."""
        if self._worker is not None and not self._jobs.full():
            self._jobs.put_nowait(None)

    async def run(self) -> None:
        """Draw what is asked for, one after the other, until cancelled."""
        try:
            while True:
                await self._serve(await self._next())
        finally:
            self._ended = True
            self._refuse_waiting()
            if self._worker is not None:
                await self._worker.kill()
                self._worker = None

    async def _next(self) -> Job:
        """The next job; the worker is ended when none comes for a while, or it is to rest."""
        while True:
            try:
                job = await (asyncio.wait_for(self._jobs.get(), self._idle_s) if self._worker else self._jobs.get())
            except TimeoutError:
                job = None
            if job is not None:
                return job
            if self._worker is not None:
                await self._worker.end()
                self._worker = None

    async def _serve(self, job: Job) -> None:
        if job.picture.done():
            return
        try:
            picture = await self._picture(job.request)
            if not job.picture.done():
                job.picture.set_result(picture)
        except ChartFailed as err:
            self._refuse(job, err)
        finally:
            self._refuse(job, ChartFailed(ChartFault.STOPPED))

    async def _picture(self, request: bytes) -> bytes:
        try:
            return await self._attempt(request)
        except (EOFError, OSError):
            # A worker that died between two charts is noticed only by the next one, which then gets a new worker.
            try:
                return await self._attempt(request)
            except (EOFError, OSError) as err:
                raise ChartFailed(ChartFault.CRASHED, str(err)) from err

    async def _attempt(self, request: bytes) -> bytes:
        try:
            worker = await self._ready_worker()
            return await asyncio.wait_for(worker.draw(request), self._timeout_s)
        except TimeoutError as err:
            await self._discard()
            raise ChartFailed(ChartFault.TIMEOUT) from err
        except (EOFError, OSError):
            await self._discard()
            raise

    async def _ready_worker(self) -> Worker:
        if self._worker is None:
            self._worker = await Worker.start(self._command)
            await asyncio.wait_for(self._worker.ready(), self._start_timeout_s)
        return self._worker

    async def _discard(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.kill()

    def _refuse_waiting(self) -> None:
        while not self._jobs.empty():
            if (job := self._jobs.get_nowait()) is not None:
                self._refuse(job, ChartFailed(ChartFault.STOPPED))

    @staticmethod
    def _refuse(job: Job, why: ChartFailed) -> None:
        """Whoever asked may have stopped waiting already."""
        if not job.picture.done():
            job.picture.set_exception(why)


def _environment() -> dict[str, str]:
    """Ours, without what is secret in it."""
    return {key: value for key, value in os.environ.items() if not key.upper().startswith("DISCORD_")}


def _priority() -> int:
    """On Windows below normal and with no window; elsewhere the worker lowers its own priority."""
    if sys.platform == "win32":
        return subprocess.BELOW_NORMAL_PRIORITY_CLASS | subprocess.CREATE_NO_WINDOW
    return 0
