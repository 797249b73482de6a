"""A save before a stop, and what counts as proof that it landed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from monitor.errors import AccessRefused, GameError, GameFault, GameUnavailable, NotSupported
from monitor.events import ServerStopped
from monitor.model import Evidence, EvidenceKind, ProcessId, Rung, State, Verdict
from monitor.ports import LaunchRequest
from monitor.saving import LOOK_EVERY_S, Saved, Saving, newest_change, said_or_typed
from monitor.spec import StopPolicy
from tests.fakes.clock import FakeClock
from tests.fakes.game import FakeGame
from tests.fakes.house import ANNA, House, spec_of, stop
from tests.fakes.machine import FakeLog, FakeProcess

pytestmark = [pytest.mark.timeout(60), pytest.mark.usefixtures("no_threads")]

POLICY = StopPolicy(save="save-all", save_s=30.0)
NO_ADMIN = {"save": NotSupported("save"), "command": NotSupported("command")}


@dataclass(eq=False)
class World:
    """A server with a folder of its own."""

    folder: Path
    clock: FakeClock = field(default_factory=FakeClock)
    game: FakeGame = field(default_factory=FakeGame)
    log: FakeLog = field(default_factory=FakeLog)

    def __post_init__(self) -> None:
        request = LaunchRequest("ark", ("run",), self.folder, {}, "m", self.log.path)
        self.process = FakeProcess(ProcessId(1, 1), request)

    def begin(self, policy: StopPolicy = POLICY) -> asyncio.Task[Saved]:
        saving = Saving(self.game, self.process, self.log, self.folder, policy, self.clock)
        return asyncio.create_task(saving.run())

    def file(self, name: str, text: str, at_s: int) -> Path:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        os.utime(path, (at_s, at_s))
        return path


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def done_after(world: World, task: asyncio.Task[Saved], seconds: float) -> Saved:
    """It must take this long, and no longer."""
    await world.clock.advance(seconds - 0.001)
    assert not task.done()
    await world.clock.advance(0.001)
    assert task.done()
    return await task


async def test_an_answer_is_proof(world: World) -> None:
    assert await world.begin() is Saved.SAVED
    assert world.game.asked == ["save"]


async def test_the_answer_to_the_policy_s_command_is_proof(world: World) -> None:
    world.game.fail_with["save"] = NotSupported("save")
    assert await world.begin() is Saved.SAVED
    assert world.game.asked == ["save", "command: save-all"]


async def test_a_game_that_cannot_be_asked_is_no_failure(world: World) -> None:
    world.game.fail_with = {**NO_ADMIN}
    assert await world.begin(replace(POLICY, save=None)) is Saved.UNSUPPORTED
    world.process.console = False
    assert await world.begin() is Saved.UNSUPPORTED


@pytest.mark.parametrize(
    "failure",
    [AccessRefused(), GameUnavailable(GameFault.REFUSED), GameUnavailable(GameFault.TIMEOUT)],
    ids=["password", "refused", "timeout"],
)
async def test_a_game_that_does_not_do_it_failed(world: World, failure: GameError) -> None:
    world.game.fail_with["save"] = failure
    assert await world.begin(replace(POLICY, saved_log="Saved")) is Saved.FAILED


async def test_fault_7_a_save_that_is_never_answered_is_unproven_in_time(world: World) -> None:
    world.game.hang.add("save")
    assert await done_after(world, world.begin(), 30) is Saved.UNPROVEN


async def test_a_typed_command_proves_nothing_by_itself(world: World) -> None:
    world.game.fail_with = {**NO_ADMIN}
    assert await world.begin() is Saved.UNPROVEN
    assert world.process.typed == ["save-all"]


async def test_a_line_in_the_log_is_proof(world: World) -> None:
    world.game.fail_with = {**NO_ADMIN}
    world.log.write("Saved the game (of yesterday)")
    task = world.begin(replace(POLICY, saved_log=r"Saved the game"))
    await world.clock.advance(5)
    assert not task.done()
    world.log.write("[12:00] Saved the game")
    assert await done_after(world, task, LOOK_EVERY_S) is Saved.SAVED


async def test_a_line_that_answers_a_typed_command_at_once_is_seen(world: World) -> None:
    world.game.fail_with = {**NO_ADMIN}
    world.process.on_line = lambda _: world.log.write("Saved the game")
    assert await world.begin(replace(POLICY, saved_log=r"Saved the game")) is Saved.SAVED


async def test_an_answer_is_not_enough_where_the_log_is_to_show_it(world: World) -> None:
    task = world.begin(replace(POLICY, saved_log=r"Saved the game"))
    assert await done_after(world, task, 30) is Saved.UNPROVEN


async def test_a_newer_file_is_proof_once_it_has_stopped_changing(world: World) -> None:
    world.file("world/a.dat", "old", 1_000)
    world.file("world/b.dat", "older", 900)
    task = world.begin(replace(POLICY, saved_file="world/*.dat"))
    await world.clock.advance(5)
    assert not task.done()
    world.file("world/b.dat", "half", 2_000)
    await world.clock.advance(LOOK_EVERY_S)
    assert not task.done()
    world.file("world/b.dat", "half and half", 2_000)
    await world.clock.advance(LOOK_EVERY_S)
    assert not task.done()
    assert await done_after(world, task, LOOK_EVERY_S) is Saved.SAVED


@pytest.mark.parametrize(
    "change",
    [
        lambda world: None,
        lambda world: world.file("world/other.txt", "new", 2_000),
        lambda world: (world.folder / "world/a.dat").unlink(),
    ],
    ids=["nothing", "another_file", "deleted"],
)
async def test_an_old_file_is_no_proof(world: World, change: Callable[[World], object]) -> None:
    world.file("world/a.dat", "old", 1_000)
    task = world.begin(replace(POLICY, saved_file="world/*.dat"))
    await world.clock.advance(5)
    change(world)
    assert await done_after(world, task, 25) is Saved.UNPROVEN


async def test_a_first_save_makes_its_file(world: World) -> None:
    task = world.begin(replace(POLICY, saved_file="world/*.dat"))
    await world.clock.advance(5)
    world.file("world/a.dat", "first", 1_000)
    await world.clock.advance(2 * LOOK_EVERY_S)
    assert await task is Saved.SAVED


async def test_log_and_file_are_both_wanted_where_both_are_named(world: World) -> None:
    task = world.begin(replace(POLICY, saved_log="Saved", saved_file="a.dat"))
    world.file("a.dat", "new", 1_000)
    await world.clock.advance(5)
    assert not task.done()
    world.log.write("Saved")
    world.file("a.dat", "newer", 2_000)
    await world.clock.advance(1)
    assert await task is Saved.SAVED


def test_a_file_that_goes_while_it_is_looked_at_is_passed_over(world: World) -> None:
    (world.folder / "gone.dat").symlink_to(world.folder / "nowhere")
    assert newest_change(world.folder, "*.dat") == (0, 0)
    world.file("b.dat", "xyz", 5)
    assert newest_change(world.folder, "*.dat") == (5_000_000_000, 3)


async def test_a_command_is_said_where_that_goes_and_typed_where_not(world: World) -> None:
    assert await said_or_typed(world.game.command, world.process, "list") == "ran list"
    world.game.fail_with = {**NO_ADMIN}
    assert await said_or_typed(world.game.command, world.process, "list") is None
    assert world.process.typed == ["list"]
    world.process.console = False
    with pytest.raises(NotSupported):
        await said_or_typed(world.game.command, world.process, "list")


# In a stop


@pytest.mark.parametrize(
    ("failure", "hangs", "detail"),
    [(AccessRefused(), False, "failed"), (None, True, "unproven"), (None, False, None)],
    ids=["failed", "hangs", "saved"],
)
async def test_fault_7_a_save_that_did_not_land_is_told_and_the_stop_goes_on(
    house: House, failure: GameError | None, *, hangs: bool, detail: str | None
) -> None:
    if failure is not None:
        house.game().fail_with["save"] = failure
    if hangs:
        house.game().hang.add("save")
    rungs: list[Rung] = []
    async with house.supervising() as ark:
        await ark.start(ANNA)
        stopping = asyncio.create_task(stop(ark, on_rung=rungs.append))
        await house.clock.advance(30 if hangs else 0)
        assert (await stopping).state is State.STOPPED
        report = (await house.journal.nth(ServerStopped)).report
    assert rungs[-2:] == [Rung.SAVE, Rung.ASK]
    assert report.verdict is Verdict.STOPPED
    told = [evidence for evidence in report.evidence if evidence.kind is EvidenceKind.NOT_SAVED]
    assert told == ([] if detail is None else [Evidence(EvidenceKind.NOT_SAVED, detail)])


async def test_fault_7_where_nothing_can_be_saved_nothing_is_said_of_it(house: House) -> None:
    house.game().fail_with["save"] = NotSupported("save")
    async with house.supervising(spec_of()) as ark:
        await ark.start(ANNA)
        await stop(ark)
        report = (await house.journal.nth(ServerStopped)).report
    assert EvidenceKind.NOT_SAVED not in [evidence.kind for evidence in report.evidence]
