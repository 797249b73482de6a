"""What is said when something is wrong with the database itself."""

from __future__ import annotations

import pytest

from cogs.locale.catalogue import catalogue
from cogs.render.alerts import alert_embed
from cogs.render.database import ADVICE, DEGRADED
from monitor.errors import StorageFault
from monitor.events import DatabaseRestored, Event, StorageDegraded, StorageRecovered
from storage.trouble import REFUSING
from tests.cogs.render.legal import assert_legal

AT_MS = 1_767_225_600_000
HOUR_MS = 3_600_000


def told(event: Event, locale: str = "en-US") -> str:
    embed = alert_embed(event, 7, "", catalogue(locale))
    assert_legal(embed)
    return f"{embed.title}\n{embed.description}"


def restored(backup_ms: int | None, until_ms: int | None) -> str:
    return told(
        DatabaseRestored(
            at_ms=AT_MS,
            set_aside="gamekeeper.db.damaged-20260101T000000.000Z",
            backup_ms=backup_ms,
            until_ms=until_ms,
            found="file is not a database",
        )
    )


def test_a_restored_database_says_from_when_to_when_everything_is_missing_and_where_the_old_one_is() -> None:
    text = restored(AT_MS - 5 * HOUR_MS, AT_MS - HOUR_MS)
    since, until = (AT_MS - 5 * HOUR_MS) // 1000, (AT_MS - HOUR_MS) // 1000
    assert "The database was damaged" in text
    assert f"What is missing: <t:{since}:f> (<t:{since}:R>) to <t:{until}:f>" in text
    assert "damaged-20260101T000000" in text
    assert "file is not a database" in text
    assert "Check the disk" in text


@pytest.mark.parametrize(
    ("backup_ms", "until_ms", "says"),
    [
        pytest.param(AT_MS - HOUR_MS, None, "What was written after it is missing", id="nobody knows until when"),
        pytest.param(AT_MS - HOUR_MS, AT_MS - 2 * HOUR_MS, "nothing is missing", id="nothing was written since"),
        pytest.param(None, AT_MS, "There was no backup: the history begins anew.", id="no backup"),
    ],
)
def test_what_is_missing(backup_ms: int | None, until_ms: int | None, says: str) -> None:
    assert says in restored(backup_ms, until_ms)


@pytest.mark.parametrize("fault", [*sorted(REFUSING), StorageFault.UNREADABLE])
@pytest.mark.parametrize("in_memory", [False, True])
def test_every_trouble_has_a_headline_and_says_what_to_do(fault: StorageFault, in_memory: bool) -> None:  # noqa: FBT001
    event = StorageDegraded(at_ms=AT_MS, fault=fault.value, path="/srv/gamekeeper.db", in_memory=in_memory)
    text = told(event)
    assert DEGRADED[fault] in text
    assert ADVICE[fault] in text
    assert "/srv/gamekeeper.db" in text
    assert ("lost if the bot ends" in text) is in_memory
    assert told(event, "ko") != text


@pytest.mark.parametrize(
    ("dropped", "says"),
    [(0, "Nothing was lost."), (1, "1 measurement was not kept"), (12, "12 measurements were not kept")],
)
def test_when_it_is_over_it_says_what_was_lost(dropped: int, says: str) -> None:
    text = told(StorageRecovered(at_ms=AT_MS, fault="full", after_s=600, samples_dropped=dropped))
    assert says in text
    assert "The database can be used again" in text
