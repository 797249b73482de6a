"""Nothing is allowed that was not granted."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from monitor.errors import UnknownServer
from storage.database import Database
from storage.grants import Action, Grant, Grants, PrincipalKind, allows
from storage.servers import Servers

GUILD = 1
ROLE_ON_ARK = Grant(GUILD, PrincipalKind.ROLE, 10, Action.CONTROL, "ark")
ROLE_ON_ALL = Grant(GUILD, PrincipalKind.ROLE, 10, Action.VIEW)
USER_ON_ALL = Grant(GUILD, PrincipalKind.USER, 20, Action.ADMIN)

pytestmark = pytest.mark.usefixtures("two_servers")


@pytest.mark.parametrize(
    ("held", "action", "server_id", "allowed"),
    [
        pytest.param((), Action.VIEW, "ark", False, id="nothing held"),
        pytest.param((ROLE_ON_ARK,), Action.CONTROL, "ark", True, id="that server"),
        pytest.param((ROLE_ON_ARK,), Action.CONTROL, "rust", False, id="another server"),
        pytest.param((ROLE_ON_ARK,), Action.CONTROL, None, False, id="one server is not all"),
        pytest.param((ROLE_ON_ARK,), Action.CONSOLE, "ark", False, id="another action"),
        pytest.param((ROLE_ON_ARK,), Action.VIEW, "ark", False, id="control does not imply view"),
        pytest.param((ROLE_ON_ALL,), Action.VIEW, "rust", True, id="all servers"),
        pytest.param((ROLE_ON_ALL,), Action.VIEW, None, True, id="no single server"),
        pytest.param((ROLE_ON_ARK, ROLE_ON_ALL), Action.VIEW, "rust", True, id="the second of two"),
    ],
)
def test_allows(held: tuple[Grant, ...], action: Action, server_id: str | None, allowed: bool) -> None:  # noqa: FBT001
    assert allows(held, action, server_id) is allowed


@pytest.mark.parametrize(("action", "server_id"), list(product(Action, ["ark", None])))
def test_admin_implies_everything(action: Action, server_id: str | None) -> None:
    assert allows([USER_ON_ALL], action, server_id)


@pytest.mark.parametrize("action", Action)
def test_admin_of_one_server_is_admin_of_that_one_only(action: Action) -> None:
    grant = replace(USER_ON_ALL, server_id="ark")
    assert allows([grant], action, "ark")
    assert not allows([grant], action, "rust")
    assert not allows([grant], action, None)


async def test_a_grant_comes_back_as_it_was_given(db: Database) -> None:
    grants = Grants(db)
    for grant in (ROLE_ON_ARK, ROLE_ON_ALL, USER_ON_ALL):
        assert await grants.add(grant)
    assert await grants.all(GUILD) == (ROLE_ON_ARK, ROLE_ON_ALL, USER_ON_ALL)
    assert await grants.all(2) == ()


@pytest.mark.parametrize("grant", [ROLE_ON_ARK, ROLE_ON_ALL], ids=["one server", "all servers"])
async def test_giving_twice_is_giving_once(db: Database, grant: Grant) -> None:
    grants = Grants(db)
    assert await grants.add(grant)
    assert not await grants.add(grant)
    assert await grants.all(GUILD) == (grant,)


async def test_taking_back_takes_only_that_one(db: Database) -> None:
    grants = Grants(db)
    everywhere = replace(ROLE_ON_ARK, server_id=None)
    await grants.add(ROLE_ON_ARK)
    await grants.add(everywhere)
    assert await grants.remove(everywhere)
    assert not await grants.remove(everywhere)
    assert await grants.all(GUILD) == (ROLE_ON_ARK,)


@pytest.mark.parametrize("change", [Grants.add, Grants.remove])
async def test_a_server_that_is_not_there_cannot_be_granted(db: Database, change: object) -> None:
    assert callable(change)
    with pytest.raises(UnknownServer):
        await change(Grants(db), replace(ROLE_ON_ARK, server_id="nowhere"))


async def test_fault_46_what_was_granted_on_a_server_goes_with_it(db: Database) -> None:
    grants, servers = Grants(db), Servers(db)
    for grant in (ROLE_ON_ARK, ROLE_ON_ALL):
        await grants.add(grant)
    [ark] = [spec for spec in await servers.all() if spec.id == "ark"]
    await servers.remove("ark", 5)
    with pytest.raises(UnknownServer):
        await grants.add(ROLE_ON_ARK)
    await servers.save([ark])
    assert await grants.all(GUILD) == (ROLE_ON_ALL,)
