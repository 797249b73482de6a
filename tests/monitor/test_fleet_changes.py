"""Servers that are added, described anew and let go of while the bot runs."""

from __future__ import annotations

import asyncio
import contextvars
from dataclasses import replace

import pytest

from monitor.errors import StorageError, StorageFault, UnknownServer, WrongState
from monitor.events import RestartCalledOff, ServerAdopted, ServerCrashed, ServerReady
from monitor.model import Sample, State
from monitor.spec import HangPolicy, RestartMode, ServerSpec
from tests.fakes.clock import settle
from tests.fakes.house import ANNA, BERT, RESTARTS, House, spec_of

pytestmark = pytest.mark.timeout(60)

ARK, RUST = spec_of("ark"), spec_of("rust")


def supervised() -> set[str]:
    return {task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("supervisor:")}


async def test_a_server_taken_in_is_there_at_once_and_in_its_place(house: House) -> None:
    async with house.fleet(ARK, RUST) as fleet:
        server = await fleet.take_in(spec_of("bee"))
        assert (server.id, server.state) == ("bee", State.STOPPED)
        assert [each.id for each in fleet.servers()] == ["ark", "bee", "rust"]
        assert (await fleet.start("bee", ANNA)).state is State.RUNNING
        assert set(fleet.live()) == {"bee"}
        assert house.log("bee") in fleet.logs()
        fleet.measured([Sample("bee", 7)])
        assert fleet.server("bee").latest == Sample("bee", 7)


async def test_one_taken_in_is_not_started_by_itself(house: House) -> None:
    async with house.fleet() as fleet:
        await fleet.take_in(spec_of("ark", autostart=True))
        await settle()
        assert fleet.server("ark").state is State.STOPPED
    assert house.launcher.spawned == []


async def test_closing_lets_go_of_what_was_taken_in(house: House) -> None:
    async with house.fleet(ARK) as fleet:
        await fleet.take_in(RUST)
        await fleet.start("rust", ANNA)
        assert supervised() == {"supervisor:ark", "supervisor:rust"}
    assert supervised() == set()
    assert house.game("rust").closed
    assert house.launcher.processes[0].alive


