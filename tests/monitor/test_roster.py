"""Which servers there are: on the disk first, then in the fleet; refused whole where anything is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from monitor.errors import (
    PathFault,
    PathRefused,
    ServerExists,
    StorageError,
    StorageFault,
    UnknownGame,
    UnknownServer,
    WrongState,
)
from monitor.fleet import Fleet
from monitor.model import State
from monitor.roster import Roster
from monitor.spec import AdminEndpoint, Secret, ServerSpec
from tests.fakes.house import ANNA, House, spec_of

pytestmark = pytest.mark.timeout(60)

ARK, RUST = spec_of("ark"), spec_of("rust")


@dataclass
class Store:
    """What is on the disk, and the order in which it came there."""

    kept: dict[str, ServerSpec] = field(default_factory=dict)
    removed: list[tuple[str, int]] = field(default_factory=list)
    fail: bool = False

    async def save(self, specs: Sequence[ServerSpec]) -> None:
        self._fail()
        self.kept |= {spec.id: spec for spec in specs}

    async def remove(self, server_id: str, at_ms: int) -> bool:
        self._fail()
        self.removed.append((server_id, at_ms))
        return self.kept.pop(server_id, None) is not None

    def _fail(self) -> None:
        if self.fail:
            raise StorageError(StorageFault.FULL, "/data")


def roster_of(house: House, fleet: Fleet, store: Store, *roots: Path) -> Roster:
    return Roster(store, fleet, house.clock, adapters={"generic", "minecraft"}, roots=roots)


def ids(fleet: Fleet) -> list[str]:
    return [server.id for server in fleet.servers()]


async def test_a_new_server_is_on_the_disk_and_looked_after(house: House) -> None:
    store = Store()
    async with house.fleet() as fleet:
        server = await roster_of(house, fleet, store).add(ARK)
        assert (server.spec, server.state) == (ARK, State.STOPPED)
        assert (store.kept, ids(fleet)) == ({"ark": ARK}, ["ark"])


async def test_an_id_that_is_taken_is_refused(house: House) -> None:
    store = Store()
    async with house.fleet(ARK) as fleet:
        with pytest.raises(ServerExists):
            await roster_of(house, fleet, store).add(replace(ARK, name="Other"))
        assert fleet.server("ark").spec == ARK
    assert store.kept == {}


async def test_of_two_that_want_the_same_id_at_once_one_gets_it(house: House) -> None:
    async with house.fleet() as fleet:
        roster = roster_of(house, fleet, Store())
        results = await asyncio.gather(*(roster.add(ARK) for _ in range(3)), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["Server", "ServerExists", "ServerExists"]


async def test_saving_adds_and_replaces(house: House) -> None:
    store = Store()
    async with house.fleet(ARK) as fleet:
        after = await roster_of(house, fleet, store).save([replace(ARK, name="New"), RUST])
        assert [server.spec.name for server in after] == ["New", "Rust"]
        assert ids(fleet) == ["ark", "rust"]
    assert set(store.kept) == {"ark", "rust"}


BAD = {
    "game": (replace(RUST, game="tetris"), UnknownGame),
    "place": (replace(RUST, cwd=Path("/etc")), PathRefused),
    "path": (replace(RUST, argv=("C:run",)), PathRefused),
}


@pytest.mark.parametrize(("bad", "error"), BAD.values(), ids=BAD.keys())
async def test_fault_50_one_that_is_wrong_leaves_everything_as_it_was(
    house: House, tmp_path: Path, bad: ServerSpec, error: type[Exception]
) -> None:
    store = Store()
    good = replace(ARK, name="New", cwd=tmp_path)
    bad = bad if bad.cwd != ARK.cwd else replace(bad, cwd=tmp_path)
    async with house.fleet(ARK) as fleet:
        with pytest.raises(error):
            await roster_of(house, fleet, store, tmp_path).save([good, bad])
        assert (ids(fleet), fleet.server("ark").spec) == (["ark"], ARK)
    assert store.kept == {}


async def test_fault_58_a_place_outside_is_named(house: House, tmp_path: Path) -> None:
    async with house.fleet() as fleet:
        with pytest.raises(PathRefused) as caught:
            await roster_of(house, fleet, Store(), tmp_path).add(ARK)
    assert (caught.value.fault, caught.value.roots) == (PathFault.OUTSIDE, (str(tmp_path),))


async def test_what_cannot_be_written_is_not_looked_after(house: House) -> None:
    async with house.fleet(ARK) as fleet:
        with pytest.raises(StorageError):
            await roster_of(house, fleet, Store(fail=True)).save([replace(ARK, name="New"), RUST])
        assert (ids(fleet), fleet.server("ark").spec) == (["ark"], ARK)


async def test_a_change_starts_from_the_newest_description(house: House) -> None:
    store = Store()
    async with house.fleet(ARK) as fleet:
        await fleet.start("ark", ANNA)
        roster = roster_of(house, fleet, store)
        edits = [lambda spec: replace(spec, name="New"), lambda spec: replace(spec, argv=("run", "--slow"))]
        (first, _), (second, after) = await asyncio.gather(*(roster.change("ark", edit) for edit in edits))
        assert (first.name, second.name) == ("Ark", "New")
        assert after.described == replace(ARK, name="New", argv=("run", "--slow"))
        assert store.kept == {"ark": after.described}
        with pytest.raises(UnknownServer):
            await roster.change("rust", lambda spec: spec)


async def test_a_change_that_changes_nothing_is_not_written(house: House) -> None:
    async with house.fleet(ARK) as fleet:
        before, after = await roster_of(house, fleet, Store(fail=True)).change("ark", lambda spec: spec)
        assert (before, after) == (ARK, fleet.server("ark"))


async def test_one_from_before_the_allowed_folders_may_be_renamed_and_not_moved(house: House, tmp_path: Path) -> None:
    async with house.fleet(ARK) as fleet:
        roster = roster_of(house, fleet, Store(), tmp_path)
        _, after = await roster.change("ark", lambda spec: replace(spec, name="New"))
        assert after.spec.name == "New"
        with pytest.raises(PathRefused):
            await roster.change("ark", lambda spec: replace(spec, cwd=Path("/srv/other")))
        assert fleet.server("ark").spec == after.spec


async def test_fault_64_a_new_password_is_hidden_before_it_is_kept(house: House) -> None:
    hidden: list[str] = []
    admin = AdminEndpoint("127.0.0.1", 1, Secret("hunter2"))
    async with house.fleet(ARK) as fleet:
        roster = Roster(Store(fail=True), fleet, house.clock, adapters={"generic"}, hide=hidden.extend)
        with pytest.raises(StorageError):
            await roster.save([replace(ARK, admin=admin), RUST])
    assert hidden == ["hunter2"]


async def test_a_removed_server_is_gone_from_both(house: House) -> None:
    store = Store({"ark": ARK})
    async with house.fleet(ARK) as fleet:
        await roster_of(house, fleet, store).remove("ark", ANNA)
        assert ids(fleet) == []
        with pytest.raises(UnknownServer):
            await roster_of(house, fleet, store).remove("ark", ANNA)
    assert store.removed == [("ark", house.clock.now_ms())]


async def test_one_that_is_up_is_removed_only_when_that_is_said(house: House) -> None:
    store = Store({"ark": ARK})
    async with house.fleet(ARK) as fleet:
        await fleet.start("ark", ANNA)
        roster = roster_of(house, fleet, store)
        with pytest.raises(WrongState):
            await roster.remove("ark", ANNA)
        assert (ids(fleet), set(store.kept)) == (["ark"], {"ark"})
        await roster.remove("ark", ANNA, leave_running=True)
        assert (ids(fleet), store.kept) == ([], {})
    assert house.launcher.processes[0].alive


async def test_one_whose_removal_cannot_be_written_is_looked_after_as_before(house: House) -> None:
    async with house.fleet(ARK) as fleet:
        await fleet.start("ark", ANNA)
        with pytest.raises(StorageError):
            await roster_of(house, fleet, Store(fail=True)).remove("ark", ANNA, leave_running=True)
        assert fleet.server("ark").state is State.RUNNING
    assert len(house.launcher.spawned) == 1
