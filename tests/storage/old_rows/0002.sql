-- Rows of the tables that version 2 added; those of a rollup with everything known, and with nothing.
INSERT INTO rollups_1min (server_no, at_s, sample_count, cpu_permille_count, cpu_permille_min, cpu_permille_max, cpu_permille_sum)
    VALUES (1, 1767225540, 12, 11, 1, 999, 4000), (2, 1767225540, 1, 0, NULL, NULL, NULL);
INSERT INTO rollups_10min (server_no, at_s, sample_count, players_count, players_min, players_max, players_sum)
    VALUES (1, 1767225000, 120, NULL, 3, NULL, NULL);
INSERT INTO rollups_1h (server_no, at_s, sample_count, rss_mib_count, rss_mib_min, rss_mib_max, rss_mib_sum)
    VALUES (1, 1767222000, 720, NULL, 2048, 2050, 1475000);
INSERT OR IGNORE INTO rollups_due (bucket_s, at_s) VALUES (60, 1767225600);
