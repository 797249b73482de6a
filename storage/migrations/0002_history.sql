-- Samples and their rollups.

-- One integer column for each row of monitor.metrics.METRICS, scaled as it says.
-- Time and server are one integer: a table appends to its end at less cost than an index (WITHOUT ROWID) does.
-- No REFERENCES: the writer takes the number from servers, and to look it up row by row costs a seventh of a flush.
CREATE TABLE new_samples (
    key             INTEGER PRIMARY KEY,    -- at_s * 1024 + server_no
    cpu_permille    INTEGER,
    rss_mib         INTEGER,
    players         INTEGER,
    tick_rate_centi INTEGER,
    read_kib_per_s  INTEGER,
    write_kib_per_s INTEGER,
    threads         INTEGER,
    at_s            INTEGER NOT NULL AS (key >> 10),
    server_no       INTEGER NOT NULL AS (key & 1023)
) STRICT;

INSERT INTO new_samples (
    key, cpu_permille, rss_mib, players, tick_rate_centi, read_kib_per_s, write_kib_per_s, threads
)
SELECT
    at_s * 1024 + server_no,
    cpu_permille, (rss_kib + 512) / 1024, players, tick_rate_centi, read_kib_per_s, write_kib_per_s, threads
FROM samples ORDER BY at_s, server_no;

DROP TABLE samples;
ALTER TABLE new_samples RENAME TO samples;

-- What a server's samples of one minute, ten minutes or one hour come to; at_s is where that time begins.
-- What follows from the other columns is NULL and takes no room: a _count that is sample_count, a _max that is
-- the _min, and then the _sum. A metric of which nothing is known has a _count of 0. The views have it all.
CREATE TABLE rollups_1min (
    server_no             INTEGER NOT NULL REFERENCES servers (no),
    at_s                  INTEGER NOT NULL,
    sample_count          INTEGER NOT NULL,
    cpu_permille_count    INTEGER,
    cpu_permille_min      INTEGER,
    cpu_permille_max      INTEGER,
    cpu_permille_sum      INTEGER,
    rss_mib_count         INTEGER,
    rss_mib_min           INTEGER,
    rss_mib_max           INTEGER,
    rss_mib_sum           INTEGER,
    players_count         INTEGER,
    players_min           INTEGER,
    players_max           INTEGER,
    players_sum           INTEGER,
    tick_rate_centi_count INTEGER,
    tick_rate_centi_min   INTEGER,
    tick_rate_centi_max   INTEGER,
    tick_rate_centi_sum   INTEGER,
    read_kib_per_s_count  INTEGER,
    read_kib_per_s_min    INTEGER,
    read_kib_per_s_max    INTEGER,
    read_kib_per_s_sum    INTEGER,
    write_kib_per_s_count INTEGER,
    write_kib_per_s_min   INTEGER,
    write_kib_per_s_max   INTEGER,
    write_kib_per_s_sum   INTEGER,
    threads_count         INTEGER,
    threads_min           INTEGER,
    threads_max           INTEGER,
    threads_sum           INTEGER,
    PRIMARY KEY (server_no, at_s)
) STRICT, WITHOUT ROWID;

CREATE TABLE rollups_10min (
    server_no             INTEGER NOT NULL REFERENCES servers (no),
    at_s                  INTEGER NOT NULL,
    sample_count          INTEGER NOT NULL,
    cpu_permille_count    INTEGER,
    cpu_permille_min      INTEGER,
    cpu_permille_max      INTEGER,
    cpu_permille_sum      INTEGER,
    rss_mib_count         INTEGER,
    rss_mib_min           INTEGER,
    rss_mib_max           INTEGER,
    rss_mib_sum           INTEGER,
    players_count         INTEGER,
    players_min           INTEGER,
    players_max           INTEGER,
    players_sum           INTEGER,
    tick_rate_centi_count INTEGER,
    tick_rate_centi_min   INTEGER,
    tick_rate_centi_max   INTEGER,
    tick_rate_centi_sum   INTEGER,
    read_kib_per_s_count  INTEGER,
    read_kib_per_s_min    INTEGER,
    read_kib_per_s_max    INTEGER,
    read_kib_per_s_sum    INTEGER,
    write_kib_per_s_count INTEGER,
    write_kib_per_s_min   INTEGER,
    write_kib_per_s_max   INTEGER,
    write_kib_per_s_sum   INTEGER,
    threads_count         INTEGER,
    threads_min           INTEGER,
    threads_max           INTEGER,
    threads_sum           INTEGER,
    PRIMARY KEY (server_no, at_s)
) STRICT, WITHOUT ROWID;

