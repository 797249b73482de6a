"""All servers together: found, listed, started by themselves, and left running."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from monitor.errors import LaunchFault, LaunchRefused, StorageError, StorageFault, UnknownServer, WrongState
from monitor.events import HostRebooted, ServerCrashed, ServerReady, ServerStarted, ServerStopped, StartFailed
from monitor.fleet import AUTOSTART, Fleet
from monitor.model import Intent, IntentAction, Plan, ProcessId, Rung, Sample, State, Verdict
from monitor.ports import Control, LaunchRequest
from monitor.spec import RestartMode, ServerSpec
from tests.fakes.clock import settle
from tests.fakes.house import ANNA, BERT, RESTARTS, House, spec_of
from tests.fakes.machine import FakeProcess

pytestmark = pytest.mark.timeout(60)

ARK, RUST = spec_of("ark"), spec_of("rust")
AUTO = spec_of("ark", autostart=True)


async def test_servers_come_in_the_order_of_their_ids(house: House) -> None:
    async with house.fleet(RUST, ARK, spec_of("a-1")) as fleet:
        control: Control = fleet
        assert [server.id for server in control.servers()] == ["a-1", "ark", "rust"]
        assert control.server("rust").spec == RUST
        assert control.log("rust") is house.log("rust")


async def test_a_server_that_is_not_there_is_unknown_to_every_call(house: House) -> None:
    async with house.fleet(ARK) as fleet:
        for ask in (fleet.start, fleet.stop, fleet.restart):
            with pytest.raises(UnknownServer):
                await ask("rust", ANNA)
        with pytest.raises(UnknownServer):
            await fleet.command("rust", "list", ANNA)
        for look in (fleet.server, fleet.log):
            with pytest.raises(UnknownServer) as caught:
                look("rust")
            assert caught.value.server_id == "rust"


async def test_what_is_asked_of_one_server_reaches_it_alone(house: House) -> None:
    rungs: list[Rung] = []

    async with house.fleet(ARK, RUST) as fleet:
        assert (await fleet.start("rust", ANNA)).state is State.RUNNING
        assert await fleet.command("rust", "list", ANNA) == "ran list"
        assert (await fleet.restart("rust", BERT, on_rung=rungs.append)).run_id == 2
        assert rungs[-2:] == [Rung.SAVE, Rung.ASK]
        assert (await fleet.stop("rust", BERT, reason="bye")).state is State.STOPPED
        with pytest.raises(WrongState):
            await fleet.stop("rust", BERT)
        assert fleet.server("ark").since_ms == house.clock.now_ms()
    assert [intent.by for intent in house.journal.intents] == [BERT, BERT]
    assert {request.server_id for request in house.launcher.spawned} == {"rust"}


async def test_a_plan_reaches_its_server_alone_and_is_called_off(house: House) -> None:
    async with house.fleet(ARK, RUST) as fleet:
        await fleet.start("ark", ANNA)
        await fleet.start("rust", ANNA)
        plan = Plan(IntentAction.STOP, BERT, house.clock.now_ms() + 600_000)
        assert (await fleet.plan("rust", plan)).planned == plan
        assert fleet.server("ark").planned is None
        assert (await fleet.cancel("rust", ANNA)).planned is None
        with pytest.raises(UnknownServer):
            await fleet.cancel("rest", ANNA)
        with pytest.raises(UnknownServer):
            await fleet.plan("rest", plan)


async def test_the_sampler_sees_what_lives_and_hands_back_samples(house: House) -> None:
    async with house.fleet(ARK, RUST) as fleet:
        assert fleet.live() == {}
        await fleet.start("rust", ANNA)
        assert fleet.live() == {"rust": house.launcher.processes[0].identity}
        fleet.measured([Sample("rust", 7), Sample("ark", 7)])
        assert (fleet.server("rust").latest, fleet.server("ark").latest) == (Sample("rust", 7), None)
        assert list(fleet.logs()) == [house.log("ark"), house.log("rust")]


async def test_fault_17_five_servers_outlive_the_bot(house: House) -> None:
    specs = [spec_of(f"ark-{number}") for number in range(5)]
    async with house.fleet(*specs) as fleet:
        await asyncio.gather(*(fleet.start(spec.id, ANNA) for spec in specs))
        before = fleet.live()
    assert all(process.alive and process.closed for process in house.launcher.processes)
    async with house.fleet(*specs) as fleet:
        assert fleet.live() == before
        assert {server.state for server in fleet.servers()} == {State.RUNNING}
    assert len(house.launcher.spawned) == 5
    assert not any(event.alerts for event in house.journal.events)


async def autostarted(house: House, number: int, spec: ServerSpec = AUTO) -> bool:
    """Whether the next fleet has made the `number`-th start by itself; if not, all it does is done."""
    async with house.fleet(spec):
        await settle()
        last = (await house.journal.past())["ark"].run
        if last is not None and last.ended_ms is not None:
            return False
        await house.journal.nth(ServerReady, number)
        return house.journal.of(ServerStarted)[-1].by == AUTOSTART


async def test_autostart_of_a_server_that_never_ran(house: House) -> None:
    assert await autostarted(house, 1)


async def test_autostart_leaves_a_live_one_alone(house: House) -> None:
    assert await autostarted(house, 1)
    assert await autostarted(house, 1)
    assert len(house.launcher.spawned) == 1


@pytest.mark.parametrize("how", ["by_us", "in_game"])
@pytest.mark.parametrize("reboot", [False, True], ids=["same_boot", "rebooted_since"])
async def test_autostart_respects_who_took_it_down_until_the_machine_is_started_again(
    house: House, how: str, *, reboot: bool
) -> None:
    async with house.fleet(ARK) as fleet:
        await fleet.start("ark", ANNA)
        if how == "by_us":
            await fleet.stop("ark", ANNA)
        else:
            house.log().write("Stopping the server")
            house.launcher.processes[0].exit(0)
            await house.journal.nth(ServerStopped)
    if reboot:
        house.launcher.reboot()
    assert await autostarted(house, 2) is reboot


async def test_autostart_after_a_reboot_with_the_server_up(house: House) -> None:
    async with house.fleet(ARK) as fleet:
        await fleet.start("ark", ANNA)
    house.launcher.reboot()
    assert await autostarted(house, 2)
    verdicts = [run.report.verdict for run in house.journal.runs.values() if run.report is not None]
    assert verdicts == [Verdict.HOST_REBOOTED]


async def test_a_reboot_is_one_notice_for_all_that_ran(house: House) -> None:
    specs = (ARK, RUST, spec_of("dune"), spec_of("zomboid"))
    async with house.fleet(*specs) as fleet:
        for server_id in ("ark", "rust", "dune"):
            await fleet.start(server_id, ANNA)
        await fleet.stop("dune", ANNA)
    house.heard.clear()
    house.journal.seen_ms = house.clock.now_ms() - 90_000
    house.launcher.reboot()
    async with house.fleet(*specs):
        [notice] = house.journal.of(HostRebooted)
    assert (notice.servers, notice.at_ms, notice.alerts) == (("ark", "rust"), house.clock.now_ms(), True)
    assert notice.last_seen_ms == house.journal.seen_ms
    assert [event for event in house.heard if event.alerts] == [notice]
    async with house.fleet(*specs):
        assert house.journal.of(HostRebooted) == [notice]


async def test_fault_1_what_was_asked_to_stop_just_before_the_reboot_did_not_go_down_with_it(house: House) -> None:
    async with house.fleet(ARK) as fleet:
        await fleet.start("ark", ANNA)
    house.journal.intents.append(Intent("ark", 1, IntentAction.STOP, BERT, house.clock.now_ms()))
    house.launcher.reboot()
    async with house.fleet(ARK) as fleet:
        assert fleet.server("ark").last_exit is not None
        assert house.journal.of(HostRebooted) == []


async def test_autostart_after_a_crash_the_policy_did_not_mend(house: House) -> None:
    never = replace(RESTARTS, policy=RestartMode.NEVER)
    async with house.fleet(spec_of("ark", restart=never)) as fleet:
        await fleet.start("ark", ANNA)
        house.launcher.processes[0].exit(3)
        await house.journal.nth(ServerCrashed)
    assert await autostarted(house, 2, spec_of("ark", restart=never, autostart=True))


async def test_autostart_leaves_one_that_comes_back_by_policy_to_its_pause(house: House) -> None:
    async with house.fleet(ARK) as fleet:
        await fleet.start("ark", ANNA)
    house.launcher.processes[0].exit()
    async with house.fleet(AUTO) as fleet:
        await settle()
        assert fleet.server("ark").state is State.BACKOFF
    assert len(house.launcher.spawned) == 1


async def test_autostart_of_a_run_nothing_came_of(house: House) -> None:
    await house.journal.begin_run("ark", 1, "never spawned")
    async with house.fleet(AUTO):
        assert (await house.journal.nth(ServerStarted)).by == AUTOSTART


async def test_without_autostart_nothing_is_started(house: House) -> None:
    async with house.fleet(ARK):
        await settle()
        await house.clock.advance(3_600)
    assert house.launcher.spawned == []


async def test_a_person_may_be_faster_than_autostart(house: House) -> None:
    async with house.fleet(AUTO) as fleet:
        assert (await fleet.start("ark", ANNA)).state is State.RUNNING
        await settle()
    assert len(house.launcher.spawned) == 1


async def test_fault_15_an_autostart_that_is_refused_is_an_alert_and_costs_the_others_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    spawn = house.launcher.spawn

    async def refuse_ark(request: LaunchRequest) -> FakeProcess:
        if request.server_id == "ark":
            raise LaunchRefused("ark", LaunchFault.NO_SUCH_FOLDER, "/srv")
        return await spawn(request)

    monkeypatch.setattr(house.launcher, "spawn", refuse_ark)
    async with house.fleet(AUTO, spec_of("rust", autostart=True)) as fleet:
        failed = await house.journal.nth(StartFailed)
        await house.journal.nth(ServerReady)
        await settle()
        assert [server.state for server in fleet.servers()] == [State.STOPPED, State.RUNNING]
    assert (failed.server_id, failed.reason, failed.by) == ("ark", "no_such_folder", AUTOSTART)


@pytest.mark.parametrize(
    "failure", [StorageError(StorageFault.BUSY, "/data"), PermissionError("/proc")], ids=["ours", "unexpected"]
)
async def test_a_server_that_cannot_be_recovered_is_not_started_and_costs_the_others_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    async with house.fleet(ARK, RUST) as fleet:
        await fleet.start("ark", ANNA)
        await fleet.start("rust", ANNA)
    adopt, ark = house.launcher.adopt, house.launcher.processes[0].identity

    async def fail(identity: ProcessId) -> FakeProcess | None:
        if identity == ark:
            raise failure
        return await adopt(identity)

    monkeypatch.setattr(house.launcher, "adopt", fail)
    with capture_logs() as logs:
        async with house.fleet(AUTO, RUST) as fleet:
            await settle()
            assert [server.state for server in fleet.servers()] == [State.STOPPED, State.RUNNING]
    assert ("recovery_failed", "ark") in [(entry["event"], entry.get("server")) for entry in logs]
    assert len(house.launcher.spawned) == 2


async def test_an_autostart_that_cannot_be_written_down_is_logged(house: House) -> None:
    house.journal.fail_with = StorageError(StorageFault.READ_ONLY, "/data")
    with capture_logs() as logs:
        async with house.fleet(AUTO) as fleet:
            await settle()
            assert fleet.server("ark").state is State.STOPPED
    assert [entry["event"] for entry in logs] == ["start_not_written_down"]


async def test_a_fleet_closed_as_soon_as_it_is_open_lets_go_of_everything(house: House) -> None:
    async with house.fleet(ARK, RUST):
        pass
    assert house.game("ark").closed
    assert house.game("rust").closed


async def test_closing_a_fleet_that_never_opened_is_harmless(house: House) -> None:
    await Fleet([ARK], make_game=lambda _: house.game(), make_log=lambda _: house.log(), around=house.around).close()
