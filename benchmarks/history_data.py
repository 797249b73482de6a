"""What twenty game servers measure, made up by SQLite itself, so that millions of rows take seconds.

Loosely after real ones: some idle and some busy, half of them with players, a third of them telling their tick rate,
most reading nothing and writing in bursts.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from monitor.model import Sample
from monitor.spec import ServerSpec
from storage.measures import SERVER_BITS, sample_from
from storage.rollups import LEVELS, MINUTE

BEGIN_S = 1_767_225_600
"""Where the made up time begins: a full day."""
DAY_S = 86_400

_PROFILES = """
    CREATE TEMP TABLE profiles (no INTEGER PRIMARY KEY, cpu, rss, players, tick, threads);
    WITH RECURSIVE n (no) AS (SELECT 1 UNION ALL SELECT no + 1 FROM n WHERE no < {servers})
    INSERT INTO profiles SELECT
        no,
        json_extract('[3, 20, 50, 120, 350, 800, 1500]', '$[' || (no * 5 % 7) || ']'),
        json_extract('[40, 700, 2500, 4200, 6100, 9000, 14000]', '$[' || (no * 3 % 7) || ']'),
        json_extract('[0, 0, 0, 1, 4, 20]', '$[' || (no % 6) || ']'),
        no % 3 = 0,
        json_extract('[12, 28, 45, 60, 90, 110, 160]', '$[' || (no * 2 % 7) || ']')
    FROM n;
"""
MEASURED = """
    cpu * (70 + abs(random()) % 60) / 100 AS cpu_permille,
    rss + at_s / 97 % 40 + abs(random()) % 2 AS rss_mib,
    players * (at_s / 600 * 7 + no * 13) % 11 / 10 AS players,
    CASE WHEN tick THEN 2000 - abs(random()) % 17 END AS tick_rate_centi,
    CASE abs(random()) % 33 WHEN 0 THEN 300 ELSE 0 END AS read_kib_per_s,
    CASE abs(random()) % 9 WHEN 0 THEN 1 WHEN 1 THEN 4 WHEN 2 THEN 12 WHEN 3 THEN 60 WHEN 4 THEN 300 ELSE 0 END
        AS write_kib_per_s,
    threads
"""
_SECONDS = """
    WITH RECURSIVE seconds (at_s) AS (
        SELECT :since_s UNION ALL SELECT at_s + :every_s FROM seconds WHERE at_s + :every_s < :until_s
    )
"""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some time, measured in even steps; epoch seconds."""

    since_s: int
    until_s: int
    every_s: int

    def named(self) -> dict[str, int]:
        return {"since_s": self.since_s, "until_s": self.until_s, "every_s": self.every_s}


def specs(servers: int) -> list[ServerSpec]:
    """Servers whose numbers in the database are 1 and so on."""
    return [ServerSpec(f"s{no:02}", f"s{no:02}", "generic", ("run",), Path("/srv")) for no in range(1, servers + 1)]


def ticks(servers: int, stretch: Stretch) -> Iterator[list[Sample]]:
    """Give what is measured, second after second."""
    query = f"{_SECONDS} SELECT at_s, no, {MEASURED} FROM seconds CROSS JOIN profiles"
    with closing(_profiled(Path(":memory:"), servers)) as connection:
        found: list[Sample] = []
        for at_s, no, *measures in connection.execute(query, stretch.named()):
            if found and found[0].at_s != at_s:
                yield found
                found = []
            found.append(sample_from(f"s{no:02}", at_s, measures))
        yield found


def fill(path: Path, servers: int, stretches: Sequence[Stretch]) -> None:
    """Put raw samples into our database, and mark all of their rollups as due. Blocking."""
    insert = f"""
        INSERT INTO samples (
            key, cpu_permille, rss_mib, players, tick_rate_centi, read_kib_per_s, write_kib_per_s, threads
        )
        {_SECONDS} SELECT (at_s << {SERVER_BITS}) + no, {MEASURED} FROM seconds CROSS JOIN profiles
    """
    _fill(path, servers, insert, stretches, after=_DUE)


def fill_plain(path: Path, servers: int, stretches: Sequence[Stretch]) -> None:
    """Put the same into a plain table. Blocking."""
    insert = f"""
        INSERT INTO samples (time, server, cpu, memory, players, tick_rate, read, write, threads)
        {_SECONDS}
        SELECT
            strftime('%Y-%m-%dT%H:%M:%S+00:00', at_s, 'unixepoch'), printf('s%02d', no), cpu_permille / 10.0,
            rss_mib * 1048576, players, tick_rate_centi / 100.0, read_kib_per_s * 1024.0, write_kib_per_s * 1024.0,
            threads
        FROM (SELECT at_s, no, {MEASURED} FROM seconds CROSS JOIN profiles)
    """
    _fill(path, servers, insert, stretches)


_DUE = f"""
    WITH RECURSIVE minutes (at_s) AS (
        SELECT (SELECT min(key) FROM samples) >> {SERVER_BITS}
        UNION ALL SELECT at_s + {MINUTE.bucket_s} FROM minutes
        WHERE at_s + {MINUTE.bucket_s} <= (SELECT max(key) FROM samples) >> {SERVER_BITS}
    )
    INSERT OR IGNORE INTO rollups_due
    SELECT value, at_s - at_s % value FROM json_each('{[level.bucket_s for level in LEVELS]}'), minutes
"""


def _fill(path: Path, servers: int, insert: str, stretches: Sequence[Stretch], after: str = "") -> None:
    with closing(_profiled(path, servers)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        for stretch in stretches:
            connection.execute(insert, stretch.named())
        if after:
            connection.execute(after)
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _profiled(path: Path, servers: int) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(_PROFILES.format(servers=servers))
    return connection