CREATE TABLE rollups_1h (
    server_no             INTEGER NOT NULL REFERENCES servers (no),
    at_s                  INTEGER NOT NULL,
    sample_count          INTEGER NOT NULL,
    cpu_permille_count    INTEGER,
    cpu_permille_min      INTEGER,
    cpu_permille_max      INTEGER,
    cpu_permille_sum      INTEGER,
    rss_mib_count         INTEGER,
    rss_mib_min           INTEGER,
    rss_mib_max           INTEGER,
    rss_mib_sum           INTEGER,
    players_count         INTEGER,
    players_min           INTEGER,
    players_max           INTEGER,
    players_sum           INTEGER,
    tick_rate_centi_count INTEGER,
    tick_rate_centi_min   INTEGER,
    tick_rate_centi_max   INTEGER,
    tick_rate_centi_sum   INTEGER,
    read_kib_per_s_count  INTEGER,
    read_kib_per_s_min    INTEGER,
    read_kib_per_s_max    INTEGER,
    read_kib_per_s_sum    INTEGER,
    write_kib_per_s_count INTEGER,
    write_kib_per_s_min   INTEGER,
    write_kib_per_s_max   INTEGER,
    write_kib_per_s_sum   INTEGER,
    threads_count         INTEGER,
    threads_min           INTEGER,
    threads_max           INTEGER,
    threads_sum           INTEGER,
    PRIMARY KEY (server_no, at_s)
) STRICT, WITHOUT ROWID;

CREATE VIEW whole_1min AS SELECT
    server_no,
    at_s,
    sample_count,
    ifnull(cpu_permille_count, sample_count) AS cpu_permille_count,
    cpu_permille_min,
    ifnull(cpu_permille_max, cpu_permille_min) AS cpu_permille_max,
    ifnull(cpu_permille_sum, cpu_permille_min * ifnull(cpu_permille_count, sample_count)) AS cpu_permille_sum,
    ifnull(rss_mib_count, sample_count) AS rss_mib_count,
    rss_mib_min,
    ifnull(rss_mib_max, rss_mib_min) AS rss_mib_max,
    ifnull(rss_mib_sum, rss_mib_min * ifnull(rss_mib_count, sample_count)) AS rss_mib_sum,
    ifnull(players_count, sample_count) AS players_count,
    players_min,
    ifnull(players_max, players_min) AS players_max,
    ifnull(players_sum, players_min * ifnull(players_count, sample_count)) AS players_sum,
    ifnull(tick_rate_centi_count, sample_count) AS tick_rate_centi_count,
    tick_rate_centi_min,
    ifnull(tick_rate_centi_max, tick_rate_centi_min) AS tick_rate_centi_max,
    ifnull(tick_rate_centi_sum, tick_rate_centi_min * ifnull(tick_rate_centi_count, sample_count)) AS tick_rate_centi_sum,
    ifnull(read_kib_per_s_count, sample_count) AS read_kib_per_s_count,
    read_kib_per_s_min,
    ifnull(read_kib_per_s_max, read_kib_per_s_min) AS read_kib_per_s_max,
    ifnull(read_kib_per_s_sum, read_kib_per_s_min * ifnull(read_kib_per_s_count, sample_count)) AS read_kib_per_s_sum,
    ifnull(write_kib_per_s_count, sample_count) AS write_kib_per_s_count,
    write_kib_per_s_min,
    ifnull(write_kib_per_s_max, write_kib_per_s_min) AS write_kib_per_s_max,
    ifnull(write_kib_per_s_sum, write_kib_per_s_min * ifnull(write_kib_per_s_count, sample_count)) AS write_kib_per_s_sum,
    ifnull(threads_count, sample_count) AS threads_count,
    threads_min,
    ifnull(threads_max, threads_min) AS threads_max,
    ifnull(threads_sum, threads_min * ifnull(threads_count, sample_count)) AS threads_sum
FROM rollups_1min;

