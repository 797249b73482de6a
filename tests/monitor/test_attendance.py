"""Who is on adds up from one look after another, and nobody leaves because a game did not answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from monitor.attendance import LONGEST_NAME, MOST_NAMES, Attendance, Presence, Stay, look
from monitor.errors import StorageError, StorageFault
from monitor.model import Players, Server, State
from tests.fakes.clock import FakeClock
from tests.fakes.house import spec_of

AT_MS = 100_000


def stay(name: str, since_ms: int = 10, seen_ms: int = 90_000, run_id: int = 1, server_id: str = "ark") -> Stay:
    return Stay(server_id, run_id, name, since_ms, seen_ms)


def server(
    *names: str,
    online: int | None = None,
    run_id: int | None = 1,
    state: State = State.RUNNING,
    known: bool = True,
    server_id: str = "ark",
) -> Server:
    players = Players(len(names) if online is None else online, 20, names) if known else None
    return Server(spec_of(server_id), state, run_id=run_id, players=players)


def now(name: str, since_ms: int = 10) -> Stay:
    return stay(name, since_ms, AT_MS)


def new(name: str) -> Stay:
    return now(name, AT_MS)


ANN, BOB = stay("ann"), stay("bob", since_ms=20, seen_ms=80_000)


@pytest.mark.parametrize(
    ("before", "server", "still", "over"),
    [
        pytest.param([], server(), [], [], id="nobody"),
        pytest.param([], server("ann"), [new("ann")], [], id="one comes"),
        pytest.param([ANN], server("ann"), [now("ann")], [], id="stays"),
        pytest.param([ANN], server("bob", "ann"), [new("bob"), now("ann")], [], id="another comes"),
        pytest.param([ANN, BOB], server("ann"), [now("ann")], [BOB], id="one goes, at the time they were last seen"),
        pytest.param([ANN, BOB], server(), [], [ANN, BOB], id="all go"),
        pytest.param([ANN, BOB], server(known=False), [ANN, BOB], [], id="no answer"),
        pytest.param([ANN], server(state=State.UNRESPONSIVE, known=False), [ANN], [], id="hung"),
        pytest.param([ANN], server("bob", state=State.STOPPING), [ANN], [], id="stopping, the last reading is old"),
        pytest.param([ANN], server(run_id=None, known=False, state=State.STOPPED), [], [ANN], id="stopped"),
        pytest.param([ANN], server(run_id=2, known=False), [], [ANN], id="another run, nothing known of it yet"),
        pytest.param(
            [ANN], server("ann", run_id=2), [replace(new("ann"), run_id=2)], [ANN], id="another run, on again"
        ),
        pytest.param([ANN, BOB], server(online=2), [ANN, BOB], [], id="a count without names"),
        pytest.param([ANN, BOB], server(online=1), [ANN], [BOB], id="the count fell: the one not seen for longer"),
        pytest.param([ANN, BOB], server("cid", online=2), [new("cid"), ANN], [BOB], id="room for one not listed"),
        pytest.param([ANN, BOB], server("cid", online=30), [new("cid"), ANN, BOB], [], id="a short list"),
        pytest.param([ANN], server("ann", "bob", online=1), [now("ann"), new("bob")], [], id="more names than count"),
        pytest.param([], server("ann", "ann", online=2), [new("ann")], [], id="a name twice"),
        pytest.param([], server("", "  ", " ann\n"), [new("ann")], [], id="blank names"),
        pytest.param([], server("x" * 500), [new("x" * LONGEST_NAME)], [], id="an endless name"),
        pytest.param(
            [stay("ann", since_ms=AT_MS + 5)],
            server("ann"),
            [stay("ann", AT_MS + 5, AT_MS + 5)],
            [],
            id="fault-52-clock set back",
            marks=pytest.mark.fault(52),
        ),
    ],
)
def test_a_look(before: list[Stay], server: Server, still: list[Stay], over: list[Stay]) -> None:
    assert look(before, server, AT_MS) == Presence(tuple(still), tuple(over))


def test_a_game_that_tells_no_end_of_names_is_not_believed() -> None:
    told = server(*(str(number) for number in range(3 * MOST_NAMES)))
    assert len(look([], told, AT_MS).still) == MOST_NAMES


NAMES = st.sampled_from("abcdef")
STAYS = st.lists(
    st.builds(stay, NAMES, st.integers(0, 50), st.integers(50, 200_000), st.integers(1, 2)),
    unique_by=lambda each: (each.name, each.run_id),
)
SERVERS = st.builds(
    lambda names, online, run_id, state, known: server(
        *names, online=online, run_id=run_id, state=state, known=known
    ),
    st.lists(NAMES),
    st.integers(0, 8),
    st.sampled_from([None, 1, 2]),
    st.sampled_from([State.RUNNING, State.STOPPING]),
    st.booleans(),
)


@settings(max_examples=500)
@given(STAYS, SERVERS)
def test_nobody_is_on_twice_and_nobody_is_lost(before: list[Stay], server: Server) -> None:
    after = look(before, server, AT_MS)
    keys = [(each.run_id, each.name, each.since_ms) for each in (*after.still, *after.over)]
    assert len(set(keys)) == len(keys)
    assert {(each.run_id, each.name, each.since_ms) for each in before} <= set(keys)
    assert len({each.name for each in after.still}) == len(after.still)
    assert {each.run_id for each in after.still} <= {server.run_id}
    assert set(after.over) <= set(before)


@dataclass
class FakeFleet:
    now: list[Server] = field(default_factory=list)

    def servers(self) -> Sequence[Server]:
        return self.now


@dataclass
class FakeStays:
    """Keeps what it was told as the table does: a stay has one row."""

    rows: dict[tuple[str, int, str, int], Stay] = field(default_factory=dict)
    going_on: tuple[Stay, ...] = ()
    writes: int = 0
    fail_with: StorageError | None = None

    async def on(self) -> Sequence[Stay]:
        return self.going_on

    async def write(self, still: Sequence[Stay], over: Sequence[Stay]) -> None:
        if self.fail_with is not None:
            raise self.fail_with
        self.writes += 1
        self.going_on = tuple(still)
        self.rows |= {(each.server_id, each.run_id, each.name, each.since_ms): each for each in (*over, *still)}

    @property
    def times(self) -> list[tuple[str, int, int]]:
        """Who was on, from and to how many seconds."""
        return sorted((each.name, each.since_ms // 1000, each.seen_ms // 1000) for each in self.rows.values())


@dataclass
class Scene:
    fleet: FakeFleet = field(default_factory=FakeFleet)
    stays: FakeStays = field(default_factory=FakeStays)
    clock: FakeClock = field(default_factory=lambda: FakeClock(0))

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[None]:
        task = asyncio.create_task(Attendance(self.fleet, self.stays, self.clock, 5.0).run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def goes_on(self, seconds: float, *servers: Server) -> None:
        self.fleet.now = list(servers)
        await self.clock.advance(seconds)


async def test_who_comes_or_goes_is_written_at_once_and_the_rest_once_a_minute() -> None:
    scene = Scene()
    async with scene.looking():
        await scene.goes_on(4, server())
        assert scene.stays.writes == 1
        await scene.goes_on(55, server("ann"))
        assert (scene.stays.writes, scene.stays.times) == (2, [("ann", 5, 5)])
        await scene.goes_on(10, server("ann"))
        assert (scene.stays.writes, scene.stays.times) == (3, [("ann", 5, 65)])
        await scene.goes_on(10, server("bob"))
        assert (scene.stays.writes, scene.stays.times) == (4, [("ann", 5, 65), ("bob", 70, 70)])


async def test_at_the_end_of_the_bot_it_is_written_when_everybody_was_last_seen() -> None:
    scene = Scene()
    async with scene.looking():
        await scene.goes_on(44, server("ann"))
    assert scene.stays.times == [("ann", 0, 40)]


async def test_a_restart_of_the_bot_goes_on_with_who_is_still_there() -> None:
    scene = Scene()
    async with scene.looking():
        await scene.goes_on(12, server("ann", "bob"), server("cid", server_id="rust"))
    await scene.goes_on(600)
    async with scene.looking():
        await scene.goes_on(7, server("ann"), server(known=False, run_id=None, server_id="rust"))
    assert scene.stays.times == [("ann", 0, 617), ("bob", 0, 10), ("cid", 0, 10)]
    assert [each.name for each in scene.stays.going_on] == ["ann"]


async def test_a_server_that_is_removed_has_nobody_on() -> None:
    scene = Scene()
    async with scene.looking():
        await scene.goes_on(6, server("ann"))
        await scene.goes_on(6)
        assert scene.stays.going_on == ()
    assert scene.stays.times == [("ann", 0, 5)]


async def test_fault_29_what_the_disk_refuses_is_written_later_and_logged_twice() -> None:
    scene = Scene()
    with capture_logs() as logs:
        async with scene.looking():
            await scene.goes_on(1, server("ann"))
            scene.stays.fail_with = StorageError(StorageFault.FULL, "gamekeeper.db")
            await scene.goes_on(10, server("bob"))
            await scene.goes_on(10, server())
            assert scene.stays.times == [("ann", 0, 0)]
            scene.stays.fail_with = None
            await scene.goes_on(5, server())
            assert scene.stays.times == [("ann", 0, 0), ("bob", 5, 10)]
            assert scene.stays.going_on == ()
    assert [entry["event"] for entry in logs] == ["attendance_not_written", "attendance_written_again"]