async def test_without_a_record_nothing_is_taken_in(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unreadable() -> dict[str, object]:
        raise StorageError(StorageFault.BUSY, "/data")

    async with house.fleet(ARK) as fleet:
        monkeypatch.setattr(house.journal, "past", unreadable)
        with pytest.raises(StorageError):
            await fleet.take_in(RUST)
        assert [server.id for server in fleet.servers()] == ["ark"]


# Described anew


CHANGED = replace(ARK, name="New Ark", argv=("run", "--slow"), autostart=True)


async def test_of_one_that_is_down_everything_counts_at_once(house: House) -> None:
    async with house.fleet(ARK) as fleet:
        after = await fleet.take_in(CHANGED)
        assert (after.spec, after.next_spec, after.described) == (CHANGED, None, CHANGED)
        await fleet.start("ark", ANNA)
    assert [request.argv for request in house.launcher.spawned] == [CHANGED.argv]


async def test_of_one_that_is_up_the_process_is_left_as_it_is_until_its_next_start(house: House) -> None:
    async with house.fleet(ARK) as fleet:
        await fleet.start("ark", ANNA)
        after = await fleet.take_in(CHANGED)
        assert after.state is State.RUNNING
        assert after.spec == replace(ARK, name="New Ark", autostart=True)
        assert (after.next_spec, after.described) == (CHANGED, CHANGED)
        after = await fleet.restart("ark", ANNA)
        assert (after.spec, after.next_spec) == (CHANGED, None)
    assert [request.argv for request in house.launcher.spawned] == [ARK.argv, CHANGED.argv]


async def test_a_name_alone_has_nothing_left_to_wait_for(house: House) -> None:
    async with house.fleet(ARK) as fleet:
        await fleet.start("ark", ANNA)
        after = await fleet.take_in(replace(ARK, name="New Ark"))
        assert (after.spec.name, after.next_spec) == ("New Ark", None)


async def test_what_is_taken_back_before_the_next_start_never_counts(house: House) -> None:
    async with house.fleet(ARK) as fleet:
        await fleet.start("ark", ANNA)
        await fleet.take_in(CHANGED)
        assert (await fleet.take_in(ARK)).next_spec is None
        await fleet.restart("ark", ANNA)
    assert house.launcher.spawned[-1].argv == ARK.argv


async def test_an_exit_is_judged_by_what_was_in_force_and_the_restart_is_by_the_new(house: House) -> None:
    slow = replace(ARK, argv=("run", "--slow"), restart=replace(RESTARTS, policy=RestartMode.NEVER))
    async with house.fleet(ARK) as fleet:
        await fleet.start("ark", ANNA)
        await fleet.take_in(slow)
        house.launcher.processes[0].exit(3)
        await house.journal.nth(ServerCrashed)
        await settle()
        assert fleet.server("ark").state is State.BACKOFF
        assert (fleet.server("ark").spec, fleet.server("ark").next_spec) == (slow, None)
        await house.clock.advance(5)
        await house.journal.nth(ServerReady, 2)
        house.launcher.processes[1].exit(3)
        await house.journal.nth(ServerCrashed, 2)
        await settle()
        assert fleet.server("ark").state is State.STOPPED
    assert house.launcher.spawned[1].argv == slow.argv


async def test_a_new_game_takes_the_place_of_the_old_one_at_the_next_start(house: House) -> None:
    async with house.fleet(ARK) as fleet:
        first = house.game("ark")
        await fleet.start("ark", ANNA)
        await fleet.take_in(replace(ARK, hang=HangPolicy(probes=3)))
        assert not first.closed
        await fleet.restart("ark", ANNA)
        assert first.closed
        assert house.game("ark") is not first
        assert await fleet.command("ark", "list", ANNA) == "ran list"
        assert house.game("ark").asked[-1] == "command: list"


async def test_what_the_games_own_files_say_is_read_at_each_start(house: House) -> None:
    said: list[str] = []

    def outfit(spec: ServerSpec) -> ServerSpec:
        return replace(spec, env={"SAID": ",".join(said)})

    house.outfit = outfit
    async with house.fleet(ARK) as fleet:
        said.append("one")
        assert (await fleet.start("ark", ANNA)).spec == ARK
        said.append("two")
        await fleet.restart("ark", ANNA)
    assert [request.env["SAID"] for request in house.launcher.spawned] == ["one", "one,two"]


async def test_what_the_games_own_files_say_counts_for_one_that_is_found_again(house: House) -> None:
    seen: list[ServerSpec] = []
    async with house.fleet(ARK) as fleet:
        await fleet.start("ark", ANNA)

    def outfit(spec: ServerSpec) -> ServerSpec:
        seen.append(spec)
        return replace(spec, env={"A": "1"})

    house.outfit = outfit
    async with house.fleet(ARK) as fleet:
        assert fleet.server("ark").state is State.RUNNING
        assert fleet.server("ark").spec == ARK
    assert seen == [ARK]


# Let go of


async def test_one_that_is_down_is_let_go_of_and_its_task_ends(house: House) -> None:
    async with house.fleet(ARK, RUST) as fleet:
        await fleet.let_go("ark", ANNA)
        assert [server.id for server in fleet.servers()] == ["rust"]
        assert supervised() == {"supervisor:rust"}
        assert house.game("ark").closed
        with pytest.raises(UnknownServer):
            await fleet.let_go("ark", ANNA)


@pytest.mark.parametrize("state", ["starting", "running", "stopping"])
async def test_one_that_is_up_is_not_let_go_of_unasked(house: House, state: str) -> None:
    house.slow = state == "starting"
    async with house.fleet(ARK) as fleet:
        acts = [asyncio.create_task(fleet.start("ark", ANNA))]
        await house.launcher.nth(1)
        if state != "starting":
            await acts[0]
        if state == "stopping":
            house.game("ark").hang.add("save")
            acts.append(asyncio.create_task(fleet.stop("ark", ANNA)))
        await settle()
        with pytest.raises(WrongState) as caught:
            await fleet.let_go("ark", BERT)
        assert (caught.value.wanted, caught.value.state.value) == ("remove", state)
        assert fleet.server("ark").state.value == state
        for act in acts:
            act.cancel()
    assert house.launcher.processes[0].alive


async def test_one_that_is_up_goes_on_when_let_go_of_and_is_found_when_taken_in_again(house: House) -> None:
    async with house.fleet(ARK) as fleet:
        await fleet.start("ark", ANNA)
        await fleet.let_go("ark", BERT, leave_running=True)
        process = house.launcher.processes[0]
        assert (process.alive, process.terminated, process.killed, process.interrupts) == (True, 0, 0, [])
        assert fleet.live() == {}
        fleet.measured([Sample("ark", 7)])
        server = await fleet.take_in(ARK)
        assert (server.state, server.process) == (State.RUNNING, process.identity)
        await house.journal.nth(ServerAdopted)
    assert len(house.launcher.spawned) == 1


async def test_a_pending_restart_is_called_off_and_stays_so(house: House) -> None:
    async with house.fleet(ARK) as fleet:
        await fleet.start("ark", ANNA)
        house.launcher.processes[0].exit(3)
        await house.journal.nth(ServerCrashed)
        await settle()
        assert fleet.server("ark").state is State.BACKOFF
        await fleet.let_go("ark", BERT)
        assert house.journal.of(RestartCalledOff)[0].by == BERT
        await fleet.take_in(ARK)
        await house.clock.advance(600)
        assert fleet.server("ark").state is State.STOPPED
    assert len(house.launcher.spawned) == 1


async def test_what_is_asked_for_behind_the_last_job_is_not_done(house: House) -> None:
    async with house.fleet(ARK) as fleet:
        going = asyncio.create_task(fleet.let_go("ark", ANNA))
        await asyncio.sleep(0)
        late = asyncio.create_task(fleet.start("ark", BERT))
        await going
        results = await asyncio.gather(late, return_exceptions=True)
        assert isinstance(results[0], asyncio.CancelledError)
    assert house.launcher.spawned == []


async def test_looking_after_a_server_is_no_part_of_what_whoever_took_it_in_is_doing(house: House) -> None:
    doing: contextvars.ContextVar[str] = contextvars.ContextVar("doing", default="nothing")

    async def take_in_while_doing_something() -> None:
        doing.set("something")
        await fleet.take_in(RUST)

    seen: list[str] = []

    def outfit(spec: ServerSpec) -> ServerSpec:
        seen.append(doing.get())
        return spec

    house.outfit = outfit
    async with house.fleet() as fleet:
        await asyncio.create_task(take_in_while_doing_something())
    assert seen == ["nothing"]