CREATE VIEW whole_10min AS SELECT
    server_no,
    at_s,
    sample_count,
    ifnull(cpu_permille_count, sample_count) AS cpu_permille_count,
    cpu_permille_min,
    ifnull(cpu_permille_max, cpu_permille_min) AS cpu_permille_max,
    ifnull(cpu_permille_sum, cpu_permille_min * ifnull(cpu_permille_count, sample_count)) AS cpu_permille_sum,
    ifnull(rss_mib_count, sample_count) AS rss_mib_count,
    rss_mib_min,
    ifnull(rss_mib_max, rss_mib_min) AS rss_mib_max,
    ifnull(rss_mib_sum, rss_mib_min * ifnull(rss_mib_count, sample_count)) AS rss_mib_sum,
    ifnull(players_count, sample_count) AS players_count,
    players_min,
    ifnull(players_max, players_min) AS players_max,
    ifnull(players_sum, players_min * ifnull(players_count, sample_count)) AS players_sum,
    ifnull(tick_rate_centi_count, sample_count) AS tick_rate_centi_count,
    tick_rate_centi_min,
    ifnull(tick_rate_centi_max, tick_rate_centi_min) AS tick_rate_centi_max,
    ifnull(tick_rate_centi_sum, tick_rate_centi_min * ifnull(tick_rate_centi_count, sample_count)) AS tick_rate_centi_sum,
    ifnull(read_kib_per_s_count, sample_count) AS read_kib_per_s_count,
    read_kib_per_s_min,
    ifnull(read_kib_per_s_max, read_kib_per_s_min) AS read_kib_per_s_max,
    ifnull(read_kib_per_s_sum, read_kib_per_s_min * ifnull(read_kib_per_s_count, sample_count)) AS read_kib_per_s_sum,
    ifnull(write_kib_per_s_count, sample_count) AS write_kib_per_s_count,
    write_kib_per_s_min,
    ifnull(write_kib_per_s_max, write_kib_per_s_min) AS write_kib_per_s_max,
    ifnull(write_kib_per_s_sum, write_kib_per_s_min * ifnull(write_kib_per_s_count, sample_count)) AS write_kib_per_s_sum,
    ifnull(threads_count, sample_count) AS threads_count,
    threads_min,
    ifnull(threads_max, threads_min) AS threads_max,
    ifnull(threads_sum, threads_min * ifnull(threads_count, sample_count)) AS threads_sum
FROM rollups_10min;

CREATE VIEW whole_1h AS SELECT
    server_no,
    at_s,
    sample_count,
    ifnull(cpu_permille_count, sample_count) AS cpu_permille_count,
    cpu_permille_min,
    ifnull(cpu_permille_max, cpu_permille_min) AS cpu_permille_max,
    ifnull(cpu_permille_sum, cpu_permille_min * ifnull(cpu_permille_count, sample_count)) AS cpu_permille_sum,
    ifnull(rss_mib_count, sample_count) AS rss_mib_count,
    rss_mib_min,
    ifnull(rss_mib_max, rss_mib_min) AS rss_mib_max,
    ifnull(rss_mib_sum, rss_mib_min * ifnull(rss_mib_count, sample_count)) AS rss_mib_sum,
    ifnull(players_count, sample_count) AS players_count,
    players_min,
    ifnull(players_max, players_min) AS players_max,
    ifnull(players_sum, players_min * ifnull(players_count, sample_count)) AS players_sum,
    ifnull(tick_rate_centi_count, sample_count) AS tick_rate_centi_count,
    tick_rate_centi_min,
    ifnull(tick_rate_centi_max, tick_rate_centi_min) AS tick_rate_centi_max,
    ifnull(tick_rate_centi_sum, tick_rate_centi_min * ifnull(tick_rate_centi_count, sample_count)) AS tick_rate_centi_sum,
    ifnull(read_kib_per_s_count, sample_count) AS read_kib_per_s_count,
    read_kib_per_s_min,
    ifnull(read_kib_per_s_max, read_kib_per_s_min) AS read_kib_per_s_max,
    ifnull(read_kib_per_s_sum, read_kib_per_s_min * ifnull(read_kib_per_s_count, sample_count)) AS read_kib_per_s_sum,
    ifnull(write_kib_per_s_count, sample_count) AS write_kib_per_s_count,
    write_kib_per_s_min,
    ifnull(write_kib_per_s_max, write_kib_per_s_min) AS write_kib_per_s_max,
    ifnull(write_kib_per_s_sum, write_kib_per_s_min * ifnull(write_kib_per_s_count, sample_count)) AS write_kib_per_s_sum,
    ifnull(threads_count, sample_count) AS threads_count,
    threads_min,
    ifnull(threads_max, threads_min) AS threads_max,
    ifnull(threads_sum, threads_min * ifnull(threads_count, sample_count)) AS threads_sum
FROM rollups_1h;

-- Rollups that are not as the samples have them: because their time has not passed, or because samples came late.
CREATE TABLE rollups_due (
    bucket_s INTEGER NOT NULL,
    at_s     INTEGER NOT NULL,
    PRIMARY KEY (bucket_s, at_s)
) STRICT, WITHOUT ROWID;

INSERT INTO rollups_due (bucket_s, at_s)
SELECT DISTINCT bucket_s, at_s - at_s % bucket_s
FROM (SELECT DISTINCT at_s - at_s % 60 AS at_s FROM samples), (SELECT value AS bucket_s FROM json_each('[60,600,3600]'));
