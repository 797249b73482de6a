"""All servers of this machine: what cogs talk to, through the `Control` protocol."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

import structlog

from monitor.chronicle import Chronicle
from monitor.errors import UnknownServer
from monitor.events import HostRebooted, Past, RestartCalledOff
from monitor.game import Game
from monitor.model import (
    Actor,
    ActorKind,
    IntentAction,
    Plan,
    ProcessId,
    Sample,
    Server,
    State,
    Verdict,
)
from monitor.ports import OnRung, ServerLog
from monitor.pulse import Vitals
from monitor.spec import ServerSpec
from monitor.supervisor import Supervisor
from monitor.surroundings import Surroundings

AUTOSTART = Actor(ActorKind.POLICY, "autostart", "autostart")

log = structlog.get_logger(__name__)


class Fleet:
    """Implements `monitor.ports.Control`. `open()` and `close()` frame its life; the games outlive it."""

    def __init__(
        self,
        specs: Iterable[ServerSpec],
        *,
        make_game: Callable[[ServerSpec], Game],
        make_log: Callable[[ServerSpec], ServerLog],
        around: Surroundings,
    ) -> None:
        self._around = around
        self._make_game = make_game
        self._make_log = make_log
        self._supervisors = {spec.id: self._supervisor(spec) for spec in sorted(specs, key=lambda spec: spec.id)}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._autostarts: asyncio.Task[None] | None = None
        self._context = contextvars.copy_context()

    async def open(self) -> None:
        """Find every server as an earlier bot left it, then start what is to start by itself."""
        past = await self._around.journal.past()
        for server_id, supervisor in self._supervisors.items():
            self._begin(server_id, supervisor)
        found = await asyncio.gather(*(self._recover(s, past.get(i, Past())) for i, s in self._supervisors.items()))
        recovered = [supervisor for supervisor in found if supervisor is not None]
        await self._tell_of_reboot(past)
        due = [s for s in recovered if self._starts_by_itself(s.server, past.get(s.server.id, Past()))]
        self._autostarts = asyncio.create_task(self._start_all(due), name="autostart")

    async def _tell_of_reboot(self, past: Mapping[str, Past]) -> None:
        """Write down, once for all of them, that servers went down with the machine."""
        down = tuple(i for i, each in self._supervisors.items() if _fell(past.get(i, Past()), each.server))
        if down:
            chronicle = Chronicle(self._around.journal, self._around.bus)
            now_ms, seen_ms = self._around.clock.now_ms(), past[down[0]].seen_ms
            await chronicle.record(HostRebooted(at_ms=now_ms, servers=down, last_seen_ms=seen_ms))

    async def close(self) -> None:
        """Let go of every server and leave the games running."""
        tasks = [*self._tasks.values(), *([self._autostarts] if self._autostarts else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _supervisor(self, spec: ServerSpec) -> Supervisor:
        return Supervisor(spec, self._make_game, self._make_log(spec), self._around)

    def _begin(self, server_id: str, supervisor: Supervisor) -> None:
        # Not in the context of whoever asks to take a server in: the task outlives what they are doing.
        begin = partial(asyncio.create_task, supervisor.serve(), name=f"supervisor:{server_id}")
        self._tasks[server_id] = self._context.copy().run(begin)

    @staticmethod
    async def _recover(supervisor: Supervisor, past: Past) -> Supervisor | None:
        """Give it back unless that failed: then it may be running unseen, and is not started by itself."""
        try:
            await supervisor.recover(past)
        except Exception:
            log.exception("recovery_failed", server=supervisor.server.id)
            return None
        return supervisor

    def _starts_by_itself(self, server: Server, past: Past) -> bool:
        """Whether autostart applies: it is down, and nobody wanted it down since the machine was started."""
        if not server.spec.autostart or server.state is not State.STOPPED:
            return False
        last = past.run
        if last is None or last.process is None or server.last_exit is None:
            return True
        same_boot = last.process.boot_id == self._around.launcher.boot_id()
        wanted_down = server.last_exit.verdict.wanted or isinstance(past.event, RestartCalledOff)
        return not (wanted_down and same_boot)

    async def _start_all(self, supervisors: Sequence[Supervisor]) -> None:
        starts = (supervisor.start_unasked(AUTOSTART) for supervisor in supervisors)
        # What fails is logged or becomes an alert where it fails, and keeps no other server down.
        await asyncio.gather(*starts, return_exceptions=True)

    # What the sampler needs

    def live(self) -> Mapping[str, ProcessId]:
        """Give the root process of each server that has one."""
        return {i: root for i, each in self._supervisors.items() if (root := each.process) is not None}

    def vitals(self, server_id: str) -> Vitals:
        """Give what a server's game last said of itself."""
        return self._find(server_id).vitals

    def measured(self, samples: Iterable[Sample]) -> None:
        for sample in samples:
            # It may have been let go of while it was being measured.
            if sample.server_id in self._supervisors:
                self._supervisors[sample.server_id].measured(sample)

    def logs(self) -> Sequence[ServerLog]:
        return [supervisor.output for supervisor in self._supervisors.values()]

    # Control

    def servers(self) -> Sequence[Server]:
        return [supervisor.server for supervisor in self._supervisors.values()]

    def server(self, server_id: str) -> Server:
        return self._find(server_id).server

    async def start(self, server_id: str, by: Actor) -> Server:
        return await self._find(server_id).start(by)

    async def stop(
        self,
        server_id: str,
        by: Actor,
        *,
        reason: str = "",
        force: bool = False,
        on_rung: OnRung | None = None,
    ) -> Server:
        supervisor = self._find(server_id)
        return await supervisor.stop(IntentAction.STOP, by, reason=reason, force=force, on_rung=on_rung)

    async def restart(self, server_id: str, by: Actor, *, reason: str = "", on_rung: OnRung | None = None) -> Server:
        supervisor = self._find(server_id)
        return await supervisor.stop(IntentAction.RESTART, by, reason=reason, force=False, on_rung=on_rung)

    async def plan(self, server_id: str, plan: Plan) -> Server:
        return await self._find(server_id).plan(plan)

    async def cancel(self, server_id: str, by: Actor) -> Server:
        return await self._find(server_id).cancel(by)

    async def command(self, server_id: str, text: str, by: Actor) -> str | None:
        return await self._find(server_id).command(text, by)

    async def take_in(self, spec: ServerSpec) -> Server:
        known = self._supervisors.get(spec.id)
        if known is not None:
            return await known.describe(spec)
        past = (await self._around.journal.past()).get(spec.id, Past())
        supervisor = self._supervisor(spec)
        self._supervisors = dict(sorted({**self._supervisors, spec.id: supervisor}.items()))
        self._begin(spec.id, supervisor)
        await self._recover(supervisor, past)
        return supervisor.server

    async def let_go(self, server_id: str, by: Actor, *, leave_running: bool = False) -> None:
        await self._find(server_id).retire(by, leave_running=leave_running)
        del self._supervisors[server_id]
        await self._tasks.pop(server_id)

    def log(self, server_id: str) -> ServerLog:
        return self._find(server_id).output

    def _find(self, server_id: str) -> Supervisor:
        try:
            return self._supervisors[server_id]
        except KeyError:
            raise UnknownServer(server_id) from None


def _fell(past: Past, server: Server) -> bool:
    """Whether it ran when the bot went, and was found to have gone down with the machine."""
    ran = past.run is not None and past.run.ended_ms is None
    return ran and server.last_exit is not None and server.last_exit.verdict is Verdict.HOST_REBOOTED
